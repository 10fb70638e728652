"""The unified JSON of a state manager: contracts by category, proxies with their implementations and hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError, listed

CATEGORIES = ("core", "protocol", "infrastructure", "legacy")
EXTENDED = "extended_"


class Unified:
    """``{schemaVersion, network, chainId, contracts: {core: {Name: {proxy, implementation}}, …}, …}``."""

    name = "unified"

    def recognises(self, place: Place) -> bool:
        """It says its schema, its chain and its contracts."""
        content = place.json_or_none()
        return isinstance(content, dict) and {"schemaVersion", "chainId", "contracts"} <= content.keys()

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:  # noqa: ARG002 - one file, one chain
        """Every contract of every category; what the file says twice must be the same."""
        content = place.json()
        contracts = dict(_contracts(place.path, content))
        hashes = _table(content.get("verification")).get("implementationHashes")
        _refuse_strangers(place.path, content, contracts)
        for name, written in contracts.items():
            extended = _table(content.get(EXTENDED + name))
            told = [
                value for value in (_table(hashes).get(name), extended.get("implementationHash")) if value is not None
            ]
            if len({str(value).lower() for value in told}) > 1:
                raise ContractError(
                    f"deployments {place.path}: {name}: two implementation hashes, {listed(sorted(map(str, told)))}; "
                    "verification and its extended entry must agree."
                )
            proxy = written.get("proxy")
            yield Entry(
                key=name,
                address=proxy if proxy is not None else written.get("address", written.get("implementation")),
                file=place.path,
                chain_id=content["chainId"],
                implementation=written.get("implementation") if proxy is not None else None,
                implementation_hash=told[0] if told and proxy is not None else None,
                code_hash=told[0] if told and proxy is None else None,
                arguments=extended.get("deploymentArgs"),
            )


def _contracts(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    seen: dict[str, str] = {}
    for category, contracts in _table(content["contracts"]).items():
        if category not in CATEGORIES:
            raise ContractError(f"deployments {path}: no category '{category}'; there are {listed(CATEGORIES)}.")
        for name, written in _table(contracts).items():
            if name in seen:
                raise ContractError(
                    f"deployments {path}: {name} stands under {seen[name]} and under {category}; keep one."
                )
            seen[name] = category
            yield name, {"address": written} if isinstance(written, str) else _table(written)


def _refuse_strangers(path: Path, content: Mapping[str, Any], contracts: Mapping[str, Any]) -> None:
    """Details about a contract that is in no category: one side of the record knows more than the other."""
    hashes = _table(_table(content.get("verification")).get("implementationHashes"))
    strange = [key for key in content if key.startswith(EXTENDED) and key.removeprefix(EXTENDED) not in contracts]
    strange += [f"verification.implementationHashes.{name}" for name in hashes if name not in contracts]
    if strange:
        raise ContractError(f"deployments {path}: {listed(strange)} is about a contract that stands under no category.")


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
