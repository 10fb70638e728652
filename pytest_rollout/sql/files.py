"""A SQLite file read as it lies there: nothing is made beside it, and what was lost from it is told.

SQLite itself makes two files beside a database in WAL mode, even for who may only read, and takes a missing end of
its log for nothing. The formats are those of https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_rollout.core.errors import StoreError

MAGIC = b"SQLite format 3\0"
_HEADER = 20
_PAGE_SIZE = slice(16, 18)
_LARGEST_PAGE = 65_536
"""Written as 1."""
_VERSIONS = slice(18, 20)
_WAL = 2
_WAL_HEADER, _FRAME_HEADER = 32, 24
_OPCODES = 10_000
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})

Allowed = Callable[..., int]
"""An authorizer: ``SQLITE_OK`` or ``SQLITE_DENY`` for an action."""


def in_this_file(action: int, file: object, *_: object) -> int:
    """No other file is attached; VACUUM attaches one without a name."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH and file else sqlite3.SQLITE_OK


def reading_alone(action: int, _first: str | None, name: str | None, *_: object) -> int:
    """One SELECT: opened for reading, SQLite would still attach, and so create, any other file."""
    is_allowed = action in _READS or (action == sqlite3.SQLITE_FUNCTION and name != "load_extension")
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def connect(uri: str, seconds: float, *, stop: bool = True) -> sqlite3.Connection:
    """A connection that waits for locks so long and, with ``stop``, is interrupted when its questions take longer."""
    connection = sqlite3.connect(uri, uri=True, timeout=seconds, check_same_thread=False, isolation_level=None)
    if stop:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, _OPCODES)
    connection.set_authorizer(in_this_file)
    return connection


@contextmanager
def as_it_is(path: Path, where: str) -> Iterator[str]:
    """The URI that reads a file and makes none beside it; raises ``StoreError`` where it is broken, or is changed.

    ``where`` begins the sentence. A log that nobody uses is read from a copy; a file without one is read without locks.
    """
    path = path.resolve()
    if broken := _trouble(path):
        raise StoreError(f"{where}: {broken}; restore it from a backup.")
    uri = f"{path.as_uri()}?mode=ro"
    log, shared = beside(path, "-wal"), beside(path, "-shm")
    if not is_in_wal_mode(path) or shared.exists():
        yield uri
    elif _size(log):
        with tempfile.TemporaryDirectory(prefix="rollout-sqlite-") as private:
            copy = Path(private, path.name)
            shutil.copyfile(path, copy)
            shutil.copyfile(log, beside(copy, "-wal"))
            yield f"{copy.as_uri()}?mode=ro"
    else:
        before = _mark(path)
        yield f"{uri}&immutable=1"
        if _mark(path) != before or _size(log):
            raise StoreError(f"{where}: was changed while it was read; stop what writes to it, or copy it.")


def is_in_wal_mode(path: Path) -> bool:
    """Whether what was written last may be in another file, its ``-wal``."""
    header = _header(path)
    return header.startswith(MAGIC) and _WAL in header[_VERSIONS]


def beside(path: Path, ending: str) -> Path:
    """One of the files that SQLite keeps beside a database."""
    return path.with_name(path.name + ending)


def _trouble(path: Path) -> str:
    """What is missing of a file, or nothing: where less than a page is, SQLite itself reads zeros."""
    size = _page_size(path)
    if size and path.stat().st_size % size:
        return "ends in the midst of a page"
    log, shared = beside(path, "-wal"), beside(path, "-shm")
    if not is_in_wal_mode(path):
        return ""
    if shared.exists():
        return "" if log.exists() else f"{log.name} is missing beside its -shm, and holds what was written last"
    if (written := _size(log)) and (written - _WAL_HEADER) % (_FRAME_HEADER + size):
        return f"{log.name} ends in the midst of a write"
    return ""


def _page_size(path: Path) -> int:
    header = _header(path)
    size = int.from_bytes(header[_PAGE_SIZE], "big") if header.startswith(MAGIC) else 0
    return _LARGEST_PAGE if size == 1 else size


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mark(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
