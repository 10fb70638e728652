"""What KnowTon's reference services share: HTTP with JSON, validation, a rate limit, security headers, metrics."""

from __future__ import annotations

import argparse
import json
import logging
import ssl
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

LARGEST = 256 * 1024
ORIGIN = "https://app.knowton.example"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
TRANSPORT = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RefusedError(Exception):
    """What was asked cannot be done; answered with its status and words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Quota:
    """So many requests of one client in a period, looked back from now."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._requests, self._seconds = requests, seconds
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, client: str) -> bool:
        """Whether one more may come in now."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen[client]
            while seen and seen[0] <= now - self._seconds:
                seen.popleft()
            if len(seen) >= self._requests:
                return False
            seen.append(now)
            return True


class App:
    """Routes, metrics and a quota; ``start`` serves until the process is ended.

    ``slow_seconds`` is a fault to try: one request after the other, each so long, as with a single worker.
    """

    def __init__(self, job: str, quota: Quota | None = None, slow_seconds: float = 0.0) -> None:
        self.job, self.quota, self.slow_seconds = job, quota, slow_seconds
        self._worker = threading.Lock()
        self.registry = CollectorRegistry()
        labels = {"registry": self.registry}
        self.requests = Counter("http_requests", "Requests by their status.", ["status"], **labels)
        for status in ("200", "500"):
            self.requests.labels(status)
        self.duration = Histogram("http_request_duration_seconds", "Times of answers.", buckets=EDGES, **labels)
        self._routes: list[tuple[str, tuple[str, ...], Callable[..., Any]]] = []
        self.log = logging.getLogger(job)

    def route(self, method: str, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """``/api/v1/nfts/{}``: each ``{}`` is a whole number, given to the function first."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._routes.append((method, tuple(path.strip("/").split("/")), function))
            return function

        return register

    def answer(self, method: str, path: str, body: bytes, client: str) -> tuple[int, Any]:
        """The status and what is answered: JSON, or text as it is."""
        if path == "/metrics":
            return 200, generate_latest(self.registry).decode()
        if path.startswith("/api/") and self.quota is not None and not self.quota.take(client):
            return 429, {"error": "too many requests; come back later"}
        if path.startswith("/api/") and self.slow_seconds:
            with self._worker:
                time.sleep(self.slow_seconds)
        try:
            return 200, self._call(method, path, body)
        except RefusedError as error:
            return error.status, {"error": str(error)}
        except Exception:
            self.log.exception("failed at %s %s", method, path)
            return 500, {"error": "something went wrong here"}

    def _call(self, method: str, path: str, body: bytes) -> Any:
        parts = tuple(path.strip("/").split("/"))
        found = [(how, match, call) for how, match, call in self._routes if _fits(match, parts)]
        if not found:
            raise RefusedError(404, "nothing is there")
        call = next((call for how, _, call in found if how == method), None)
        if call is None:
            raise RefusedError(405, f"{method} is not done here")
        numbers = [int(part) for part, wanted in zip(parts, found[0][1], strict=True) if wanted == "{}"]
        return call(*numbers, *([parsed(body)] if method == "POST" else []))

    def start(self, port: int, tls: tuple[int, str, str] | None = None) -> None:
        """Serve; prints the ports once it listens, and ends with its standard input."""
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        plain = ThreadingHTTPServer(("127.0.0.1", port), _handler(self, secure=False))
        servers, said = [plain], f"{plain.server_port}"
        if tls is not None:
            secure = ThreadingHTTPServer(("127.0.0.1", tls[0]), _handler(self, secure=True))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls[1], tls[2])
            secure.socket = context.wrap_socket(secure.socket, server_side=True)
            servers.append(secure)
            said += f" {secure.server_port}"
        for server in servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
        sys.stdin.read()


