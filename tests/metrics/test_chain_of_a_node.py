"""A real node asked over HTTP, as the supervisor asks it: what became of transactions, gas, the head, events."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.rollout import Metric, Network, NetworkKind, Rollout, SourceKind, SourceSettings
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics.chain import EVENTS
from pytest_rollout.metrics.opening import Sources
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.runner.chains import Chains
from tests.networks.conftest import real

SINCE = datetime.now(UTC) - timedelta(hours=1)
REVERTS = "60006000fd"
PAUSES = f"7f{EVENTS['paused'][2:]}60006000a100"
GAS = hex(100_000)

Submit = Callable[..., str]


@pytest.fixture(scope="module")
def node() -> Iterator[AnvilChain]:
    with closing(AnvilChain(Network(name="mainnet", kind=NetworkKind.ANVIL))) as chain:
        yield chain


@pytest.fixture(scope="module")
def told(node: AnvilChain) -> Callable[..., Any]:
    """JSON-RPC as anybody speaks it."""

    def call(method: str, *parameters: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{node.port}", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.loads(response.read())
        assert "error" not in answer, answer
        return answer["result"]

    return call


@pytest.fixture(scope="module")
def folder(told: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six submitted transactions: two succeeded, then reverted, replaced, dropped, and one that still waits."""
    sender, other = told("eth_accounts")[:2]
    lines: list[dict[str, Any]] = []

    def submit(**given: Any) -> str:
        nonce = int(told("eth_getTransactionCount", sender, "pending"), 16)
        transaction = {"from": sender, "gas": GAS, "nonce": hex(nonce), "gasPrice": hex(3 * 10**9), **given}
        sent = str(told("eth_sendTransaction", transaction))
        at = datetime.now(UTC) - timedelta(minutes=5)
        number = int(transaction["nonce"], 16)
        lines.append({"hash": sent, "time": at.isoformat(), "from": sender, "nonce": number})
        return sent

    def deployed(runtime: str) -> str:
        size = len(runtime) // 2
        made = f"0x60{size:02x}600c60003960{size:02x}6000f3{runtime}"
        receipt = told(
            "eth_getTransactionReceipt",
            told("eth_sendTransactionSync", {"from": other, "data": made})["transactionHash"],
        )
        return str(receipt["contractAddress"])

    reverting, pausing = deployed(REVERTS), deployed(PAUSES)
    submit(to=other, value="0x1")
    submit(to=pausing)
    submit(to=reverting)
    told("evm_mine")
    told("evm_setAutomine", False)
    replaced = int(told("eth_getTransactionCount", sender, "latest"), 16)
    submit(to=other, nonce=hex(replaced))
    higher = {"from": sender, "to": other, "gas": GAS, "nonce": hex(replaced), "gasPrice": hex(9 * 10**9)}
    told("eth_sendTransaction", higher)
    told("evm_mine")
    dropped = submit(to=other)
    told("anvil_dropTransaction", dropped)
    submit(to=other, nonce=hex(replaced + 7))
    path = tmp_path_factory.mktemp("submitted")
    (path / "sent.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


@pytest.fixture(scope="module")
def ask(node: AnvilChain, folder: Path) -> Iterator[Callable[..., Any]]:
    rollout = Rollout(
        name="toy", title="Toy", folder=folder, plan_digest="", stages=(), networks={"mainnet": real(node)}
    )
    with Chains(rollout) as chains, Sources(folder, rpc=chains.rpc) as sources:

        def one(query: str, unit: str = "count", **options: str) -> Any:
            given = {"network": "mainnet", "finality": "1", **options}
            settings = SourceSettings(kind=SourceKind.CHAIN, query=query, path="sent.ndjson", options=given)
            metric = Metric(name="probe", unit=UNITS[unit], source=settings)
            return sources.open(settings).samples(metric, SINCE, datetime.now(UTC) + timedelta(seconds=2)).series[0]

        yield one


def test_what_became_of_submitted_transactions(ask: Callable[..., Any]) -> None:
    """Rule 19: five outcomes and one that is not decided yet; what is reverted or gone is of the denominator."""
    early = ask("transactions", "ratio", deadline_seconds="3600")
    late = ask("transactions", "ratio", deadline_seconds="60")

    assert (list(early.good), len(early.missing)) == ([1, 1, 0, 0], 2)
    assert list(late.good) == [1, 1, 0, 0, 0, 0]


def test_gas_and_time_to_confirmation(ask: Callable[..., Any]) -> None:
    """Of those on the chain, the reverted one as well; what never came is as slow as it has been so far."""
    assert next(iter(ask("gas", "gas").column)) == 21_000
    assert len(ask("gas", "gas").column) == 3
    assert all(each >= 295 for each in ask("confirmation time", "s", deadline_seconds="60").column)


def test_the_age_of_the_head(ask: Callable[..., Any]) -> None:
    assert 0 <= ask("head age", "s").column[0] < 60


def test_events_are_counted_as_the_node_logs_them(ask: Callable[..., Any]) -> None:
    assert list(ask("paused").column) == [1]
    assert list(ask("role granted").column) == [0]
    assert list(ask(EVENTS["paused"], addresses=f"0x{1:040x}").column) == [0]
