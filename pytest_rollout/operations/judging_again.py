"""Every judgement of a ledger judged again, from the record alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import EvidenceError, LedgerError
from pytest_rollout.core.history import History
from pytest_rollout.core.judging import judge
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.runner.overridden import Rested, rested, signed_for, why_not_carried
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
    """Every judgement made again, and every promotion held against what it rests on; raises ``LedgerError``.

    Every entry is read to its end, so one that is not canonical is found, whether anything rests on it or not.
    """
    from pytest_rollout.ledger.canonical import seal  # noqa: PLC0415 - rfc8785
    from pytest_rollout.ledger.rows import document_of  # noqa: PLC0415 - as above

    again = Again()
    promoted: dict[str, None] = {}
    for entry in ledger.entries():
        document = Record(document_of(entry.sequence, entry.payload), f"ledger entry {entry.sequence}")
        if entry.kind is EntryKind.PROMOTION:
            promoted[document.text("rollout")] = None
        if entry.kind is not EntryKind.JUDGEMENT:
            continue
        digest = document.text("evidence_digest")
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
    for rollout in promoted:
        _look_at_promotions(ledger, rollout, again)
    return again


def _look_at_promotions(ledger: Ledger, rollout: str, again: Again) -> None:
    from pytest_rollout.ledger.journal import read_history  # noqa: PLC0415 - pydantic_core

    history = read_history(ledger, rollout)
    for number, promotion in ((each.sequence, each.value) for each in history.moves):
        if not isinstance(promotion, Promotion):
            continue
        found = _rests(ledger, Recorded(sequence=number, value=promotion), history, again)
        if found.why:
            raise LedgerError(
                f"ledger entry {number}: the promotion out of '{promotion.stage}' does not stand: {found.why}."
            )
        again.unconfirmed += [f"{role} (entry {number})" for role in found.unconfirmed]


def _rests(ledger: Ledger, promotion: Recorded[Promotion], history: History, again: Again) -> Rested:
    """Whether a judgement that says promote, or overrides, carry a promotion, and who must sign for it has signed."""
    move = promotion.value
    numbered = {each.sequence: each for each in history.judgements if each.sequence < promotion.sequence}
    judgement = numbered.get(move.judgement_sequence)
    if judgement is None:
        return Rested(why="there is no such judgement before it")
    carries = judgement.verdict == Verdict.PROMOTE.value and judgement.digest == move.judgement and not move.overrides
    content = ledger.attachment(judgement.evidence_digest)
    if not encloses_plan(content):
        return Rested(why="" if carries else "its evidence encloses no plan that could let somebody override")
    question = unpack(content, None, judgement.evidence_digest)
    stage, age = question.stage, question.rollout.judgement_max_age
    by_override = Rested()
    if not carries:
        numbers = {number for each in move.overrides for number in each.entries}
        by_override = rested(stage, judgement, move, [each for each in history.overrides if each.sequence in numbers])
        again.overridden += 1
    signed = signed_for(
        stage, judgement, move, [each for each in history.signoffs if each.sequence < promotion.sequence]
    )
    return Rested(
        why=by_override.why or why_not_carried(judgement, promotion, history, age) or signed.why,
        unconfirmed=(*by_override.unconfirmed, *signed.unconfirmed),
    )
