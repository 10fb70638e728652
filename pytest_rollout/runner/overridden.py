"""Whether a recorded promotion, by override above all, rests on what its judgement, its plan and signatures allow.

Asked of the record alone, by whoever has it: neither a repository nor a chain is at hand. So the author of
the commit is not looked for, and a contract wallet's word is named as unconfirmed; so is who signed for a role whose
address the plan takes from the environment, for the record does not tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import Override, covered, overrides_of, told
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.signoff import BY_OVERRIDE, Signed, Signoff, SignoffPolicy, Statement, Verify, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Why a promotion does not stand, empty if it does, and whose signature the record alone cannot confirm."""

    why: str = ""
    unconfirmed: tuple[str, ...] = ()


def why_not_carried(
    judgement: JudgementRecord, promotion: Recorded[Promotion], history: History, max_age: timedelta
) -> str:
    """Why a promotion could not rest on this judgement, by what was recorded of runs and moves before it; else empty.

    ``max_age`` is how old a judgement may be in the plan that was judged by.
    """
    move, sequence = promotion.value, promotion.sequence
    before = [each for each in history.moves if each.sequence < sequence]
    visit = before[-1].sequence if before else 0
    runs = [each.value for each in history.runs if each.sequence < sequence and each.value.stage == move.stage]
    later = [each for each in history.judgements if judgement.sequence < each.sequence < sequence]
    reasons = (
        (
            (judgement.rollout, judgement.stage) != (move.rollout, move.stage),
            "its judgement is of another stage",
        ),
        (bool(before) and before[-1].value.to != move.stage, "the rollout did not stand there"),
        ({move.entry, judgement.run.entry} != {visit}, "its judgement is of another visit"),
        (judgement.run.rehearsal, "its judgement is of a rehearsal"),
        (not runs or runs[-1] != judgement.run, "a newer run of the stage was started before it"),
        (
            any(each.stage == move.stage and each.verdict != Verdict.PROMOTE.value for each in later),
            "a later judgement of the stage does not say promote",
        ),
        (
            any(isinstance(each.value, Promotion) and each.value.judgement == judgement.digest for each in before),
            "an earlier promotion has used its judgement",
        ),
        (not timedelta() <= move.at - judgement.judged_at <= max_age, "its judgement was too old or not made yet"),
    )
    return next((why for holds, why in reasons if holds), "")


def rested(
    stage: Stage, judgement: JudgementRecord, promotion: Promotion, records: Sequence[Recorded[Override]]
) -> Rested:
    """Look at the signatures again, as of the promotion; ``stage`` is the stage of the plan that was judged by."""
    policy = stage.overrides
    where = (judgement.rollout, judgement.stage, judgement.run.entry, judgement.digest, judgement.sequence)
    rests_on = (
        *(promotion.rollout, promotion.stage, promotion.entry),
        *(promotion.judgement, promotion.judgement_sequence),
    )
    if where != rests_on or judgement.verdict != Verdict.HOLD.value:
        return Rested(why="it is about another judgement, or one that did not hold")
    if policy is None:
        return Rested(why=f"the plan that was judged by lets nobody override stage {stage.name}")
    signers, unconfirmed = _told(policy.signers, [each.value for each in records])
    verify = _verify(signers, judgement.run.ledger_id, unconfirmed)
    given = overrides_of(
        replace(policy, signers=signers), records, judgement, author="", now=promotion.at, verify=verify
    )
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


def signed_for(
    stage: Stage, judgement: JudgementRecord, promotion: Promotion, records: Sequence[Recorded[Signoff]]
) -> Rested:
    """Look at the sign-offs that the stage wants, as of the promotion; ``records`` are those recorded before it."""
    if stage.signoffs is None:
        return Rested()
    is_about = [each for each in records if each.value.statement.judgement == judgement.digest]
    policy, unconfirmed = _told(stage.signoffs, [each.value for each in is_about])
    found = answer(
        policy,
        is_about,
        wanted=Statement(
            rollout=promotion.rollout,
            stage=promotion.stage,
            judgement=promotion.judgement,
            role="",
            expires=0,
            verdict=BY_OVERRIDE if promotion.overrides else Verdict.PROMOTE.value,
        ),
        entry=promotion.entry,
        author="",
        now=promotion.at,
        verify=_verify(policy, judgement.run.ledger_id, unconfirmed),
    )
    if not found.is_given:
        owed = "; ".join(f"'{each.role}' {each.why}" for each in found.owed)
        return Rested(why=f"{len(found.roles) - len(found.owed)} of {policy.quorum} signatures under it count: {owed}")
    counted = {each.role for each in found.roles if each.counts}
    return Rested(unconfirmed=tuple(each for each in dict.fromkeys(unconfirmed) if each in counted))


def _told(policy: SignoffPolicy, given: Sequence[Signed[Any]]) -> tuple[SignoffPolicy, list[str]]:
    """The policy without authors; a role whose address is not in the record takes its signer's, and is unconfirmed."""
    roles = dict(policy.roles)
    for role in (role for role, address in policy.roles.items() if not address.startswith("0x")):
        signers = [each.signer for each in given if each.statement.role == role]
        if signers and signers[-1] not in roles.values():  # one key is one person
            roles[role] = signers[-1]
    unknown = [role for role, address in policy.roles.items() if roles[role] != address]
    return replace(policy, roles=roles, authors={}), unknown


def _verify(policy: SignoffPolicy, ledger_id: str, unconfirmed: list[str]) -> Verify:
    """Asks keys' signatures of the cryptography; notes contract wallets, which nobody can ask here."""
    from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account, for promotions that were signed for

    def verify(signed: Signed[Any]) -> str:
        if signed.contract:
            unconfirmed.append(signed.statement.role)
            return ""
        return signing.verify(signed, ledger_id=ledger_id, chain_id=policy.chain_id)

    return verify
