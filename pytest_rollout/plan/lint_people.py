"""What a plan says against itself about people: signatures that nobody could give, or everybody (rule 38)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_rollout.core.override import OverridePolicy
from pytest_rollout.core.record import placeholder
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.series import duration_text, span
from pytest_rollout.core.signoff import SignoffPolicy
from pytest_rollout.plan.lint_time import Remarked
from pytest_rollout.plan.sentence import Place, quoted

DEVELOPMENT = frozenset(
    {
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
        "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
    }
)
"""The accounts of anvil and Hardhat, by the mnemonic that both print; whoever reads it can sign."""


def contradictions_of_people(rollout: Rollout) -> Iterator[Remarked]:
    """Roles and quorums that cannot be meant."""
    for stage in rollout.stages:
        for place, policy in _policies(stage):
            yield from _roles(rollout, stage, place, policy)
            yield from _authors(place, policy)
        if stage.overrides is not None:
            yield from _kinds(stage, stage.overrides)


def advice_on_people(rollout: Rollout) -> Iterator[Remarked]:
    """What may be meant, and is worth a second look."""
    for stage in rollout.stages:
        policy, signoffs = stage.overrides, stage.signoffs
        if policy is None:
            continue
        place: Place = ("stages", stage.name, "overrides")
        valid_for, oldest = (span(each) for each in (policy.signers.valid_for, rollout.judgement_max_age))
        if valid_for > oldest:
            held, judged = duration_text(valid_for), duration_text(oldest)
            yield (
                (*place, "valid_for"),
                f"an override may count for {held}, but its judgement for {judged} only.",
            )
        if signoffs is not None and policy.signers.quorum == signoffs.quorum == 1:
            both = sorted({*policy.signers.roles.values()} & {*signoffs.roles.values()})
            if both:
                yield (
                    (*place, "roles"),
                    f"{both[0]} alone may override and sign off, so one key leaves a stage that holds.",
                )


def _policies(stage: Stage) -> Iterator[tuple[Place, SignoffPolicy]]:
    if stage.signoffs is not None:
        yield ("stages", stage.name, "signoffs"), stage.signoffs
    if stage.overrides is not None:
        yield ("stages", stage.name, "overrides"), stage.overrides.signers


def _roles(rollout: Rollout, stage: Stage, place: Place, policy: SignoffPolicy) -> Iterator[Remarked]:
    network = rollout.networks.get(stage.network or "")
    is_real = network is not None and network.real is not None
    for role, address in policy.roles.items():
        if why := placeholder(address):
            yield (*place, "roles", role), f"{address} is {why}: nobody has its key, so nobody signs as {quoted(role)}."
        elif address in DEVELOPMENT and is_real:
            text = f"{address} is an account of anvil and Hardhat, whose key everybody has; this chain is real."
            yield (*place, "roles", role), text


def _authors(place: Place, policy: SignoffPolicy) -> Iterator[Remarked]:
    """Whoever wrote the commit may not sign; then there must be enough others."""
    for mail, address in policy.authors.items():
        others = sum(each != address for each in policy.roles.values())
        if others < policy.quorum:
            yield (
                (*place, "quorum"),
                f"{policy.quorum} signatures are needed, and {others} can be given for a commit by {mail}.",
            )


def _kinds(stage: Stage, policy: OverridePolicy) -> Iterator[Remarked]:
    """Kinds that the stage declares nothing of; tests may always be there."""
    declared = {each.kind.value for each in stage.checks} | {"tests"}
    declared |= {"criteria"} if stage.criteria else set()
    declared |= {"checklist"} if stage.checklist else set()
    declared |= {"contracts"} if stage.contracts else set()
    declared |= {"flags"} if stage.flags else set()
    declared |= {"exposure"} if stage.exposure is not None else set()
    declared |= {"soak"} if stage.soak is not None else set()
    kinds = {each.value for each in policy.kinds}
    if not kinds & declared:
        text = f"the stage has nothing of {', '.join(sorted(kinds))}, so nothing can be overridden."
        yield ("stages", stage.name, "overrides", "kinds"), text
