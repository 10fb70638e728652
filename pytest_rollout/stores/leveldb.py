"""A LevelDB: read from a copy, since opening one changes and locks it."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Record
from pytest_rollout.stores.leveldb_log import trouble
from pytest_rollout.stores.port import MOST, MOST_BYTES
from pytest_rollout.stores.quick_json import quick_json, quick_jsons


class LevelDbStore:
    """Keys and JSON values; needs the extra ``leveldb`` (plyvel)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """The folder."""
        return f"{self._path.name}/"

    def records(self) -> Iterator[Record]:
        """A record a key, its checksum verified; a value that is no JSON says so."""
        for places, raws in self.raws():
            yield from map(self.record, places, raws)

    def place(self, place: bytes) -> str:
        """The key."""
        return place.decode("utf-8", "backslashreplace")

    def value(self, raw: bytes) -> Any:
        """What the value of one key means."""
        return quick_json(raw)

    def values(self, raws: Sequence[bytes]) -> list[Any] | None:
        """What the values of some keys mean."""
        return quick_jsons(raws)

    def record(self, place: bytes, raw: bytes) -> Record:
        """The record of one key."""
        try:
            return Record(self.place(place), quick_json(raw))
        except ValueError as error:
            return Record(self.place(place), None, f"is no JSON ({str(error)[:100]})")

    def raws(self) -> Iterator[tuple[Sequence[bytes], Sequence[bytes]]]:
        """Every key and value, its checksum verified."""
        plyvel = _library()
        with tempfile.TemporaryDirectory(prefix="rollout-leveldb-") as private:
            copy = Path(private, "copy")
            self._copy(copy)
            if broken := trouble(copy):
                raise self._broken(broken)
            try:
                database = plyvel.DB(str(copy), create_if_missing=False, paranoid_checks=True)
            except plyvel.Error as error:
                raise self._told(error) from None
            try:
                with database.iterator(verify_checksums=True, fill_cache=False) as pairs:
                    yield from _some(pairs)
            except plyvel.Error as error:
                raise self._told(error) from None
            finally:
                database.close()

    def leftovers(self) -> Iterator[str]:
        """None: the database looks after its own files."""
        return iter(())

    def _told(self, error: Exception) -> StoreError:
        reason = str(error).replace(str(Path(tempfile.gettempdir())), "")
        return self._broken(reason[:200])

    def _broken(self, reason: str) -> StoreError:
        return StoreError(f"store {self.source}: is broken ({reason}); restore it from a backup.")

    def _copy(self, target: Path) -> None:
        """Copy the files while nobody else has the database open."""
        if not self._path.is_dir() or self._path.is_symlink():
            raise StoreError(f"store {self.source}: no folder {self._path.name}; correct its path.")
        if not (self._path / "CURRENT").is_file():
            raise StoreError(f"store {self.source}: is no LevelDB, for it has no file CURRENT.")
        with self._alone():
            target.mkdir()
            for entry in sorted(self._path.iterdir()):
                if not stat.S_ISREG(entry.lstat().st_mode):
                    raise StoreError(f"store {self.source}: {entry.name} is no regular file; a LevelDB has no others.")
                if entry.name != "LOCK":
                    shutil.copyfile(entry, target / entry.name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Share the lock that whoever writes holds alone; it is asked for and not written."""
        try:
            descriptor = os.open(self._path / "LOCK", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            yield
            return
        except OSError as error:
            raise StoreError(f"store {self.source}: its lock cannot be read: {error.strerror}.") from None
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise StoreError(f"store {self.source}: another process has it open; stop it, or copy the store.") from None
        try:
            yield
        finally:
            os.close(descriptor)


def _some(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[Sequence[bytes], Sequence[bytes]]]:
    """Keys and values, as many at once as a store gives."""
    keys, values, size = list[bytes](), list[bytes](), 0
    for key, value in pairs:
        keys.append(key)
        values.append(value)
        size += len(value)
        if size > MOST_BYTES or len(keys) == MOST:
            yield keys, values
            keys, values, size = [], [], 0
    if keys:
        yield keys, values


def _library() -> Any:
    try:
        import plyvel  # noqa: PLC0415 - an extra
    except ImportError:
        raise StoreError("a LevelDB needs plyvel; install pytest-rollout[leveldb].") from None
    return plyvel
