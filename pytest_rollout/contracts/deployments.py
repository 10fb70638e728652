"""Deployment records: which contract is where. Read, never written.

The format is recognised by what a file holds. A new format is a reader here and a line in
``_FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.addresses import Unfit, address
from pytest_rollout.contracts.jsonfile import read_json
from pytest_rollout.core.errors import ContractError

Addresses = Mapping[str, str]


def read_deployments(path: Path) -> Addresses:
    """Checksum addresses by contract name; raises ``ContractError`` that names file and key."""
    try:
        content = read_json(path, pairs=lambda pairs: _once(path, pairs))
    except OSError as error:
        raise ContractError(f"deployments {path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ContractError(f"deployments {path}: is not JSON ({error}).") from error
    for recognises, read in _FORMATS:
        if recognises(content):
            return read(path, content)
    raise ContractError(
        f"deployments {path}: is in no format known here; a map of contract names to addresses is needed, "
        'such as {"SkillProfile": "0x…"}.'
    )


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a mapping; JSON itself would silently let the last of two equal keys win."""
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise ContractError(f"deployments {path}: '{twice}' is there twice; keep the one that is right.")
    return content


def _is_plain_map(content: object) -> bool:
    return isinstance(content, dict) and bool(content) and all(isinstance(each, str) for each in content.values())


def _read_plain_map(path: Path, content: Mapping[str, str]) -> Addresses:
    found: dict[str, str] = {}
    for name, text in content.items():
        if not name.isidentifier():
            raise ContractError(f"deployments {path}: '{name}' is no contract name.")
        try:
            found[name] = address(text)
        except Unfit as reason:
            raise ContractError(f"deployments {path}: {name}: {reason}") from None
    return found


_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Path, Any], Addresses]], ...] = (
    (_is_plain_map, _read_plain_map),
)
