"""The recorder process: started with a scrubbed environment and a deadline, ended with all it started."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a recorder is started before anything else is imported
    from pytest_rollout.core.judging import Ending
    from pytest_rollout.runner.channel import Inbox

ENVIRONMENT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
        *("LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS"),
        *("CI", "GITHUB_ACTIONS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)
"""What a recorder gets of the environment, besides LC_* and what the plan lists."""

_GRACE_SECONDS = 5.0
_INTERRUPT_SECONDS = 30.0
_SET_CHILD_SUBREAPER = 36
_SET_DUMPABLE = 4
_ROUNDS = 10


def scrubbed(given: Mapping[str, str]) -> dict[str, str]:
    """The recorder's environment: an allow-list; ``PYTHON*`` and ``PYTEST_*`` never pass."""
    kept = {name: value for name, value in given.items() if name in ENVIRONMENT or name.startswith("LC_")}
    return kept | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Recorder:
    """One recorder from its start to the end of everything it started.

    It is started before its orders are known, and imports pytest meanwhile (``recording``); so this
    module imports little.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._interrupted = False
        leave_no_core()
        orders, self._orders = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest_rollout.recording", str(orders)],
            env=scrubbed(os.environ),
            pass_fds=(orders,),
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
        )
        os.close(orders)
        self._old = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def begin(self, arguments: Sequence[str], *, root: Path, socket: Path, variables: Sequence[str]) -> None:
        """Give the orders: where to stand, pytest's arguments, and the variables that the plan passes on."""
        from pytest_rollout.runner.channel import VARIABLE  # noqa: PLC0415 - see above

        _adopt_orphans_and_close_up()
        passed = {name: os.environ[name] for name in variables if name in os.environ}
        orders = {
            "arguments": list(arguments),
            "environment": passed | {VARIABLE: str(socket)},
            "folder": str(root),
            "supervisor": os.getpid(),
        }
        pipe, self._orders = self._orders, -1
        with contextlib.suppress(BrokenPipeError), os.fdopen(pipe, "w") as file:  # one that is gone records nothing
            json.dump(orders, file)

    def follow(self, inbox: Inbox, deadline_seconds: float) -> Ending:
        """Take in events until the recorder has ended; kill it at its deadline."""
        from pytest_rollout.core.judging import Ending  # noqa: PLC0415 - see above

        inbox.watch(self._process.pid)
        latest = time.monotonic() + deadline_seconds
        deadline_passed = False
        while self._process.poll() is None:
            inbox.listen(0.05)
            if self._interrupted:
                latest = min(latest, time.monotonic() + _INTERRUPT_SECONDS)
            if time.monotonic() > latest:
                deadline_passed = not self._interrupted
                self._stop()
        self._drain(inbox)
        status = self._process.returncode
        return Ending(
            status=status,
            signal=signal.Signals(-status).name if status < 0 else "",
            deadline_passed=deadline_passed,
            interrupted=self._interrupted,
        )

    def close(self) -> None:
        """Leave nothing behind: no process, no signal handler, no descriptor."""
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1
        self._stop()
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        end_all_below()

    def _drain(self, inbox: Inbox) -> None:
        """Hear out the workers that outlive their controller for a moment, then end them."""
        latest = time.monotonic() + _GRACE_SECONDS
        while not inbox.is_quiet and time.monotonic() < latest:
            inbox.listen(0.02)
        end_all_below()
        while not inbox.is_quiet and time.monotonic() < latest + _GRACE_SECONDS:
            inbox.listen(0.02)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        first = not self._interrupted
        self._interrupted = True
        if first and number != signal.SIGINT and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)


def leave_no_core() -> None:
    """Let neither this process nor what it starts leave its memory in a file when it crashes.

    A limit of one byte is less than any core file, and the one value that Linux heeds for a core that goes to a
    program as well.
    """
    with contextlib.suppress(ValueError, OSError):  # a limit of 0 cannot be raised, and leaves no file either
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def end_all_below() -> None:
    """Kill every descendant, orphans included, and collect them; the recorder itself has ended."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return
    import psutil  # noqa: PLC0415 - 20 ms that a refused command line need not pay

    this = psutil.Process()
    for _ in range(_ROUNDS):
        below = this.children(recursive=True)
        if not below:
            return
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(below, timeout=_GRACE_SECONDS)


def _adopt_orphans_and_close_up() -> None:
    """Become the parent of what the recorder's children leave behind, so that it can be ended (Linux).

    And let no process of the same user, such as a test, read the memory or the environment of this one, which holds
    what was scrubbed from the recorder's; the superuser still may.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - while the recorder starts

        prctl = ctypes.CDLL(None).prctl
        prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_SET_DUMPABLE, 0, 0, 0, 0)
