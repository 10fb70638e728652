"""A directory of JSON files: one record a file, or a list of them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Record
from pytest_rollout.stores.quick_json import quick_json

LARGEST = 64 * 1024 * 1024
"""The largest file there may be, in bytes."""

_LEFT_OVER = re.compile(r".*(?:\.backup-[0-9]+\.json|\.bak|\.tmp|\.lock|\.orig|\.swp|~)|\.#.*", re.IGNORECASE)


class FolderStore:
    """Every ``*.json`` below a folder; links are refused, since they may lead out of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """The folder."""
        return f"{self._path.name}/"

    def records(self) -> Iterator[Record]:
        """The records of each file in the order of their names."""
        files = sorted(file for file in self._files() if self._is_record(file))
        if not files:
            raise StoreError(f"store {self.source}: holds no JSON file.")
        for file in files:
            place = file.relative_to(self._path).as_posix()
            try:
                content = quick_json(_content(file, place))
            except ValueError as error:
                yield Record(place, None, f"is no JSON ({str(error)[:100]})")
            else:
                yield from self.read(place, content)

    def read(self, place: str, content: Any) -> Iterator[Record]:
        """The records of one file's content."""
        if isinstance(content, list):
            yield from (Record(f"{place}[{index}]", each) for index, each in enumerate(content))
        else:
            yield Record(place, content)

    def leftovers(self) -> Iterator[str]:
        """Backups, locks and half-written files among the records."""
        for file in sorted(self._files()):
            if _LEFT_OVER.fullmatch(file.name):
                yield file.relative_to(self._path).as_posix()

    def _is_record(self, file: Path) -> bool:
        return file.suffix == ".json" and not _LEFT_OVER.fullmatch(file.name)

    def _files(self) -> Iterator[Path]:
        if not self._path.is_dir() or self._path.is_symlink():
            raise StoreError(f"store {self.source}: no folder {self._path.name}; correct its path.")
        for folder, below, files in os.walk(self._path):
            for name in (*below, *files):
                path = Path(folder, name)
                if path.is_symlink():
                    place = path.relative_to(self._path).as_posix()
                    raise StoreError(f"store {self.source}: {place} is a link, which may lead out of the store.")
            yield from (Path(folder, name) for name in files)


def _content(file: Path, place: str) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"store: {place} cannot be opened: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StoreError(f"store: {place} is no regular file.")
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise StoreError(f"store: {place} is larger than {LARGEST // 1024**2} MiB; write a record a line (ndjson).")
    return content
