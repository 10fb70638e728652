"""A real server on this machine that takes, refuses or ignores what is posted to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pytest_rollout.core.notice import Importance, Notice


class Receiver:
    """What arrived at one server, and how it answers: a status, or not at all."""

    def __init__(self) -> None:
        self.status = 200
        self.silent_seconds = 0.0
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, dict(self.headers), json.loads(body)))
                time.sleep(receiver.silent_seconds)
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def notice() -> Notice:
    return Notice(
        what="verdict",
        importance=Importance.CRITICAL,
        rollout="takumi",
        stage="alpha",
        title="takumi:alpha: ROLLBACK",
        text="transaction success rate: 89 % of 400, rollback < 90 % for 15m",
        at=datetime(2031, 5, 4, 2, 0, tzinfo=UTC),
        facts={"verdict": "rollback"},
    )
