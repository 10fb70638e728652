"""OpenZeppelin's upgrades manifest: ``.openzeppelin/mainnet.json``, ``.openzeppelin/unknown-31337.json``.

A manifest has no names. Proxies are called after their address, ``proxy_5fbdb231``, until the
plan names them: ``names = { SkillProfile = "0x5FbDB2…" }``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.place import Place, of_chain
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError

_UNKNOWN = re.compile(r"unknown-([0-9]+)")
_NAMED: Mapping[str, int] = {
    "mainnet": 1,
    "optimism": 10,
    "bsc": 56,
    "bsc-testnet": 97,
    "polygon": 137,
    "base": 8453,
    "arbitrum-one": 42161,
    "celo": 42220,
    "avalanche-fuji": 43113,
    "avalanche": 43114,
    "base-sepolia": 84532,
    "sepolia": 11155111,
    "optimism-sepolia": 11155420,
}
"""The networks that the tool calls by name."""


class Manifest:
    """One manifest, or the one in a folder that is about the chain."""

    name = "openzeppelin"

    def recognises(self, place: Place) -> bool:
        """A file with ``manifestVersion``, or a folder of nothing else."""
        if not place.is_folder:
            return _is_manifest(place.json_or_none())
        files = place.files()
        return bool(files) and all(_is_manifest(place.json_or_none(path)) for path in files)

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """Proxies, implementations, and the admin of transparent proxies."""
        path = place.path
        if place.is_folder:
            path = of_chain(place, [(each, _claimed(each)) for each in place.files()], chain_id)
        content = place.json(path)
        if not _is_manifest(content):
            raise ContractError(f"deployments {path}: has no 'manifestVersion'; is it a manifest of OpenZeppelin?")
        found: list[tuple[str, Any]] = [("proxy", each) for each in content.get("proxies") or []]
        found += [("implementation", each) for each in (content.get("impls") or {}).values()]
        found += [("proxy_admin", content["admin"])] if content.get("admin") else []
        for sort, written in found:
            address = written.get("address") if isinstance(written, dict) else written
            yield Entry(key=manifest_name(sort, address), address=address, file=path, chain_id=_claimed(path))


def manifest_name(sort: str, address: object) -> str:
    """What a contract is called that has no name."""
    return f"{sort}_{str(address).lower()[2:10]}"


def _is_manifest(content: object) -> bool:
    return isinstance(content, dict) and "manifestVersion" in content


def _claimed(path: Path) -> int | None:
    match = _UNKNOWN.fullmatch(path.stem)
    return int(match[1]) if match else _NAMED.get(path.stem)
