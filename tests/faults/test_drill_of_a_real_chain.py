"""A drill of a gate on a real chain, played by an anvil that is not ours: it is forked and asked, never altered; and of live nodes."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.methods import only_reads
from tests.faults.drilled import Drilled
from tests.faults.test_drill import ANVIL, ARTIFACTS
from tests.plugin.test_real_chains import KEY, Front

PLAN = """
[rollout]
name = "toy"

[networks.mainnet]
kind = "rpc"
url = "${RPC_URL}"
chain_id = 42161
finality = 1
max_head_age = "1d"

[contracts]
artifacts = "contracts"
[contracts.deployments.mainnet]
path = "deployed.json"
[contracts.inventory]
mainnet = ["Probe"]

[metrics.head]
unit = "s"
source = "chain"
network = "mainnet"
query = "head age"

[nodes.honest]
stats = "${STATS}"
[nodes.blind]
stats = "${STATS}/blind"

[stages.alpha]
network = "mainnet"
inventory = true
nodes = { honest = { mode = "shadow", min_comparisons = 1 }, blind = { mode = "shadow", min_comparisons = 1 } }

[stages.alpha.contracts.Probe]
artifact = "Probe"
paused = false
[stages.alpha.contracts.Loose]
paused = false

[[stages.alpha.criteria]]
name = "the chain goes on"
metric = "head"
promote = "< 3600 s"
"""
CONFTEST = """
import dataclasses
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def blinded():
    from pytest_rollout.consensus import checks, nodes

    look, real = checks.observe, Path("stats.txt").read_text()

    def looks(check, rollout, stage, fixture):
        if getattr(check, "node", "") == "blind":
            fixture = nodes.Nodes({"blind": dataclasses.replace(fixture["blind"].settings, stats=real)})
        return look(check, rollout, stage, fixture)

    checks.observe = looks
"""


class Engine:
    def verify_block(self, block: int) -> bool:
        return block > 0


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    """Somebody else's chain, with two contracts on it, as it is reached from outside."""
    with closing(
        AnvilChain(Network(name="mainnet", kind=NetworkKind.ANVIL, chain_id=42161, binary=str(ANVIL)))
    ) as node:
        code = json.loads((ARTIFACTS / "Probe.json").read_text())["bytecode"] + "1".rjust(64, "0")
        for _ in range(2):
            node.send({"from": node.accounts["deployer"], "data": code})
        node.mine(2)
        front = Front(node)
        yield front
        front.server.shutdown()
        front.server.server_close()


@pytest.fixture(scope="module")
def stats() -> Iterator[str]:
    """Two nodes in shadow that verify a block whenever they are asked."""
    with closing(DualRun(Engine(), Engine(), limit=5)) as one, closing(DualRun(Engine(), Engine(), limit=5)) as other:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                dual = other if self.path.endswith("/blind") else one
                dual.verify_block(7)
                body = json.dumps(dual.stats()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/stats"
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory, make_bare: Any, front: Front, stats: str) -> Drilled:
    project = make_bare(tmp_path_factory.mktemp("real"))
    project.environment |= {"RPC_URL": front.url, "STATS": stats}
    project.environment["PATH"] = f"{ANVIL.parent}:{project.environment['PATH']}"
    shutil.copytree(ARTIFACTS, project.folder / "contracts")
    first, second = (receipt["contractAddress"] for receipt in receipts(front.node))
    project.write(
        {
            "rollout.toml": PLAN,
            "conftest.py": CONFTEST,
            "suites/test_gate.py": "def test_it_is_that_chain(network):\n    assert network.chain_id == 42161\n",
            "deployed.json": json.dumps({"Probe": first, "Loose": second}),
            "stats.txt": f"{stats}/blind",
            "contracts/Loose.json": (ARTIFACTS / "Probe.json").read_text().replace('"Probe"', '"Loose"'),
        }
    )
    assert project.rollout("init").status == 0
    project.commit()
    return Drilled.of(project, "alpha")


def receipts(chain: AnvilChain) -> list[dict[str, Any]]:
    return [
        chain.request(
            "eth_getTransactionReceipt", [chain.request("eth_getBlockByNumber", [hex(n), False])["transactions"][0]]
        )
        for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("fault", "item", "says"),
    [
        ("contract-state", "Probe.paused", "fail: true"),
        ("contract-code", "::Probe", "fail: "),
        ("wrong-chain", "network::drill", "chain id"),
        ("inventory-record", "mainnet.Probe", "nobody knows where it is"),
        ("inventory-code", "mainnet.Probe", "the artifact Probe"),
        ("metric-down", "the chain goes on", "could not be asked"),
        ("metric-nan", "the chain goes on", "could not be asked"),
        ("metric-stale", "the chain goes on", "fail: "),
        ("node-down", "honest.mode", "answers status 500"),
    ],
)
def test_an_item_that_looks_notices_its_fault(drilled: Drilled, fault: str, item: str, says: str) -> None:
    assert drilled.came(fault, item) == "noticed", drilled.why(fault, item)
    assert says in drilled.why(fault, item)


@pytest.mark.parametrize(("fault", "item"), [("contract-code", "::Loose"), ("node-down", "blind.mode")])
def test_an_item_that_does_not_look_is_named(drilled: Drilled, fault: str, item: str) -> None:
    """No code is declared; or the suite patched how nodes are asked."""
    assert drilled.came(fault, item) == "missed", drilled.why(fault, item)


def test_the_real_chain_is_only_read(drilled: Drilled, front: Front) -> None:
    """The gate ran on a fork of it that the drill made; what reached the chain itself were questions."""
    assert drilled.document["network"] == "drill"
    assert {method for method in front.methods if not only_reads(method)} == set()
    assert front.node.head().number == 4


def test_no_address_with_a_key_is_told(drilled: Drilled) -> None:
    assert KEY not in json.dumps(drilled.document) + drilled.told
