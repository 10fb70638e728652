"""What a person has seen to: ticks, bound to one visit of a stage and to the exact words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.records import Record
from pytest_rollout.core.rollout import ChecklistEntry, Rollout

if TYPE_CHECKING:  # history reads ticks, so at run time the door opens one way only
    from pytest_rollout.core.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Somebody ticked a checklist entry, or took the tick back (``ticked`` is false).

    ``entry`` is the visit to the stage, ``number`` and ``text`` are the entry's as they were
    shown to the person; ``evidence_digest`` is the SHA-256 of the file handed in, or empty.
    """

    rollout: str
    stage: str
    entry: int
    number: int
    text: str
    person: str
    at: datetime
    note: str = ""
    evidence_digest: str = ""
    evidence_name: str = ""
    ticked: bool = True

    kind = EntryKind.TICK

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {
            "rollout": self.rollout,
            "stage": self.stage,
            "entry": self.entry,
            "number": self.number,
            "text": self.text,
            "person": self.person,
            "at": self.at.isoformat(),
            "note": self.note,
            "evidence_digest": self.evidence_digest,
            "evidence_name": self.evidence_name,
            "ticked": self.ticked,
        }

    @classmethod
    def read(cls, record: Record) -> Tick:
        """The tick a ledger entry holds."""
        return cls(
            rollout=record.text("rollout"),
            stage=record.text("stage"),
            entry=record.number("entry"),
            number=record.number("number"),
            text=record.text("text"),
            person=record.text("person"),
            at=record.moment("at"),
            note=record.text("note"),
            evidence_digest=record.text("evidence_digest"),
            evidence_name=record.text("evidence_name"),
            ticked=record.truth("ticked"),
        )


def valid_ticks(history: History, rollout: Rollout, stage: str, entry: int) -> dict[int, Tick]:
    """The ticks that count for one visit to ``stage``, by the number the plan gives them now.

    The newest tick of an entry's exact text decides; a changed text has none. Where the plan
    writes the same text twice, the number must agree as well. An entry that asks for evidence
    counts only with a digest. Ticks of another visit or stage never count.
    """
    checklist = rollout.stage(stage).checklist
    written = Counter(each.text for each in checklist)
    newest: dict[int, Tick] = {}
    for recorded in history.ticks:
        tick = recorded.value
        if (tick.rollout, tick.stage, tick.entry) != (rollout.name, stage, entry):
            continue
        for asked in checklist:
            if asked.text == tick.text and (written[asked.text] == 1 or asked.number == tick.number):
                newest[asked.number] = tick
    return {
        asked.number: newest[asked.number]
        for asked in checklist
        if asked.number in newest and _counts(newest[asked.number], asked)
    }


def _counts(tick: Tick, asked: ChecklistEntry) -> bool:
    return tick.ticked and (bool(tick.evidence_digest) or not asked.evidence)
