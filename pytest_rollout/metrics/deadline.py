"""Connections with one deadline for a whole answer: its status, its headers and its body.

The libraries below begin their timeout anew at each byte, so a server that sends one a second is
waited for as long as it likes.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Punctual(HTTPAdapter):
    """Requests over connections whose read timeout, as given to ``Timeout(total=...)``, is for all of an answer."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make the pools, of our own connections."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _Until(io.RawIOBase):
    """What a socket receives until a moment of the clock; then ``TimeoutError``."""

    def __init__(self, received: Any, connected: socket.socket, until: float) -> None:
        self._received = received
        self._socket = connected
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete")
        self._socket.settimeout(left)
        count: int | None = self._received.readinto(buffer)
        return count

    def close(self) -> None:
        self._received.close()
        super().close()


class _Socket:
    """A socket as an answer sees it: something to read from, for as long as the timeout it has at this moment."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def makefile(self, *_: object) -> io.BufferedReader:
        raw: Any = self._socket.makefile("rb", buffering=0)
        timeout = self._socket.gettimeout()
        until = float("inf") if timeout is None else time.monotonic() + timeout
        return io.BufferedReader(_Until(raw, self._socket, until), 64 * 1024)


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(_Socket(sock), *args, **more)  # type: ignore[arg-type]  # all that it asks of a socket


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
