"""Every judgement of a ledger judged again, from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import EvidenceError, LedgerError
from pytest_rollout.core.history import JudgementRecord, read
from pytest_rollout.core.judging import judge
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import Override
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.signoff import Signoff
from pytest_rollout.runner.overridden import rested, signed_for
from pytest_rollout.runner.record import encloses_plan, unpack

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


@dataclass(slots=True, kw_only=True)
class Again:
    """How many judgements gave the same bytes again, how many enclose no plan, how many promotions rest on overrides.

    ``unconfirmed`` names roles under promotions whose signature the record alone cannot confirm: contract wallets, and
    addresses that the plan keeps from it.
    """

    same: int = 0
    without: int = 0
    overridden: int = 0
    unconfirmed: list[str] = field(default_factory=list)


def judge_again(ledger: Ledger) -> Again:
    """Every judgement made again, and every promotion held against what it rests on; raises ``LedgerError``."""
    from pytest_rollout.ledger.canonical import parse, seal  # noqa: PLC0415 - rfc8785

    again = Again()
    signed: list[Recorded[Any]] = []
    for entry in ledger.entries():
        if entry.kind in {EntryKind.OVERRIDE, EntryKind.SIGNOFF}:
            value = read(entry.kind, parse(entry.payload), sequence=entry.sequence)
            signed.append(Recorded(sequence=entry.sequence, value=value))
        if entry.kind is EntryKind.PROMOTION:
            _rests(ledger, entry, signed, again)
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


def _rests(ledger: Ledger, entry: Entry, signed: Sequence[Recorded[Any]], again: Again) -> None:
    """Refuse a promotion that neither a judgement that says promote nor overrides carry, or that nobody signed for."""
    from pytest_rollout.ledger.canonical import digest, parse  # noqa: PLC0415 - as above

    move = read(entry.kind, parse(entry.payload), sequence=entry.sequence)
    assert isinstance(move, Promotion)  # noqa: S101 - by its kind
    found = next(ledger.entries(max(0, move.judgement_sequence)), entry)
    judgement = read(found.kind, parse(found.payload), sequence=found.sequence, digest=digest(found.payload))
    if not isinstance(judgement, JudgementRecord) or found.sequence >= entry.sequence:
        raise _stands_not(entry, move, "there is no such judgement before it")
    carries = judgement.verdict == Verdict.PROMOTE.value and judgement.digest == move.judgement and not move.overrides
    content = ledger.attachment(judgement.evidence_digest)
    if not encloses_plan(content):
        if not carries:
            raise _stands_not(entry, move, "its evidence encloses no plan that could let somebody override")
        return
    stage = unpack(content, None, judgement.evidence_digest).stage
    answers = []
    if not carries:
        numbers = {number for each in move.overrides for number in each.entries}
        overrides = [each for each in signed if isinstance(each.value, Override) and each.sequence in numbers]
        answers.append(rested(stage, judgement, move, overrides))
        again.overridden += 1
    signoffs = [each for each in signed if isinstance(each.value, Signoff)]
    answers.append(signed_for(stage, judgement, move, signoffs))
    for each in answers:
        if each.why:
            raise _stands_not(entry, move, each.why)
        again.unconfirmed += [f"{role} (entry {entry.sequence})" for role in each.unconfirmed]


def _stands_not(entry: Entry, move: Promotion, why: str) -> LedgerError:
    return LedgerError(f"ledger entry {entry.sequence}: the promotion out of '{move.stage}' does not stand: {why}.")
