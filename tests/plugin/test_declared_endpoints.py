"""Declared endpoints and the services fixture in a gate, against a server of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PLAN = """
[rollout]
name = "toy"
[services.api]
url = "${API}"
[stages.alpha]
[[stages.alpha.endpoints]]
name = "health"
service = "api"
path = "/health"
values = { pointer = "/status", equals = "healthy" }
p95 = "< 5 s"
requests = 20
"""
TEST = "def test_health(services):\n    assert services.api.get('/health').json()['status']\n"


class Health(BaseHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        body = b'{"status": "%s"}' % self.server.status
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "verdict"), [(b"healthy", "promote"), (b"degraded", "hold")])
def test_an_endpoint_is_an_item_of_the_gate(bare, api, status, verdict) -> None:
    api.status = status
    url = {"API": f"http://127.0.0.1:{api.server_address[1]}"}
    bare.write({"rollout.toml": PLAN, "test_health.py": TEST})
    bare.rollout("init", env=url)

    ran = bare.pytest("--stage=alpha", "--rollout-formats=", env=url)

    assert ran.judgement["verdict"] == verdict, ran.says
    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "endpoints")
    assert finding["item"] == "rollout.toml::alpha::endpoints::health"
    assert "1 passed" in ran.out or "2 passed" in ran.out
    if verdict == "hold":
        assert finding["measured"] == "json on standard output: /status is degraded, not healthy"
