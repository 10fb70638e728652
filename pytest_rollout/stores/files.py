"""A folder of any files, and the manifest that says what their hashes are: a backup, file by file."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Record
from pytest_rollout.stores.quick_json import quick_json

LARGEST = 64 * 1024 * 1024
"""The largest manifest there may be, in bytes."""

_LINE = re.compile(r"\\?(?P<hash>[0-9a-fA-F]{64}) [ *](?P<path>.+)")
_TAGGED = re.compile(r"SHA256 \((?P<path>.+)\) = (?P<hash>[0-9a-fA-F]{64})")
_HASH = re.compile(r"(?:0x|sha256:)?([0-9a-fA-F]{64})")


class FilesStore:
    """Every file below a folder as ``{path, sha256}``; links and devices are told, never followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """The folder."""
        return f"{self._path.name}/"

    def records(self) -> Iterator[Record]:
        """A record a file, in the order of their names."""
        if not self._path.is_dir() or self._path.is_symlink():
            raise StoreError(f"store {self.source}: no folder {self._path.name}; correct its path.")
        for folder, below, files in os.walk(self._path):
            below.sort()
            links = [name for name in below if Path(folder, name).is_symlink()]
            for name in sorted([*files, *links]):
                path = Path(folder, name)
                place = path.relative_to(self._path).as_posix()
                if not stat.S_ISREG(path.lstat().st_mode):
                    yield Record(place, None, "is no regular file")
                    continue
                try:
                    with path.open("rb") as file:
                        digest = hashlib.file_digest(file, "sha256").hexdigest()
                except OSError as error:
                    yield Record(place, None, f"cannot be read: {error.strerror}")
                else:
                    yield Record(place, {"path": place, "sha256": digest})

    def leftovers(self) -> Iterator[str]:
        """None: every file counts."""
        return iter(())


class ManifestStore:
    """Lines of ``sha256sum`` (either style), or a JSON object of paths and hashes, as ``{path, sha256}``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """The file."""
        return self._path.name

    def records(self) -> Iterator[Record]:
        """A record a file that the manifest names; a path that leads out of the folder says so."""
        name = self._path.name
        try:
            if self._path.stat().st_size > LARGEST:
                raise StoreError(f"store {name}: is larger than {LARGEST // 1024**2} MiB; no manifest is.")
            content = self._path.read_bytes()
        except OSError as error:
            raise StoreError(f"store {name}: cannot be opened: {error.strerror}.") from None
        if content.lstrip()[:1] == b"{":
            yield from self._table(content)
            return
        for number, line in enumerate(content.decode("utf-8", "backslashreplace").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line) or _TAGGED.fullmatch(line)
            if match is None:
                yield Record(f"{name}:{number}", None, "is no line of sha256sum")
            else:
                yield _named(f"{name}:{number}", match["path"], match["hash"])

    def _table(self, content: bytes) -> Iterator[Record]:
        try:
            table = quick_json(content)
        except ValueError as error:
            raise StoreError(f"store {self._path.name}: is no JSON ({str(error)[:100]}).") from None
        for path, value in table.items():
            match = _HASH.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                yield Record(f"{self._path.name}#{path}", None, "is no SHA-256")
            else:
                yield _named(f"{self._path.name}#{path}", path, match[1])

    def leftovers(self) -> Iterator[str]:
        """None: it is one file."""
        return iter(())


def _named(place: str, text: str, digest: str) -> Record:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        return Record(place, None, f"names {text[:100]}, which leads out of the folder")
    return Record(place, {"path": path.as_posix(), "sha256": digest.lower()})
