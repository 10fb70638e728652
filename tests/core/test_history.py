"""What a ledger says of one rollout, folded entry by entry; and what of it counts for what follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.checklist import Tick
from pytest_rollout.core.drilled import Drill
from pytest_rollout.core.entries import Entry, EntryKind, next_entry
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.history import History, JudgementRecord, Reason, read
from pytest_rollout.core.judgement import SCHEMA, Judgement, Run
from pytest_rollout.core.moves import Overridden, Promotion, Rollback
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.override import Override, OverrideStatement, Terms
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.signoff import Signoff, Statement
from pytest_rollout.core.subject import Subject
from pytest_rollout.core.watch_record import WatchRecord

LEDGER = "a" * 32
NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)
SUBJECT = Subject(commit="c" * 40, committed=True, plan_digest="1", suite_digest="2", packages_digest="3")


def run(name: str = "r", stage: str = "alpha", **changes: Any) -> Run:
    given: dict[str, Any] = {
        "id": name, "rollout": "toy", "stage": stage, "entry": 0, "attempt": 3, "started_at": NOW, "network": "local",
        "rehearsal": False, "ledger_id": LEDGER, "arguments": ("-q",),
    }  # fmt: skip
    return Run(**given | changes)


def rate(value: str = "99/100", outcome: Outcome = Outcome.PASS, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "item": "p::alpha::criteria::rate",
        "kind": Kind.CRITERION,
        "title": "rate",
        "facts": {"value": value},
    }
    return Finding(outcome=outcome, **given | changes)


def judgement(
    *findings: Finding, verdict: Verdict = Verdict.PROMOTE, of: Run | None = None, **changes: Any
) -> dict[str, Any]:
    made = Judgement(
        verdict=verdict, findings=findings or (rate(),), subject=SUBJECT, run=of or run(), judged_at=NOW,
        rollout_title="Toy", stage_title="Alpha", manifest=("a", "b"), evidence_digest="e" * 64,
    )  # fmt: skip
    return made.document() | changes


class Told:
    """A history and the entries that it was told."""

    def __init__(self) -> None:
        self.history = History(rollout="toy", ledger_id=LEDGER)

    def take(self, kind: EntryKind, document: Mapping[str, object], digest: str = "d") -> Entry:
        payload = json.dumps(document).encode()
        entry = next_entry(self.history.head, ledger_id=LEDGER, kind=kind, payload=payload)
        self.history.take(entry, json.loads(payload), digest=digest)
        return entry

    def judged(self, *findings: Finding, **changes: Any) -> Told:
        self.take(EntryKind.JUDGEMENT, judgement(*findings, **changes))
        return self


def test_a_ledger_says_when_it_was_made() -> None:
    told = Told()

    entry = told.take(EntryKind.LEDGER_CREATED, {"created_at": NOW.isoformat()})
    assert (told.history.created, told.history.head) == (NOW, entry)
    old = Told()
    old.take(EntryKind.LEDGER_CREATED, {})
    assert old.history.created is None
    with pytest.raises(LedgerError, match="^ledger entry 0: 'created_at' is 'noon' where a time such as"):
        Told().take(EntryKind.LEDGER_CREATED, {"created_at": "noon"})


def test_every_entry_of_this_rollout_is_kept_with_its_number_and_no_other() -> None:
    tick = Tick(rollout="toy", stage="alpha", entry=0, number=1, text="letter", person="ann", at=NOW)
    drill = Drill(
        rollout="toy", stage="alpha", entry=0, network="local", commit="c", committed=True, plan_digest="1",
        suite_digest="2", packages_digest="3", person="ann", at=NOW, tried=(),
    )  # fmt: skip
    statement = Statement(rollout="toy", stage="alpha", judgement="11" * 32, role="CTO", expires=9)
    signed = Signoff(statement=statement, entry=0, signer="0x1", signature="0x", at=NOW)
    terms = Terms(items=("a",), reason="known", expires=9)
    over = OverrideStatement(rollout="toy", stage="alpha", judgement="11" * 32, role="CTO", terms=terms)
    override = Override(statement=over, entry=0, signer="0x1", signature="0x", at=NOW)
    watch = WatchRecord(rollout="toy", stage="alpha", entry=0, watch="w", verdict="hold", at=NOW, kept={}, fired=())
    alarm = WatchRecord(
        rollout="toy", stage="beta", entry=0, watch="w", verdict="rollback", at=NOW, kept={}, fired=("x",)
    )
    move = Rollback(rollout="toy", stage="alpha", to="alpha", entry=0, reason="red", person="ann", at=NOW)
    told, history = Told(), History(rollout="other", ledger_id=LEDGER)
    kinds = (
        (EntryKind.RUN_STARTED, run()), (EntryKind.TICK, tick), (EntryKind.DRILL, drill), (EntryKind.SIGNOFF, signed),
        (EntryKind.WATCH, watch), (EntryKind.WATCH, alarm), (EntryKind.ROLLBACK, move), (EntryKind.OVERRIDE, override),
    )  # fmt: skip

    for kind, value in kinds:
        entry = told.take(kind, value.document())
        history.take(entry, value.document(), digest="d")

    kept = told.history
    assert kept.runs == [Recorded(sequence=0, value=run())]
    assert kept.ticks == [Recorded(sequence=1, value=tick)]
    assert kept.drills == {"alpha": drill}
    assert kept.signoffs == [Recorded(sequence=3, value=signed)]
    assert kept.moves == [Recorded(sequence=6, value=move)]
    assert kept.overrides == [Recorded(sequence=7, value=override)]
    assert [kept.newest_watch(stage) for stage in ("alpha", "beta", "public")] == [watch, alarm, None]
    assert (history.runs, history.ticks, history.signoffs, history.moves) == ([], [], [], [])
    assert history.overrides == []
    assert (history.drills, history.newest_watch("alpha")) == ({}, None)


def test_a_judgement_is_kept_without_its_bulk() -> None:
    failed = rate(title="slow", outcome=Outcome.FAIL)
    told = Told().judged(failed, rate(), rate(title="odd", outcome=Outcome.FAIL, required=False), verdict=Verdict.HOLD)

    record = JudgementRecord(
        sequence=0,
        digest="d",
        verdict="hold",
        rollout="toy",
        stage="alpha",
        run=run(),
        subject=SUBJECT,
        judged_at=NOW,
        blocking=(Reason(title="slow", outcome="fail", item="p::alpha::criteria::rate", kind="criteria"),),
        required=2,
        evidence_digest="e" * 64,
    )
    assert told.history.judgements == [record]
    assert told.history.baseline("alpha") == ("a", "b")
    assert [each["title"] for each in told.history.open_findings("alpha")] == ["slow"]
    assert (told.history.open_findings("beta"), told.history.baseline("beta")) == ((), ())
    assert read(EntryKind.JUDGEMENT, judgement(), sequence=7).digest == ""


def test_a_judgement_of_another_version_is_not_guessed_at() -> None:
    with pytest.raises(LedgerError) as caught:
        Told().judged(schema="x" * 99)

    assert str(caught.value) == (
        f"ledger entry 0: schema '{'x' * 80}' is not the one this version reads ({SCHEMA}). Upgrade pytest-rollout."
    )


NO_BASELINE: dict[str, tuple[tuple[Finding, ...], dict[str, Any]]] = {
    "it held": ((rate(),), {"verdict": Verdict.HOLD}),
    "it rolled back": ((rate(),), {"verdict": Verdict.ROLLBACK}),
    "something stood in the way": ((rate(), rate(title="slow", outcome=Outcome.FAIL)), {}),
    "a rehearsal": ((rate(),), {"of": run(rehearsal=True, network="devnet")}),
    "another kind": ((rate(kind=Kind.TEST),), {}),
    "it failed": ((rate(outcome=Outcome.FAIL, required=False),), {}),
    "no value": ((rate(facts={}),), {}),
    "no number": ((rate("many"),), {}),
    "an exponent": ((rate("1e9"),), {}),
    "another rollout": ((rate(),), {"of": run(rollout="other")}),
}  # fmt: skip


@pytest.mark.parametrize(("findings", "changes"), NO_BASELINE.values(), ids=NO_BASELINE)
def test_only_a_value_that_passed_where_all_passed_is_a_baseline(findings, changes) -> None:
    """What was worse than allowed must not make the same normal."""
    assert Told().judged(*findings, **changes).history.passed == {}


def test_a_baseline_is_the_newest_value_of_its_title() -> None:
    """One that is none hides no other, and what came after it in the same judgement counts."""
    told = Told().judged(rate("1/2")).judged(rate(kind=Kind.TEST), rate("many"), rate("-3/4"), rate("5", title="gas"))
    told.judged(rate("1/9"), verdict=Verdict.HOLD)
    second = told.history.judgements[1]

    assert told.history.passed == {"rate": (Fraction(-3, 4), second), "gas": (Fraction(5), second)}


def test_what_a_gate_read_of_a_node_is_kept_by_the_nodes_name() -> None:
    """Whatever the verdict; of the newest gate that read it."""
    node = rate(item="p::alpha::nodes::node-1.eu.mode", kind=Kind.NODE, facts={"run": "a1"})
    again = rate(item="p::alpha::nodes::node-1.eu.mode", kind=Kind.NODE, facts={"run": "b2"})
    other = rate(item="p::alpha::nodes::node-2.soak", kind=Kind.NODE, facts={})
    foreign = rate(item="p::alpha::stores::node-3.mode", kind=Kind.STORE, facts={"run": "c3"})
    told = Told().judged(node, other, foreign, rate(facts={})).judged(other, again, verdict=Verdict.HOLD).judged()

    assert told.history.nodes == {"node-1.eu": ({"run": "b2"}, told.history.judgements[1])}


def test_a_stage_was_entered_with_the_newest_move() -> None:
    history = History(rollout="toy", ledger_id=LEDGER, created=NOW)
    began = NOW - timedelta(days=9)

    assert (history.entered(None), history.entered(began)) == (NOW, began)
    for days in (1, 2, 3):
        move = Rollback(
            rollout="toy", stage="alpha", to="alpha", entry=0, reason="r", person="ann", at=NOW + timedelta(days=days)
        )
        history.moves.append(Recorded(sequence=days, value=move))
    assert history.entered(began) == history.entered(None) == NOW + timedelta(days=3)


def test_what_was_promoted_by_override_is_told_for_ever() -> None:
    """Rule 36: no later judgement, rollback or clean promotion takes it away."""
    word = Overridden(entries=(1,), items=("a",), people=("ann",), reason="known", expires=NOW)
    clean = Promotion(
        rollout="toy", stage="alpha", to="beta", entry=0, judgement="d", judgement_sequence=1, run="r", attempts=1,
        person="ann", at=NOW,
    )  # fmt: skip
    back = Rollback(rollout="toy", stage="beta", to="alpha", entry=0, reason="r", person="ann", at=NOW)
    resting = replace(clean, overrides=(word,))
    history = History(rollout="toy", ledger_id=LEDGER)
    history.moves += [
        Recorded(sequence=number, value=move) for number, move in enumerate((clean, resting, back, clean, resting))
    ]

    assert history.overridden == (Recorded(sequence=1, value=resting), Recorded(sequence=4, value=resting))


MISFIT: dict[str, tuple[EntryKind, dict[str, Any], str]] = {
    "a tick without its text": (EntryKind.TICK, {"text": None}, "'text'"),
    "a tick with a truth for its number": (EntryKind.TICK, {"number": True}, "'number'"),
    "a look without its verdict": (EntryKind.WATCH, {"verdict": None}, "'verdict'"),
}


@pytest.mark.parametrize(("kind", "changes", "place"), MISFIT.values(), ids=MISFIT)
def test_what_takes_no_place_of_an_older_one_is_read_at_once(kind: EntryKind, changes: dict, place: str) -> None:
    """A misfit must not wait unseen until it decides."""
    tick = Tick(rollout="toy", stage="alpha", entry=0, number=1, text="letter", person="ann", at=NOW)
    watch = WatchRecord(rollout="toy", stage="alpha", entry=0, watch="w", verdict="hold", at=NOW, kept={}, fired=())
    document = (tick if kind is EntryKind.TICK else watch).document() | changes

    with pytest.raises(LedgerError, match=f"^ledger entry 0: {place}"):
        Told().take(kind, document)


def test_what_decides_later_and_cannot_be_read_is_told_by_its_entry() -> None:
    told = Told()
    told.take(EntryKind.LEDGER_CREATED, {})
    told.take(EntryKind.TICK, {"rollout": "toy", "stage": "alpha", "entry": 0, "number": 1, "text": "letter"})

    with pytest.raises(LedgerError, match="^ledger entry 1: "):
        assert told.history.ticks


def test_ticks_are_told_in_the_order_in_which_they_were_made_last() -> None:
    told, ticks = Told(), []
    for number in (2, 1, 2):
        ticks.append(Tick(rollout="toy", stage="alpha", entry=0, number=number, text="x", person="ann", at=NOW))
        told.take(EntryKind.TICK, ticks[-1].document())

    assert told.history.ticks == [Recorded(sequence=1, value=ticks[1]), Recorded(sequence=2, value=ticks[2])]


def test_the_time_of_a_ledger_is_that_of_its_first_entry_alone() -> None:
    told = Told()
    told.take(EntryKind.LEDGER_CREATED, {"created_at": NOW.isoformat()})
    told.judged()

    assert told.history.created == NOW


def test_an_alarm_counts_if_it_came_later_in_this_visit() -> None:
    told = Told()
    alarms = [
        WatchRecord(rollout="toy", stage=stage, entry=entry, watch="w", verdict="rollback", at=NOW, kept={}, fired=())
        for stage, entry in (("alpha", 0), ("beta", 0), ("alpha", 9))
    ]
    for alarm in alarms:
        told.take(EntryKind.WATCH, alarm.document())

    assert told.history.alarm_after(-1, "alpha") == Recorded(sequence=0, value=alarms[0])
    assert told.history.alarm_after(0, "alpha") is None
    assert told.history.alarm_after(0, "beta") == Recorded(sequence=1, value=alarms[1])


def test_the_latest_time_is_that_of_everything_recorded_after_an_entry() -> None:
    """A clock that goes back hides behind none of them, whatever order they stand in."""

    def at(hours: int) -> datetime:
        return NOW + timedelta(hours=hours)

    told = Told()
    told.take(EntryKind.RUN_STARTED, run("r1", started_at=at(9)).document())
    move = Rollback(rollout="toy", stage="alpha", to="alpha", entry=0, reason="red", person="ann", at=at(7))
    told.take(EntryKind.ROLLBACK, move.document())
    watch = WatchRecord(rollout="toy", stage="alpha", entry=0, watch="w", verdict="hold", at=at(5), kept={}, fired=())
    told.take(EntryKind.WATCH, watch.document())
    tick = Tick(rollout="toy", stage="alpha", entry=0, number=1, text="letter", person="ann", at=at(3))
    told.take(EntryKind.TICK, tick.document())
    told.take(EntryKind.RUN_STARTED, run("r2", started_at=at(1)).document())
    after = [told.history.newest_after(sequence) for sequence in range(-1, 5)]

    assert after == [at(9), at(7), at(5), at(3), at(1), None]


def test_of_judgements_whose_runs_began_together_the_later_one_is_the_baseline() -> None:
    """And one whose run nobody saw begin is older than any whose run was started."""
    told = Told().judged().judged(manifest=["c"])
    assert told.history.baseline("alpha") == ("c",)
    told = Told()
    told.take(EntryKind.LEDGER_CREATED, {})
    told.take(EntryKind.RUN_STARTED, run("r").document())

    assert told.judged().judged(of=run("unseen"), manifest=["c"]).history.baseline("alpha") == ("a", "b")


def test_the_newest_run_is_that_of_its_stage() -> None:
    history = History(rollout="toy", ledger_id=LEDGER)
    history.runs += [Recorded(sequence=1, value=run("a")), Recorded(sequence=2, value=run("b", "beta"))]

    assert history.newest_run("alpha") == history.runs[0]
    assert history.newest_run("public") is None
