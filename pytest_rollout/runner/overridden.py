"""Whether a recorded promotion by override rests on what its judgement, its plan and its signatures allow.

Asked of the record alone, by whoever has it: neither a repository nor a chain is at hand. So the author of
the commit is not looked for, and a contract wallet's word is named as unconfirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_rollout.core.history import JudgementRecord
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import Override, covered, overrides_of, told
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.signoff import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Why a promotion does not rest on overrides, empty if it does, and whose signature only a chain could confirm."""

    why: str = ""
    unconfirmed: tuple[str, ...] = ()


def rested(
    stage: Stage, judgement: JudgementRecord, promotion: Promotion, records: Sequence[Recorded[Override]]
) -> Rested:
    """Look at the signatures again, as of the promotion; ``stage`` is the stage of the plan that was judged by."""
    from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account, for the few that were overridden

    policy, unconfirmed = stage.overrides, []
    where = (judgement.rollout, judgement.stage, judgement.run.entry, judgement.digest, judgement.sequence)
    rests_on = (
        *(promotion.rollout, promotion.stage, promotion.entry),
        *(promotion.judgement, promotion.judgement_sequence),
    )
    if where != rests_on or judgement.verdict != Verdict.HOLD.value:
        return Rested(why="it is about another judgement, or one that did not hold")
    if policy is None:
        return Rested(why=f"the plan that was judged by lets nobody override stage {stage.name}")
    policy = replace(policy, signers=replace(policy.signers, authors={}))
    chain_id, ledger_id = policy.signers.chain_id, judgement.run.ledger_id

    def verify(signed: Signed[Any]) -> str:
        if signed.contract:
            unconfirmed.append(signed.statement.role)
            return ""
        return signing.verify(signed, ledger_id=ledger_id, chain_id=chain_id)

    given = overrides_of(policy, records, judgement, author="", now=promotion.at, verify=verify)
    for each in given:
        if not each.counts:
            owed = "; ".join(f"'{standing.role}' {standing.why}" for standing in each.answer.owed)
            return Rested(why=f"its override of entry {each.first} does not count: {owed}")
    if promotion.overrides != told(given):
        return Rested(why="it names other overrides than were signed")
    left = {each.item for each in judgement.blocking} - covered(stage, judgement, given)
    if left:
        return Rested(why=f"no override covers {len(left)} of the findings in its way, such as {min(left)[:120]}")
    return Rested(unconfirmed=tuple(dict.fromkeys(unconfirmed)))
