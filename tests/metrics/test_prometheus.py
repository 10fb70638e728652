"""A real Prometheus asked: raw samples with their own times, steps with the scrape behind them, nothing reduced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.series import SECOND, nanoseconds
from tests.metrics.conftest import START, Answer, Site

Ask = Callable[..., Any]
GOOD = 'sum(increase(tx_total{status="1"}[1m]))'
TOTAL = "sum(increase(tx_total[1m]))"
HOUR = nanoseconds(START) + 3600 * SECOND


@pytest.fixture
def real(prometheus: str, ask: Ask) -> Ask:
    return lambda **given: ask(url=prometheus, **given)


# ---------------------------------------------------------------------------------- a real Prometheus


def test_a_selector_gives_raw_samples_of_every_series(real: Ask) -> None:
    """Two rooms are two series; which one a [0] would have taken is nobody's to say."""
    found = real(query="temperature")

    assert [dict(each.labels)["room"] for each in found.series] == ["one", "two"]
    assert [each.column[0] for each in found.series] == [1, 1001]


def test_a_pair_of_counts_is_asked_at_the_same_steps_and_counts_no_event_twice(real: Ask) -> None:
    """increase over a minute, asked every 15 s, would count each transaction four times."""
    (series,) = real(good=GOOD, total=TOTAL).series

    assert len(series) == 60
    assert list(series.good[:2]) == [40, 40]
    assert {later - earlier for earlier, later in zip(series.times, series.times[1:], strict=False)} == {60 * SECOND}


def test_a_pair_of_counts_thing_by_thing(real: Ask) -> None:
    by = "sum by (instance) (increase(tx_total{}[1m]))"

    (series,) = real(good=by.replace("{}", '{status="1"}'), total=by, per="instance").series

    assert series.labels == {"instance": "a"}
    assert len(series) == 60


def test_a_dead_exporter_has_no_more_samples_although_its_range_still_answers(real: Ask) -> None:
    """increase(...[1h]) answers for an hour after the exporter died; nothing was observed after its last scrape."""
    (series,) = real(query="sum(increase(dead_total[1h]))").series

    assert series.times[-1] == nanoseconds(START) + 119 * 15 * SECOND


def test_a_gap_is_a_gap(real: Ask) -> None:
    """Looking back 5 minutes fills gaps; the times of the scrapes do not."""
    (series,) = real(query="max(gap)", until=START + timedelta(hours=2)).series
    steps = [later - earlier for earlier, later in zip(series.times, series.times[1:], strict=False)]

    assert max(steps) == 81 * 15 * SECOND


def test_a_restarted_counter_is_corrected_and_still_seen_raw(real: Ask) -> None:
    """increase() corrects a reset; the raw counter shows that there was one."""
    (corrected,) = real(query="sum(increase(restarts_total[1m]))").series
    (raw,) = real(query="restarts_total").series

    assert min(corrected.column[4:]) > 0
    assert any(later < earlier for earlier, later in zip(raw.column, raw.column[1:], strict=False))


def test_nan_and_infinity_are_missing(real: Ask) -> None:
    (series,) = real(query="broken").series

    assert [time - nanoseconds(START) for time in series.missing] == [1500 * SECOND, 1515 * SECOND]


def test_the_largest_numbers_are_kept(real: Ask) -> None:
    (series,) = real(query="huge").series

    assert set(series.column) == {1e308}


def test_no_such_series_is_no_data_and_no_error(real: Ask) -> None:
    assert real(query="nothing_of_that_name").series == ()


def test_no_traffic_is_missing_and_not_a_ratio(real: Ask) -> None:
    """0 of 0: the counts stand as they are, and the rules call them missing."""
    (series,) = real(good="sum(increase(idle[1m])) or 0 * sum(tx_total)", total="0 * sum(tx_total)").series

    assert set(series.total) == {0}
    assert len(series.counted()) == 0


def test_more_than_11000_points_are_asked_for_in_several_requests(real: Ask) -> None:
    found = real(query="sum(temperature)", interval=timedelta(milliseconds=250), until=START + timedelta(hours=1.5))

    assert found.attempts == 2
    assert len(found.series[0]) == 360


