from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evidence import Evidence, Phase


def test_a_second_report_stands_beside_the_first(kit: Any) -> None:
    said = kit.Recording().run("main", kit.A, kit.phases(call="failed")).run("main", kit.A)

    executions = Evidence.of(said.events).executions[kit.A]

    assert [phase.outcome for each in executions for phase in each.phases if phase.when == "call"] == [
        "failed",
        "passed",
    ]


def test_a_measurement_keeps_its_digits_and_its_place(kit: Any) -> None:
    said = kit.Recording().run("gw1", kit.A, during=[kit.measured("gas", value="1/3"), kit.measured(good=9, total=10)])

    value, ratio = Evidence.of(said.events).measurements

    assert (value.value, value.item, value.worker) == (Fraction(1, 3), kit.A, "gw1")
    assert (ratio.good, ratio.total, ratio.value) == (9, 10, None)


def test_an_item_is_unfinished_until_its_end_is_told(kit: Any) -> None:
    said = kit.Recording().run("gw0", kit.A)

    assert Evidence.of(said.events[:1]).begun == {"gw0": {kit.A}}
    assert Evidence.of(said.events).begun == {"gw0": set()}


def gaps(events: list[dict[str, Any]]) -> dict[str, int]:
    return {process.name: process.gaps for process in Evidence.of(events).processes.values()}


def test_a_complete_stream_has_no_gaps(kit: Any) -> None:
    said = kit.recorded(kit.WHOLE, workers=2)

    assert gaps(said.events) == {"controller": 0, "gw0": 0, "gw1": 0}


def test_a_missing_event_is_a_gap(kit: Any) -> None:
    events = kit.recorded([kit.A]).events

    for index in range(len(events) - 1):
        assert gaps(events[:index] + events[index + 1 :])["main"] > 0


def test_a_doubled_event_is_a_gap(kit: Any) -> None:
    events = kit.recorded([kit.A]).events

    for index, event in enumerate(events):
        assert gaps([*events[: index + 1], event, *events[index + 1 :]])["main"] > 0


def test_two_events_in_the_wrong_order_are_a_gap(kit: Any) -> None:
    events = kit.recorded([kit.A]).events

    for index in range(len(events) - 1):
        swapped = [*events[:index], events[index + 1], events[index], *events[index + 2 :]]
        assert gaps(swapped)["main"] > 0


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([("item", {"id": "b.py::test_b", "phases": [], "ran": True})], id="an end without a beginning"),
        pytest.param([("begin", {"id": "b.py::test_b"}), ("begin", {"id": "b.py::test_b"})], id="a beginning, twice"),
        pytest.param([("hello", {"pid": 8})], id="a second introduction"),
        pytest.param([("end", {"count": 99, "exit": 0})], id="a good-bye with a wrong count"),
    ],
)
def test_events_that_cannot_follow_are_a_gap(kit: Any, more: list[tuple[str, dict[str, Any]]]) -> None:
    said = kit.Recording().hello("main")
    for name, about in more:
        said.say("main", name, **about)

    assert gaps(said.events)["main"] > 0


def test_an_event_after_the_good_bye_is_a_gap(kit: Any) -> None:
    """A hook at exit that still holds the connection could tell of runs that never were."""
    said = kit.recorded([kit.A]).run("main", kit.X1)

    assert gaps(said.events)["main"] == 2


