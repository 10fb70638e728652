"""Every judgement of a ledger judged again, from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import EvidenceError, LedgerError
from pytest_rollout.core.history import JudgementRecord, read
from pytest_rollout.core.judging import judge
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import Override
from pytest_rollout.core.records import Recorded
from pytest_rollout.runner.overridden import rested
from pytest_rollout.runner.record import encloses_plan, unpack

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


@dataclass(slots=True, kw_only=True)
class Again:
    """How many judgements gave the same bytes again, how many enclose no plan, how many promotions rest on overrides.

    ``unconfirmed`` names contract wallets under those overrides, which only their chain could confirm.
    """

    same: int = 0
    without: int = 0
    overridden: int = 0
    unconfirmed: list[str] = field(default_factory=list)


def judge_again(ledger: Ledger) -> Again:
    """Every judgement made again, and every promotion held against what it rests on; raises ``LedgerError``."""
    from pytest_rollout.ledger.canonical import parse, seal  # noqa: PLC0415 - rfc8785

    again = Again()
    overrides: list[Recorded[Override]] = []
    for entry in ledger.entries():
        if entry.kind is EntryKind.OVERRIDE:
            value = read(entry.kind, parse(entry.payload), sequence=entry.sequence)
            overrides += [Recorded(sequence=entry.sequence, value=value)] if isinstance(value, Override) else []
        if entry.kind is EntryKind.PROMOTION:
            _rests(ledger, entry, overrides, again)
        if entry.kind is not EntryKind.JUDGEMENT:
            continue
        digest = parse(entry.payload)["evidence_digest"]
        content = ledger.attachment(digest)
        try:
            if not encloses_plan(content):
                again.without += 1
                continue
            made = seal(judge(unpack(content, None, digest)))
        except EvidenceError as error:
            raise LedgerError(f"ledger entry {entry.sequence}: {error}") from None
        if made.payload != entry.payload:
            raise LedgerError(
                f"ledger entry {entry.sequence}: judging its evidence again gives another judgement "
                f"({made.judgement.verdict.value}, {made.digest[:12]}): it was forged, or another version made it."
            )
        again.same += 1
    return again


def _rests(ledger: Ledger, entry: Entry, overrides: Sequence[Recorded[Override]], again: Again) -> None:
    """Refuse a promotion that rests neither on a judgement that says promote nor on overrides that carry it."""
    from pytest_rollout.ledger.canonical import digest, parse  # noqa: PLC0415 - as above

    move = read(entry.kind, parse(entry.payload), sequence=entry.sequence)
    assert isinstance(move, Promotion)  # noqa: S101 - by its kind
    found = next(ledger.entries(max(0, move.judgement_sequence)), entry)
    judgement = read(found.kind, parse(found.payload), sequence=found.sequence, digest=digest(found.payload))
    why = "there is no such judgement before it"
    if isinstance(judgement, JudgementRecord) and found.sequence < entry.sequence:
        if judgement.verdict == Verdict.PROMOTE.value and judgement.digest == move.judgement and not move.overrides:
            return
        content = ledger.attachment(judgement.evidence_digest)
        if not encloses_plan(content):
            why = "its evidence encloses no plan that could let somebody override"
        else:
            stage = unpack(content, None, judgement.evidence_digest).stage
            numbers = {number for each in move.overrides for number in each.entries}
            found_out = rested(stage, judgement, move, [each for each in overrides if each.sequence in numbers])
            again.overridden += 1
            again.unconfirmed += [f"{role} (entry {entry.sequence})" for role in found_out.unconfirmed]
            why = found_out.why
    if why:
        raise LedgerError(f"ledger entry {entry.sequence}: the promotion out of '{move.stage}' does not stand: {why}.")
