"""A program that answers one JSON line with one: started when needed, ended when it hangs, started again."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.forks import begin_after_fork
from pytest_rollout.core.errors import EngineError

LONGEST_LINE = 64 * 1024 * 1024
"""An answer of more bytes is no answer."""

_CHUNK = 1 << 16


class PipeBrokenError(Exception):
    """The program ended, or said something that is no line of JSON."""


class SilentError(Exception):
    """The program said nothing within the limit and was ended."""


class Pipe:
    """One program and its two pipes; calls come one after another.

    A forked process starts a program of its own: two that ask over the same pipes would read each other's answers.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        memory: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(command)
        self._folder = folder
        self._memory = memory
        self._environment = environment
        self._parents: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()
        begin_after_fork(self._begin)

    def _begin(self) -> None:
        self._parents, self._process = self._process, None  # held, for it is not ours to end
        self._rest = b""
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process number, None while none runs."""
        return None if self._process is None else self._process.pid

    def ask(self, question: Any, seconds: float) -> Any:
        """The program's line to one line of ours; raises ``PipeBrokenError`` or ``SilentError``."""
        deadline = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise SilentError
        try:
            return self._ask(json.dumps(question).encode() + b"\n", deadline)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the program."""
        process, self._process, self._rest = self._process, None, b""
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()

    def _ask(self, line: bytes, deadline: float) -> Any:
        try:
            process = self._running()
        except OSError as error:
            raise EngineError(f"engine {self._command[0]}: cannot be started ({error.strerror or error}).") from None
        if self._has_more(process):  # an answer to nothing would be taken for one to this question
            self.close()
            raise PipeBrokenError("the engine's process said more than it was asked")
        try:
            self._write(process, line, deadline)
            return json.loads(self._read(process, deadline))
        except SilentError:
            self.close()
            raise
        except (OSError, EOFError):
            status = self._status(process)
            self.close()
            raise PipeBrokenError(f"the engine's process ended with {status}") from None
        except (ValueError, RecursionError):
            self.close()
            raise PipeBrokenError("the engine's process answered something that is no line of JSON") from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=None if self._environment is None else dict(self._environment),
                start_new_session=True,
                bufsize=0,
            )
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None  # noqa: S101 - both are pipes
                os.set_blocking(stream.fileno(), False)
            self._bound(self._process.pid)
        return self._process

    def _bound(self, pid: int) -> None:
        if self._memory is None:
            return
        if not sys.platform.startswith("linux"):
            raise EngineError("engines.memory: a memory bound needs Linux; leave it out on this system.")
        import resource  # noqa: PLC0415 - not there on every system

        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (self._memory, self._memory))

    def _write(self, process: subprocess.Popen[bytes], line: bytes, deadline: float) -> None:
        assert process.stdin is not None  # noqa: S101 - a pipe
        view = memoryview(line)
        while view:
            _await(process.stdin.fileno(), selectors.EVENT_WRITE, deadline)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(process.stdin.fileno(), view[:_CHUNK]) :]

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        assert process.stdout is not None  # noqa: S101 - a pipe
        parts, length = [self._rest], len(self._rest)
        while b"\n" not in parts[-1]:
            _await(process.stdout.fileno(), selectors.EVENT_READ, deadline)
            with contextlib.suppress(BlockingIOError):
                part = os.read(process.stdout.fileno(), _CHUNK)
                if not part:
                    raise EOFError
                parts.append(part)
                length += len(part)
            if length > LONGEST_LINE:
                raise ValueError
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def _has_more(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether something lies there that nobody asked for; a pipe that broke is found by writing."""
        assert process.stdout is not None  # noqa: S101 - a pipe
        with contextlib.suppress(OSError):
            self._rest += os.read(process.stdout.fileno(), 1)
        return bool(self._rest)

    @staticmethod
    def _status(process: subprocess.Popen[bytes]) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        code = process.poll()
        if code is None:
            return "its pipe closed"
        return f"signal {-code}" if code < 0 else f"status {code}"


def _await(descriptor: int, event: int, deadline: float) -> None:
    """Wait until a pipe is ready; raises ``SilentError`` past the deadline."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(deadline - time.monotonic(), 0)):
            raise SilentError
