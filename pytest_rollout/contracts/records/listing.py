"""A list of contracts, each with its name and address, as state managers and explorers export it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.place import Place
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError

NAMES = ("contractName", "name", "contract")


class Listing:
    """``[{"contractName": …, "chainId": …, "address": …}]``, or such a list under ``contracts``.

    Where an entry has a ``proxyAddress``, that is where the contract is called, and ``address``
    is its implementation.
    """

    name = "list"

    def recognises(self, place: Place) -> bool:
        """Every entry has a name and an address."""
        entries = _listed(place.json_or_none())
        return bool(entries) and all(
            _name_key(each) and "address" in each for each in entries if isinstance(each, dict)
        )

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """Those of the chain; entries of other chains belong to other networks."""
        content = place.json()
        outer = content.get("chainId") if isinstance(content, dict) else None
        for position, written in enumerate(_listed(content), 1):
            key = _name_key(written)
            if not key or "address" not in written:
                raise ContractError(f"deployments {place.path}: entry {position} has no name or no address.")
            claimed = written.get("chainId", outer)
            told = number(claimed)
            if claimed is not None and told is None:
                raise ContractError(f"deployments {place.path}: {written[key]}: {claimed!r} is no chain id.")
            if chain_id is not None and told is not None and told != chain_id and outer is None:
                continue
            proxy = written.get("proxyAddress")
            yield Entry(
                key=str(written[key]),
                address=proxy or written["address"],
                file=place.path,
                chain_id=claimed,
                abi=written.get("abi"),
                runtime=written.get("deployedBytecode"),
                code_hash=written.get("codeHash"),
                implementation=written["address"] if proxy else written.get("implementation"),
                implementation_hash=written.get("implementationHash"),
                arguments=written.get("deploymentArgs", written.get("args")),
                block=written.get("blockNumber"),
            )


def _listed(content: object) -> Sequence[Mapping[str, Any]]:
    if isinstance(content, dict):
        content = content.get("contracts")
    return content if isinstance(content, list) and all(isinstance(each, dict) for each in content) else []


def _name_key(entry: Mapping[str, Any]) -> str:
    return next((key for key in NAMES if isinstance(entry.get(key), str)), "")
