"""Foundry's broadcast: ``broadcast/<Script>.s.sol/<chain id>/run-latest.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.place import Place, of_chain
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError

LATEST = "run-latest.json"
DRY_RUN = "dry-run"

_SUCCESS = 1


class Broadcast:
    """One run, or the latest run of each script for one chain."""

    name = "foundry"

    def recognises(self, place: Place) -> bool:
        """A file with transactions and receipts, or folders as Foundry makes them."""
        if not place.is_folder:
            content = place.json_or_none()
            return isinstance(content, dict) and {"transactions", "receipts"} <= content.keys()
        return next(_runs(place), None) is not None or place.path.name == DRY_RUN

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """What each transaction created; a run that is not over, or was none, is refused."""
        if not place.is_folder:
            yield from _of_run(place, place.path)
            return
        scripts: dict[Path, list[tuple[Path, int | None]]] = {}
        for run in _runs(place):
            scripts.setdefault(run.parent.parent, []).append((run, number(run.parent.name)))
        if not scripts:
            raise ContractError(f"deployments {place.path}: has no {LATEST} of a real run; broadcast the script first.")
        fitting = {
            script: runs for script, runs in scripts.items() if chain_id is None or chain_id in {c for _, c in runs}
        }
        for runs in (fitting or scripts).values():
            yield from _of_run(place, of_chain(place, runs, chain_id))


def _runs(place: Place) -> Iterator[Path]:
    """The latest runs in the folder of a chain, of a script, or of all scripts; never a simulated one."""
    level = [place] if place.path.name != DRY_RUN else []
    for _ in range(3):
        below = []
        for each in level:
            if each.has(LATEST):
                yield each.path / LATEST
            else:
                below += [each.inside(folder) for folder in each.folders() if folder.name not in {DRY_RUN, "multi"}]
        level = below


def _of_run(place: Place, path: Path) -> Iterator[Entry]:
    if DRY_RUN in path.parts:
        raise ContractError(f"deployments {path}: is a dry run, nothing of it is on a chain; name the run itself.")
    content = place.json(path)
    if not isinstance(content, dict) or not isinstance(content.get("transactions"), list):
        raise ContractError(f"deployments {path}: has no 'transactions'; is it a run of Foundry?")
    receipts = _receipts(path, content)
    claimed = content.get("chain")
    folder = number(path.parent.name)
    if folder is not None and claimed is not None and number(claimed) != folder:
        raise ContractError(f"deployments {path}: lies in the folder of chain {folder} and is about chain {claimed}.")
    libraries = dict(_libraries(content.get("libraries")))
    for transaction in content["transactions"]:
        if not isinstance(transaction, dict) or not str(transaction.get("transactionType", "")).startswith("CREATE"):
            continue
        receipt = receipts[str(transaction.get("hash"))]
        name = transaction.get("contractName")
        address = transaction.get("contractAddress")
        created = receipt.get("contractAddress")
        if transaction["transactionType"] == "CREATE" and str(created).lower() != str(address).lower():
            raise ContractError(
                f"deployments {path}: {name or 'a contract'} is said to be at {address}, its receipt says {created}."
            )
        yield Entry(
            key=name if isinstance(name, str) and name else f"created_{str(address).lower()[2:10]}",
            address=address,
            file=path,
            chain_id=claimed if claimed is not None else folder,
            arguments=transaction.get("arguments") or [],
            libraries=libraries,
            block=receipt.get("blockNumber"),
        )


def _receipts(path: Path, content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Receipts by transaction hash: one for each transaction, each with status 1, and nothing pending."""
    transactions, receipts, pending = content["transactions"], content.get("receipts"), content.get("pending")
    if pending:
        raise ContractError(
            f"deployments {path}: {len(pending)} of its transactions are pending; `forge script --resume` it."
        )
    if not isinstance(receipts, list) or len(receipts) < len(transactions):
        count = len(receipts) if isinstance(receipts, list) else 0
        raise ContractError(
            f"deployments {path}: has {count} receipts for {len(transactions)} transactions; "
            "`forge script --resume` it."
        )
    found: dict[str, Mapping[str, Any]] = {
        str(each.get("transactionHash")): each for each in receipts if isinstance(each, dict)
    }
    for transaction in transactions:
        digest = str(transaction.get("hash")) if isinstance(transaction, dict) else "None"
        if digest not in found:
            raise ContractError(f"deployments {path}: transaction {digest} has no receipt; `forge script --resume` it.")
        if number(found[digest].get("status")) != _SUCCESS:
            raise ContractError(f"deployments {path}: transaction {digest} failed; deploy again.")
    return found


def _libraries(written: object) -> Iterator[tuple[str, str]]:
    """``src/Sums.sol:Sums:0x…`` as name and address."""
    for text in written if isinstance(written, list) else ():
        name, _, address = str(text).rpartition(":")
        yield name, address
