"""Hardhat Ignition: ``deployed_addresses.json`` beside the journal that says what was finished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.numbers import number
from pytest_rollout.contracts.records.place import Place, of_chain
from pytest_rollout.contracts.records.record import Entry
from pytest_rollout.core.errors import ContractError, listed

ADDRESSES = "deployed_addresses.json"
JOURNAL = "journal.jsonl"

_CHAIN = re.compile(r"chain-([0-9]+)")
_KEY = re.compile(r"[^#]+#.+")


class Ignition:
    """``ignition/deployments/chain-1``, the folder above it, or its ``deployed_addresses.json``."""

    name = "ignition"

    def recognises(self, place: Place) -> bool:
        """A folder with the file, or such folders in it, or the file itself."""
        if place.is_folder:
            return place.has(ADDRESSES) or any(place.inside(folder).has(ADDRESSES) for folder in place.folders())
        return place.path.name == ADDRESSES

    def entries(self, place: Place, chain_id: int | None) -> Iterator[Entry]:
        """``Module#Contract`` by ``Module#Contract``."""
        if not place.is_folder:
            place = Place(path=place.path.parent, aside=place.aside)
        if not place.has(ADDRESSES):
            claims = [(folder, _claimed(place.inside(folder))) for folder in place.folders()]
            claims = [(folder, claimed) for folder, claimed in claims if place.inside(folder).has(ADDRESSES)]
            place = place.inside(of_chain(place, claims, chain_id))
        _refuse_unfinished(place)
        claimed = _claimed(place)
        path = place.path / ADDRESSES
        content = place.json(path)
        if not isinstance(content, dict) or not all(_KEY.fullmatch(key) for key in content):
            raise ContractError(f"deployments {path}: is no map of 'Module#Contract' to addresses.")
        for key, address in content.items():
            artifact = _artifact(place, key)
            yield Entry(
                key=key,
                address=address,
                file=path,
                chain_id=claimed,
                abi=artifact.get("abi"),
                runtime=artifact.get("deployedBytecode"),
            )


def _claimed(place: Place) -> int | None:
    """The chain id in the folder's name and in the first line of its journal."""
    match = _CHAIN.fullmatch(place.path.name)
    named = int(match[1]) if match else None
    lines = _journal(place)
    told = number(lines[0].get("chainId")) if lines else None
    if named is not None and told is not None and named != told:
        raise ContractError(
            f"deployments {place.path}: the folder is called chain-{named}, its {JOURNAL} is about chain {told}."
        )
    return told if named is None else named


def _refuse_unfinished(place: Place) -> None:
    """Ignition lists what succeeded; what it began and did not finish stands in the journal alone."""
    begun: dict[str, bool] = {}
    for line in _journal(place):
        kind, future = str(line.get("type", "")), line.get("futureId")
        if not isinstance(future, str):
            continue
        if kind.endswith("_INITIALIZE"):
            begun.setdefault(future, False)
        elif kind.endswith("_COMPLETE"):
            result = line.get("result")
            begun[future] = isinstance(result, dict) and result.get("type") == "SUCCESS"
        elif kind.startswith("WIPE"):
            begun.pop(future, None)
    if left := [future for future, is_done in begun.items() if not is_done]:
        raise ContractError(
            f"deployments {place.path}: {listed(left)} was begun and did not succeed; finish or wipe it."
        )


def _journal(place: Place) -> list[dict[str, Any]]:
    if not place.has(JOURNAL):
        return []
    return [line for line in place.lines(place.path / JOURNAL) if isinstance(line, dict)]


def _artifact(place: Place, key: str) -> dict[str, Any]:
    path: Path = place.path / "artifacts" / f"{key}.json"
    content = place.json(path) if path.is_file() else None
    return content if isinstance(content, dict) else {}
