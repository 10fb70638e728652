"""A file or folder with deployment records, read within bounds and never past its own edge."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_rollout.contracts.jsonfile import read_json
from pytest_rollout.core.errors import ContractError, listed

LARGEST = 32 * 1024 * 1024
"""Bytes of one file; the largest records seen, with metadata and sources, have about two MiB."""

MOST_FILES = 5_000
MOST_BYTES = 256 * 1024 * 1024
"""Of all files of one record together."""

LEFTOVER = re.compile(r"(?i)(?:^|[._-])(?:backup|bak|old|orig|copy|tmp|temp|draft|save)(?:[._-]|\d|$)|~$|\.sw[a-z]$")
"""What editors, people and tools call files they put aside: ``mainnet.backup-1700000000000.json``."""


@dataclass(slots=True, kw_only=True)
class Place:
    """Where records are. Every path below it is given relative to it; every trouble is a ``ContractError``.

    ``aside`` collects the files that were left alone. Nothing is read through a link that leads
    out of the folder, from what is no regular file, or without end.
    """

    path: Path
    aside: set[str] = field(default_factory=set)
    _top: Path | None = None
    _spent: list[int] = field(default_factory=lambda: [0])
    _read: dict[Path, Any] = field(default_factory=dict)

    def shown(self, path: Path) -> str:
        """A path in it for sentences: relative to where the record begins."""
        return path.relative_to(self._top or self.path).as_posix()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder rather than a file."""
        return self.path.is_dir()

    def has(self, name: str) -> bool:
        """Whether there is a file of that name in the folder."""
        return self.is_folder and (self.path / name).is_file()

    def files(self, suffix: str = ".json", below: str = "") -> list[Path]:
        """The files in the folder, or in one below it, without hidden ones and leftovers; sorted by name."""
        folder = self.path / below
        found = [entry for entry in self._listed(folder) if entry.name.endswith(suffix) and entry.is_file()]
        for entry in found:
            if LEFTOVER.search(entry.name.removesuffix(suffix)):
                self.aside.add(self.shown(entry))
        return [entry for entry in found if self.shown(entry) not in self.aside]

    def folders(self) -> list[Path]:
        """The folders in the folder, without hidden ones and leftovers; sorted by name."""
        found = [entry for entry in self._listed(self.path) if entry.is_dir()]
        self.aside |= {f"{self.shown(entry)}/" for entry in found if LEFTOVER.search(entry.name)}
        return [entry for entry in found if f"{self.shown(entry)}/" not in self.aside]

    def inside(self, folder: Path) -> Place:
        """A folder or file of this one as a place of its own; what it leaves aside and spends counts here too."""
        self._check_edge(folder)
        return Place(path=folder, aside=self.aside, _top=self._top or self.path, _spent=self._spent, _read=self._read)

    def text(self, path: Path) -> str:
        """A small text file."""
        return self._bytes(path).decode("utf-8", "replace").strip()

    def json(self, path: Path | None = None) -> Any:
        """What a JSON file holds, by default the place itself; a key twice in one object is refused."""
        path = self.path if path is None else path
        if path not in self._read:
            content = self._bytes(path)
            try:
                self._read[path] = read_json(path, content=content, pairs=lambda pairs: _once(path, pairs))
            except ValueError as error:
                raise ContractError(f"deployments {path}: is not JSON ({error}).") from error
        return self._read[path]

    def json_or_none(self, path: Path | None = None) -> Any:
        """As ``json``, None for a folder and for what is no JSON."""
        try:
            return None if path is None and self.is_folder else self.json(path)
        except ContractError:
            return None

    def lines(self, path: Path) -> list[Any]:
        """The objects of a file with one JSON object a line."""
        try:
            return [json.loads(line) for line in self._bytes(path).splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise ContractError(f"deployments {path}: is no JSON on each line ({error}).") from error

    def _listed(self, folder: Path) -> list[Path]:
        try:
            found = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        except OSError as error:
            raise ContractError(f"deployments {folder}: cannot be read ({error.strerror}).") from error
        if len(found) > MOST_FILES:
            raise ContractError(
                f"deployments {folder}: has {len(found)} entries, {MOST_FILES} are the most; name a folder of records."
            )
        for entry in found:
            self._check_edge(entry)
        return found

    def _check_edge(self, entry: Path) -> None:
        top = Path(os.path.realpath(self._top or self.path))
        target = Path(os.path.realpath(entry))
        if entry.is_symlink() and not target.is_relative_to(top):
            raise ContractError(
                f"deployments {self.path}: {entry.name} is a link that leads out of the folder; put the file itself "
                "here, or take the link away."
            )

    def _bytes(self, path: Path) -> bytes:
        if path != self.path:
            self._check_edge(path)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "no file can have this name"
            raise ContractError(f"deployments {path}: cannot be read ({why}).") from error
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise ContractError(f"deployments {path}: is no regular file.")
            content = file.read(LARGEST + 1) if state.st_size <= LARGEST else b"x" * (LARGEST + 1)
        if len(content) > LARGEST:
            raise ContractError(f"deployments {path}: is larger than {LARGEST // 2**20} MiB; no record is.")
        self._spent[0] += len(content)
        if self._spent[0] > MOST_BYTES:
            raise ContractError(f"deployments {self.path}: holds more than {MOST_BYTES // 2**20} MiB; no record does.")
        return content


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a mapping; JSON itself would silently let the last of two equal keys win."""
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise ContractError(f"deployments {path}: '{twice}' is there twice; keep the one that is right.")
    return content


def of_chain(place: Place, claims: Iterable[tuple[Path, int | None]], chain_id: int | None) -> Path:
    """The one of several records that is about ``chain_id``, or the only one where that is None.

    ``claims`` are files or folders with the chain id each of them claims. Two that claim the same
    chain are refused: nobody could tell which of them is right.
    """
    found: Mapping[Path, int | None] = dict(claims)
    by_chain: dict[int | None, list[str]] = {}
    for path, claimed in found.items():
        by_chain.setdefault(claimed, []).append(place.shown(path))
    for claimed, names in by_chain.items():
        if len(names) > 1 and claimed is not None and chain_id in {None, claimed}:
            raise ContractError(
                f"deployments {place.path}: {listed(names)} claim the same chain id {claimed}; keep the one that is "
                "right, or name its file."
            )
    if chain_id is None:
        if len(found) != 1:
            raise ContractError(
                f"deployments {place.path}: holds records of {len(found)} chains, and the network declares no chain "
                "id; add chain_id to it, or name one file."
            )
        return next(iter(found))
    fitting = [path for path, claimed in found.items() if claimed == chain_id]
    if not fitting:
        there = listed(str(claimed) for claimed in sorted(each for each in by_chain if each is not None))
        raise ContractError(f"deployments {place.path}: no record for chain id {chain_id}; there are {there}.")
    return fitting[0]
