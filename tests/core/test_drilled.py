"""A recorded drill: what it is worth, and when it is none that counts (rule 35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.drilled import Drill, DrillPolicy, require
from pytest_rollout.core.errors import LedgerError, Refused
from pytest_rollout.core.faults import Came, Fault, Tried
from pytest_rollout.core.records import Record
from pytest_rollout.core.subject import Subject

NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)
SUBJECT = Subject(commit="c", committed=True, plan_digest="1", suite_digest="2", packages_digest="3")
POLICY = DrillPolicy(score=Fraction(4, 5), valid_for=timedelta(days=7))


def tried(came: Came, fault: Fault = Fault.CODE, name: str = "Escrow") -> Tried:
    return Tried(fault=fault, item=f"p::alpha::contracts::{name}", came=came, why="so")


def drill(*faults: Tried, **changes: Any) -> Drill:
    given: dict[str, Any] = {
        "rollout": "toy", "stage": "alpha", "entry": 0, "network": "local", "commit": "c", "committed": True,
        "plan_digest": "1", "suite_digest": "2", "packages_digest": "3", "person": "ann", "at": NOW,
        "tried": faults or (tried(Came.NOTICED),), "quiet": ("p::alpha::test_a",),
    }  # fmt: skip
    return Drill(**given | changes)


FAR, SEEN, MISSED = Came.OUT_OF_REACH, Came.NOTICED, Came.MISSED
WORTH: dict[str, tuple[tuple[Tried, ...], int, Fraction, bool, bool]] = {
    "all noticed": ((tried(SEEN), tried(SEEN)), 2, Fraction(1), True, True),
    "one missed": ((tried(SEEN), tried(MISSED)), 2, Fraction(1, 2), True, False),
    "one out of reach": ((tried(SEEN), tried(FAR)), 1, Fraction(1), True, True),
    "all out of reach": ((tried(FAR), tried(FAR)), 0, Fraction(0), False, False),
    "items alone": ((tried(SEEN, Fault.ITEM),), 1, Fraction(1), False, False),
    "items, and the rest out of reach": ((tried(SEEN, Fault.ITEM), tried(FAR)), 1, Fraction(1), False, False),
    "items beside another": ((tried(SEEN, Fault.ITEM), tried(SEEN)), 2, Fraction(1), True, True),
}


@pytest.mark.parametrize(("faults", "counted", "score", "about", "clean"), WORTH.values(), ids=WORTH)
def test_a_drill_is_worth_what_it_noticed_of_the_world(faults, counted, score, about, clean) -> None:
    """That an item was not run is noticed by the supervisor whatever the gate is."""
    made = drill(*faults)

    assert (made.counted, made.score, made.is_about_something, made.is_clean) == (counted, score, about, clean)


def test_a_drill_reads_back_as_it_was_written() -> None:
    made = drill(tried(SEEN), tried(MISSED, Fault.FLAG))

    assert Drill.read(Record(made.document(), "ledger entry 5")) == made


def test_a_fault_that_nobody_knows_is_of_a_newer_version() -> None:
    document = drill().document()
    document["tried"] = [tried(SEEN).document() | {"fault": "earthquake"}]

    with pytest.raises(LedgerError) as caught:
        Drill.read(Record(document, "ledger entry 5"))

    assert str(caught.value).endswith(
        ": 'earthquake' is not a valid Fault; read it with the version of pytest-rollout that wrote it."
    )


REFUSED: dict[str, tuple[Drill, str]] = {
    "another commit": (drill(commit="d"), "commit changed since the last drill (2031-05-04T12:00:00+00:00)."),
    "another plan": (drill(plan_digest="9"), "plan changed since the last drill (2031-05-04T12:00:00+00:00)."),
    "another suite": (drill(suite_digest="9"), "suite changed since the last drill (2031-05-04T12:00:00+00:00)."),
    "other packages": (
        drill(packages_digest="9"), "installed packages changed since the last drill (2031-05-04T12:00:00+00:00).",
    ),
    "all of it": (
        drill(commit="d", plan_digest="9", suite_digest="9", packages_digest="9"),
        "commit, plan, suite, installed packages changed since the last drill (2031-05-04T12:00:00+00:00).",
    ),
    "not committed": (drill(committed=False), "the last drill was of files that no commit has. Commit them."),
    "items alone": (
        drill(tried(SEEN, Fault.ITEM)),
        "the last drill had nothing to alter but the presence of items; declare what the gate is about in the plan.",
    ),
    "too little noticed": (
        drill(tried(MISSED), tried(MISSED), tried(MISSED, name="Vault"), tried(SEEN), tried(FAR, name="Far")),
        "the last drill noticed 1 of 4 faults, the plan wants 80 %; unnoticed: Escrow, Vault. Mend the gate.",
    ),
    "a moment too old": (
        drill(at=NOW - timedelta(days=7, microseconds=1)),
        "the last drill was at 2031-04-27T11:59:59.999999+00:00, the plan allows 7 days, 0:00:00.",
    ),
    "of the future": (
        drill(at=NOW + timedelta(microseconds=1)),
        "the last drill was at 2031-05-04T12:00:00.000001+00:00, the plan allows 7 days, 0:00:00.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("recorded", "told"), REFUSED.values(), ids=REFUSED)
def test_a_drill_that_does_not_count_is_told_with_why(recorded: Drill, told: str) -> None:
    with pytest.raises(Refused) as caught:
        require(POLICY, recorded, SUBJECT, NOW, place="toy:alpha")

    assert str(caught.value) == f"toy:alpha: {told} Run `rollout drill toy:alpha`."


def test_where_nothing_that_was_tried_came_out_at_all_nothing_is_named() -> None:
    odd = drill(*(tried(came) for came in Came if came not in {SEEN, MISSED, FAR}), *(tried(FAR),))
    with pytest.raises(Refused) as caught:
        require(POLICY, odd, SUBJECT, NOW, place="toy:alpha")

    assert str(caught.value) == (
        "toy:alpha: the last drill noticed 0 of 1 faults, the plan wants 80 %. Mend the gate. "
        "Run `rollout drill toy:alpha`."
    )


@pytest.mark.parametrize("at", [NOW, NOW - timedelta(days=7)], ids=["of this moment", "as old as allowed"])
def test_a_drill_that_is_recent_and_good_enough_counts(at: datetime) -> None:
    good = drill(tried(MISSED), *[tried(SEEN)] * 4, at=at)

    require(POLICY, good, SUBJECT, NOW, place="toy:alpha")
    require(POLICY, replace(good, tried=(*good.tried, tried(FAR))), SUBJECT, NOW, place="toy:alpha")
