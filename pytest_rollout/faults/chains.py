"""Faults of the chain: contracts that answer otherwise, other code, another chain, a record that lacks a contract."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.faults import Fault, Tried
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.rollout import Deployment, Network, NetworkKind
from pytest_rollout.faults.nodes import misled
from pytest_rollout.faults.place import Place, Staged, Target
from pytest_rollout.networks.binary import find

_OTHER_CHAIN = 7_357_001
"""The id of a chain that nobody's is."""


@contextmanager
def states(place: Place) -> Iterator[Staged | None]:
    """Every declared state is another."""
    declared, network = place.stage.contracts, place.network
    if not declared or network is None:
        yield None
        return
    far = {state.name: "what happened cannot be undone" for state in declared if state.what.startswith("events")}
    far |= {state.name: "a balance of the chain's own currency" for state in declared if state.what == "balance"}
    far |= {s.name: "a drill gives nobody a role" for s in declared if s.what.startswith("members") and not s.expected}
    yield Staged(
        rollout=place.with_stage(checks=()),
        targets=tuple(place.target(Kind.CONTRACT, s.name) for s in declared if s.name not in far),
        out_of_reach=tuple(place.far(Fault.STATE, Kind.CONTRACT, name, why) for name, why in far.items()),
        chain_fault=Fault.STATE.value,
    )


@contextmanager
def code(place: Place) -> Iterator[Staged | None]:
    """Other code stands where each contract is, and answers as before."""
    declared = place.stage.contracts
    names = dict.fromkeys(state.contract for state in declared)
    if not names or place.network is None:
        yield None
        return
    yield Staged(
        rollout=place.with_stage(checks=()),
        targets=tuple(
            Target(
                item=place.item(Kind.CONTRACT, name),
                findings=tuple(place.item(Kind.CONTRACT, s.name) for s in declared if s.contract == name),
            )
            for name in names
        ),
        chain_fault=Fault.CODE.value,
    )


@contextmanager
def chain(place: Place) -> Iterator[Staged | None]:
    """The node is another chain's."""
    network = place.network
    if network is None:
        yield None
        return
    with ExitStack() as stack:
        if network.kind is NetworkKind.TESTER:
            other = network
        elif network.real is None:
            other = replace(network, binary=str(_other_anvil(network, place.folder)))
        else:
            other = misled(network, stack, _other_id)
        networks = {**place.rollout.networks, network.name: other}
        yield Staged(
            rollout=replace(place.with_stage(checks=(), contracts=()), networks=networks),
            targets=(place.target(Kind.NETWORK, network.name, looks=False),),
            chain_fault=Fault.CHAIN.value if other is network else "",
            is_alone=True,
            runs_tests=False,
        )


def _other_id(method: str, _params: Sequence[object], told: object) -> object:
    return hex(_OTHER_CHAIN) if method == "eth_chainId" else told


def _other_anvil(network: Network, folder: Path) -> Path:
    """A program that starts anvil with another chain id, whatever it is told."""
    binary, _ = find(network.name, network.binary)
    script = folder / "anvil"
    script.write_text(
        "#!/bin/sh\n# anvil of another chain, for a drill\n"
        "first=1\nfor each do\n  [ $first = 1 ] && set -- && first=0\n"
        f'  [ "$before" = --chain-id ] && each={_OTHER_CHAIN}\n'
        '  set -- "$@" "$each"\n  before=$each\n  [ "$before" = --chain-id ] || before=\ndone\n'
        f'exec {shlex.quote(str(binary))} "$@"\n'
    )
    script.chmod(0o755)
    return script


@contextmanager
def records(place: Place) -> Iterator[Staged | None]:
    """A copy of each network's deployment record lacks the last contract of its inventory."""
    from pytest_rollout.contracts.dropping import without_a_contract  # noqa: PLC0415 - for plans with an inventory

    last: dict[str, Listed] = {each.network: each for each in _listed(place)}
    if not last:
        yield None
        return
    contracts = place.rollout.contracts
    deployments: dict[str, Deployment] = dict(contracts.deployments)
    far: list[Tried] = []
    targets: list[Target] = []
    for number, (network, each) in enumerate(last.items()):
        less = None
        if (declared := deployments.get(network)) is not None:
            copy = place.private(f"deployments-{number}") / declared.path.name
            try:
                less = without_a_contract(declared, each.contract, copy, place.rollout.networks[network].chain_id)
            except RolloutError:
                less = None
        if less is None:
            why = "no copy of its record without it could be made" if declared else "no file records it"
            far.append(place.far(Fault.LISTED, Kind.INVENTORY, each.name, why))
            continue
        deployments[network] = less
        targets.append(place.target(Kind.INVENTORY, each.name))
    yield Staged(
        rollout=replace(
            place.with_stage(checks=_listed(place), contracts=()),
            contracts=replace(contracts, deployments=deployments),
        ),
        targets=tuple(targets),
        out_of_reach=tuple(far),
        is_alone=True,
    )


@contextmanager
def listed_code(place: Place) -> Iterator[Staged | None]:
    """Other code stands where each contract of the inventory is; nodes of real chains only say so."""
    listed = _listed(place)
    if not listed:
        yield None
        return
    networks = dict(place.rollout.networks)
    with ExitStack() as stack:
        for name in dict.fromkeys(each.network for each in listed):
            if networks[name].kind is NetworkKind.RPC:
                networks[name] = misled(networks[name], stack, _other_code)
        yield Staged(
            rollout=replace(place.with_stage(checks=listed, contracts=()), networks=networks),
            targets=tuple(place.target(Kind.INVENTORY, each.name) for each in listed),
            chain_fault=Fault.LISTED_CODE.value,
            is_alone=True,
        )


def _other_code(method: str, _params: Sequence[object], told: object) -> object:
    """Code with another last byte, where there is code."""
    is_code = method == "eth_getCode" and isinstance(told, str) and len(told) > len("0x")
    return f"{told[:-1]}{int(told[-1], 16) ^ 1:x}" if is_code and isinstance(told, str) else told


def _listed(place: Place) -> tuple[Listed, ...]:
    return place.checks(Kind.INVENTORY)
