"""What a ledger keeps of a look is everything that was seen, and is read back as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Bound, Relation, Trigger
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome, Severity, Verdict
from pytest_rollout.core.records import Record
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.watch_record import WatchRecord
from pytest_rollout.core.watching import Fired, Kept, Sight

AT = datetime(2031, 5, 4, 2, 0, tzinfo=UTC)
FAILED = Finding(item="plan::answers", kind=Kind.CRITERION, title="answers", outcome=Outcome.FAIL, measured="600 ms")
PASSED = Finding(item="plan::n1", kind=Kind.NODE, title="n1", outcome=Outcome.PASS)
SLOW = Trigger(when=Bound(relation=Relation.MORE, limit=Fraction(500), unit=UNITS["count"]), severity=Severity.PLANNED)
KEPT = Kept(subject="é", until=7, verdict=Verdict.ROLLBACK, looks=3)
SIGHT = Sight(
    verdict=Verdict.ROLLBACK,
    findings=(FAILED, PASSED),
    fired=(Fired(trigger=SLOW, finding=FAILED),),
    kept=KEPT,
    now=7,
)
SEEN = WatchRecord.of(SIGHT, rollout="toy", stage="beta", entry=4, watch="w1", at=AT, evidence_digest="ab" * 32)
DOCUMENT = {
    "rollout": "toy",
    "stage": "beta",
    "entry": 4,
    "watch": "w1",
    "verdict": "rollback",
    "at": "2031-05-04T02:00:00+00:00",
    "kept": (
        '{"bad":[],"blind_since":"","looks":3,"soaked":{"counters":[],"stretches":[]},'
        '"subject":"\\u00e9","until":"7","verdict":"rollback"}'
    ),
    "findings": [FAILED.document(), PASSED.document()],
    "fired": [f"answers: planned, {SLOW}"],
    "evidence_digest": "ab" * 32,
}


def test_a_look_is_recorded_whole_and_read_as_it_was_written() -> None:
    about = {"rollout": "toy", "stage": "beta", "entry": 4, "watch": "w1", "at": AT, "evidence_digest": "ab" * 32}

    assert WatchRecord.of(SIGHT, **about) == SEEN
    assert SEEN.document() == DOCUMENT
    assert WatchRecord.read(Record(DOCUMENT, "ledger entry 5")) == SEEN
    assert Kept.read(SEEN.kept) == KEPT


@pytest.mark.parametrize("verdict", Verdict)
def test_a_look_is_a_rollback_where_a_trigger_fired(verdict: Verdict) -> None:
    read = WatchRecord.read(Record(DOCUMENT | {"verdict": verdict.value}, "ledger entry 5"))

    assert read.is_rollback is (verdict is Verdict.ROLLBACK)


@pytest.mark.parametrize("kept", ["", "{", "[]", "null"])
def test_what_is_not_what_a_watch_remembers_is_refused(kept: str) -> None:
    with pytest.raises(LedgerError) as refused:
        WatchRecord.read(Record(DOCUMENT | {"kept": kept}, "ledger entry 5"))

    assert str(refused.value) == (
        "ledger entry 5: 'kept' is not what a watch remembers; watch with the version that wrote it."
    )
