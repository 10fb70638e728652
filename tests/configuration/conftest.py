"""Targets on loopback that expose what they are told, and checks looked at as a gate does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.configuration.checks import Check, observe
from pytest_rollout.core.configuration import Target
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.owed import findings
from pytest_rollout.core.rollout import Rollout, Stage

METRICS = """\
# TYPE http_requests_total counter
http_requests_total{status="200"} 10
http_requests_total{status="500"} 0
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.5"} 9
latency_seconds_bucket{le="+Inf"} 10
latency_seconds_sum 3
latency_seconds_count 10
# TYPE mints_total counter
# HELP mints_total Never minted yet.
# TYPE sync_lag_seconds gauge
sync_lag_seconds 4
"""


class Exposing(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        status, body = self.server.pages.get(self.path, (404, ""))
        if status == 302:
            self.send_response(302)
            self.send_header("Location", body)
        else:
            self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    exposing: Any = ThreadingHTTPServer(("127.0.0.1", 0), Exposing)
    exposing.pages = {
        "/metrics": (200, METRICS),
        "/empty": (200, ""),
        "/page": (200, "<html>"),
        "/moved": (302, "/metrics"),
        "/broken": (500, "no"),
    }
    threading.Thread(target=exposing.serve_forever, args=(0.02,), daemon=True).start()
    yield exposing
    exposing.shutdown()
    exposing.server_close()


@pytest.fixture(scope="session")
def target(server: Any) -> Callable[..., tuple[Target, ...]]:
    """``target("/metrics")`` as a check takes it."""

    def make(path: str = "/metrics") -> tuple[Target, ...]:
        url = f"http://127.0.0.1:{server.server_port}"
        return (Target(service=Service(name="api", url=url, limit=timedelta(seconds=5)), path=path),)

    return make


@pytest.fixture(scope="session")
def look() -> Callable[..., Finding]:
    """What a check's finding is, as recorder and judge make it."""

    def finding(check: Check, books: Any = None) -> Finding:
        try:
            value, source = observe(check, None, None, books)  # type: ignore[arg-type]  # rooms look at checks alone
        except RolloutError as error:
            return _of(check, None, "", str(error))
        return _of(check, value, source, "")

    return finding


def _of(check: Check, value: Any, source: str, error: str) -> Finding:
    item = f"rollout.toml::beta::{check.kind}::{check.name}"
    stage = Stage(name="beta", title="Beta", checks=(check,))
    rollout = Rollout(name="toy", title="Toy", folder=Path(), plan_digest="", stages=(stage,))
    phases = [[when, "passed", False] for when in ("setup", "call", "teardown")]
    seen = {"error": error} if error else {"value": value, "source": source}
    events: list[dict[str, Any]] = [
        {"e": "begin", "p": "main", "n": 0, "id": item},
        {"e": "observe", "p": "main", "n": 1, "id": item, **seen},
        {"e": "item", "p": "main", "n": 2, "id": item, "phases": phases, "ran": True, "s": 0.0},
    ]
    manifest = Manifest(declared=(item,), functions=(), files={}, doubts=(), baseline=())
    [found] = findings(rollout, stage, manifest, Evidence.of(events), datetime(2031, 5, 4, tzinfo=UTC))
    return found
