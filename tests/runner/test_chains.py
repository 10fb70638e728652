"""The supervisor's own calls to the chains whose samples a plan asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError, NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind, Rollout, Url
from pytest_rollout.runner.chains import Chains

ROLLOUT = Rollout(name="t", title="T", folder=Path(), plan_digest="", stages=())


@pytest.fixture
def answering() -> Iterator[Callable[..., Rollout]]:
    """A rollout on a real chain whose node gives every call the same answer."""
    servers = []

    def serve(**answer: Any) -> Rollout:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                calls = asked if isinstance(asked, list) else [asked]
                replies = [{"jsonrpc": "2.0", "id": each["id"], **answer} for each in calls]
                body = json.dumps(replies if isinstance(asked, list) else replies[0]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = Url(value=f"http://127.0.0.1:{server.server_port}/", shown="node")
        network = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1, urls=(url,))
        return replace(ROLLOUT, networks={"mainnet": network})

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_real_chain_is_asked_over_one_connection_a_network(answering: Callable[..., Rollout]) -> None:
    with Chains(answering(result="0x2a")) as chains:
        assert chains.rpc("mainnet")("eth_blockNumber", []) == "0x2a"
        assert chains.rpc("mainnet") is chains.rpc("mainnet")


def test_what_a_node_refuses_is_no_answer(answering: Callable[..., Rollout]) -> None:
    """A refusal must not be read as an empty list of events."""
    rollout = answering(error={"code": -32000, "message": "too many blocks"})
    with Chains(rollout) as chains, pytest.raises(NetworkError, match=r"eth_getLogs was refused: too many blocks"):
        chains.rpc("mainnet")("eth_getLogs", [{}])


@pytest.mark.parametrize("name", ["local", "unknown"])
def test_a_chain_that_lives_only_while_a_gate_runs_has_no_history(name: str) -> None:
    rollout = replace(ROLLOUT, networks={"local": Network(name="local", kind=NetworkKind.TESTER)})
    with Chains(rollout) as chains, pytest.raises(MetricError, match=f"network {name} lives only while a gate runs"):
        chains.rpc(name)