def test_one_request_of_the_most_points_is_accepted(real: Ask) -> None:
    found = real(query="sum(temperature)", interval=timedelta(seconds=0.25), until=START + timedelta(seconds=2750))

    assert found.attempts == 1


def test_buckets_come_as_they_are(real: Ask) -> None:
    found = real(query="sum by (le) (increase(wait_seconds_bucket[1m]))", histogram=True)

    assert [each.labels["le"] for each in found.series] == ["+Inf", "0.1", "0.5"]


def test_the_observation_time_can_be_a_query_of_the_plan(real: Ask) -> None:
    """A Pushgateway is scraped freshly whatever it holds; only what was pushed knows when."""
    (series,) = real(query="max(temperature)", options={"observed": "min(timestamp(dead_total))"}).series

    assert series.times[-1] == nanoseconds(START) + 119 * 15 * SECOND


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"query": '"text"'}, "selects no series"),
        ({"query": "vector(1)"}, "selects no series"),
        ({"query": "temperature[5m]"}, "refused (400 bad_data): parse error: expected type instant vector"),
        ({"query": "scalar(gap)"}, "expected type instant vector"),
        ({"query": "sum(temperature"}, "refused (400 bad_data): parse error"),
        ({"query": "sum(temperature) # of all"}, None),
        ({"query": "sum(temperature)) or ((gap)"}, "refused (400 bad_data): parse error"),
        ({"query": "sum by (le) (increase(cut_bucket[1m]))", "histogram": True}, 'no bucket le="+Inf"'),
        ({"query": "sum(increase(wait_seconds_bucket[1m]))", "histogram": True}, "one without, so keep 'le'"),
        ({"query": "sum by (room) (temperature)", "histogram": True}, "one without, so keep 'le'"),
        ({"good": "sum by (status) (tx_total)", "total": "sum(tx_total)"}, "aggregate both by the same labels"),
        ({"query": "max(temperature)", "options": {"observed": "timestamp(temperature)"}}, "'observed' gives 2 series"),
    ],
    ids=[
        "a string", "a constant", "a range", "a scalar", "unclosed", "a comment", "brackets that break out",
        "no +Inf", "no le", "another label", "labels that differ", "observed thrice",
    ],
)  # fmt: skip
def test_queries_that_cannot_be_meant(real: Ask, given: dict[str, Any], says: str | None) -> None:
    if says is None:
        assert len(real(**given).series) == 1
        return
    with pytest.raises(MetricError) as caught:
        real(**given)

    assert says in str(caught.value)


# ---------------------------------------------------------------------------------- answers it should not give

AT = nanoseconds(START) // SECOND + 60


def matrix(*values: Any, kind: str = "matrix", labels: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    result = [{"metric": labels or {}, "values": list(values)}]
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (matrix([AT, "1"], kind="vector"), "the answer is a vector where a matrix of samples is needed"),
        (matrix([AT, "1"], kind="string"), "the answer is a string where a matrix"),
        (matrix([AT, "1"], kind="scalar"), "the answer is a scalar where a matrix"),
        (matrix([AT, 1]), "has not the form of Prometheus's"),
        (matrix([AT, True]), "has not the form of Prometheus's"),
        (matrix([AT, None]), "has not the form of Prometheus's"),
        (matrix([AT, "1_000"]), "has not the form of Prometheus's"),
        (matrix([AT, " 5 "]), "has not the form of Prometheus's"),
        (matrix([AT, ""]), "has not the form of Prometheus's"),
        (matrix([str(AT), "1"]), "has not the form of Prometheus's"),
        (matrix([True, "1"]), "has not the form of Prometheus's"),
        (matrix([AT]), "has not the form of Prometheus's"),
        (matrix([AT, "1"], labels={"a": 1}), "has not the form of Prometheus's"),
        (matrix([AT * 1000, "1"]), "which was not asked for; are its times in milliseconds"),
        (matrix([AT - 7200, "1"]), "which was not asked for"),
        ({"status": "success"}, "has not the form of Prometheus's"),
        ({"status": "success", "data": {"resultType": "matrix"}}, "has not the form of Prometheus's"),
        ({"status": "success", "data": []}, "has not the form of Prometheus's"),
        ({"status": "maybe"}, "is not Prometheus's"),
        ([], "is not Prometheus's"),
        ({}, "is not Prometheus's"),
        (
            {"status": "error", "errorType": "execution", "error": "1:7: too many samples"},
            "execution): too many samples",
        ),
    ],
)
def test_answers_that_are_none(ask: Ask, site: Site, answer: Any, says: str) -> None:
    """A shape that is not understood is an error, never a value."""
    site.answers = [Answer(body=answer)]

    with pytest.raises(MetricError) as caught:
        ask(url=site.url, query="x")

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kept", "missing"),
    [
        ([[AT, "NaN"], [AT + 15, "1"]], [1], 1),
        ([[AT, "+Inf"], [AT + 15, "-Inf"]], [], 2),
        ([[AT, "1e400"]], [], 1),
        ([[AT, "1e308"], [AT + 0.5, "0.5"]], [1e308, 0.5], 0),
    ],
    ids=["NaN", "infinities", "beyond a float", "the largest"],
)
def test_texts_that_are_no_finite_number_are_missing(
    ask: Ask, site: Site, values: list[Any], kept: list[float], missing: int
) -> None:
    site.answers = [Answer(body=matrix(*values))]

    (series,) = ask(url=site.url, query="x").series

    assert (list(series.column), len(series.missing)) == (kept, missing)


