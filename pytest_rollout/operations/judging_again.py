"""Every judgement of a ledger judged again, from the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import EvidenceError, LedgerError
from pytest_rollout.core.judging import judge
from pytest_rollout.runner.record import encloses_plan, unpack

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


def judge_again(ledger: Ledger) -> tuple[int, int]:
    """How many judgements gave the same bytes again, and how many do not enclose the plan; raises ``LedgerError``."""
    from pytest_rollout.ledger.canonical import parse, seal  # noqa: PLC0415 - rfc8785

    same = without = 0
    for entry in ledger.entries():
        if entry.kind is not EntryKind.JUDGEMENT:
            continue
        digest = parse(entry.payload)["evidence_digest"]
        content = ledger.attachment(digest)
        try:
            if not encloses_plan(content):
                without += 1
                continue
            again = seal(judge(unpack(content, None, digest)))
        except EvidenceError as error:
            raise LedgerError(f"ledger entry {entry.sequence}: {error}") from None
        if again.payload != entry.payload:
            raise LedgerError(
                f"ledger entry {entry.sequence}: judging its evidence again gives another judgement "
                f"({again.judgement.verdict.value}, {again.digest[:12]}): it was forged, or another version made it."
            )
        same += 1
    return same, without
