"""Runs one program with a time limit and bounded output, and tells how it ended and what it printed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import ServiceError

KEEPER = Path(__file__).with_name("keeper.py")
MOST_REPORTED = 64 * 1024 * 1024
"""A report on standard output is kept up to here, in bytes."""

_CHUNK = 256 * 1024
_HEAD = 4 * 1024
_TAIL = 16 * 1024
_LONGEST_LINE = 1024 * 1024
_CARRIED = 4 * 1024
_BREAKS = (b"\n", b"\r")
_SHOWN_LINE = 4 * 1024
"""Longer lines are told by their length: half of one could end with half of a secret."""
_GRACE_SECONDS = 1.0
_KEEPER_SECONDS = 30.0
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class EndNow(Exception):  # noqa: N818 - an order, not an error
    """Raised by who listens: kill the program at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended. ``status`` is None where a signal or the limit ended it.

    ``left`` counts the processes it left running; all of them have been ended. ``output`` is the
    beginning and the end of what it printed, ``size`` and ``digest`` (SHA-256) are of all of it:
    standard output, then standard error. ``microseconds`` are the program's own, without what watches it.
    ``peak_kib`` is the most memory that one of its processes had; less than ``floor_kib`` cannot be told.
    """

    status: int | None
    signal: str
    timed_out: bool
    left: int
    milliseconds: int
    microseconds: int
    peak_kib: int
    floor_kib: int
    output: str
    size: int
    digest: str


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit_seconds: float,
    listen: Callable[[str], None] | None = None,
    report: Path | None = None,
) -> Ended:
    """Run a program to its end, or to the limit; nothing it started outlives it.

    ``listen`` hears everything it prints, whole lines together and without terminal escapes, and may raise ``EndNow``;
    ``report`` is a file that standard output is also written to. Raises ``ServiceError`` where the
    program cannot be started, or prints a larger report than is read.
    """
    said_by, says = os.pipe()
    keeper = subprocess.Popen(
        [sys.executable, "-I", str(KEEPER), str(says), str(limit_seconds), *command],
        cwd=folder,
        env=dict(environment),
        pass_fds=(says,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(says)
    try:
        with report.open("wb") if report is not None else contextlib.nullcontext() as kept:
            streams = _Streams(keeper, said_by, kept.write if kept is not None else None, listen)
            ending = streams.follow(time.monotonic() + limit_seconds + _KEEPER_SECONDS)
    finally:
        os.close(said_by)
        _stop(keeper)
    if ending.get("error"):
        raise ServiceError(
            f"could not start '{command[0]}' in {folder.name}/: {ending['error']}; install it, or correct run or cwd."
        )
    return Ended(
        status=ending["status"],
        signal=ending["signal"],
        timed_out=ending["timed_out"],
        left=ending["left"] + streams.is_held,
        milliseconds=ending["ms"],
        microseconds=ending["us"],
        peak_kib=ending["peak_kib"],
        floor_kib=ending["floor_kib"],
        output=streams.shown,
        size=sum(stream.size for stream in streams.all),
        digest=streams.digest,
    )


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    """Ask it to end everything, which it does quickly; then make sure."""
    if keeper.poll() is None:
        keeper.send_signal(signal.SIGTERM)
        try:
            keeper.wait(_GRACE_SECONDS * 5)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()
    for stream in (keeper.stdout, keeper.stderr):
        if stream is not None:
            stream.close()


@dataclass(slots=True)
class _Stream:
    """One stream as it comes: its size and digest, its beginning and end, and its lines."""

    listen: Callable[[str], None] | None
    write: Callable[[bytes], object] | None = None
    size: int = 0
    head: bytes = b""
    tail: bytes = b""
    carried: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.digest.update(chunk)
        room = _HEAD - len(self.head)
        self.head += chunk[: max(0, room)]
        self.tail = (self.tail + chunk[max(0, room) :])[-_TAIL:]
        if self.write is not None:
            if self.size > MOST_REPORTED:
                raise ServiceError(f"prints a report of more than {MOST_REPORTED // 1024**2} MiB; write it to a file.")
            self.write(chunk)
        if self.listen is not None:
            self._hear(self.listen, chunk)

    def _hear(self, listen: Callable[[str], None], chunk: bytes) -> None:
        text = self.carried + chunk
        end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        if end == 0 and len(text) > _LONGEST_LINE:
            # No line break in sight: a character that is none stands for the beginning that was heard.
            listen(_plain(text))
            text = b"\0" + text[-_CARRIED:]
        elif end:
            listen(_plain(text[:end]))
            text = text[end:]
        self.carried = text

    def end(self) -> None:
        if self.listen is not None and self.carried:
            self.listen(_plain(self.carried))

    @property
    def shown(self) -> str:
        """Beginning and end, each of whole lines: half of a secret would be found by nobody who looks for secrets."""
        head, tail = self.head, self.tail
        if self.size == len(head) + len(tail):
            return _plain(head + tail)
        head = head[: max(map(head.rfind, _BREAKS)) + 1]
        broken = [at for at in map(tail.find, _BREAKS) if at >= 0]
        tail = tail[min(broken) + 1 :] if broken else b""
        between = f"… {self.size - len(head) - len(tail)} bytes left out …\n".encode()
        return _plain(head + between + tail)


class _Streams:
    """Both streams of the keeper and its word, read as they come."""

    def __init__(
        self,
        keeper: subprocess.Popen[bytes],
        said_by: int,
        write: Callable[[bytes], object] | None,
        listen: Callable[[str], None] | None,
    ) -> None:
        self._keeper = keeper
        self._said_by = said_by
        self._said = b""
        self.all = (_Stream(listen, write), _Stream(listen))
        self.is_held = 0

    def follow(self, latest: float) -> dict[str, Any]:
        """Read until the keeper has spoken and both streams have ended."""
        with selectors.DefaultSelector() as selector:
            for pipe, stream in zip((self._keeper.stdout, self._keeper.stderr), self.all, strict=True):
                if pipe is not None:
                    selector.register(pipe.fileno(), selectors.EVENT_READ, stream.take)
            selector.register(self._said_by, selectors.EVENT_READ, self._hear)
            while selector.get_map() and (wait := latest - time.monotonic()) > 0:
                for key, _ in selector.select(wait):
                    if chunk := os.read(key.fd, _CHUNK):
                        try:
                            key.data(chunk)
                        except EndNow:
                            self._keeper.send_signal(signal.SIGTERM)
                        continue
                    selector.unregister(key.fd)
                    if key.fd == self._said_by:
                        # Whoever still holds a stream now escaped; it is not waited for.
                        latest = min(latest, time.monotonic() + _GRACE_SECONDS)
            self.is_held = int(bool(selector.get_map()))
        for stream in self.all:
            with contextlib.suppress(EndNow):
                stream.end()
        try:
            ending: dict[str, Any] = json.loads(self._said)
        except ValueError:
            raise ServiceError(
                "the process that ran the command was ended before it could tell; run the gate again."
            ) from None
        return ending

    def _hear(self, chunk: bytes) -> None:
        self._said += chunk

    @property
    def shown(self) -> str:
        return "\n".join(filter(None, (stream.shown.strip("\n") for stream in self.all)))

    @property
    def digest(self) -> str:
        both = hashlib.sha256()
        for stream in self.all:
            both.update(stream.size.to_bytes(8, "big") + stream.digest.digest())
        return both.hexdigest()


class Patterns:
    """Looks for regular expressions in what is printed; remembers the first line that each one finds."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [re.compile(pattern, re.MULTILINE) for pattern in patterns]
        self.lines: list[str | None] = [None] * len(patterns)

    def hear(self, text: str) -> None:
        """Look through some whole lines."""
        for index, pattern in enumerate(self._patterns):
            if self.lines[index] is None and (match := pattern.search(text)):
                start = text.rfind("\n", 0, match.start()) + 1
                end = text.find("\n", match.end())
                line = text[start : end if end >= 0 else None]
                self.lines[index] = line if len(line) <= _SHOWN_LINE else f"a line of {len(line):,} characters"


def _plain(content: bytes) -> str:
    """Text without terminal escapes, its line breaks all alike."""
    text = content.decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")