def arguments(**more: Any) -> argparse.Namespace:
    """The service's command line: ``--port``, and what it adds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    for name, default in more.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(default, bool):
            parser.add_argument(option, action="store_true")
        else:
            parser.add_argument(option, type=type(default), default=default)
    return parser.parse_args()


def parsed(body: bytes) -> Mapping[str, Any]:
    """A JSON object; raises ``RefusedError``."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body is no JSON object")
    return found


def text(given: Mapping[str, Any], key: str, most: int = 200, allowed: str = "") -> str:
    """A text of the body; only of letters, digits and what is allowed besides, if that is said."""
    value = given.get(key)
    if not isinstance(value, str) or not value or len(value) > most or not value.isprintable():
        raise RefusedError(422, f"{key} must be a text of 1 to {most} characters")
    if allowed and not all(letter.isalnum() or letter in allowed for letter in value):
        raise RefusedError(422, f"{key} has a character that is not allowed")
    return value


def number(given: Mapping[str, Any], key: str, least: int, most: int) -> int:
    """A whole number of the body, within its bounds; texts and truth values are none."""
    value = given.get(key)
    if type(value) is not int or not least <= value <= most:
        raise RefusedError(422, f"{key} must be a whole number from {least} to {most}")
    return value


def address(given: Mapping[str, Any], key: str) -> str:
    """An address of the body."""
    value = given.get(key)
    digits = value[2:] if isinstance(value, str) and value.startswith("0x") else ""
    if len(digits) != 40 or any(each not in "0123456789abcdefABCDEF" for each in digits) or not int(digits, 16):
        raise RefusedError(422, f"{key} must be an address")
    return str(value)


def only(given: Mapping[str, Any], *keys: str) -> None:
    """Refuse keys that nobody reads."""
    strange = sorted(given.keys() - set(keys))
    if strange:
        raise RefusedError(422, f"no key {strange[0][:40]!r}")


def _fits(wanted: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return len(wanted) == len(parts) and all(
        each == part or (each == "{}" and part.isascii() and part.isdecimal() and len(part) < 20)
        for each, part in zip(wanted, parts, strict=True)
    )


class Handler(BaseHTTPRequestHandler):
    """Requests as ``app`` answers them; ``secure`` over TLS."""

    app: App
    secure = False
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        self._do(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._say(411, {"error": "how long is it?"})
        elif int(length) > LARGEST:
            self.close_connection = True
            self._say(413, {"error": "too large"})
        elif self.headers.get_content_type() != "application/json":
            self.rfile.read(int(length))
            self._say(415, {"error": "JSON is needed"})
        else:
            self._do(self.rfile.read(int(length)))

    def do_OPTIONS(self) -> None:
        self._say(204, "")

    def _do(self, body: bytes) -> None:
        started = time.perf_counter()
        path = self.path.partition("?")[0]
        status, said = self.app.answer(self.command, path, body, self.headers.get("X-Wallet") or self.client_address[0])
        if path.startswith("/api/"):
            self.app.duration.observe(time.perf_counter() - started)
            self.app.requests.labels(str(status)).inc()
        self._say(status, said)

    def _say(self, status: int, said: Any) -> None:
        is_text = isinstance(said, str)
        body = said.encode() if is_text else json.dumps(said).encode()
        self.send_response(status)
        kind = "text/html" if is_text and said.startswith("<") else "text/plain" if is_text else "application/json"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (SECURITY | TRANSPORT if self.secure else SECURITY).items():
            self.send_header(name, value)
        if self.headers.get("Origin") == ORIGIN:
            self.send_header("Access-Control-Allow-Origin", ORIGIN)
            self.send_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
            self.send_header("Access-Control-Allow-Headers", "Content-Type, X-Wallet")
            self.send_header("Vary", "Origin")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "knowton"

    def log_message(self, template: str, *values: object) -> None:
        self.app.log.info(template, *values)


def _handler(app: App, *, secure: bool) -> type[Handler]:
    return type("Bound", (Handler,), {"app": app, "secure": secure})
