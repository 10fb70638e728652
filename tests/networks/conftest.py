"""Every kind of chain, fresh for each test, and a contract that refuses in every way there is.

The real chain is an anvil of its own: what it answers over HTTP is what a node answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pytest_rollout.core.rollout import Network, NetworkKind, Url
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain
from pytest_rollout.testing.networks import MemoryChain

ARTIFACTS = Path(__file__).parents[1] / "contracts" / "artifacts" / "out" / "hardhat"


def real(node: AnvilChain, **declared: Any) -> Network:
    """A real chain with one node, which is final at once and may be old, unless a test says otherwise."""
    url = Url(value=f"http://127.0.0.1:{node.port}", shown="<LOCAL_RPC_URL>")
    given = {"chain_id": node.chain_id, "urls": (url,), "finality": 0, "max_head_age": timedelta(days=1)}
    return Network(**{"name": "mainnet", "kind": NetworkKind.RPC, **given, **declared})


@pytest.fixture(scope="session")
def untouched() -> Iterator[AnvilChain]:
    """A node that nobody writes to: what forks are forked from."""
    with closing(AnvilChain(Network(name="untouched", kind=NetworkKind.ANVIL))) as node:
        yield node


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def open_chain(request: pytest.FixtureRequest) -> Iterator[Callable[..., Chain]]:
    """Opens networks; what was opened is closed after the test."""
    opened: list[Chain] = []

    def open_one(kind: NetworkKind, **declared: Any) -> Chain:
        if kind is NetworkKind.FORK:
            declared = {"of": real(request.getfixturevalue("untouched")), **declared}
        chain = open_network(Network(**{"name": kind.value, "kind": kind, **declared}))
        opened.append(chain)
        return chain

    yield open_one
    for chain in opened:
        chain.close()


@pytest.fixture(params=[kind for kind in NetworkKind if not kind.is_real], ids=lambda kind: kind.value)
def chain(request: pytest.FixtureRequest, open_chain: Callable[..., Chain]) -> Chain:
    return open_chain(request.param)


MEMORY = "memory"
"""The public double, which reads like a real chain."""


@pytest.fixture(params=[*NetworkKind, MEMORY], ids=str)
def read_chain(
    request: pytest.FixtureRequest, open_chain: Callable[..., Chain], artifact: Callable[[str], dict[str, Any]]
) -> Iterator[tuple[Chain, Any]]:
    """A chain of any kind with a Probe on it, which on a real one was deployed by somebody else."""
    if request.param not in {NetworkKind.RPC, MEMORY}:
        chain = open_chain(request.param)
        yield chain, deployed(chain, artifact("Probe"))
        return
    node = open_chain(NetworkKind.ANVIL, name="node" if request.param is NetworkKind.RPC else MEMORY)
    assert isinstance(node, AnvilChain)
    there = deployed(node, artifact("Probe"))
    double: Chain = MemoryChain(node.request, pinned=node.head())
    with closing(double if request.param == MEMORY else open_network(real(node))) as chain:
        chain.errors.learn(artifact("Probe")["abi"])
        yield chain, chain.w3.eth.contract(address=there.address, abi=artifact("Probe")["abi"])


def deployed(chain: Chain, compiled: dict[str, Any]) -> Any:
    """A contract, deployed, its errors known to the chain."""
    chain.errors.learn(compiled["abi"])
    factory = chain.w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    receipt = chain.w3.eth.wait_for_transaction_receipt(factory.constructor(1).transact())
    return chain.w3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])


@pytest.fixture
def anvil(open_chain: Callable[..., Chain]) -> AnvilChain:
    chain = open_chain(NetworkKind.ANVIL, name="devnet")
    assert isinstance(chain, AnvilChain)
    return chain


@pytest.fixture
def artifact() -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads((ARTIFACTS / f"{name}.json").read_text())


@pytest.fixture
def probe(chain: Chain, artifact: Callable[[str], dict[str, Any]]) -> Any:
    """The Probe contract, deployed, its errors known to the chain."""
    return deployed(chain, artifact("Probe"))


Said = tuple[int, dict[str, str], bytes]


class Stub:
    """A node over HTTP that answers each request as it is told to; ``asked`` holds the requests."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Callable[[Any], Any] = lambda request: {**REPLY, "id": request["id"]}
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.asked.append(request)
                said = stub.answer(request)
                status, headers, content = said if isinstance(said, tuple) else (200, {}, json.dumps(said).encode())
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> Url:
        port = self.server.server_port
        return Url(
            value=f"http://user:pass1234@127.0.0.1:{port}/v3/9aa3d95b3bc440fa?token=5b3bc440", shown=f"<RPC_{port}>"
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


REPLY = {"jsonrpc": "2.0", "result": "0x1"}


@pytest.fixture
def stub() -> Iterator[Callable[[], Stub]]:
    """Starts nodes that answer as they are told to."""
    started: list[Stub] = []

    def start() -> Stub:
        started.append(Stub())
        return started[-1]

    yield start
    for each in started:
        each.close()
