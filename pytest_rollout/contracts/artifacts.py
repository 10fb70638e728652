"""Compiled contracts from Hardhat's, Foundry's or plain artifact files, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.code import Template, offsets
from pytest_rollout.contracts.digest import keccak
from pytest_rollout.contracts.jsonfile import read_json
from pytest_rollout.core.errors import ContractError, listed, suggestion

SHOWN_NAMES = 12
"""Names listed in a sentence; a project with dependencies has hundreds."""

_PLACEHOLDER = re.compile(r"__\$[0-9a-f]{34}\$__")
_ASIDE = {"build-info", "node_modules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract. ``bytecode`` is hex with 0x, and placeholders where libraries go.

    ``libraries`` maps what is to be linked, by qualified name (``src/Sums.sol:Sums``), to where
    it goes: offsets in bytes. ``runtime`` is the code as it will stand on a chain, None where the
    file does not tell it.
    """

    name: str
    path: Path
    abi: tuple[Mapping[str, Any], ...]
    bytecode: str
    libraries: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    runtime: Template | None = None

    @property
    def is_deployable(self) -> bool:
        """Whether it has code of its own; interfaces and abstract contracts have none."""
        return len(self.bytecode) > len("0x")


class Artifacts:
    """The artifacts in some folders. Names come from the files' names; contents are read when asked for."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._read: dict[str, Artifact] = {}

    @cached_property
    def _files(self) -> Mapping[str, tuple[Path, ...]]:
        files: dict[str, tuple[Path, ...]] = {}
        for folder in self._folders:
            if not folder.is_dir():
                raise ContractError(f"contracts.artifacts: no folder {folder}; compile the contracts, or correct it.")
            for path in sorted(_artifact_files(folder)):
                files[path.stem] = (*files.get(path.stem, ()), path)
        return files

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._files)

    def get(self, name: str) -> Artifact:
        """The artifact of that name; ``ContractError`` if there is none, two, or one that cannot be read."""
        if name not in self._read:
            self._read[name] = read_artifact(self._file(name))
        return self._read[name]

    def abis(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Every ABI there is; files that are no artifacts have none and are passed over."""
        for name, paths in self._files.items():
            for path in paths:
                try:
                    yield (self._read.get(name) or read_artifact(path)).abi
                except ContractError:
                    continue

    def _file(self, name: str) -> Path:
        paths = self._files.get(name, ())
        if len(paths) > 1:
            raise ContractError(
                f"contract {name}: {len(paths)} artifacts have that name, {listed(str(path) for path in paths)}; "
                "leave one folder out of contracts.artifacts, or rename one."
            )
        if not paths:
            where = listed(str(folder) for folder in self._folders)
            raise ContractError(
                f"contract {name}: no artifact of that name in {where}; there are {some(self.names())}."
                f"{suggestion(name, self._files)}"
            )
        return paths[0]


