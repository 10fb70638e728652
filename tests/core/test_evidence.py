from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evidence import Attachment, Described, Evidence, Execution, Observation, Phase
from pytest_rollout.core.subject import Deployed


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
        pytest.param({**ITEM, "asserts": 1}, id="one count of assertions"),
        pytest.param({**ITEM, "asserts": [1, False]}, id="a truth for a count of assertions"),
        pytest.param({**ITEM, "asserts": [-1, 0]}, id="fewer assertions than none"),
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
    "kind", "required", "file", "line", "asserts", "settings",
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


def test_every_event_is_folded_whole(kit: Any) -> None:
    """Each field where its reader looks for it; what is left out has one meaning."""
    about = {"file": "test_a.py", "line": 7, "kind": "contracts", "required": False, "title": "A"}
    said = kit.Recording().hello("main", python="3.12")
    said.say("main", "begin", id="a", **about).say("main", "begin", id="b")
    said.say("main", "observe", id="a", value={"x": [1]}, error="late", source="node").say("main", "observe", id="b")
    said.say("main", "attach", id="a", name="log", type="text/plain", content="abc", binary=True)
    said.say("main", "attach", id="b", name="log", type="text/plain", content="abc")
    said.say("main", "warning", category="C", text="t", id="a").say("main", "warning", category="C", text="t")
    said.say("main", "trouble", what="W", text="t", id="a").say("main", "trouble", what="W", text="t")
    said.say("main", "pin", network="mainnet").say("main", "limited", network="mainnet", count=2)
    said.say("main", "limited", network="mainnet", count=3).say("main", "item", id="b", phases=[])
    vault, proxy = (
        {"address": "0x1", "code_hash": "0xa"},
        {"address": "0x2", "code_hash": "0xb", "implementation": "0x3", "implementation_code_hash": "0xc"},
    )
    said.say("main", "deployed", contracts={"vault": vault}).say("main", "deployed", contracts={"proxy": proxy})
    said.end("main", status=1)

    evidence = Evidence.of(said.events)

    process = evidence.processes["main"]
    assert process.about == {"pid": 7, "python": "3.12", "pytest": "9.0.1", "optimize": 0}
    assert (process.events, process.gaps, process.ended, process.exit_status) == (len(said.events), 0, True, 1)
    assert evidence.described == {
        "a": Described(title="A", kind="contracts", required=False, file="test_a.py", line=7),
        "b": Described(title=""),
    }
    assert evidence.observations == {
        "a": [Observation(item="a", value={"x": [1]}, error="late", source="node")],
        "b": [Observation(item="b")],
    }
    assert evidence.attachments == [
        Attachment(item="a", name="log", media_type="text/plain", content="abc", binary=True),
        Attachment(item="b", name="log", media_type="text/plain", content="abc"),
    ]
    assert evidence.warnings == [("C", "t", "a"), ("C", "t", "")]
    assert evidence.troubles == [("W", "t", "a"), ("W", "t", "")]
    assert (evidence.opened, evidence.rate_limited) == ({"mainnet"}, {"mainnet": 5})
    assert evidence.deployed == {"main": {"vault": Deployed(**vault), "proxy": Deployed(**proxy)}}
    assert evidence.executions == {"b": [Execution(process="main", phases=())]}
    assert evidence.begun == {"main": {"a"}}


def test_every_disorder_of_a_process_is_counted(kit: Any) -> None:
    said = kit.Recording().hello("main").hello("main").hello("main")
    said.say("main", "seen", id="a", phases=[]).say("main", "seen", id="a", phases=[])
    said.say("main", "end", count=9, exit=0)

    assert gaps(said.events) == {"main": 5}
    assert gaps([*said.events, said.events[-1]]) == {"main": 7}


