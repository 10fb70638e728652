"""The contracts there must be, network by network, and the stages that look for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.rollout import ContractSettings, Network
from pytest_rollout.plan import texts
from pytest_rollout.plan.sentence import GIVEN, Place, Written, quoted, some, unknown


def inventory(
    written: Written, lists: Mapping[str, list[str]], networks: Mapping[str, Network]
) -> dict[str, tuple[str, ...]]:
    """The declared lists, each name a contract's and there once; raises ``PlanError``."""
    place: Place = ("contracts", "inventory")
    form = texts.like(texts.CONTRACT, "contract's name; write a Solidity name, such as SkillProfile")
    for network, names in lists.items():
        if network not in networks:
            raise written.wrong(
                place, f"no network {quoted(network)}; the plan has {some(networks)}.{suggestion(network, networks)}"
            )
        for index, name in enumerate(names):
            where = (*place, network, index)
            written.read(where, name, form)
            if name in names[:index]:
                raise written.wrong(where, f"{GIVEN} is listed twice; list each contract once.")
    return {network: tuple(names) for network, names in lists.items()}


def listed(
    written: Written,
    stage: str,
    asked: bool | list[str] | None,
    settings: ContractSettings,
    networks: Mapping[str, Network],
) -> Iterator[Listed]:
    """One check for each contract of the networks that a stage asks for."""
    if asked is None:
        return
    place: Place = ("stages", stage, "inventory")
    if asked is False:
        raise written.wrong(place, "is false, which checks nothing; leave it out.")
    if not settings.inventory:
        raise written.wrong(place, "there is no inventory; list the contracts of networks in [contracts.inventory].")
    wanted = list(settings.inventory) if asked is True else asked
    if not wanted:
        raise written.wrong(place, "is empty, which checks nothing; leave it out or name a network.")
    for index, network in enumerate(wanted):
        if network not in settings.inventory:
            raise written.wrong(
                (*place, index), unknown("list of network", network, settings.inventory, where="the inventory has")
            )
        if network in wanted[:index]:
            raise written.wrong((*place, index), f"{GIVEN} is listed twice; list each network once.")
        for contract in settings.inventory[network]:
            yield Listed(network=network, contract=contract, chain_id=networks[network].chain_id)
