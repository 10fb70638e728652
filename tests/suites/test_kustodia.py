"""Kustodia's suite, judged stage by stage as a release engineer would."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@pytest.fixture
def kustodia(copied):
    return copied("kustodia")


def test_internal_is_promoted_once_people_have_ticked(kustodia):
    """All nine validations, flows and drills pass on Arbitrum's chain id; then the rollout moves to beta."""
    kustodia.tick_all("internal")

    judged = kustodia.judge("internal", "-n", "2")

    assert (judged.status, judged.verdict, judged.in_the_way) == (0, "promote", set())
    assert judged.finding("network local")["measured"].startswith("chain id 42161")
    assert judged.finding("test transactions succeed")["measured"] == "100 % of 100"
    assert judged.finding("custody equals the balance")["measured"].startswith("0 units")
    assert kustodia.project.rollout("promote", "kustodia:internal").status == 0
    assert "beta" in kustodia.project.rollout("status", "kustodia").out


def test_limited_lets_in_a_quarter(kustodia):
    """The flag's share is measured, and only people are still owed."""
    kustodia.without_platform()
    judged = kustodia.judge("limited", "-n", "2")

    exposure = judged.finding("exposure 25 % by flag mainnetPayments")
    assert (judged.status, judged.in_the_way) == (10, {"checklist"})
    assert (exposure["outcome"], exposure["measured"].partition(" (")[0]) == ("pass", "24.975 % of 20,000")
    assert judged.finding("transactions succeed")["measured"] == "100 % of 600"


def test_a_validation_that_is_not_as_declared_fails(kustodia):
    """The library's size is the reference contract's, to the byte, and the integration is a role."""
    kustodia.change(
        ("rollout.toml", "code_size = 2894", "code_size = 2868"),
        ("conftest.py", 'contracts.send(integrate, sender="owner")', "integrate.build_transaction"),
    )

    judged = kustodia.judge("internal", "suites/kustodia/rollout.toml")

    failed = {each["title"]: each["measured"] for each in judged.findings if each["outcome"] == "fail"}
    assert judged.status == 10
    assert failed == {"AssetManagement code_size": "2894", "NFTCompact members.KUSTODIA_ROLE": "kustodia"}


def test_what_a_migration_or_a_backend_loses_is_told(kustodia):
    """A row, a backup's row, a wrong default, a letter: each by its own item."""
    kustodia.change(
        (
            "custody_backend.py",
            "one.backup(other)",
            "one.backup(other), other.executescript('DELETE FROM escrows WHERE id = 9')",
        ),
        ("custody_backend.py", 'for party in ("payer", "seller"):', 'for party in ("payer",):'),
        (
            "migrations/002_blockchain_network.sql",
            "-- Create indexes for performance",
            "DELETE FROM payments WHERE id = 7;",
        ),
        (
            "migrations/002_blockchain_network.sql",
            "escrows ADD COLUMN blockchain_network VARCHAR(20) DEFAULT 'testnet'",
            "escrows ADD COLUMN blockchain_network VARCHAR(20) DEFAULT 'mainnet'",
        ),
    )

    judged = kustodia.judge("internal", "suites/kustodia/rollout.toml", "suites/kustodia/test_notifications.py")

    failed = {each["title"]: each["measured"] for each in judged.findings if each["outcome"] == "fail"}
    payments, escrows = failed.pop("the migration keeps every payment"), failed.pop("the migration keeps every escrow")
    assert "delete: DELETE FROM payments WHERE id = 7; look at it, then allow it" in payments
    assert "59 rows, and 60 before" in payments
    assert "the default of blockchain_network is 'mainnet', not testnet" in escrows
    assert "60 of 60 rows wrong about their chain: mainnet, and chain_id 421614 is not local's 42161" in escrows
    assert failed.pop("the backup holds every escrow").startswith("60 rows, and 59 in backup")
    assert failed == {
        "Custody, then the release: payer and seller, with the amount.": "failed in call",
        "The row is there at once; the letters go out when the server is back, and once.": "failed in call",
    }


def test_failing_transactions_roll_back(kustodia):
    """More than 5 % failures is the document's trigger; without gas every transaction fails."""
    kustodia.change(("test_deals.py", "GAS = 500_000", "GAS = 60_000"))

    judged = kustodia.judge("internal", "suites/kustodia/test_deals.py")

    succeed = judged.finding("test transactions succeed")
    assert (judged.status, judged.verdict) == (20, "rollback")
    assert succeed["measured"] == "0 % of 50"
    assert "immediate rollback trigger < 95 % fired" in succeed["detail"]


def test_too_wide_a_share_holds(kustodia):
    """30 % of users inside is not the declared quarter."""
    kustodia.change(("flags.json", '[["on", 25], ["off", 75]]', '[["on", 30], ["off", 70]]'))

    judged = kustodia.judge("limited", "suites/kustodia/rollout.toml")

    assert judged.status == 10
    assert judged.finding("exposure 25 % by flag mainnetPayments")["outcome"] == "fail"


def test_the_plan_says_what_the_document_contradicts(plans):
    """Nothing in the plan contradicts itself, and each contradiction of the document has a choice."""
    rollout = load(plans["kustodia"], environment={}, root=plans["kustodia"].parents[2])

    remarks = lint(rollout, now=datetime.now(UTC))

    assert {remark.kind for remark in remarks} == {RemarkKind.SOURCE}
    assert len(remarks) == len(rollout.contradictions) >= 20


FORKED = """
[networks.arbitrum]
kind = "rpc"
url = "${ARBITRUM_RPC_URL}"
chain_id = 42161
finality = 1
max_head_age = "1d"

[networks.rehearsal]
kind = "fork"
of = "arbitrum"
accounts = { owner = 0, pauser = 1, kustodia = 2, wallet = 3, deployer = 4, ana = 5, ben = 6, cleo = 7, dan = 8, eva = 9 }

[contracts]
"""


@pytest.fixture
def arbitrum() -> Iterator[str]:
    """The URL of a chain of another process, with Arbitrum's chain id and a few blocks."""
    anvil = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{MACHINE}" / "bin" / "anvil"
    command = [str(anvil), "--port", "0", "--chain-id", "42161"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        assert node.stdout is not None
        url = next("http://" + line.split()[-1] for line in node.stdout if line.startswith("Listening on"))
        mined = requests.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": "anvil_mine", "params": ["0x3"]}, timeout=9
        )
        assert mined.ok
        yield url
        node.terminate()


def test_the_whole_gate_is_rehearsed_on_a_fork(kustodia, arbitrum):
    """Validations, payment flow and drills on a fork of another chain with Arbitrum's id; a rehearsal, so it holds."""
    (kustodia.project.folder / "node_modules").symlink_to(ROOT / "node_modules")
    kustodia.change(("rollout.toml", "\n[contracts]\n", FORKED))
    kustodia.project.environment |= {"ARBITRUM_RPC_URL": arbitrum}

    passes_all_of_it(kustodia.judge("internal", "--network=rehearsal"))


def test_the_whole_gate_is_rehearsed_on_anvil(kustodia):
    """The same on a chain in a process of its own, with a worker each; again a rehearsal."""
    (kustodia.project.folder / "node_modules").symlink_to(ROOT / "node_modules")

    passes_all_of_it(kustodia.judge("internal", "--network=devnet", "-n", "2"))


def passes_all_of_it(judged):
    ran = [each for each in judged.findings if each["kind"] in {"tests", "contracts", "network", "flags", "criteria"}]
    assert judged.status == 10
    assert {each["title"]: each["measured"] for each in ran if each["outcome"] != "pass"} == {}
    assert len(ran) > 60
