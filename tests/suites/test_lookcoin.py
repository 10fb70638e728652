"""LookCoin's suite: 28 contracts on five chains, each an item, none lost in a total."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rollout.core.outcome import Outcome

SUITES = Path(__file__).parents[2] / "suites"


@pytest.fixture
def lookcoin(copied):
    """The suite with the anvil of this repository beside it."""
    copy = copied("lookcoin")
    (copy.project.folder / "node_modules").symlink_to(SUITES.parent / "node_modules")
    return copy


def test_the_validation_waits_for_people_only(lookcoin):
    """Every contract, state and record passes; what people have to see to is ticked, then it promotes."""
    lookcoin.tick_all("validation")

    judged = lookcoin.judge("validation")

    listed = [each for each in judged.findings if each["kind"] == "inventory"]
    assert (judged.status, judged.verdict, judged.in_the_way) == (0, "promote", set())
    assert len(listed) == 28
    assert {each["item"].rpartition("::")[2].partition(".")[0] for each in listed} == {
        "bsc-mainnet",
        "bsc-testnet",
        "base-sepolia",
        "optimism-sepolia",
        "sapphire-testnet",
    }
    assert lookcoin.project.rollout("promote", "lookcoin:validation").status == 0


def test_every_contract_that_is_not_as_recorded_is_named(lookcoin):
    """26 of 28 is not 28: two unknown, one where nothing is, one with another implementation."""
    oracle, module = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707", "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"
    lookcoin.change(
        ("rollout.toml", '"SecurityManager",', '"SecurityManager", "SafetyManager",'),
        ("deployments/basesepolia.json", oracle, "0x000000000000000000000000000000000000bEEF"),
        ("deployments/optimismsepolia.json", module, oracle),
    )

    judged = lookcoin.judge("validation", "suites/lookcoin/rollout.toml")

    wrong = {
        each["item"].rpartition("::")[2]: each["outcome"]
        for each in judged.findings
        if each["kind"] == "inventory" and each["outcome"] != Outcome.PASS
    }
    assert judged.status == 10
    assert wrong == {
        "bsc-mainnet.SafetyManager": "not_run",
        "bsc-testnet.SafetyManager": "not_run",
        "base-sepolia.SupplyOracle": "fail",
        "optimism-sepolia.LayerZeroModule": "fail",
    }
