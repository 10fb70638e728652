"""A file system with little room, for tests of what happens when there is none left.

Where this process may have one, it is a real one: a tmpfs in a mount namespace of its own, which is gone with the
process that looks at it. Where neither root nor a user namespace may mount, a limit on the size of files stands in.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SIZE = 8 * 2**20
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@"'
_WAYS = (("unshare", "--user", "--map-root-user", "--mount"), ("unshare", "--mount"))
ROOT = Path(__file__).parents[1]


class Room:
    """How much may still be written into ``folder``; for the process that ``inside`` started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_real = folder.is_mount()
        self._filler = folder / ".filler"

    def leave(self, size: int) -> None:
        """Leave so many bytes: of the file system, or for each file beyond the largest there is."""
        self.widen()
        if self.is_real:
            state = os.statvfs(self.folder)
            with self._filler.open("wb") as file:
                file.write(bytes(max(0, state.f_bavail * state.f_frsize - size)))
            return
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        largest = max(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) if size else 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    def widen(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def inside(script: str, folder: Path, *arguments: object) -> Any:
    """What ``script`` prints as JSON, run with ``folder`` as a file system of its own: ``sys.argv[1]``, then the rest."""
    folder.mkdir()
    command = (sys.executable, "-c", script, str(folder), *map(str, arguments))
    way = _way()
    if way:
        command = (*way, "sh", "-c", _MOUNT, str(folder), str(SIZE), *command)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@cache
def _way() -> tuple[str, ...]:
    """How a file system may be mounted here; empty where it may not."""
    with tempfile.TemporaryDirectory() as name:
        for way in _WAYS:
            try:
                tried = (*way, "sh", "-c", _MOUNT, name, "64k", "true")
                if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
                    return way
            except OSError:
                break
    return ()
