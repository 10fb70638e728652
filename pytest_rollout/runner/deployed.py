"""The supervisor's own look at the declared contracts of a real chain: which code answers for each (rule 22)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.rollout import Network, Rollout, Stage
from pytest_rollout.core.subject import Deployed

if TYPE_CHECKING:  # for stages with a real chain
    from pytest_rollout.contracts.book import Contracts


def deployed(rollout: Rollout, stage: Stage, network: str | None, *, pin: Block | None = None) -> dict[str, Deployed]:
    """The stage's declared contracts on its real chain, by name: at ``pin``, or at the newest final block.

    Empty where the chain is one of the gate's own. On a fork only what the real chain's record names
    is there: the suite may have deployed the rest. What cannot be read has no code hash, so it never
    equals anything that was read; a chain that cannot be opened raises ``RolloutError``.
    """
    declared = rollout.networks.get(network or "")
    real = None if declared is None else declared.real
    if declared is None or real is None:
        return {}
    names = dict.fromkeys(each.contract for each in stage.contracts)
    names |= dict.fromkeys(
        each.contract for each in stage.checks if isinstance(each, Listed) and each.network == real.name
    )
    return _seen(rollout, list(names), real, pin, only_known=real != declared) if names else {}


def _seen(
    rollout: Rollout, names: list[str], real: Network, pin: Block | None, *, only_known: bool
) -> dict[str, Deployed]:
    from pytest_rollout.contracts.inventory import seen_of  # noqa: PLC0415 - for stages with a real chain
    from pytest_rollout.contracts.opening import open_contracts  # noqa: PLC0415 - as above
    from pytest_rollout.contracts.reading import read_at_head, side_by_side  # noqa: PLC0415 - as above
    from pytest_rollout.networks.opening import open_network  # noqa: PLC0415 - as above

    with closing(open_network(real, pin=pin)) as chain:
        book: Contracts = open_contracts(rollout.contracts, chain)
        wanted = [name for name in names if name in book or not only_known]
        found, _ = read_at_head(chain, lambda block: side_by_side([seen_of(book, name, block) for name in wanted]))
    return {name: _deployed(seen) for name, seen in zip(wanted, found, strict=True)}


def _deployed(seen: Mapping[str, object] | RolloutError) -> Deployed:
    if isinstance(seen, RolloutError) or not seen["known"]:
        return Deployed(address="", code_hash="")
    own, behind = seen["own"], seen.get("behind", {})
    assert isinstance(own, dict)  # noqa: S101 - what seen_of says
    assert isinstance(behind, dict)  # noqa: S101 - as above
    return Deployed(
        address=str(own["address"]).lower(),
        code_hash=own["hash"] if own["size"] else "",
        implementation=behind.get("address", ""),
        implementation_code_hash=behind.get("hash", ""),
    )
