"""The wire between supervisor and recorder: who may speak, what is handed over, how events come in.

A recording process connects to a socket in a private folder, introduces itself, and waits: the
supervisor answers with the pinned plan only once "run started" is durable, so no line of
project code runs before that. What has been written to the socket is out of the writer's reach.
"""

from __future__ import annotations

import json
import os
import pickle
import selectors
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.running import RECORDED
from pytest_rollout.runner.kept import kept_event

VARIABLE = "PYTEST_ROLLOUT_RECORD"
EXIT_STATUS = RECORDED
LONGEST_LINE = 32 * 1024 * 1024
MOST_BYTES = 2 * 1024 * 1024 * 1024
_CHUNK = 1 << 18
_GATHERING_SECONDS = 0.002
_ANSWERED = frozenset({"hello", "pin"})
"""Events whose recorder waits for an answer."""
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """What a recording process is told: the pinned plan and test functions, the stage, and where it is.

    ``pins`` are the blocks that real chains are read at, ``unread`` why a network may not be opened;
    for a network in neither, ``Outbox.pin`` asks. ``fault`` is what a drill does to the stage's chain.
    """

    rollout: Rollout
    stage: str
    plan: str
    network: str | None
    declared: tuple[str, ...]
    suite: str
    functions: tuple[str, ...] = ()
    pins: Mapping[str, Block] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    allow_writes: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The block that every process of a run reads a network at, or why it may not be opened."""

    block: Block | None = None
    trouble: str = ""


class Inbox:
    """The supervisor's end: accepts processes, folds their lines, keeps every byte that was said."""

    def __init__(self, path: Path, on_event: Callable[[dict[str, Any]], None], redactor: Redactor) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen(128)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._buffers: dict[socket.socket, bytearray] = {}
        self._speakers: dict[socket.socket, str] = {}
        self._waiting: list[socket.socket] = []
        self._answer: bytes | None = None
        self._pin: Callable[[str], Pin] | None = None
        self._on_event = on_event
        self._redactor = redactor
        self._packer = zlib.compressobj(1)
        self._packed: list[bytes] = []
        self._size = 0
        self._watched = -1
        self._flows = False
        self.refusals: list[str] = []

    def brief(self, briefing: Briefing, pin: Callable[[str], Pin] | None = None) -> None:
        """Let the processes that wait, and those still to come, begin; ``pin`` tells where to read other networks."""
        self._answer = _packed(briefing)
        self._pin = pin
        for connection in self._waiting:
            self._reply(connection, self._answer)
        self._waiting.clear()

    def watch(self, process: int) -> None:
        """Let ``listen`` return as well when this child has ended (Linux)."""
        with suppress(AttributeError, OSError):
            self._watched = os.pidfd_open(process)
            self._selector.register(self._watched, selectors.EVENT_READ)

    @property
    def is_quiet(self) -> bool:
        """Whether no process is connected."""
        return not self._buffers

    def listen(self, seconds: float) -> None:
        """Take in what arrives within ``seconds``; returns as soon as something has.

        While events flow, some are left to gather first: to wake and be woken for each costs a run more than they do.
        """
        if self._flows:
            time.sleep(_GATHERING_SECONDS)
            self._flows = False
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._server:
                self._accept()
            elif isinstance(key.fileobj, socket.socket):
                self._receive(key.fileobj)
            elif key.fileobj == self._watched:
                self._forget()  # it stays readable

    def close(self) -> None:
        """Stop listening."""
        for connection in list(self._buffers):
            self._drop(connection)
        self._forget()
        self._selector.close()
        self._server.close()

    def everything(self, last: bytes = b"") -> bytes:
        """Every accepted line, newline-ended, in order of arrival, and ``last`` behind them; asked for once."""
        self._packed += [self._packer.compress(last), self._packer.flush()]
        packed = b"".join(self._packed)
        self._packed.clear()
        return zlib.decompress(packed)

    def _forget(self) -> None:
        if self._watched >= 0:
            self._selector.unregister(self._watched)
            os.close(self._watched)
            self._watched = -1

    def _accept(self) -> None:
        connection, _ = self._server.accept()
        self._buffers[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> None:
        try:
            content = connection.recv(_CHUNK)
        except OSError:
            content = b""
        if not content:
            self._drop(connection)
            return
        buffer = self._buffers[connection]
        buffer += content
        if b"\n" not in content:
            if len(buffer) > LONGEST_LINE:
                self._refuse(connection, f"an event of more than {LONGEST_LINE} bytes")
            return
        *lines, rest = buffer.split(b"\n")
        self._buffers[connection] = bytearray(rest)
        for line in lines:
            self._take(connection, bytes(line))
            if connection not in self._buffers:
                return

    def _take(self, connection: socket.socket, line: bytes) -> None:
        self._size += len(line)
        if self._size > MOST_BYTES:
            self._refuse(connection, f"more than {MOST_BYTES} bytes of events")
            return
        try:
            text = line.decode()
            said = json.loads(text)
            event = kept_event(said, self._redactor)
            self._know(connection, event)
            if event != said:
                text = json.dumps(event)
            self._on_event(event)
        except (ValueError, EvidenceError, RecursionError) as error:
            self._refuse(connection, f"{type(error).__name__}: {str(error)[:200]}")
            return
        self._packed.append(self._packer.compress(text.encode() + b"\n"))
        self._flows = event["e"] not in _ANSWERED
        if event["e"] == "hello":
            if self._answer is None:
                self._waiting.append(connection)
            else:
                self._reply(connection, self._answer)
        if event["e"] == "pin":
            name = str(event["network"])
            self._reply(connection, _packed(Pin() if self._pin is None else self._pin(name)))

    def _know(self, connection: socket.socket, event: Any) -> None:
        """A connection speaks for the one process as which it introduced itself, and nobody else does."""
        if not isinstance(event, dict) or not isinstance(name := event.get("p"), str):
            return  # which no fold takes
        speaker = self._speakers.get(connection)
        if speaker is None and event.get("e") == "hello" and name not in self._speakers.values():
            self._speakers[connection] = name
        elif speaker != name:
            raise EvidenceError(f"somebody else spoke for process {name[:40]}.")

    def _reply(self, connection: socket.socket, answer: bytes) -> None:
        try:
            connection.sendall(answer)
        except OSError:
            self._drop(connection)

    def _refuse(self, connection: socket.socket, why: str) -> None:
        self.refusals.append(why)
        self._buffers[connection] = bytearray()
        self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        if connection in self._buffers:
            if self._buffers.pop(connection):
                self.refusals.append("a process was cut off in the middle of an event")
            self._selector.unregister(connection)
            connection.close()


class Outbox:
    """The recorder's end: one connection a process, one JSON line an event, numbered."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._number = 0
        self._one_at_a_time = threading.RLock()
        self._encode = json.JSONEncoder(
            ensure_ascii=True, separators=(",", ":"), allow_nan=False, check_circular=False
        ).encode

    def introduce(self, process: str, about: dict[str, Any]) -> Briefing:
        """Say hello as ``process`` and wait for the go-ahead."""
        self.process = process
        self.send({"e": "hello", **about})
        briefing = self._reply()
        if not isinstance(briefing, Briefing):
            raise EvidenceError("the supervisor answered something else than a briefing.")
        return briefing

    def pin(self, network: str) -> Pin:
        """Where to read a network that the briefing does not tell of; the supervisor looks at it now."""
        with self._one_at_a_time:
            self.send({"e": "pin", "network": network})
            pin = self._reply()
        if not isinstance(pin, Pin):
            raise EvidenceError("the supervisor answered something else than a block.")
        return pin

    def send(self, event: dict[str, Any]) -> None:
        """Record one event, of whichever thread; it is out of this process's reach when this returns.

        Raises ``EvidenceError`` for one that is too large to be taken in; the connection goes on.
        """
        with self._one_at_a_time:
            line = self._encode(event | {"p": self.process, "n": self._number})
            if len(line) >= LONGEST_LINE:
                raise EvidenceError(f"an event of {len(line):,} bytes; at most {LONGEST_LINE:,} are taken in.")
            self._number += 1
            self._socket.sendall(line.encode() + b"\n")

    def end(self, status: int) -> None:
        """Say the counted good-bye."""
        self.send({"e": "end", "count": self._number + 1, "exit": status})
        self._socket.close()

    def _reply(self) -> object:
        length = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        reply: object = pickle.loads(self._exactly(length))  # noqa: S301 - from the supervisor that started us
        return reply

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._socket.recv(length - len(parts))
            if not part:
                raise EvidenceError("the supervisor of this run is gone; nothing more is recorded.")
            parts += part
        return bytes(parts)


def _packed(reply: Briefing | Pin) -> bytes:
    content = pickle.dumps(reply)
    return _LENGTH.pack(len(content)) + content
