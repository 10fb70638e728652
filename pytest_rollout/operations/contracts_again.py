"""The code behind a stage's contracts, looked at once more before a promotion (rules 22 and 35)."""

from __future__ import annotations

from contextlib import closing

from pytest_rollout.core.errors import Refused, RolloutError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.owed import judge_observation
from pytest_rollout.core.rollout import Rollout, Stage


def look_at_contracts_again(rollout: Rollout, stage: Stage) -> None:
    """Refuse where a contract on the stage's real chain is no longer as the plan declares it.

    Asked at the chain's newest final block. On a fork only what the real chain's record names is
    asked for: the suite may have deployed the rest.
    """
    declared = rollout.networks.get(stage.network or "")
    real = None if declared is None else declared.real
    wanted = [each for each in stage.contracts if each.is_identity]
    if real is None or not wanted:
        return
    from pytest_rollout.contracts.checks import observe_all  # noqa: PLC0415 - for stages with a real chain
    from pytest_rollout.contracts.opening import open_contracts  # noqa: PLC0415 - as above
    from pytest_rollout.networks.opening import open_network  # noqa: PLC0415 - as above

    place = f"{rollout.name}:{stage.name}"
    try:
        with closing(open_network(real)) as chain:
            book = open_contracts(rollout.contracts, chain)
            there = [each for each in wanted if real == declared or each.contract in book]
            seen = observe_all(there, book, chain)
    except RolloutError as error:
        raise Refused(f"{place}: its contracts cannot be looked at again: {error}") from error
    for state in there:
        value = seen.seen[state.name]
        if isinstance(value, RolloutError):
            raise Refused(f"{place}: {state.name} cannot be looked at again: {value}") from value
        item = f"{rollout.name}::{stage.name}::{Kind.CONTRACT.value}::{state.name}"
        finding = judge_observation(rollout, stage, item, Observation(item=item, value=value))
        if finding.stands_in_the_way:
            raise Refused(
                f"{place}: {finding.title} was as declared when it was judged and is {finding.measured} in block "
                f"{seen.number} of {real.name}, not {finding.needed}. Run `pytest --stage={place}` again."
            )
