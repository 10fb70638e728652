"""Runs one program and ends with it everything it started: ``keeper.py REPORT SECONDS PROGRAM ARGUMENT…``.

A process of its own, started by path in a clean interpreter, because only a parent can adopt what a
program leaves behind: a grandchild in a session of its own escapes a process group. Standard output and
standard error are the program's; how it ended is one JSON line on descriptor ``REPORT``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from types import FrameType

import psutil

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_ROUNDS = 20
_SETTLE_SECONDS = 0.05
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 0.3
"""What ends by itself so soon, such as the other end of a pipe, was not left running."""


class _EndedError(Exception):
    """Whoever asked for the program is gone, or wants it ended."""


def main(report: int, limit_seconds: float, command: list[str]) -> None:
    """Run the command, end what it leaves, report."""
    started = time.monotonic()
    _adopt()
    signal.signal(signal.SIGTERM, _end)
    os.set_inheritable(report, False)
    said: dict[str, object] = {"status": None, "signal": "", "timed_out": False, "left": 0, "error": ""}
    began = ended = time.monotonic()
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        said["error"] = error.strerror or type(error).__name__
    else:
        try:
            status = _wait(program, started + limit_seconds)
            ended = time.monotonic()
            said["timed_out"] = status is None
            if status is not None:
                said["status"] = status if status >= 0 else None
                said["signal"] = _name(-status) if status < 0 else ""
        except _EndedError:
            said["timed_out"] = True
        said["left"] = _end_all(program.pid, grace=not said["timed_out"])
    said["ms"] = round((time.monotonic() - started) * 1000)
    said["us"] = round((ended - began) * 1_000_000)
    said["peak_kib"] = _most_kib()
    said["floor_kib"] = psutil.Process().memory_info().rss // 1024  # a program begins as a copy of this process
    with os.fdopen(report, "w") as pipe:
        json.dump(said, pipe)


def _wait(program: subprocess.Popen[bytes], until: float) -> int | None:
    """Its status, or None at the limit; told when it ends where the system can tell, since waiting looks but rarely."""
    left = max(0.0, until - time.monotonic())
    with contextlib.suppress(AttributeError, OSError):
        end = os.pidfd_open(program.pid)
        try:
            select.select([end], [], [], left)
        finally:
            os.close(end)
    try:
        return program.wait(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _end_all(group: int, *, grace: bool) -> int:
    """Kill every descendant and the program's group; how many would not end by themselves."""
    until = time.monotonic() + _GRACE_SECONDS * grace
    while (below := _below()) and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    left = len(below)
    for _ in range(_ROUNDS):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
        if not (below := _below()):
            break
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(below, timeout=_SETTLE_SECONDS)
    return left


def _below() -> list[psutil.Process]:
    """Everything that runs below this process; what has ended and was not collected does not."""
    return [each for each in psutil.Process().children(recursive=True) if _is_alive(each)]


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _most_kib() -> int:
    """The most memory that one of the program's processes had; macOS counts in bytes."""
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def _adopt() -> None:
    """Become the parent of orphans, and end with whoever started this (Linux)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _EndedError


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
