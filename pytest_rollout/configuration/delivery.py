"""One test alert, sent through a running Alertmanager; it must arrive at a webhook that listens here."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from pytest_rollout.configuration.asking import ask
from pytest_rollout.configuration.files import Looked
from pytest_rollout.core.configuration import AlertCheck
from pytest_rollout.core.errors import ConfigurationError

_LARGEST = 4 * 1024 * 1024
_LABEL = "rollout_test"
"""The label that tells this run's alert from every other."""


def observe(check: AlertCheck) -> tuple[dict[str, Any], str]:
    """Whether it arrived, after how long, and as which receiver."""
    mark = secrets.token_hex(8)
    with Webhook(check.listen, mark) as webhook:
        started = time.monotonic()
        _post(check, mark, timedelta(minutes=5))
        arrived = webhook.arrived.wait(check.within.total_seconds())
        took = time.monotonic() - started
        _post(check, mark, timedelta(0))
    looked = Looked(looked=1, said=f"arrived after {took:.1f} s" + (f" as {webhook.receiver}" if arrived else ""))
    if not arrived:
        looked.problems.append(f"no alert arrived at {check.listen} within {check.within.total_seconds():g} s")
    elif check.receiver and webhook.receiver != check.receiver:
        looked.problems.append(f"arrived as {webhook.receiver!r}, not as {check.receiver!r}")
    lost = {name: value for name, value in check.labels.items() if webhook.labels.get(name) != value}
    if arrived and lost:
        looked.problems.append(f"arrived without its label {min(lost)}")
    return looked.document(), f"Alertmanager {check.alertmanager.name}"


def _post(check: AlertCheck, mark: str, lasts: timedelta) -> None:
    now = datetime.now(UTC)
    alert = {
        "labels": {**check.labels, _LABEL: mark},
        "annotations": {"summary": "A test of pytest-rollout; nothing is wrong."},
        "startsAt": (now - timedelta(seconds=1)).isoformat(),
        "endsAt": (now + lasts).isoformat(),
    }
    ask(check.alertmanager, "/api/v2/alerts", json.dumps([alert]).encode())


class Webhook:
    """Listens while it is open; ``arrived`` is set once the alert with this run's mark came in, firing."""

    def __init__(self, listen: str, mark: str) -> None:
        host, _, port = listen.rpartition(":")
        self.arrived = threading.Event()
        self.receiver = ""
        self.labels: dict[str, Any] = {}
        self._mark = mark
        try:
            self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(self))
        except OSError as error:
            raise ConfigurationError(
                f"{listen}: cannot listen there ({error.strerror}); end what does, or write another address."
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes) -> None:
        """Look for this run's alert in what Alertmanager told."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return
        for alert in told.get("alerts") or () if isinstance(told, dict) else ():
            labels = alert.get("labels") if isinstance(alert, dict) else None
            if not isinstance(labels, dict) or alert.get("status") != "firing":
                continue
            if hmac.compare_digest(str(labels.get(_LABEL)).encode(), self._mark.encode()) and not self.arrived.is_set():
                self.receiver, self.labels = str(told.get("receiver")), labels
                self.arrived.set()


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            size = self.headers.get("Content-Length", "")
            if size.isdecimal() and int(size) <= _LARGEST:
                webhook.take(self.rfile.read(int(size)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: a gate's output is its own."""

    return Handler
