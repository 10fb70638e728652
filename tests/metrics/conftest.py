"""One real Prometheus with a written history, and servers that answer whatever a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics.opening import Sources
from tests import servers

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(seconds=15)


def line(name: str, labels: str, value: object, moment: datetime) -> str:
    return f"{name}{{{labels}}} {value} {moment.timestamp():.3f}\n"


def family(name: str, kind: str, *series: tuple[str, Callable[[int], object]], count: int = 480) -> str:
    """A metric family: two hours of samples every 15 s; None writes no sample."""
    text = f"# TYPE {name.removesuffix('_total') if kind == 'counter' else name} {kind}\n"
    for labels, value in series:
        for number in range(count):
            if (given := value(number)) is not None:
                text += line(name, labels, given, START + number * STEP)
    return text


def history() -> str:
    return (
        family(
            "tx_total",
            "counter",
            ('status="1",instance="a"', lambda n: 10 * n),
            ('status="0",instance="a"', lambda n: n // 10),
        )
        + family("temperature", "gauge", ('room="one"', lambda n: n), ('room="two"', lambda n: 1000 + n))
        + family("latency_seconds", "gauge", ("", lambda n: 0.1 if n < 240 else 0.3))
        + family("broken", "gauge", ("", lambda n: "NaN" if n == 100 else "+Inf" if n == 101 else n))
        + family("huge", "gauge", ("", lambda n: "1e308"))
        + family("gap", "gauge", ("", lambda n: None if 200 <= n < 280 else n))
        + family("dead_total", "counter", ("", lambda n: n if n < 120 else None))
        + family("restarts_total", "counter", ("", lambda n: n if n < 200 else n - 200))
        + family(
            "wait_seconds_bucket",
            "gauge",
            ('le="0.1"', lambda n: 5 * n),
            ('le="0.5"', lambda n: 9 * n),
            ('le="+Inf"', lambda n: 10 * n),
        )
        + family("cut_bucket", "gauge", ('le="0.1"', lambda n: 5 * n), ('le="0.5"', lambda n: 9 * n))
        + "# EOF\n"
    )


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.prometheus(tmp_path_factory.mktemp("prometheus"), history()) as url:
        yield url


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    with Sources(tmp_path) as opened:
        yield opened


@pytest.fixture
def ask(sources: Sources) -> Callable[..., Any]:
    """Ask one source for its samples; settings by keyword."""

    def one(since: datetime = START, until: datetime = START + timedelta(hours=1), unit: str = "count", **given: Any):
        settings = SourceSettings(**{"kind": SourceKind.PROMETHEUS, **given})
        unit = "ratio" if settings.total else unit
        metric = Metric(name="probe", unit=UNITS[unit], source=settings)
        return sources.open(settings).samples(metric, since, until)

    return one


@dataclass(kw_only=True)
class Answer:
    """What a web server answers: a body of bytes or JSON, a status, headers, after a delay."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(kw_only=True)
class Site:
    """A web server: its address, what it answers in turn (the last again and again), what was asked."""

    url: str
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    made = Site(url=f"http://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            made.asked.append(
                {"path": self.path, "headers": dict(self.headers), "body": self.rfile.read(length).decode()}
            )
            answer = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            if callable(answer):
                answer(self)
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
