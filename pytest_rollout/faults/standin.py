"""A stand-in for a server that a gate asks: it breaks, dawdles, or hands on and alters what the real one says."""

from __future__ import annotations

import ssl
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

NOWHERE = "http://127.0.0.1:9"
"""An address at which nobody listens."""

_SECONDS = 30
_LARGEST = 256 * 1024 * 1024
_HOPS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Alters = Callable[[bytes, Said], Said]
"""The body of a request and the real answer to it, to the answer that is given."""


class StandIn:
    """A server at a free port of 127.0.0.1 for as long as it is entered; ``url`` takes the place of the real one.

    Without ``alters`` the real one is never asked and every answer is ``status``. ``seconds`` is how long each
    takes at least. ``ca`` is a file of certificates to trust besides the machine's own; it answers without TLS itself.
    """

    def __init__(
        self,
        real: str,
        *,
        alters: Alters | None = None,
        seconds: float = 0.0,
        status: int = 500,
        ca: Path | None = None,
    ) -> None:
        self._real = real.rstrip("/")
        self._alters = alters
        self._seconds = seconds
        self._status = status
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _NoRedirect(), urllib.request.HTTPSHandler(context=_trusting(ca))
        )
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its address, with the path of the real one."""
        path = urlsplit(self._real).path
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        time.sleep(self._seconds)
        if self._alters is None:
            return Said(status=self._status, headers={}, body=b"a drill")
        return self._alters(body, self._ask(method, path, headers, body))

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        parts = urlsplit(self._real)
        request = urllib.request.Request(  # noqa: S310 - the plan's own address
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}", data=body or None, method=method
        )
        for name, value in headers.items():
            if name.lower() not in _HOPS:
                request.add_header(name, value)
        if "@" in parts.netloc:
            given = unquote(parts.netloc.rpartition("@")[0]).encode()
            request.add_header("Authorization", f"Basic {b64encode(given).decode()}")
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return Said(status=answer.status, headers=dict(answer.headers), body=answer.read(_LARGEST))
        except urllib.error.HTTPError as error:
            return Said(status=error.code, headers=dict(error.headers), body=error.read(_LARGEST))
        except OSError:
            return Said(status=502, headers={}, body=b"the real one does not answer")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                said = answer(self.command, self.path, dict(self.headers), body)
                with suppress(OSError):
                    self.send_response_only(said.status)
                    for name, value in said.headers.items():
                        if name.lower() not in _HOPS | {"content-encoding"}:
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(said.body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(said.body)

            do_GET = do_POST = do_HEAD = do_PUT = do_OPTIONS = do_DELETE = do_PATCH = _serve  # noqa: N815 - its names

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Nothing is printed: who asked went away, which a gate may."""


def _trusting(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        with suppress(OSError):  # the gate itself says that the file holds no certificate
            context.load_verify_locations(ca)
    return context


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: a redirect is an answer."""
