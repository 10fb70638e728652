"""A copy of a deployment record with one contract less, which is what a drill hands to the gate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.records.reading import read_records
from pytest_rollout.contracts.records.unified import EXTENDED
from pytest_rollout.core.rollout import Deployment


def without_a_contract(declared: Deployment, name: str, copy: Path, chain_id: int | None) -> Deployment | None:
    """The deployment as recorded at ``copy``, without the contract; None where no such copy can be made.

    The record itself is only read. Raises ``ContractError`` where it cannot be.
    """
    before = read_records(declared.path, chain_id=chain_id, format=declared.format, names=declared.names)
    record = before.contracts.get(name)
    if record is None:
        return None
    if declared.path.is_dir():
        shutil.copytree(declared.path, copy, symlinks=True)
    else:
        shutil.copyfile(declared.path, copy)
    less = replace(declared, path=copy, names={key: each for key, each in declared.names.items() if key != name})
    file = copy / record.file.relative_to(declared.path) if declared.path.is_dir() else copy
    if len([each for each in before.contracts.values() if each.file == record.file]) == 1 and file != copy:
        file.unlink()
    else:
        document = json.loads(file.read_bytes())
        _drop(document, {record.key, EXTENDED + record.key, record.address.lower()})
        file.write_text(json.dumps(document))
    after = read_records(copy, chain_id=chain_id, format=declared.format, names=less.names)
    return less if set(before.contracts) - set(after.contracts) == {name} else None


def _drop(document: Any, meant: set[str]) -> None:
    """Take out every entry that is named so, or is a table or text with that address."""
    for holder in list(_holders(document)):
        if isinstance(holder, list):
            holder[:] = [each for each in holder if not _is_meant("", each, meant)]
        else:
            for key in [key for key, each in holder.items() if _is_meant(key, each, meant)]:
                del holder[key]


def _is_meant(key: str, value: Any, meant: set[str]) -> bool:
    told = value.get("address", value.get("contractAddress", "")) if isinstance(value, dict) else value
    return key in meant or str(told).lower() in meant


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for each in list(value.values() if isinstance(value, dict) else value):
            yield from _holders(each)
