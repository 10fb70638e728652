"""The ledger's head on a real chain: anvil, reached as any node is."""

from __future__ import annotations

import json
import platform
import shutil
import sqlite3
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.cli.commands import run as type_command
from pytest_rollout.core.entries import EntryKind, next_entry
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.sqlite import SqliteLedger
from tests.servers import free_port, running

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
ANVIL = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{MACHINE}" / "bin" / "anvil"
KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
"""Anvil's own, known to everybody."""
ACCOUNTS = ("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
PLAN = """
[rollout]
name = "toy"

[networks.chain]
kind = "rpc"
url = "${RPC_URL}"
chain_id = 31337
finality = 2
max_head_age = "10d"
writes = true

[networks.locked]
kind = "rpc"
url = "${RPC_URL}"
chain_id = 31337
finality = 2
max_head_age = "10d"

[stages.alpha]
"""


def ask(url: str, method: str, *params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read()).get("result")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"

    def is_there() -> bool:
        try:
            return ask(url, "eth_chainId") == "0x7a69"
        except OSError:
            return False

    folder = tmp_path_factory.mktemp("anvil")
    with running([str(ANVIL), "--port", str(port), "--silent"], folder, is_there):
        ask(url, "anvil_mine", "0x5")
        yield url


Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types commands in a project with a ledger of six entries."""
    (tmp_path / "rollout.toml").write_text(PLAN)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_x.py").write_text("def test_x():\n    assert True\n")
    ledger = SqliteLedger.create(tmp_path / ".rollout" / "ledger.db")
    for number in range(5):
        ledger.append(EntryKind.TICK, tick(number))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RPC_URL", node)
    for name, key in zip(("ANCHOR_KEY", "OTHER_KEY"), KEYS, strict=True):
        monkeypatch.setenv(name, key)

    def type_(*arguments: str) -> tuple[int, str]:
        status = type_command(["ledger", *arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return type_


def tick(number: int) -> bytes:
    return encode(
        {
            "rollout": "toy",
            "stage": "alpha",
            "entry": 0,
            "number": number,
            "text": "t",
            "person": "p",
            "at": "2026-11-02T10:00:00+00:00",
            "note": "",
            "evidence_digest": "",
            "evidence_name": "",
            "ticked": True,
        }
    )


def anchored(typed: Typed, node: str, key: str = "ANCHOR_KEY", *more: str) -> dict[str, Any]:
    status, said = typed("anchor", "--network", "chain", "--key-env", key, "--allow-writes", "--json", *more)
    assert status == 0, said
    ask(node, "anvil_mine", "0x3")
    return json.loads(said)


def verify(typed: Typed, made: dict[str, Any], **changes: str) -> tuple[int, str]:
    asked = {"--anchors": "chain", "--contract": made["contract"], "--account": made["account"]}
    return typed("verify", *[word for pair in (asked | changes).items() for word in pair])


def test_a_head_is_anchored_and_found_again(typed: Typed, node: str) -> None:
    first = anchored(typed, node)
    SqliteLedger.open(Path(".rollout/ledger.db")).append(EntryKind.TICK, tick(9))
    second = anchored(typed, node, "ANCHOR_KEY", "--contract", first["contract"])

    status, said = verify(typed, second)

    assert (status, said.splitlines()[-1]) == (0, "2 anchors on chain hold, the newest is entry 6")
    assert (first["entry"], second["entry"], first["account"]) == (5, 6, ACCOUNTS[0])
    assert KEYS[0][2:] not in json.dumps([first, second]) + said


def test_a_cut_tail_is_found(typed: Typed, node: str) -> None:
    made = anchored(typed, node)
    connection = sqlite3.connect(".rollout/ledger.db")
    for statement in ("DROP TRIGGER entries_remain", "DELETE FROM entries WHERE sequence > 3"):
        connection.execute(statement)
    from pytest_rollout.ledger.schema import GUARDS

    connection.execute(GUARDS["entries_remain"])
    connection.commit()
    connection.close()

    assert typed("verify")[0] == 0
    status, said = verify(typed, made)
    assert status == 10
    assert f"entry 5 was anchored as {made['head'][:12]}…" in said
    assert "this ledger has no such entry: its end was cut off, or it is an older copy" in said


def test_a_ledger_that_was_rewritten_whole_is_found(typed: Typed, node: str, tmp_path: Path) -> None:
    """Every digest taken again: the chain verifies, and is not the one that was anchored."""
    made = anchored(typed, node)
    old = SqliteLedger.open(Path(".rollout/ledger.db"))
    first, *others = list(old.entries())
    forged = SqliteLedger.create(tmp_path / "forged.db", first=first)
    for entry in others:
        forged.append(entry.kind, entry.payload.replace(b'"p"', b'"eve"'))
    shutil.copy(tmp_path / "forged.db", ".rollout/ledger.db")

    assert typed("verify")[0] == 0
    status, said = verify(typed, made)
    assert status == 10
    assert "it was rewritten, or is a fork" in said


def test_an_export_is_compared_as_well(typed: Typed, node: str, tmp_path: Path) -> None:
    made = anchored(typed, node)
    assert typed("export", ".rollout/ledger.jsonl")[0] == 0

    status, said = verify(typed, made, **{"--export": ".rollout/ledger.jsonl"})

    assert (status, said.splitlines()[-1]) == (0, "1 anchors on chain hold, the newest is entry 5")


def test_what_strangers_log_there_says_nothing(typed: Typed, node: str) -> None:
    """Anybody may call the contract; only the account that anchors is listened to."""
    made = anchored(typed, node)
    ledger = SqliteLedger.open(Path(".rollout/ledger.db"))
    other = next_entry(ledger.head(), ledger_id=ledger.id, kind=EntryKind.TICK, payload=tick(99))
    data = f"0x{ledger.id:0>64}{other.sequence:064x}{other.digest}"
    ask(node, "eth_sendTransaction", {"from": ACCOUNTS[1], "to": made["contract"], "data": data})
    ask(node, "eth_sendTransaction", {"from": ACCOUNTS[0], "to": made["contract"], "data": data[:70]})
    ask(node, "anvil_mine", "0x3")

    assert verify(typed, made)[0] == 0
    status, said = verify(typed, made, **{"--account": ACCOUNTS[1]})
    assert status == 10
    assert "entry 6 was anchored as" in said


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"--account": "0x" + "99" * 20}, 10, "never anchored ledger"),
        ({"--contract": ACCOUNTS[1]}, 10, "is not the contract that anchors"),
        ({"--contract": "0x12"}, 4, "is no address of 20 bytes"),
        ({"--account": "ann"}, 4, "is no address of 20 bytes"),
        ({"--anchors": "moon"}, 4, "no such network of kind rpc; the plans have chain, locked"),
    ],
    ids=["a stranger", "no contract", "no address", "no account", "no network"],
)
def test_what_is_not_there_is_told(typed: Typed, node: str, changes: dict[str, str], status: int, told: str) -> None:
    made = anchored(typed, node)
    came, said = verify(typed, made, **changes)

    assert (came, told in said) == (status, True), said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--network", "chain", "--key-env", "ANCHOR_KEY"], "--allow-writes"),
        (["--network", "locked", "--key-env", "ANCHOR_KEY", "--allow-writes"], "writes = true"),
        (["--network", "chain", "--key-env", "NOBODY", "--allow-writes"], "the environment has no such variable"),
    ],
    ids=["the second lock", "the first lock", "no key"],
)
def test_nothing_is_sent_before_both_locks_are_open(typed: Typed, node: str, arguments: list[str], told: str) -> None:
    before = ask(node, "eth_getTransactionCount", ACCOUNTS[0], "latest")

    status, said = typed("anchor", *arguments)

    assert status in {4, 10}
    assert told in said
    assert ask(node, "eth_getTransactionCount", ACCOUNTS[0], "latest") == before
