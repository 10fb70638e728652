"""The names that a deployment record gives addresses to, for telling a misspelt one.

What a record means, and whether it can be used, is for the contracts room to say; this only looks
for names, wherever in the record they stand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_rollout.plan import texts
from pytest_rollout.plan.sentence import GIVEN, Unfit

FORMATS = ("hardhat-deploy", "ignition", "foundry", "openzeppelin", "ape", "unified", "list", "plain")
"""The formats of records that are read."""

LARGEST = 32 * 1024 * 1024
_MOST_FILES = 5_000

_NAMED = ("contractName", "name", "contract", "contract_type")
_ADDRESSED = ("address", "proxy", "contractAddress", "implementation", "proxyAddress")
_YAML = re.compile(r"contract_type:\s*['\"]?([A-Za-z_$][A-Za-z0-9_$]*)")


def deployed(path: Path) -> frozenset[str]:
    """The names a record, file or folder, gives addresses to; a file that is not JSON raises ``Unfit``."""
    if path.is_dir():
        return frozenset(name for file in _files(path) for name in _of_file(file, strict=False))
    return frozenset(_of_file(path, strict=True))


def _files(folder: Path) -> list[Path]:
    """The files of a folder and what is below it, as far as a record goes."""
    found: list[Path] = []
    for parent, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if name not in {"solcInputs", "artifacts", "build-info", "dry-run"})
        found += [Path(parent, name) for name in sorted(files) if name.endswith((".json", ".yaml", ".yml"))]
        if len(found) > _MOST_FILES:
            raise Unfit(f"{GIVEN} holds more than {_MOST_FILES} files; name the record itself.")
    return found


def _of_file(file: Path, *, strict: bool) -> Iterator[str]:
    content = None
    try:
        if file.is_file() and file.stat().st_size <= LARGEST:
            content = file.read_bytes()
        if file.suffix in {".yaml", ".yml"} and content is not None:
            yield from _YAML.findall(content.decode("utf-8", "replace"))
            return
        content = json.loads(content or b"")
    except (OSError, ValueError, RecursionError):
        content = None
    if strict and not isinstance(content, dict | list):
        raise Unfit(f"{GIVEN} is no JSON that records contracts; a map of contract names to addresses would do.")
    if isinstance(content, dict) and _is_address(content.get("address")):
        yield file.stem
    yield from _names(content)


def _names(content: Any) -> Iterator[str]:
    level: list[Any] = [content]
    while level:
        entry = level.pop()
        if isinstance(entry, list):
            level.extend(entry)
        elif isinstance(entry, dict):
            yield from (_short(name) for name, value in entry.items() if _has_address(value))
            if any(_is_address(entry.get(key)) for key in _ADDRESSED):
                yield from (_short(entry[key]) for key in _NAMED if isinstance(entry.get(key), str))
                yield from (f"{sort}_{str(entry.get('address')).lower()[2:10]}" for sort in ("proxy", "implementation"))
            level.extend(entry.values())


def _short(name: str) -> str:
    return name.rpartition(":")[2].rpartition("#")[2]


def _has_address(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_address(value.get(key)) for key in _ADDRESSED)
    return _is_address(value)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and texts.ADDRESS.fullmatch(value) is not None
