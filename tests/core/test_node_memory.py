"""What one gate read of a node is held against what the next one reads: restarts in between, and stories that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.node_memory import Remembered, told_apart, with_memory
from pytest_rollout.core.outcome import Kind, Outcome

THEN = datetime(2031, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def said(*, days: float = 0, **changes: str) -> dict[str, str]:
    """What a node says so many days after the first gate; it runs since ten days before."""
    facts = {
        "run": "a1",
        "clock": "system",
        "started_at": (THEN - 10 * DAY).isoformat(),
        "at": (THEN + days * DAY).isoformat(),
        "mode": "shadow",
        "since": (THEN - 8 * DAY).isoformat(),
        "verifications": str(round(5000 + days * 500)),
    }
    return facts | changes


def judged(now: Mapping[str, str], *, before: Mapping[str, str], outcome: Outcome = Outcome.PASS) -> list[Finding]:
    """The node's mode and soak, and another node's mode, two days after a gate that read ``before``."""
    findings = [
        Finding(
            item=f"p::s::nodes::{name}", kind=Kind.NODE, title=name, outcome=outcome, measured="measured", facts=facts
        )
        for name, facts in (
            ("node-1.eu.mode", now),
            ("node-1.eu.soak", {}),
            ("node-1.eu.traffic", {}),
            ("node-2.mode", now),
        )
    ]
    known = {"node-1.eu": Remembered(facts=before, judgement="5f1c" * 16, judged_at=THEN.isoformat())}
    return with_memory(findings, known)


def test_a_node_that_went_on_is_as_it_was() -> None:
    assert judged(said(days=2), before=said()) == judged(said(days=2), before=said(verifications="0"))
    assert {each.outcome for each in judged(said(days=2), before=said())} == {Outcome.PASS}
    assert {each.detail for each in judged(said(days=2), before=said())} == {""}


def test_a_restart_is_told_behind_what_a_soak_says_itself() -> None:
    again = said(days=2, run="b2", started_at=(THEN + DAY).isoformat(), since=(THEN + DAY).isoformat())
    soak = Finding(item="p::s::nodes::n.soak", kind=Kind.NODE, title="n", outcome=Outcome.PASS, detail="verified")
    mode = replace(soak, item="p::s::nodes::n.mode", facts=again)
    known = {"n": Remembered(facts=said(), judgement="5f", judged_at=THEN.isoformat())}

    _, told = with_memory([mode, soak], known)

    assert told.detail.startswith("verified; restarted since the gate of")


def test_what_could_not_be_looked_at_stays_as_it_was_told() -> None:
    before = said()
    wrong = said(days=2, verifications="4999")

    assert judged(wrong, before=before, outcome=Outcome.ERROR)[0].measured == "measured"


def test_a_restart_between_two_gates_is_found_and_told() -> None:
    """Its counters begin at 0, so nothing that it says shows it."""
    again = said(
        days=2, run="b2", started_at=(THEN + DAY).isoformat(), since=(THEN + DAY).isoformat(), verifications="9"
    )

    mode, soak, traffic, other = judged(again, before=said())

    told = (
        "restarted since the gate of 2031-05-04 12:00 (5f1c5f1c5f1c): what it had counted is gone, and its soak begins "
        "at 2031-05-05T12:00:00+00:00"
    )
    assert [each.detail for each in (mode, soak)] == [told, told]
    assert (traffic.detail, other.detail) == ("", ""), "nodes do not borrow from one another"
    assert {each.outcome for each in (mode, soak, traffic, other)} == {Outcome.PASS}, (
        "found; what it owes is the soak's"
    )


GATE = "the gate of 2031-05-04 12:00 (5f1c5f1c5f1c)"
STORIES = {
    "fewer verifications": (
        said(days=2, verifications="4999"),
        f"verifications ran backwards since {GATE}, from 5000 to 4999, without a restart",
    ),
    "another start of the same run": (
        said(days=2, started_at=(THEN - 99 * DAY).isoformat()),
        f"says that it runs since 2031-01-25T12:00:00+00:00, and told {GATE} 2031-04-24T12:00:00+00:00",
    ),
    "older stats": (said(days=-1, verifications="5000"), f"its stats are older than those that {GATE} read"),
    "longer on the rung than it was": (
        said(days=2, since=(THEN - 9 * DAY).isoformat()),
        f"says that it is in shadow since 2031-04-25T12:00:00+00:00, and told {GATE} 2031-04-26T12:00:00+00:00",
    ),
    "on another rung at the time": (
        said(days=2, mode="candidate-primary", since=(THEN - DAY).isoformat()),
        f"says that it is in candidate-primary since 2031-05-03T12:00:00+00:00, but {GATE} met it in shadow "
        "at 2031-05-04T12:00:00+00:00",
    ),
    "a run before the one that was met": (
        said(days=2, run="b2"),
        f"says that it runs since 2031-04-24T12:00:00+00:00, but {GATE} met another run of it "
        "at 2031-05-04T12:00:00+00:00",
    ),
    "no number": (
        said(days=2, verifications="many"),
        f"what {GATE} read of it is not understood (ValueError: invalid literal for int() with base 10: 'many')",
    ),
}


@pytest.mark.parametrize(("now", "sentence"), STORIES.values(), ids=STORIES)
def test_a_story_that_changed_is_an_error(now, sentence) -> None:
    """Time that a node made up afterwards is no evidence."""
    mode, soak, traffic, other = judged(now, before=said())

    told = (Outcome.ERROR, f"{sentence}; measured", "look at the node and its clock")
    assert [(each.outcome, each.measured, each.remedy) for each in (mode, soak)] == [told, told]
    assert {traffic.outcome, other.outcome} == {Outcome.PASS}


def test_the_past_is_told_alone_where_nothing_was_measured() -> None:
    before = {"n": Remembered(facts=said(), judgement="5f1c" * 16, judged_at=THEN.isoformat())}
    node = Finding(item="p::n.mode", kind=Kind.NODE, title="n", outcome=Outcome.PENDING, facts=said(days=-1))

    (finding,) = with_memory([node], before)

    assert finding.measured == f"verifications ran backwards since {GATE}, from 5000 to 4500, without a restart"


SAME = {
    "the same reading": said(),
    "another run that began as the last one was read": said(
        run="b2", started_at=THEN.isoformat(), since=THEN.isoformat(), verifications="0"
    ),
    "another rung from that moment on": said(days=2, mode="candidate-primary", since=THEN.isoformat()),
    "a rung that it came to again": said(days=2, since=(THEN + DAY).isoformat()),
}


@pytest.mark.parametrize("now", SAME.values(), ids=SAME)
def test_what_may_be_is_no_contradiction(now) -> None:
    assert {each.outcome for each in judged(now, before=said())} == {Outcome.PASS}


def test_what_a_gate_forgot_to_keep_is_told_and_no_restart() -> None:
    nothing = Remembered(facts={}, judgement="5f1c" * 16, judged_at=THEN.isoformat())
    node = Finding(item="p::n.mode", kind=Kind.NODE, title="n", outcome=Outcome.PASS, facts=said())

    (finding,) = with_memory([node], {"n": nothing})

    assert finding.measured == f"what {GATE} read of it is not understood (KeyError: 'run')"


def test_what_is_remembered_can_be_kept() -> None:
    kept = Remembered(facts={"run": "a1"}, judgement="5f", judged_at="2031-05-04").document()

    assert kept == {"facts": {"run": "a1"}, "judgement": "5f", "judged_at": "2031-05-04"}


@pytest.mark.parametrize(("then", "now"), [("system", "rehearsed"), ("rehearsed", "system")])
def test_one_rehearsed_clock_is_enough_not_to_compare_times(then: str, now: str) -> None:
    assert {
        each.outcome for each in judged(said(days=-9, verifications="5000", clock=now), before=said(clock=then))
    } == {Outcome.PASS}


def test_a_finding_of_another_kind_has_no_past() -> None:
    other = Finding(
        item="p::s::flags::node-1.mode", kind=Kind.FLAG, title="n", outcome=Outcome.PASS, facts=said(days=-9)
    )
    known = {"node-1.eu": Remembered(facts=said(), judgement="5f", judged_at=THEN.isoformat())}

    assert with_memory([other], known) == [other]


def test_what_failed_stays_failed() -> None:
    mode, *_ = judged(said(days=2, verifications="4999"), before=said(), outcome=Outcome.FAIL)

    assert (mode.outcome, mode.measured) == (Outcome.FAIL, "measured")


def test_times_of_a_rehearsed_clock_are_not_held_against_the_present() -> None:
    earlier = said(days=2, run="b2", clock="rehearsed", started_at=(THEN - 30 * DAY).isoformat())

    assert {each.outcome for each in judged(earlier, before=said(clock="rehearsed"))} == {Outcome.PASS}
    assert "restarted since" in judged(earlier, before=said(clock="rehearsed"))[0].detail


def test_two_nodes_that_are_one_process_are_an_error_of_both() -> None:
    """Behind a balancer, or a name that leads to the other: the second would stand there by the first one's evidence."""
    one, two, other = (
        Finding(item=f"p::s::nodes::{name}.mode", kind=Kind.NODE, title=name, outcome=Outcome.PASS, facts=said(run=run))
        for name, run in (("one", "a1"), ("two", "a1"), ("other", "b2"))
    )

    traffic = Finding(item="p::s::nodes::one.traffic", kind=Kind.NODE, title="one", outcome=Outcome.PASS)
    elsewhere = replace(other, item="p::s::flags::x.y", kind=Kind.FLAG)

    found = told_apart([one, replace(two, measured="shadow"), other, traffic, elsewhere])

    assert [each.outcome for each in found] == [Outcome.ERROR, Outcome.ERROR, Outcome.PASS, Outcome.PASS, Outcome.PASS]
    assert [each.measured for each in found[:2]] == [
        "one, two are one process: all tell of the run a1", "one, two are one process: all tell of the run a1; shadow",
    ]  # fmt: skip
    assert found[0].remedy == "give each node an address of its own"


