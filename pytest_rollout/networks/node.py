"""A node process of ours: started in a private folder, ended with us, however we end."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.homes import ANVIL, Home
from pytest_rollout.networks.ipc import Connection

START_SECONDS = 20.0
END_SECONDS = 5.0
POLL_SECONDS = 0.002

_LISTENING = re.compile(rb"^Listening on \S+:(\d+)\s*$", re.MULTILINE)


class Node:
    """A running anvil: its ``pid`` and ``owner``, our process; the ``port`` it listens on besides its socket.

    It runs in a session of its own, so Ctrl-C reaches the tests and not their chain. On Linux
    the kernel kills it with the thread that started it, which is the main one; from any other
    thread, and on other systems, a watchdog does when the pipe to this process closes.
    """

    def __init__(
        self,
        network: str,
        binary: Path,
        arguments: Sequence[str],
        *,
        seconds: float = START_SECONDS,
        before: Callable[[Path], None] | None = None,
        after: Callable[[Path], None] | None = None,
    ) -> None:
        self.network = network
        self.owner = os.getpid()
        self._closing = threading.Lock()
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._home = Home(ANVIL)
        self.socket = self._home.path / "ipc"
        self._log = self._home.path / "log"
        command = [str(binary), "--host", "127.0.0.1", "--port", "0", "--ipc", str(self.socket), *arguments]
        self._after = after
        try:
            if before is not None:
                before(self._home.path)
            self._process = self._start(command)
        except BaseException:
            self._home.remove()
            raise
        atexit.register(self.close)
        try:
            self.port = self._await_port(time.monotonic() + seconds, seconds)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process number of the node itself."""
        return self._process.pid

    def connect(self, *, seconds: float) -> Connection:
        """A connection to its socket."""
        try:
            return Connection(self.socket, seconds=seconds)
        except OSError as error:
            raise self.trouble(f"did not take a connection ({error.strerror})") from None

    def trouble(self, what: str) -> NetworkError:
        """The error for a node that does not answer: how it ended, or ``what`` it did instead."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A killed node's socket closes a moment before its status can be read.
            self._process.wait(0.5)
        status = self._process.poll()
        if status is None:
            return NetworkError(f"network {self.network}: anvil {what}; nothing more can be read from it in this run.")
        return NetworkError(
            f"network {self.network}: anvil ended with status {status} during this run; "
            "nothing more can be read from it."
        )

    def close(self) -> None:
        """End the process, wait for it, and remove its folder. A forked copy of us leaves it alone."""
        if os.getpid() != self.owner:
            return
        with self._closing:
            atexit.unregister(self.close)
            if self._watchdog is not None and self._watchdog.stdin is not None:
                self._watchdog.kill()
                self._watchdog.stdin.close()
                self._watchdog.wait()
                self._watchdog = None
            if self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                if self._after is not None:
                    self._after(self._home.path)
            self._home.remove()

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        home = str(self._home.path)
        environment = {"HOME": home, "FOUNDRY_HOME": home, "PATH": os.environ.get("PATH", os.defpath)}
        tied = _death_bond()
        if tied is not None:
            command = [tied, "--pdeathsig", "KILL", "--", *command]
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=environment,
                start_new_session=True,
            )
        if tied is None:
            # Reads until the pipe closes, which it does when this process ends in any way.
            self._watchdog = subprocess.Popen(
                ["/bin/sh", "-c", 'read -r _; kill -9 "$0" 2>/dev/null', str(process.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return process

    def _await_port(self, deadline: float, seconds: float) -> int:
        """The port from its own output, which it prints once it listens; its socket is open by then."""
        while True:
            status = self._process.poll()
            said = self._log.read_bytes()
            if status is not None:
                lines = said.decode(errors="replace").strip().splitlines()
                raise NetworkError(
                    f"network {self.network}: anvil ended with status {status} while starting: "
                    f"{lines[-1][:200] if lines else 'it said nothing'}"
                )
            if (match := _LISTENING.search(said)) and self.socket.exists():
                return int(match[1])
            if time.monotonic() > deadline:
                raise NetworkError(
                    f"network {self.network}: anvil did not listen within {seconds:g} s of its start; it was ended."
                )
            time.sleep(POLL_SECONDS)


def _death_bond() -> str | None:
    """util-linux's program that has the kernel kill a child with the thread that started it, if it fits.

    BusyBox has one of that name that cannot. From a thread other than the main one the child
    would die with the thread.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    found = shutil.which("setpriv")
    return None if found is None or Path(found).resolve().name == "busybox" else found
