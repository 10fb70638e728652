"""Ape's ``ape-config.yaml``: ``deployments.<ecosystem>.<network>`` is a list of contract types and addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError, listed

CONFIG = ("ape-config.yaml", "ape-config.yml", "ape-config.json")

_CHAINS: Mapping[tuple[str, str], int] = {
    ("arbitrum", "mainnet"): 42161,
    ("arbitrum", "sepolia"): 421614,
    ("avalanche", "mainnet"): 43114,
    ("base", "mainnet"): 8453,
    ("base", "sepolia"): 84532,
    ("bsc", "mainnet"): 56,
    ("bsc", "testnet"): 97,
    ("ethereum", "holesky"): 17000,
    ("ethereum", "mainnet"): 1,
    ("ethereum", "sepolia"): 11155111,
    ("optimism", "mainnet"): 10,
    ("optimism", "sepolia"): 11155420,
    ("polygon", "mainnet"): 137,
}
"""The networks that Ape calls by name; others claim no chain id."""


class Ape:
    """The configuration file, or the folder it lies in."""

    name = "ape"

    def recognises(self, place: Place) -> bool:
        """Called as Ape calls it, or with deployments by ecosystem and network."""
        if place.is_folder or place.path.name in CONFIG:
            return place.path.name in CONFIG or any(place.has(name) for name in CONFIG)
        content = place.json_or_none()
        return isinstance(content, dict) and isinstance(content.get("deployments"), dict) and bool(_networks(content))

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """The contracts of the one network that has the chain id, or of the only one there is."""
        path = place.path
        if place.is_folder:
            path = place.path / next((name for name in CONFIG if place.has(name)), CONFIG[0])
        networks = _networks(_content(place, path))
        known = {pair: _CHAINS.get(pair) for pair in networks}
        fitting = [pair for pair, claimed in known.items() if claimed is not None and claimed == chain_id]
        if not fitting and len(networks) == 1 and set(known.values()) == {None}:
            fitting = list(networks)
        if not fitting:
            there = listed(":".join(pair) for pair in networks)
            raise ContractError(
                f"deployments {path}: none of its networks ({there}) is known to have chain id {chain_id}; "
                "write the addresses as a plain map."
            )
        for entry in networks[fitting[0]]:
            if not isinstance(entry, dict) or not isinstance(entry.get("contract_type"), str):
                raise ContractError(f"deployments {path}: an entry of {':'.join(fitting[0])} has no contract_type.")
            yield Entry(key=entry["contract_type"], address=entry.get("address"), file=path, chain_id=known[fitting[0]])


def _networks(content: object) -> dict[tuple[str, str], list[Any]]:
    deployments = content.get("deployments") if isinstance(content, dict) else None
    found = {}
    for ecosystem, networks in deployments.items() if isinstance(deployments, dict) else ():
        for network, entries in networks.items() if isinstance(networks, dict) else ():
            if isinstance(entries, list):
                found[str(ecosystem), str(network)] = entries
    return found


def _content(place: Place, path: Path) -> Any:
    if path.suffix == ".json":
        return place.json(path)
    try:
        from pytest_rollout.formats.plain_yaml import table  # noqa: PLC0415 - an extra
    except ImportError:
        raise ContractError(f"deployments {path}: YAML needs PyYAML; pip install 'pytest-rollout[ape]'.") from None
    return table(f"deployments {path}", place.text(path), refusal=ContractError, has_numbers=False)