def test_what_another_run_recorded_stands_beside_what_is_there(kit: Any) -> None:
    """Nothing of the one is lost or hidden by the other, and every process keeps its own name."""
    happenings = {
        kit.NODE: (kit.observed(kit.HEAD),),
        kit.A: (
            kit.measured(good=1, total=2), ("attach", {"name": "n", "type": "t", "content": "c"}),
            ("warning", {"category": "C", "text": "w"}), ("trouble", {"what": "W", "text": "w"}),
            ("pin", {"network": "mainnet"}), ("limited", {"network": "mainnet", "count": 2}),
            ("deployed", {"contracts": {"vault": {"address": "0x1", "code_hash": "0xa"}}}),
        ),
    }  # fmt: skip
    one, two = (Evidence.of(kit.recorded(happenings, workers=1).events) for _ in range(2))
    two.rate_limited["other"] = 1
    unfinished = Evidence.of(kit.Recording().say("gw0", "begin", id=kit.X1).events)
    whole = Evidence()

    for number, part in enumerate((one, two, unfinished), start=1):
        whole.add(part, f" of {number}")

    assert set(whole.processes) == {
        "controller of 1", "gw0 of 1", "controller of 2", "gw0 of 2", "gw0 of 3",
    }  # fmt: skip
    assert all(process.name == name for name, process in whole.processes.items())
    assert [each.process for each in whole.collections] == ["gw0 of 1", "gw0 of 2"]
    assert whole.described == one.described | unfinished.described
    assert {item: [each.process for each in ran] for item, ran in whole.executions.items()} == {
        kit.NODE: ["gw0 of 1", "gw0 of 2"],
        kit.A: ["gw0 of 1", "gw0 of 2"],
    }
    assert whole.begun == {"gw0 of 1": set(), "gw0 of 2": set(), "gw0 of 3": {kit.X1}}
    assert whole.seen == {item: phases * 2 for item, phases in one.seen.items()}
    assert [(each.worker, each.good) for each in whole.measurements] == [("gw0 of 1", 1), ("gw0 of 2", 1)]
    assert whole.observations == {item: seen * 2 for item, seen in one.observations.items()}
    assert whole.attachments == one.attachments * 2
    assert (whole.warnings, whole.troubles) == (one.warnings * 2, one.troubles * 2)
    assert (whole.opened, whole.rate_limited) == ({"mainnet"}, {"mainnet": 4, "other": 1})
    vault = {"vault": Deployed(address="0x1", code_hash="0xa")}
    assert whole.deployed == {"gw0 of 1": vault, "gw0 of 2": vault}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no kind": ({}, "KeyError: 'e'"),
    "a number for text": ({"e": "pin", "network": 7}, "TypeError: text was expected, not int"),
    "text for a list": (
        {"e": "collected", "made": "a"}, "TypeError: a list was expected, not str",
    ),
    "a list for a table": (
        {"e": "collected", "made": [], "selected": [], "excluded": [], "errors": []},
        "TypeError: a table was expected, not list",
    ),
    "a count below nothing": (
        {"e": "limited", "network": "m", "count": -1}, "ValueError: -1 is no number of answers",
    ),
    "a truth for a count": (
        {"e": "limited", "network": "m", "count": True}, "ValueError: True is no number of answers",
    ),
    "no two counts": (
        {"e": "item", "id": "a", "phases": [], "asserts": ["x" * 50]},
        f"ValueError: {str(['x' * 50])[:40]!r} are no two counts",
    ),
    "an exponent": (
        {"e": "measure", "metric": "m", "id": "a", "value": "1e" + "9" * 50},
        f"ValueError: '1e{'9' * 38}' is no exact number",
    ),
    "a truth for a time": (
        {"e": "item", "id": "a", "phases": [], "s": True}, "ValueError: True is no duration in seconds",
    ),
    "a time below nothing": (
        {"e": "item", "id": "a", "phases": [], "s": -0.5}, "ValueError: -0.5 is no duration in seconds",
    ),
    "a time of decades": (
        {"e": "item", "id": "a", "phases": [], "s": 10**9}, "ValueError: 1000000000 is no duration in seconds",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("event", "why"), REFUSED.values(), ids=REFUSED)
def test_an_event_that_is_none_of_this_version_is_told(event: dict[str, Any], why: str) -> None:
    given = {"p": "main", "n": 0} | event
    with pytest.raises(EvidenceError) as caught:
        Evidence.of([given])

    assert str(caught.value) == f"event {str(given)[:120]}: not an event of this version ({why})"


def test_what_says_nothing_of_a_frame_is_told_from_what_says_no(kit: Any) -> None:
    said = kit.Recording().run("main", "a", ran=None).run("main", "b", ran=False).run("main", "c", ran=1)
    said.run("main", "d", ran=True, assertion=1).run("main", "e", s=999_999_999)

    executions = {item: ran[0] for item, ran in Evidence.of(said.events).executions.items()}

    assert [executions[item].body_ran for item in "abcd"] == [None, False, False, True]
    assert not executions["d"].assertion
    assert executions["e"].seconds == 999_999_999.0


def test_a_phase_that_says_0_for_false_is_an_expected_failure(kit: Any) -> None:
    """``0 == False``, and only ``False`` says that it was none."""
    odd = [["setup", "passed", False], ["call", "passed", 0], ["teardown", "passed", False]]
    all_odd = [["setup", "passed", 0], ["call", "passed", 0], ["teardown", "passed", 0]]

    said = Evidence.of(kit.Recording().run("main", "a", odd).run("main", "b", all_odd).events).executions

    assert [phase.xfail for phase in said["a"][0].phases] == [False, True, False]
    assert [phase.xfail for phase in said["b"][0].phases] == [True, True, True]


@pytest.mark.parametrize("asserts", [(3, 0), (0, 2), (0, 0), None])
def test_the_assertions_that_held_and_that_failed_are_told_apart(kit: Any, asserts: tuple[int, int] | None) -> None:
    said = kit.Recording().run("main", "a", asserts=None if asserts is None else list(asserts))

    assert Evidence.of(said.events).executions["a"][0].asserts == asserts


def test_no_answer_of_too_many_requests_is_a_count_as_well(kit: Any) -> None:
    said = kit.Recording().say("main", "limited", network="mainnet", count=0)

    assert Evidence.of(said.events).rate_limited == {"mainnet": 0}


def test_text_that_no_file_takes_is_spelt_out() -> None:
    odd = [{"e": "pin", "p": "main", "n": 0, "network": "\ud800é"}]

    assert Evidence.of(odd).opened == {"\\ud800é"}
