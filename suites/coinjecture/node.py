"""A node of the testnet: blocks come in, the dual run verifies them, stats and mode are served over HTTP.

``python node.py --port 8081 --mode shadow``. The mode is changed at run time with a POST to
``/v1/consensus/mode`` and the admin's token. ``--lived 8d`` lets the node live through that much time
first, a block every ``--every`` seconds of its own clock, which ends up at the present: a rehearsal
of weeks in seconds. ``--mode`` may then list rungs with their times: ``legacy:7d,shadow:8d``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from blocks import make, stream  # noqa: E402 - beside this file

from pytest_rollout import DualRun, EngineError  # noqa: E402 - as above

REASONS = {"MerkleMismatch": "BadMerkleRoot", "HashMismatch": "BadHash", "SubsetSumError": "BadSolution"}
DAY = timedelta(days=1)


class Clock:
    """The node's time: the present, or a past that is being lived through."""

    def __init__(self) -> None:
        self.past: datetime | None = None

    def __call__(self) -> datetime:
        return self.past or datetime.now(UTC)


class Node:
    """One node: its engines and how it serves."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.clock = Clock()
        self.rungs = [each.partition(":") for each in options.mode.split(",")]
        lived = sum((_days(time) for _, _, time in self.rungs if time), timedelta())
        if lived:
            self.clock.past = datetime.now(UTC) - lived
        self.dual = DualRun.open(
            "engines.py:Reference",
            f"engines.py:{options.candidate}",
            HERE,
            mode=self.rungs[0][0],
            limit=options.limit,
            memory=options.memory * 1024**2 if options.memory else None,
            kept=Path(options.kept) if options.kept else None,
            ignore=("duration_ms",),
            reasons=REASONS,
            now=self.clock if lived else None,
        )
        self.token = os.environ.get("NODE_ADMIN_TOKEN", "")
        self.frozen: dict[str, Any] | None = None
        self.next = 0

    def live(self, every: float) -> None:
        """Live through the times of the rungs, a block every so many seconds of the node's own clock."""
        step = timedelta(seconds=every)
        for word, _, time in self.rungs:
            self.dual.set_mode(word)
            if not time:
                continue
            assert self.clock.past is not None
            end = self.clock.past + _days(time)
            while self.clock.past + step <= end:
                self.clock.past += step
                self.verify(make(self.next))
            self.clock.past = end
        self.clock.past = None

    def verify(self, block: dict[str, Any]) -> dict[str, Any]:
        """One block; an answer or a refusal, as JSON."""
        self.next = max(self.next, block["index"] + 1)
        try:
            return {"value": self.dual.verify_block(block)}
        except Exception as error:  # noqa: BLE001 - a refused block is an answer
            return {"raised": type(error).__name__, "text": str(error)}

    def stats(self) -> dict[str, Any]:
        """The stats as they are, or as they were when they froze."""
        return self.frozen or self.dual.stats()


def _days(text: str) -> timedelta:
    return float(text.removesuffix("d")) * DAY


class Server(ThreadingHTTPServer):
    """Serves one node."""

    node: Node


class Handler(BaseHTTPRequestHandler):
    """What the node serves."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v1/consensus/stats":
            self._say(200, self.server.node.stats())
        elif self.path == "/metrics":
            self._send(200, "text/plain; version=0.0.4", self.server.node.dual.metrics())
        else:
            self._say(404, {"error": "no such place"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/v1/blocks":
            self._say(200, self.server.node.verify(body["block"]))
        elif self.path == "/v1/feed":
            for block in stream(self.server.node.next, body["number"]):
                self.server.node.verify(block)
            self._say(200, {"next": self.server.node.next})
        elif self.path == "/v1/consensus/mode":
            self._mode(body)
        else:
            self._say(404, {"error": "no such place"})

    def _mode(self, body: dict[str, Any]) -> None:
        if not self.server.node.token or self.headers.get("X-Admin-Token") != self.server.node.token:
            self._say(403, {"error": "the admin's token is needed"})
            return
        try:
            mode = (
                self.server.node.dual.demote()
                if body.get("demote")
                else self.server.node.dual.set_mode(body.get("mode"))
            )
        except EngineError as error:
            self._say(400, {"error": str(error)})
        else:
            self._say(200, {"status": "ok", "mode": mode.spelt})

    def _say(self, status: int, document: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    """Start, live through the past if asked, say where it listens, serve until the end of the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", default="legacy", help="a rung, or rungs with times: legacy:7d,shadow:8d")
    parser.add_argument("--every", type=float, default=1800.0, help="seconds between blocks while living through time")
    parser.add_argument("--candidate", default="Candidate", help="a class of engines.py")
    parser.add_argument("--limit", type=float, default=2.0, help="the candidate's seconds on a block")
    parser.add_argument("--memory", type=int, help="MiB for the candidate, in a process of its own")
    parser.add_argument("--kept", help="the folder divergences are kept in")
    parser.add_argument("--freeze", action="store_true", help="serve the stats of the start for ever, an hour old")
    options = parser.parse_args()
    try:
        node = Node(options)
    except EngineError as error:
        sys.exit(f"node: {error}")
    node.live(options.every)
    if options.freeze:
        node.frozen = node.dual.stats() | {"at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    server = Server(("127.0.0.1", options.port), Handler)
    server.node = node
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # a candidate that hangs must not keep the node


if __name__ == "__main__":
    main()
