"""Commands of these tests, small programs run for real; and a server on loopback with every good and bad habit."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.endpoint import Ask, Endpoint, Service
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.services import endpoints
from pytest_rollout.services.commands import observe


class Habits(BaseHTTPRequestHandler):
    """Answers by path; ``server.seen`` keeps what was asked."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        getattr(self, f"on_{path.strip('/').replace('/', '_').replace('-', '_')}", self.on_nothing)(query, body)

    do_GET = do_POST = do_OPTIONS = do_PUT = _any  # noqa: N815 - the library calls them so

    def on_nothing(self, _query: str, _body: bytes) -> None:
        self._answer(404, b"nothing here")

    def on_health(self, _query: str, _body: bytes) -> None:
        self._answer(
            200,
            b'{"status": "healthy", "lag_ms": 120, "share": 0.995}',
            Content_Type="application/json",
            X_Content_Type_Options="nosniff",
            X_Frame_Options="DENY",
            Content_Security_Policy="default-src 'none'",
            Referrer_Policy="no-referrer",
        )

    def on_leak(self, query: str, _body: bytes) -> None:
        self._answer(200, self.server.leak if query == "" else b"{}")

    def on_moved(self, _query: str, _body: bytes) -> None:
        self._answer(302, Location=self.server.elsewhere)

    def on_cors(self, _query: str, _body: bytes) -> None:
        origin = self.headers.get("Origin", "")
        headers = {"Access_Control_Allow_Origin": origin} if origin == "https://app.example.org" else {}
        self._answer(200, **headers)

    def on_cors_all(self, _query: str, _body: bytes) -> None:
        self._answer(200, Access_Control_Allow_Origin=self.headers.get("Origin", "*"))

    def on_slow(self, _query: str, _body: bytes) -> None:
        time.sleep(0.05)
        self._answer(200)

    def on_sometimes(self, _query: str, _body: bytes) -> None:
        self.server.count += 1
        self._answer(503 if self.server.count % 10 == 0 else 200)

    def on_limited(self, query: str, _body: bytes) -> None:
        """A window of 0.3 s with five requests."""
        now = time.monotonic()
        if now - self.server.window > 0.3:
            self.server.window, self.server.count = now, 0
        self.server.count += 1
        most = int(query or "5")
        self._answer(200 if self.server.count <= most else 429)

    def on_limited_for_good(self, _query: str, _body: bytes) -> None:
        """Three requests, and never one more."""
        self.server.count += 1
        self._answer(200 if self.server.count <= 3 else 429)

    def on_mint(self, query: str, body: bytes) -> None:
        if body == b'{"amount": 1}' and not query:
            self._answer(201, b"{}")
        elif b"NaN" in body:
            self._answer(500, b"Traceback")
        elif b"admin" in body:
            self._answer(200)
        else:
            self._answer(422)

    def on_drip_body(self, _query: str, _body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self._drip(b"x" * 1000)

    def on_drip_head(self, _query: str, _body: bytes) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)

    def _drip(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.stop.wait(0.02):
                    return

    def on_flood(self, _query: str, _body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.stop.is_set():
                self.wfile.write(b"x" * 65536)


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[ThreadingHTTPServer]:
    """The server, with ``.url``; over TLS where there is a certificate (with its key)."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Habits)
    server.daemon_threads = True
    server.seen, server.count, server.window, server.stop = [], 0, 0.0, threading.Event()
    server.leak, server.elsewhere = b"{}", "http://127.0.0.1:9/"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Finding]:
    """Runs Python code as a declared command and judges what was seen."""

    def run(code: str | None = None, /, **about: Any) -> Finding:
        environment = dict(os.environ) | about.pop("given", {})
        about.setdefault("limit", timedelta(seconds=20))
        if code is not None:
            about["run"] = (sys.executable, "-c", code)
        command = Command(name="it", folder=about.pop("folder", tmp_path), **about)
        value, source = observe(command, environment)
        return command.judge("rollout.toml::beta::commands::it", Observation(item="it", value=value, source=source))

    return run


@pytest.fixture
def server() -> Iterator[Any]:
    """The server without TLS."""
    with serving() as running:
        yield running


@pytest.fixture
def asked(server: Any) -> Callable[..., Finding]:
    """Asks a path of the server as a declared endpoint and judges what was seen."""

    def ask(path: str, /, **about: Any) -> Finding:
        limit = about.pop("limit", timedelta(seconds=5))
        service = about.pop("service", Service(name="api", url=server.url, limit=limit))
        request = Ask(
            path=path,
            method=about.pop("method", "GET"),
            headers=about.pop("sends", ()),
            body=about.pop("body", ""),
        )
        secrets = about.pop("secrets", {})
        endpoint = Endpoint(name="it", service=service, ask=request, **about)
        value, source = endpoints.observe(endpoint, secrets)
        return endpoint.judge("rollout.toml::beta::endpoints::it", Observation(item="it", value=value, source=source))

    return ask


@pytest.fixture
def secure(tmp_path: Path) -> Callable[..., Any]:
    """Starts the server with a certificate, valid as long as is said, and gives it with the file to trust."""
    import trustme

    resources = contextlib.ExitStack()

    def start(**about: Any) -> tuple[Any, Path]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        issued = authority.issue_cert(about.pop("name", "127.0.0.1"), **about)
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        return resources.enter_context(serving(tmp_path / "server.pem")), tmp_path / "ca.pem"

    with resources:
        yield start


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with silent() as url:
        yield url