TEST = "a.py::test_a"
ITEM = {"e": "item", "id": TEST, "phases": [["call", "passed", False]]}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"e": "promote"}, id="an unknown word"),
        pytest.param({}, id="no word"),
        pytest.param({"e": ["item"]}, id="a list for a word"),
        pytest.param({**ITEM, "p": None}, id="no process"),
        pytest.param({**ITEM, "id": 5}, id="a number for an id"),
        pytest.param({"e": "item", "id": TEST}, id="no phases"),
        pytest.param({**ITEM, "phases": "abc"}, id="text for phases"),
        pytest.param({**ITEM, "phases": [["call"]]}, id="half a phase"),
        pytest.param({**ITEM, "phases": [["call", "passed", False, 1]]}, id="too much of a phase"),
        pytest.param({**ITEM, "phases": [[{}, "passed"]]}, id="a table in a phase"),
        pytest.param({**ITEM, "text": None}, id="null for text"),
        pytest.param({**ITEM, "cause": 5}, id="a number for a cause"),
        pytest.param({**ITEM, "s": float("nan")}, id="NaN seconds"),
        pytest.param({**ITEM, "s": float("inf")}, id="infinite seconds"),
        pytest.param({**ITEM, "s": -1}, id="negative seconds"),
        pytest.param({**ITEM, "s": 1e300}, id="absurd seconds"),
        pytest.param({**ITEM, "s": "1"}, id="text for seconds"),
        pytest.param({**ITEM, "calls": float("inf")}, id="infinite calls"),
        pytest.param({"e": "begin", "id": TEST, "line": float("inf")}, id="an infinite line"),
        pytest.param({"e": "begin", "id": TEST, "title": 5}, id="a number for a title"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": float("nan")}, id="NaN measured"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": float("inf")}, id="infinity measured"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": True}, id="true measured"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": 0.5}, id="a float measured"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": "1e9"}, id="an exponent measured"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": "1e999999999"}, id="an exponent bomb"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": "1/0"}, id="a division by zero"),
        pytest.param({"e": "measure", "id": TEST, "metric": "gas", "value": "9" * 2000}, id="a digit bomb"),
        pytest.param({"e": "measure", "id": TEST, "metric": ["gas"], "value": "1"}, id="a list for a metric"),
        pytest.param({"e": "collected", "made": [TEST]}, id="half a collection"),
        pytest.param(
            {
                "e": "collected",
                "made": TEST,
                "selected": [],
                "excluded": [],
                "errors": {},
                "skipped": {},
                "conftests": [],
            },
            id="text for a list",
        ),
        pytest.param(
            {
                "e": "collected",
                "made": [],
                "selected": [],
                "excluded": [],
                "errors": [],
                "skipped": {},
                "conftests": [],
            },
            id="a list for a table",
        ),
        pytest.param({"e": "warning", "category": "W", "text": ["x"]}, id="a list for a warning"),
        pytest.param({"e": "trouble", "what": "x", "text": None}, id="null for trouble"),
        pytest.param({"e": "observe", "id": TEST, "error": 7}, id="a number for an error"),
        pytest.param(
            {"e": "attach", "id": TEST, "name": "x", "type": "text/plain"}, id="an attachment without content"
        ),
        pytest.param({"e": "end", "count": 1}, id="a good-bye without a status"),
        pytest.param({"e": "end", "count": 1, "exit": float("inf")}, id="an infinite status"),
    ],
)
def test_what_is_not_of_the_vocabulary_is_refused(event: dict[str, Any]) -> None:
    """Otherwise it would stop the judge later, and a judge that stops rolls nothing back."""
    with pytest.raises(EvidenceError, match="not an event of this version"):
        Evidence().fold({"p": "main", "n": 0} | event)


@pytest.mark.parametrize("event", [5, None, "item", [1, 2], True])
def test_what_is_no_table_is_no_event(event: Any) -> None:
    with pytest.raises(EvidenceError, match="not an event"):
        Evidence().fold(event)


def test_text_that_nothing_can_write_is_spelt_out(kit: Any) -> None:
    """JSON carries lone surrogates, UTF-8 does not: a report of them would fail after the run."""
    wild = "\ud800x"
    said = kit.Recording().run("main", wild, during=[kit.observed({wild: [wild]}, error=wild)], text=wild)
    said.say("main", "trouble", what=wild, text=wild)

    evidence = Evidence.of(said.events)

    spelt = "\\ud800x"
    assert list(evidence.executions) == [spelt]
    assert evidence.observations[spelt][0].value == {spelt: [spelt]}
    assert evidence.troubles == [(spelt, spelt, "")]


@pytest.mark.parametrize("ran", [1, 0, "yes", [], False])
def test_only_true_proves_that_a_body_ran(kit: Any, ran: Any) -> None:
    said = kit.Recording().run("main", kit.A, ran=ran)

    assert Evidence.of(said.events).executions[kit.A][0].body_ran is False


def test_only_the_controller_sees_what_workers_report(kit: Any) -> None:
    said = kit.Recording().hello("gw0").say("gw0", "seen", id=kit.A, phases=kit.phases())

    assert Evidence.of(said.events).processes["gw0"].gaps == 1


def test_phases_are_told_with_or_without_their_xfail(kit: Any) -> None:
    said = kit.Recording().run("main", kit.A, [["setup", "passed"], ["call", "passed", True]])

    assert Evidence.of(said.events).executions[kit.A][0].phases == (
        Phase("setup", "passed"),
        Phase("call", "passed", xfail=True),
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
# fmt: off
_KEYS = [
    "id", "phases", "cause", "assertion", "ran", "calls", "s", "text", "made", "selected",
    "excluded", "errors", "skipped", "conftests", "metric", "value", "good", "total", "error",
    "source", "name", "type", "content", "binary", "category", "what", "count", "exit", "title",
    "kind", "required", "file", "line",
]
# fmt: on
_WORDS = ["hello", "collected", "begin", "item", "seen", "measure", "observe", "attach", "warning", "trouble", "end"]


@given(
    st.sampled_from(_WORDS),
    st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=12),
    st.sampled_from(["main", "gw0", "x", 5]),
)
def test_any_json_is_folded_or_refused(word: str, about: dict[str, Any], process: Any) -> None:
    """Nothing else is raised, whatever arrives."""
    event = json.loads(json.dumps({**about, "e": word, "p": process, "n": 0}))
    try:
        Evidence().fold(event)
    except EvidenceError as error:
        assert len(str(error)) < 500  # noqa: PT017 - either way is right
