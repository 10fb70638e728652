"""Recorded moves from stage to stage, and where they leave a rollout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError, PlanError, listed
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.core.rollout import Stage

COMPLETE = ""
"""What ``to`` says after the last stage; the rollout is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """What a promotion says of one override it rests on: findings, reason, end, who signed, and where it stands.

    ``people`` are ``Ann (CTO)``, ``entries`` the ledger entries of their signatures.
    """

    items: tuple[str, ...]
    reason: str
    expires: datetime
    people: tuple[str, ...]
    entries: tuple[int, ...]

    def __str__(self) -> str:
        """One line for people, without the items."""
        some = "1 finding" if len(self.items) == 1 else f"{len(self.items)} findings"
        return f"{some}, by {', '.join(self.people)}: {self.reason}"

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {
            "items": list(self.items),
            "reason": self.reason,
            "expires": self.expires.isoformat(),
            "people": list(self.people),
            "entries": list(self.entries),
        }

    @classmethod
    def read(cls, record: Record) -> Overridden:
        """One of those that a promotion lists."""
        return cls(
            items=record.texts("items"),
            reason=record.text("reason"),
            expires=record.moment("expires"),
            people=record.texts("people"),
            entries=record.numbers("entries"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A move to the next stage. It consumes one judgement.

    ``stage`` is the one left, ``to`` the one entered or ``COMPLETE``; ``entry`` the visit that
    ended; ``judgement`` the SHA-256 of the judgement's payload and ``judgement_sequence`` its
    ledger entry; ``attempts`` how often the gate was started in this visit. ``overrides`` are those that
    it rests on, none where the judgement itself says promote.
    """

    rollout: str
    stage: str
    to: str
    entry: int
    judgement: str
    judgement_sequence: int
    run: str
    attempts: int
    person: str
    at: datetime
    overrides: tuple[Overridden, ...] = ()

    kind = EntryKind.PROMOTION

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        rests_on = {"overrides": [each.document() for each in self.overrides]} if self.overrides else {}
        return rests_on | {
            "rollout": self.rollout,
            "stage": self.stage,
            "to": self.to,
            "entry": self.entry,
            "judgement": self.judgement,
            "judgement_sequence": self.judgement_sequence,
            "run": self.run,
            "attempts": self.attempts,
            "person": self.person,
            "at": self.at.isoformat(),
        }

    @classmethod
    def read(cls, record: Record) -> Promotion:
        """The promotion a ledger entry holds."""
        return cls(
            rollout=record.text("rollout"),
            stage=record.text("stage"),
            to=record.text("to"),
            entry=record.number("entry"),
            judgement=record.text("judgement"),
            judgement_sequence=record.number("judgement_sequence"),
            run=record.text("run"),
            attempts=record.number("attempts"),
            person=record.text("person"),
            at=record.moment("at"),
            overrides=tuple(map(Overridden.read, record.tables("overrides"))) if "overrides" in record.document else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A move back to an earlier stage, with its reason; it needs no judgement.

    ``stage`` is the one left, or the last stage where a complete rollout is reopened.
    """

    rollout: str
    stage: str
    to: str
    entry: int
    reason: str
    person: str
    at: datetime

    kind = EntryKind.ROLLBACK

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {
            "rollout": self.rollout,
            "stage": self.stage,
            "to": self.to,
            "entry": self.entry,
            "reason": self.reason,
            "person": self.person,
            "at": self.at.isoformat(),
        }

    @classmethod
    def read(cls, record: Record) -> Rollback:
        """The rollback a ledger entry holds."""
        return cls(
            rollout=record.text("rollout"),
            stage=record.text("stage"),
            to=record.text("to"),
            entry=record.number("entry"),
            reason=record.text("reason"),
            person=record.text("person"),
            at=record.moment("at"),
        )


Move = Promotion | Rollback

BY_OVERRIDE = "promoted by override"
"""How the facts of a judgement begin that tell of an earlier promotion on the way to its stage."""


def overridden_facts(promotions: Iterable[Recorded[Promotion]]) -> dict[str, str]:
    """What later judgements, and so their briefs, say of promotions that rest on overrides (rule 36)."""
    return {
        f"{BY_OVERRIDE} (ledger entry {each.sequence})": f"{each.value.stage}: "
        + "; ".join(f"{one} [{', '.join(one.items)}]" for one in each.value.overrides)
        for each in promotions
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a rollout stands: its stage, None when it is complete, and the visit's entry.

    ``entry`` is the ledger sequence of the newest move, 0 before the first one. Every run
    carries it, so what was judged in an earlier visit to a stage cannot promote a later one.
    """

    stage: str | None
    entry: int


def position(stages: Sequence[Stage], moves: Iterable[Recorded[Move]]) -> Position:
    """Where the moves lead, in their order.

    Raises ``LedgerError`` when a move does not start where the one before it ended, and
    ``PlanError`` when the plan no longer has the stage the record ends in.
    """
    names = [stage.name for stage in stages]
    stood: str | None = None
    entry = 0
    for recorded in moves:
        move = recorded.value
        if move.entry != entry or not _starts_at(move, stood):
            raise LedgerError(
                f"ledger entry {recorded.sequence}: moves {move.rollout} out of '{move.stage}' "
                f"(entered by entry {move.entry}), but it stood at '{stood}' (entered by entry {entry}). "
                "Restore the ledger from a backup."
            )
        stood, entry = move.to, recorded.sequence
    if stood is None:
        return Position(stage=names[0], entry=0)
    if stood == COMPLETE:
        return Position(stage=None, entry=entry)
    if stood not in names:
        raise PlanError(
            f"rollout.toml: the record says the rollout stands at '{stood}' since ledger entry {entry}, "
            f"but the plan has {listed(names)}. Put the stage back, or roll back from a plan that has it."
        )
    return Position(stage=stood, entry=entry)


def _starts_at(move: Move, stood: str | None) -> bool:
    if stood == COMPLETE:
        return isinstance(move, Rollback)
    return stood is None or stood == move.stage