def some(names: Sequence[str]) -> str:
    """The first dozen names for a sentence, and how many more there are."""
    more = len(names) - SHOWN_NAMES
    return listed(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def read_artifact(path: Path) -> Artifact:
    """One artifact file in any of the three shapes; raises ``ContractError`` that names the file."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ContractError(
            f"artifact {path}: cannot be read as JSON ({error}); compile the contracts again."
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("abi"), list):
        raise ContractError(f"artifact {path}: has no 'abi'; a Hardhat, Foundry or plain artifact is needed.")
    bytecode = content.get("bytecode", "0x")
    references = content.get("linkReferences", {})
    if isinstance(bytecode, dict):
        references = bytecode.get("linkReferences", {})
        bytecode = bytecode.get("object", "0x")
    if not isinstance(bytecode, str):
        raise ContractError(f"artifact {path}: its 'bytecode' is no hex; compile the contracts again.")
    if not bytecode.startswith("0x"):
        bytecode = f"0x{bytecode}"
    if not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", _PLACEHOLDER.sub("00" * 20, bytecode)):
        raise ContractError(f"artifact {path}: its 'bytecode' is no hex; compile the contracts again.")
    return Artifact(
        runtime=_runtime(path, content),
        name=str(content.get("contractName") or path.stem),
        path=path,
        abi=tuple(content["abi"]),
        bytecode=bytecode,
        libraries={
            f"{source}:{library}": tuple(int(place["start"]) for place in places)
            for source, found in references.items()
            for library, places in found.items()
        },
    )


def _runtime(path: Path, content: Mapping[str, Any]) -> Template | None:
    """The code as deployed, in Hardhat's shape or Foundry's."""
    code = content.get("deployedBytecode")
    links, immutables = content.get("deployedLinkReferences", {}), content.get("immutableReferences")
    if isinstance(code, dict):
        links, immutables = code.get("linkReferences", {}), code.get("immutableReferences", {})
        code = code.get("object")
    if not isinstance(code, str) or code in {"", "0x"}:
        return None
    try:
        return Template.of_hex(
            code,
            libraries={
                f"{source}:{library}": tuple(int(place["start"]) for place in places)
                for source, found in links.items()
                for library, places in found.items()
            },
            immutables=None if immutables is None else _named_immutables(content, immutables),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ContractError(
            f"artifact {path}: its 'deployedBytecode' is no code; compile the contracts again."
        ) from error


def _named_immutables(content: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Offsets by the immutables' names where the file tells them, else by their numbers in the syntax tree."""
    names = {str(number): str(name) for number, name in content.get("immutableNames", {}).items()}
    level: list[Any] = [content.get("ast")]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            if node.get("nodeType") == "VariableDeclaration" and node.get("mutability") == "immutable":
                names[str(node.get("id"))] = str(node.get("name"))
            level.extend(node.values())
        elif isinstance(node, list):
            level.extend(node)
    found = offsets(references)
    unique = [names[number] for number in found if number in names]
    return {
        names[number] if unique.count(names.get(number, "")) == 1 else number: places
        for number, places in found.items()
    }


def link(artifact: Artifact, libraries: Mapping[str, str]) -> str:
    """The bytecode with library addresses put in; ``libraries`` maps names, short or qualified, to addresses.

    Raises ``ContractError`` for an interface, a library that is missing, and one that is not needed.
    """
    if not artifact.is_deployable:
        raise ContractError(
            f"contract {artifact.name}: {artifact.path} has no bytecode, it is an interface or abstract; "
            "deploy a contract that implements it."
        )
    code = artifact.bytecode
    unused = dict(libraries)
    for qualified, places in artifact.libraries.items():
        short = qualified.rpartition(":")[2]
        given = unused.pop(qualified, None) or unused.pop(short, None)
        if given is None:
            raise ContractError(
                f"contract {artifact.name}: needs the library {short}; deploy it first and pass "
                f'libraries={{"{short}": its address}}.{suggestion(short, unused)}'
            )
        for offset in places:
            start = 2 + 2 * offset
            code = code[:start] + given.removeprefix("0x").lower() + code[start + 40 :]
    for name in list(unused):
        if _placeholder(name) in code:
            code = code.replace(_placeholder(name), unused.pop(name).removeprefix("0x").lower())
    if unused:
        needed = [name.rpartition(":")[2] for name in artifact.libraries]
        raise ContractError(f"contract {artifact.name}: takes no library {listed(unused)}; it needs {listed(needed)}.")
    if left := _PLACEHOLDER.search(code):
        raise ContractError(
            f"contract {artifact.name}: needs a library that {artifact.path} names only as {left[0]}; pass it by its "
            'qualified name, libraries={"path/File.sol:Name": its address}.'
        )
    return code


def _placeholder(qualified: str) -> str:
    """What the Solidity compiler writes where that library's address goes (Solidity docs: Using the Compiler)."""
    return f"__${keccak(qualified.encode()).hex()[:34]}$__"


def _artifact_files(folder: Path) -> Iterator[Path]:
    for parent, below, files in os.walk(folder):
        below[:] = [name for name in below if name not in _ASIDE]
        for file in files:
            if file.endswith(".json") and not file.endswith((".dbg.json", ".metadata.json")):
                yield Path(parent) / file