@pytest.mark.parametrize(
    "more",
    [{"warnings": ["one store did not answer"]}, {"infos": ["x may be no counter"]}, {"isPartial": True}],
    ids=["Thanos's warnings", "infos", "VictoriaMetrics's isPartial"],
)
def test_a_partial_answer_says_so(ask: Ask, site: Site, more: dict[str, Any]) -> None:
    """200 with warnings: two of five stores answered, and the rest would have been worse."""
    site.answers = [Answer(body=matrix([AT, "1"], **more))]

    assert len(ask(url=site.url, query="x").warnings) == 1


def test_what_could_not_be_asked_is_an_outage_and_the_rest_is_kept(ask: Ask, site: Site) -> None:
    """The second of two requests fails: its time was not seen, that of the first was."""
    later = Answer(body=b"<html>login</html>", headers={"Content-Type": "text/html"})
    site.answers = [Answer(body=matrix([AT, "1"])), later]

    found = ask(url=site.url, query="x", interval=timedelta(milliseconds=300))

    assert list(found.series[0].column) == [1]
    assert [each.why for each in found.outages] == [
        f"{site.url}: the answer, status 200, is a web page (HTML), not JSON: a proxy or a login page?"
    ]
    assert found.outages[0].until == HOUR


def test_tenant_and_token_are_sent_and_not_shown(ask: Ask, site: Site) -> None:
    site.answers = [Answer(body=matrix([AT, "1"]))]

    found = ask(url=site.url, query="x", options={"token": "kept-secret", "tenant": "team-a"})

    assert site.asked[0]["headers"]["Authorization"] == "Bearer kept-secret"
    assert site.asked[0]["headers"]["X-Scope-OrgID"] == "team-a"
    assert "kept-secret" not in str(found)


@pytest.mark.parametrize("query", ["x", "max(x)"])
def test_a_series_twice_with_other_values_is_refused(ask: Ask, site: Site, query: str) -> None:
    """The second would hide what the first one says."""
    answer = matrix([AT, "100"], labels={})
    answer["data"]["result"].append({"metric": {}, "values": [[AT, "0"]]})
    site.answers = [Answer(body=answer)]

    with pytest.raises(MetricError, match="twice"):
        ask(url=site.url, query=query)


def test_a_success_with_an_error_s_text_is_refused(ask: Ask, site: Site) -> None:
    """One that speaks with two tongues has no samples that could be believed."""
    site.answers = [Answer(body=matrix([AT, "0"], error="query timed out", errorType="timeout"))]

    with pytest.raises(MetricError, match=r"refused \(200 timeout\): query timed out"):
        ask(url=site.url, query="x")


def test_a_time_twice_is_refused(ask: Ask, site: Site) -> None:
    site.answers = [Answer(body=matrix([AT, "1"], [AT, "2"]))]

    with pytest.raises(MetricError, match="twice"):
        ask(url=site.url, query="x")
