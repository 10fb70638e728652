"""JSON over HTTP: paths, observation times, and what is no number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import SourceKind
from pytest_rollout.core.series import SECOND, nanoseconds
from pytest_rollout.metrics.json_path import found, path
from tests.metrics.conftest import START, Answer, Site

Ask = Callable[..., Any]
STATS = {"mode": "shadow", "total": 1000, "divergences": 1, "rate": 0.001, "at": "2026-01-05T00:30:00Z"}


@pytest.fixture
def stats(ask: Ask, site: Site) -> Ask:
    def one(body: Any = STATS, headers: dict[str, str] | None = None, status: int = 200, **given: Any) -> Any:
        site.answers = [Answer(body=body, headers=headers or {}, status=status)]
        return ask(**{"kind": SourceKind.HTTP, "url": site.url, "query": "rate", "options": {"time": "at"}, **given})

    return one


def test_a_value_at_its_own_time(stats: Ask) -> None:
    (series,) = stats().series

    assert list(series.column) == [Fraction(1, 1000)]
    assert list(series.times) == [nanoseconds(START) + 1800 * SECOND]


def test_counts_rather_than_a_rate(stats: Ask) -> None:
    (series,) = stats(query="", good="divergences", total="total").series

    assert (list(series.good), list(series.total)) == ([1], [1000])


def test_what_was_observed_before_the_window_is_not_in_it(stats: Ask) -> None:
    """The exporter stopped yesterday and still answers."""
    (series,) = stats(since=START + timedelta(minutes=45)).series

    assert len(series) == 0


def test_the_date_of_the_answer_counts_without_a_path(stats: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string", lambda _: "Mon, 05 Jan 2026 00:30:00 GMT"
    )

    (series,) = stats(options={}).series

    assert list(series.times) == [nanoseconds(START) + 1800 * SECOND]


def test_an_answer_a_moment_after_the_question_counts(stats: Ask) -> None:
    (series,) = stats(STATS | {"at": "2026-01-05T01:00:02Z"}).series

    assert list(series.times) == [nanoseconds(START) + 3600 * SECOND]


@pytest.mark.parametrize("rate", ["0.001", True, None, {}, [1]], ids=str)
def test_what_is_no_number_is_missing(stats: Ask, rate: Any) -> None:
    (series,) = stats(STATS | {"rate": rate}).series

    assert (len(series), len(series.missing)) == (0, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"query": "raet"},
            "the document has no key 'raet', it has mode, total, divergences, rate, at. Did you mean 'rate'?",
        ),
        ({"query": "rate.x"}, "rate is no table"),
        ({"query": "rate[0]"}, "rate is no list"),
        ({"body": [1]}, "the document is a list of 1"),
        ({"body": STATS | {"at": 1767573000000}}, "is in milliseconds"),
        ({"body": STATS | {"at": "2026-01-05T00:30:00"}}, "says no offset from UTC"),
        ({"body": STATS | {"at": "2027-01-01T00:00:00Z"}}, "observed after it was asked for; look at the clocks"),
        ({"body": {"error": "busy"}, "status": 500}, "status 500 where 200 is needed"),
        ({"query": "rate rate"}, "is no path"),
        ({"query": "a..b"}, "is no path"),
        ({"body": {"r": [1, 2]}, "query": "r[*]", "options": {}}, "'time' must say the path of their times"),
        ({"body": {"r": [1, 2], "t": [1]}, "query": "r[*]", "options": {"time": "t[*]"}}, "is in no year"),
        (
            {"body": {"r": [1, 2], "t": [1767571201]}, "query": "r[*]", "options": {"time": "t[*]"}},
            "2 values stand beside 1",
        ),
    ],
)
def test_answers_that_cannot_be_meant(stats: Ask, given: dict[str, Any], says: str) -> None:
    with pytest.raises(MetricError) as caught:
        stats(**given)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b", [1]),
        ("$.a.b", [1]),
        ("$", [{"a": {"b": 1}, "l": [{"v": 5}, {}, {"v": 6}], "odd name": 3}]),
        ("l[0].v", [5]),
        ("l[*].v", [5, None, 6]),
        ('["odd name"]', [3]),
    ],
)
def test_paths(text: str, values: list[Any]) -> None:
    document = {"a": {"b": 1}, "l": [{"v": 5}, {}, {"v": 6}], "odd name": 3}

    assert found(document, path(text)) == values
