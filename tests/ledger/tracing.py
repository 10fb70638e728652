"""Stops a writing process before any one of its system calls of a kind: at the first, the second, until it ends by itself."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from collections.abc import Callable

HERE = platform.machine()
CHANGES = {
    "x86_64": {18, 1, 74, 75, 87, 77, 257, 2, 263, 82, 86, 264, 265},
    "aarch64": {68, 64, 82, 83, 35, 46, 56, 38, 37},
}
"""Calls that change a file, by machine."""
SENT = {"x86_64": {1, 20, 44, 46}, "aarch64": {64, 66, 206, 211}}
"""Calls that say something to a server."""
MESSAGES = {"x86_64": SENT["x86_64"] | {0, 45, 47}, "aarch64": SENT["aarch64"] | {63, 207, 212}}
"""Calls that say something to a server, or hear it: between them lies all that it can have been told."""

_TRACEME, _SYSCALL, _SETOPTIONS, _KILL_IF_GONE, _INFO = 0, 24, 0x4200, 0x100000, 0x420E
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def stopped_at(
    point: int, calls: set[int], begin: Callable[[], Callable[[], None]], then: Callable[[int], None]
) -> tuple[bool, bool, int]:
    """Run what ``begin`` returns in a process of its own; before its point-th of ``calls``, do ``then(pid)``.

    Whether it came to that call, whether it said that it was done, and its exit status: 3 for a ledger's error.
    """
    from pytest_rollout.core.errors import LedgerError

    reading, told = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            write = begin()
            _libc.ptrace(_TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            write()
            os.write(told, b"done")
        except LedgerError:
            os._exit(3)
        except BaseException:  # noqa: BLE001 - nothing may come back into the tracer
            os._exit(70)
        os._exit(0)
    os.close(told)
    os.waitpid(pid, 0)
    _libc.ptrace(_SETOPTIONS, pid, None, _KILL_IF_GONE | 1)
    seen, came = 0, False
    while True:
        _libc.ptrace(_SYSCALL, pid, None, None)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            break
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80 and _enters(pid, calls):
            seen += 1
            if seen == point:
                then(pid)
                came = True
    with os.fdopen(reading, "rb") as said:
        return came, said.read() == b"done", os.waitstatus_to_exitcode(status)


def killed(pid: int) -> None:
    """The end that nobody can prepare for."""
    os.kill(pid, signal.SIGKILL)


def _enters(pid: int, calls: set[int]) -> bool:
    info = (ctypes.c_uint64 * 16)()
    _libc.ptrace(_INFO, pid, ctypes.sizeof(info), info)
    return info[0] & 0xFF == 1 and info[3] in calls
