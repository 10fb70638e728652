"""hardhat-deploy, version 1 (``.chainId``) and 2 (``.chain``): a folder a network, a file a contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.place import Place, of_chain
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError

_PENDING = (".pendingTransactions", ".pending_transactions.json")


class HardhatDeploy:
    """``deployments/mainnet``, or ``deployments`` with a folder for each chain."""

    name = "hardhat-deploy"

    def recognises(self, place: Place) -> bool:
        """A folder, or one below it, says which chain it is about."""
        return place.is_folder and (
            _is_marked(place) or any(_is_marked(place.inside(folder)) for folder in place.folders())
        )

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """One a file, but for the tool's own."""
        if not place.is_folder:
            raise ContractError(f"deployments {place.path}: hardhat-deploy's record is a folder; name that.")
        if not _is_marked(place):
            marked = [(folder, place.inside(folder)) for folder in place.folders()]
            claims = [(folder, _claimed(inner)) for folder, inner in marked if _is_marked(inner)]
            place = place.inside(of_chain(place, claims, chain_id))
        _refuse_pending(place)
        claimed = _claimed(place)
        for path in place.files():
            content = place.json(path)
            if not isinstance(content, dict) or "address" not in content:
                raise ContractError(f"deployments {path}: has no 'address'; is it a record of hardhat-deploy?")
            receipt = content.get("receipt")
            yield Entry(
                key=path.stem,
                address=content["address"],
                file=path,
                chain_id=claimed,
                abi=content.get("abi"),
                runtime=content.get("deployedBytecode"),
                implementation=content.get("implementation"),
                arguments=content.get("args"),
                libraries=content.get("libraries"),
                block=receipt.get("blockNumber") if isinstance(receipt, dict) else None,
            )


def _is_marked(place: Place) -> bool:
    return place.has(".chainId") or place.has(".chain")


def _claimed(place: Place) -> int:
    """The chain id that a folder says it is about."""
    claims: list[tuple[str, Any]] = []
    if place.has(".chainId"):
        claims.append((".chainId", place.text(place.path / ".chainId")))
    if place.has(".chain"):
        content = place.json(place.path / ".chain")
        claims.append((".chain", content.get("chainId") if isinstance(content, dict) else content))
    numbers = [number(value) for _, value in claims]
    for (file, value), told in zip(claims, numbers, strict=True):
        if told is None:
            raise ContractError(f"deployments {place.path}: {file} says {value!r}, which is no chain id.")
    if len(set(numbers)) > 1:
        raise ContractError(
            f"deployments {place.path}: .chainId says {numbers[0]} and .chain says {numbers[1]}; take one away."
        )
    return numbers[0] or 0


def _refuse_pending(place: Place) -> None:
    for name in _PENDING:
        if place.has(name) and place.text(place.path / name) not in {"", "{}", "[]"}:
            raise ContractError(
                f"deployments {place.path}: {name} lists transactions that nobody saw mined; run the deployment again "
                "until none is left."
            )
