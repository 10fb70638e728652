"""Ticks count for one visit of one stage, and for the exact words a person saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_rollout.core.checklist import Tick, valid_ticks
from pytest_rollout.core.entries import next_entry
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import History
from pytest_rollout.core.records import Record
from pytest_rollout.core.rollout import ChecklistEntry, Rollout, Stage

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
LETTER = "Audit letter received"


def plan(*entries: ChecklistEntry) -> Rollout:
    stages = (Stage(name="alpha", title="A", checklist=entries), Stage(name="beta", title="B", checklist=entries))
    return Rollout(name="toy", title="Toy", folder=Path("toy"), plan_digest="", stages=stages)


def tick(**changes: object) -> Tick:
    fields: dict[str, object] = {
        "rollout": "toy",
        "stage": "alpha",
        "entry": 0,
        "number": 1,
        "text": LETTER,
        "person": "ann",
        "at": AT,
    }
    return Tick(**(fields | changes))  # type: ignore[arg-type]


def counted(rollout: Rollout, *ticks: Tick) -> dict[int, Tick]:
    history, head = History(rollout="toy", ledger_id="l"), next_entry(None, ledger_id="l", kind=Tick.kind, payload=b"")
    for each in ticks:
        head = next_entry(head, ledger_id="l", kind=Tick.kind, payload=b"")
        history.take(head, each.document(), digest="")
    return valid_ticks(history, rollout, "alpha", 0)


def test_ticks_of_others_hide_none_that_came_later() -> None:
    assert counted(ONE, tick(stage="beta", number=2), tick(person="ben"))[1].person == "ben"


ONE = plan(ChecklistEntry(number=1, text=LETTER))


def test_a_tick_counts_and_says_who() -> None:
    assert counted(ONE, tick())[1].person == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"entry": 4},
        {"stage": "beta"},
        {"rollout": "other"},
        {"text": LETTER + " "},
        {"text": LETTER.upper()},
        {"ticked": False},
    ],
    ids=["another visit", "another stage", "another rollout", "a blank more", "other case", "taken back"],
)
def test_a_tick_for_something_else_does_not_count(changes: Mapping[str, object]) -> None:
    assert counted(ONE, tick(**changes)) == {}


def test_a_changed_text_voids_the_tick() -> None:
    """The person ticked other words than the plan has now."""
    assert counted(plan(ChecklistEntry(number=1, text="Audit letter received and read")), tick()) == {}


def test_the_newest_tick_decides_both_ways() -> None:
    assert counted(ONE, tick(), tick(ticked=False)) == {}
    assert counted(ONE, tick(), tick(ticked=False), tick(person="bob"))[1].person == "bob"


def test_a_tick_follows_its_text_to_another_number() -> None:
    moved = plan(ChecklistEntry(number=1, text="Backups restored"), ChecklistEntry(number=2, text=LETTER))

    assert counted(moved, tick()).keys() == {2}


def test_an_undo_under_another_number_is_not_forgotten_when_the_list_is_put_back() -> None:
    assert counted(ONE, tick(number=1), tick(number=2, ticked=False)) == {}


def test_the_same_text_twice_needs_two_ticks() -> None:
    """One tick must not stand for two owed things."""
    twice = plan(ChecklistEntry(number=1, text=LETTER), ChecklistEntry(number=2, text=LETTER))

    assert counted(twice, tick(number=2)).keys() == {2}
    assert counted(twice, tick(number=1), tick(number=2)).keys() == {1, 2}


def test_an_entry_that_asks_for_evidence_counts_only_with_a_digest() -> None:
    asked = plan(ChecklistEntry(number=1, text=LETTER, evidence=True))

    assert counted(asked, tick(note="it is in my mail")) == {}
    assert counted(asked, tick(evidence_digest="f" * 64, evidence_name="letter.pdf")).keys() == {1}


def test_a_later_tick_without_evidence_replaces_the_one_with_it() -> None:
    asked = plan(ChecklistEntry(number=1, text=LETTER, evidence=True))

    assert counted(asked, tick(evidence_digest="f" * 64), tick()) == {}


def test_a_tick_reads_back_as_it_was_written() -> None:
    made = tick(note="n", evidence_digest="f" * 64, evidence_name="letter.pdf", ticked=False)

    assert Tick.read(Record(made.document(), "ledger entry 1")) == made


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ticked": "false"}, "ledger entry 1: 'ticked' is 'false' where true or false belongs"),
        ({"ticked": 1}, "ledger entry 1: 'ticked' is '1' where true or false belongs"),
        ({"number": True}, "ledger entry 1: 'number' is 'True' where an integer belongs"),
        ({"number": "1"}, "ledger entry 1: 'number' is '1' where an integer belongs"),
        ({"text": None}, "ledger entry 1: 'text' is 'None' where a string belongs"),
        ({"at": "yesterday"}, "ledger entry 1: 'at' is 'yesterday' where a time such as"),
        ({"at": "2026-11-02T10:00:00"}, "'at' is '2026-11-02T10:00:00' where a time with its offset from UTC"),
    ],
    ids=["text for truth", "number for truth", "truth for number", "text for number", "null", "no time", "naive"],
)
def test_a_tick_of_another_shape_is_refused(changes: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Tick.read(Record(tick().document() | changes, "ledger entry 1"))

    assert sentence in str(caught.value)


def test_a_tick_without_a_field_is_refused() -> None:
    document = tick().document()
    del document["person"]

    with pytest.raises(LedgerError, match=r"^ledger entry 1: no 'person'; it was not written by this version"):
        Tick.read(Record(document, "ledger entry 1"))
