"""Private folders of short paths, for sockets, and the removal of those whose owner was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

ANVIL = "rollout-anvil-"
GATE = "rollout-gate-"
LONGEST_SOCKET_PATH = 90
"""Systems allow 104 to 108 bytes in a socket's path; the socket's own name is taken off."""

YOUNG_SECONDS = 60.0


class Home:
    """A folder only this process uses, named after it, locked while it lives; ``prefix`` is ``ANVIL`` or ``GATE``."""

    def __init__(self, prefix: str) -> None:
        base = tempfile.gettempdir()
        if len(base) + len(prefix) + 24 > LONGEST_SOCKET_PATH:
            base = "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it
        remove_stale(Path(base), prefix)
        self.path = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=base))
        self._lock: int | None = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the folder with everything in it; doing so twice is fine."""
        shutil.rmtree(self.path, ignore_errors=True)
        # A number is closed once: by the second time it may be somebody else's socket.
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def remove_stale(base: Path, prefix: str, *, young_seconds: float = YOUNG_SECONDS) -> None:
    """Delete folders of this user whose process is gone.

    Gone means: no process of that number, nobody holds the lock (a process number says nothing
    where containers share a folder), and old enough to have been locked.
    """
    for folder in base.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            status = folder.stat()
            owner = folder.name.removeprefix(prefix).partition("-")[0]
            young = time.time() - status.st_mtime < young_seconds
            if status.st_uid == os.getuid() and not young and not _runs(owner) and not _locked(folder / "lock"):
                shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: str) -> bool:
    if not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _locked(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
