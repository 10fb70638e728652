"""One HTTP request at a time, bounded from its first byte to its last, to one host and nowhere else.

The standard library's client: it follows no redirect, reads no proxy from the environment, asks for no
compression, and costs a fifth of a session of ``requests``, which counts where latency is measured.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pytest_rollout.core.endpoint import Ask, Service
from pytest_rollout.core.errors import ServiceError

LARGEST = 1024 * 1024
"""An answer is read up to here, in bytes."""

_CHUNK = 64 * 1024
_SOON = 0.001
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""What may be asked again where the server closed a kept connection meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, or ``error`` where nothing did; header names are in lower case."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    microseconds: int = 0
    error: str = ""
    is_late: bool = False

    def document(self) -> dict[str, Any]:
        """The answer as it is recorded, without its body."""
        location = self.headers.get("location", "")
        return {
            "status": self.status,
            "us": self.microseconds,
            "size": len(self.body),
            "error": self.error,
            "location": location[:200],
        }


class _Bounded:
    """A socket whose every read ends with the request's time, however slowly bytes come in."""

    until: float

    def recv_into(self, buffer: Any, nbytes: int | None = 0, flags: int = 0) -> int:
        self.settimeout(max(_SOON, self.until - time.monotonic()))  # type: ignore[attr-defined]  # a mixin of sockets
        count: int = super().recv_into(buffer, nbytes, flags)  # type: ignore[misc]  # as above
        return count


class _PlainSocket(_Bounded, socket.socket):
    pass


class _SecureSocket(_Bounded, ssl.SSLSocket):
    pass


class Line:
    """A connection to one service, kept open between requests; ``ask`` never raises for what a server does."""

    def __init__(self, service: Service, largest: int = LARGEST) -> None:
        url = urlsplit(service.url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ServiceError(f"service {service.name}: '{service.url}' is no address; write http:// or https://.")
        self._service = service
        self._largest = largest
        self._host = url.hostname
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._base = url.path.rstrip("/")
        self._context = _context(service) if url.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None
        self.certificate: Mapping[str, Any] = {}

    def ask(self, ask: Ask, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and read its whole answer, within the service's limit."""
        return self.send(ask.method, ask.path, {**dict(ask.headers), **(headers or {})}, ask.body.encode())

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """As ``ask``, part by part."""
        started = time.monotonic_ns()
        until = time.monotonic() + self._service.limit.total_seconds()
        try:
            answer = self._send(method, path, headers, body, until)
        except TimeoutError:
            self.close()
            limit = f"{self._service.limit.total_seconds():g} s"
            return Answer(error=f"no whole answer within {limit}", is_late=True, microseconds=_since(started))
        except ssl.SSLCertVerificationError as error:
            self.close()
            return Answer(error=f"its certificate is refused: {error.verify_message}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return Answer(error=f"does not answer ({reason[:200]})", is_late=True)
        return Answer(
            status=answer[0], headers=answer[1], body=answer[2], microseconds=_since(started), error=answer[3]
        )

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes, until: float
    ) -> tuple[int, dict[str, str], bytes, str]:
        fresh = self._connection is None
        connection = self._connection or self._connect(until)
        if isinstance(connection.sock, _Bounded):
            connection.sock.until = until
            connection.sock.settimeout(max(_SOON, until - time.monotonic()))  # type: ignore[attr-defined]  # a mixin
        try:
            connection.request(method, self._base + path, content or None, dict(headers))
            response = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            if fresh or method not in _SAFE:
                raise
            self.close()  # a kept connection may be closed by the server between two requests
            return self._send(method, path, headers, content, until)
        body = bytearray()
        while len(body) <= self._largest and (chunk := response.read(_CHUNK)):
            body += chunk
        error = ""
        if len(body) > self._largest:
            error = f"answers more than {self._largest // 1024**2} MiB"
            self.close()
        elif response.will_close:
            self.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, bytes(body), error

    def _connect(self, until: float) -> http.client.HTTPConnection:
        left = max(_SOON, until - time.monotonic())
        connection = http.client.HTTPConnection(self._host, self._port, timeout=left)
        connection.sock = self._open(until)
        self._connection = connection
        return connection

    def _open(self, until: float) -> _PlainSocket | ssl.SSLSocket:
        trouble: OSError = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM):
            plain = _PlainSocket(family, kind, protocol)
            plain.until = until
            try:
                plain.settimeout(max(_SOON, until - time.monotonic()))
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context is None:
                    return plain
                secure = self._context.wrap_socket(plain, server_hostname=self._host)
            except OSError as error:
                plain.close()
                trouble = error
            else:
                self.certificate = secure.getpeercert() or {}
                return secure
        raise trouble

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _context(service: Service) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _SecureSocket
    if service.ca is not None:
        try:
            context.load_verify_locations(service.ca)
        except (OSError, ssl.SSLError) as error:
            raise ServiceError(
                f"service {service.name}: {service.ca.name} holds no certificates to trust ({error})."
            ) from None
    return context


def _since(started: int) -> int:
    return (time.monotonic_ns() - started) // 1000
