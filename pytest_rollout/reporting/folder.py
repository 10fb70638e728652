"""A folder that reports go into: nothing torn, nothing through a link, every trouble one sentence.

Suites are foreign code and share the disk with the reports, so a name below the reports folder
may by now be a link to somewhere else. Every step is taken relative to an open folder and
refuses links, so no check can be overtaken by a change after it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from pytest_rollout.core.errors import ReportError

PART = ".part"
"""How unfinished files and folders end; whatever carries it after a crash is waste."""

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEDIES = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some of the quota",
    errno.EFBIG: "Raise the limit on file sizes",
    errno.EACCES: "Make the folder writable",
    errno.EPERM: "Make the folder writable",
    errno.EROFS: "Make the folder writable",
    errno.ENAMETOOLONG: "Choose a shorter folder",
    errno.ENOTDIR: "Move away what is there instead of a folder",
    errno.EEXIST: "Move away what is there instead of a folder",
    errno.ELOOP: "Remove the link",
    errno.EISDIR: "Move away the folder that has this name",
}


class Folder:
    """An open folder; its files are written whole or not at all. Close it, or use it with ``with``."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """The reports folder itself, made if need be; it alone may be a link, being the user's choice."""
        with _told(path):
            path.mkdir(parents=True, exist_ok=True)
            return cls(path, os.open(path, _OPEN & ~os.O_NOFOLLOW))

    def enter(self, name: str) -> Folder:
        """The folder ``name`` in this one, made if need be; ``ReportError`` if it is a link or a file."""
        path = self._shown(name)
        with _told(path):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._descriptor)
            try:
                return Folder(path, os.open(name, _OPEN, dir_fd=self._descriptor))
            except OSError:
                self._refuse_link(name)
                raise

    def make(self, name: str) -> Folder:
        """A folder that did not exist before; ``ReportError`` if it did."""
        with _told(self._shown(name)):
            os.mkdir(name, dir_fd=self._descriptor)
        return self.enter(name)

    def lock(self, patience_seconds: float = 10.0) -> None:
        """Keep other runs out until the folder is closed; ``ReportError`` if one does not stop."""
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise busy(self.path) from None
                time.sleep(0.02)
            except OSError:
                return  # A file system without locks: names are still put in place whole.
            else:
                return

    def write(self, name: str, parts: Iterable[str | bytes]) -> tuple[str, int]:
        """Write a new file whole and sync it, or leave none; returns its SHA-256 in hex and its size."""
        digest, size = hashlib.sha256(), 0
        with _told(self._shown(name)):
            try:
                with open(name, "xb", opener=self._opener) as file:
                    for part in parts:
                        data = part if isinstance(part, bytes) else part.encode()
                        digest.update(data)
                        size += file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._descriptor)
                raise
        return digest.hexdigest(), size

    def drop(self, name: str, data: bytes) -> None:
        """Write one of many small files, not synced: for a folder that is put in place as a whole."""
        try:
            descriptor = os.open(name, _CREATE, 0o666, dir_fd=self._descriptor)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unwritable(self._shown(name), error) from error

    def read(self, name: str) -> bytes:
        """The bytes of a file in this folder; ``ReportError`` if it is none."""
        try:
            with open(name, "rb", buffering=0, opener=self._opener) as file:
                return file.readall()
        except OSError as error:
            raise unwritable(self._shown(name), error) from error

    def names(self) -> list[str]:
        """What is in this folder, sorted."""
        with _told(self.path):
            return sorted(os.listdir(self._descriptor))  # noqa: PTH208 - the open folder, not a path

    def swap(self, new: str, name: str) -> None:
        """Put the file or folder ``new`` in the place of ``name``; what was there is removed."""
        with _told(self.path / name):
            self.remove(name)
            self._rename(new, name)
            os.fsync(self._descriptor)

    def remove(self, name: str) -> None:
        """Take away a file, a link (never what it points to) or a whole folder; nothing if there is none."""
        with _told(self._shown(name)):
            try:
                mode = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode
            except FileNotFoundError:
                return
            if not stat.S_ISDIR(mode):
                os.unlink(name, dir_fd=self._descriptor)
                return
            # Out of sight first: a folder half removed must not be taken for a report.
            waste = name if name.endswith(PART) else f".{name}.{secrets.token_hex(4)}{PART}"
            if waste != name:
                self._rename(name, waste)
            shutil.rmtree(waste, dir_fd=self._descriptor)

    def close(self) -> None:
        """Let go of the folder and of its lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shown(self, name: str) -> Path:
        """What a user is told: the report, not the name it has until it is whole."""
        return self.path / (name[1 : -len(PART)] if name.startswith(".") and name.endswith(PART) else name)

    def _opener(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, 0o666, dir_fd=self._descriptor)

    def _rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def _refuse_link(self, name: str) -> None:
        if stat.S_ISLNK(os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "it is a link, and reports are not written through links")


def unwritable(path: Path, error: OSError) -> ReportError:
    """The sentence for a report that the disk refused."""
    remedy = _REMEDIES.get(error.errno or 0, "Mend the folder")
    return ReportError(
        f"{path}: the report could not be written ({error.strerror or error}). "
        f"{remedy} or choose another with --rollout-reports; the ledger has the judgement."
    )


def busy(path: Path) -> ReportError:
    """The sentence for a folder that another run holds."""
    return ReportError(
        f"{path}: another process is writing reports here and does not end. "
        "Wait for it or choose another folder with --rollout-reports; the ledger has the judgement."
    )


def unlike(path: Path, what: str) -> ReportError:
    """The sentence for a report that did not read back as the judgement says."""
    return ReportError(
        f"{path}: the report does not read back as it was written: {what}. "
        "Do not use it; the ledger has the judgement, see `rollout ledger show`."
    )


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the operating system says into one sentence about ``path``."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
