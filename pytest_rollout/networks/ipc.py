"""One kept connection to a node's IPC socket: a line of JSON out, a line of JSON in."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CHUNK = 1 << 16
MOST_AT_ONCE = 1000
"""Calls in one batch; beyond that a node takes longer for each of them."""

LARGEST_REPLY = 1 << 28
"""Bytes in one reply beyond which the node is not listened to any more."""


class ConnectionLost(Exception):  # noqa: N818 - it is a fact, told on by the chain in its own words
    """The connection cannot be used any more; the text says what happened to it."""


class Connection:
    """Strictly matched calls over one socket, from any thread, one at a time.

    A reply must carry the id of the request. One that belongs to an earlier request, whose
    caller was interrupted while waiting, is dropped; anything else that is not understood ends
    the connection, because nothing read after it could be trusted.
    """

    def __init__(self, path: Path, *, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.RLock()
        self._buffer = bytearray()
        self._last = 0
        self._lost = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(seconds)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def call(self, method: str, params: Sequence[Any] = ()) -> Mapping[str, Any]:
        """The reply as it came, with ``result`` or ``error``; raises ``ConnectionLost``."""
        with self._lock:
            if self._lost:
                raise ConnectionLost(self._lost)
            self._last += 1
            request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": list(params)}
            given = self._exchange(request, self._last, method)
            if isinstance(given, list):
                raise self._lose(f"answered {method} with something that is not a JSON-RPC reply")
            return self._checked(given, method, self._last)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Mapping[str, Any]]:
        """The replies to several calls in the order of the calls, however the node ordered them."""
        with self._lock:
            parts = [calls[at : at + MOST_AT_ONCE] for at in range(0, len(calls), MOST_AT_ONCE)]
            return [reply for part in parts for reply in self._batch(part)]

    def _batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Mapping[str, Any]]:
        if self._lost:
            raise ConnectionLost(self._lost)
        first, self._last = self._last + 1, self._last + len(calls)
        what = f"a batch of {len(calls)} calls"
        numbered = enumerate(calls, first)
        request = [{"jsonrpc": "2.0", "id": n, "method": method, "params": list(p)} for n, (method, p) in numbered]
        given = self._exchange(request, first, what)
        replies = {reply["id"]: reply for reply in (self._checked(each, what, first) for each in _listed(given))}
        if sorted(replies) != list(range(first, self._last + 1)) or len(_listed(given)) != len(calls):
            raise self._lose(f"answered {what} with other ids than those of its calls")
        return [replies[number] for number in sorted(replies)]

    def _exchange(self, request: object, first: int, what: str) -> object:
        """Send, and read what is no answer to something earlier, whose caller was interrupted."""
        self._send(request, what)
        while True:
            given = self._read(what)
            ids = [each.get("id") if isinstance(each, dict) else None for each in _listed(given)]
            if not ids or any(type(each) is not int or each >= first for each in ids):
                return given

    def close(self) -> None:
        """Let go of the socket."""
        self._lost = self._lost or "was closed"
        self._socket.close()

    def _checked(self, reply: object, method: str, first: int) -> Mapping[str, Any]:
        if not isinstance(reply, dict):
            raise self._lose(f"answered {method} with something that is not a JSON-RPC reply")
        if type(reply.get("id")) is not int or not first <= reply["id"] <= self._last:
            raise self._lose(f"answered {method} with the id {reply.get('id')!r} instead of {first}")
        if ("result" in reply) == ("error" in reply):
            raise self._lose(f"answered {method} with neither or both of a result and an error")
        return reply

    def _send(self, request: object, method: str) -> None:
        line = json.dumps(request, default=_json, separators=(",", ":")).encode()
        try:
            self._socket.sendall(line + b"\n")
        except OSError as error:
            raise self._lose(f"did not take {method} ({error.strerror or error})") from None
        except BaseException:
            self._lose(f"was interrupted while {method} was being sent")
            raise

    def _read(self, method: str) -> object:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > LARGEST_REPLY:
                raise self._lose(f"answered {method} with more than {LARGEST_REPLY} bytes")
            try:
                chunk = self._socket.recv(CHUNK)
            except TimeoutError:
                raise self._lose(f"did not answer {method} within {self._seconds:g} s") from None
            except OSError as error:
                raise self._lose(f"stopped answering during {method} ({error.strerror or error})") from None
            if not chunk:
                raise self._lose(f"closed the connection during {method}")
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            reply: object = json.loads(line)
        except ValueError:
            raise self._lose(f"answered {method} with something that is not JSON") from None
        return reply

    def _lose(self, what: str) -> ConnectionLost:
        self._lost = what
        self._socket.close()
        return ConnectionLost(what)


def _listed(given: object) -> list[object]:
    return given if isinstance(given, list) else [given]


def _json(value: object) -> object:
    """What web3.py leaves in parameters besides JSON: bytes, and mappings of its own."""
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to a node as JSON")