def test_a_candidate_that_changed_within_one_run_is_an_error() -> None:
    """Rule 17: the same artefact throughout; behind a command or a server it can change under a running node."""
    before = said(candidate="fast 1.0")
    swapped = judged(said(days=2, candidate="fast 1.1"), before=before)
    started = (THEN + DAY).isoformat()
    again = said(days=2, run="b2", started_at=started, since=started, candidate="fast 1.1")

    assert swapped[0].outcome is Outcome.ERROR
    assert swapped[0].measured.startswith(f"runs the candidate fast 1.1, and told {GATE} fast 1.0, without a restart")
    for now in (said(days=2, candidate="fast 1.0"), said(days=2), again):
        assert judged(now, before=before)[0].outcome is Outcome.PASS
    assert judged(said(days=2, candidate="fast 1.1"), before=said())[0].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (("fast 1.0", "fast 1.0"), Outcome.PASS),
        (("fast 1.0", None), Outcome.PASS),
        (("fast 1.0", "fast 1.1"), Outcome.INCONCLUSIVE),
    ],
)
def test_what_nodes_prove_of_two_artefacts_is_proved_of_none(told, outcome) -> None:
    """Rule 17: a node that follows another one must run what that one ran."""
    nodes = [
        Finding(
            item=f"p::s::nodes::{name}.mode",
            kind=Kind.NODE,
            title=name,
            outcome=Outcome.PASS,
            facts=said(run=name) | ({} if version is None else {"candidate": version}),
        )
        for name, version in zip(("one", "two"), told, strict=True)
    ]
    failed = replace(nodes[1], outcome=Outcome.FAIL)

    assert {each.outcome for each in told_apart(nodes)} == {outcome}
    assert told_apart([nodes[0], failed])[1] == failed
    if outcome is Outcome.INCONCLUSIVE:
        says = "the nodes run different candidates: one fast 1.0, two fast 1.1"
        assert [each.measured for each in told_apart(nodes)] == [says, says]
        assert told_apart(nodes)[0].remedy == "deploy one candidate to all of them"


def test_a_node_that_nobody_read_before_has_no_past() -> None:
    (finding,) = with_memory(
        [Finding(item="p::s::nodes::n.mode", kind=Kind.NODE, title="n", outcome=Outcome.PASS, facts=said())], {}
    )

    assert finding.detail == ""
