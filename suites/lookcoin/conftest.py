"""LookCoin's contracts on five local chains, in the order of the inventory; and copies of its state to work on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

SUPPLY = 5_000_000_000 * 10**18
LIMIT = 20_000_000 * 10**18
FEE = 25
"""Basis points."""

DELAY = 2 * 86_400
PROTOCOLS = {
    "bsc-mainnet": ["LayerZero", "Celer"],
    "bsc-testnet": ["LayerZero", "Celer", "Hyperlane"],
    "base-sepolia": ["LayerZero"],
    "optimism-sepolia": ["LayerZero"],
    "sapphire-testnet": ["Celer"],
}
"""What the document says each network supports."""

DIRECT = frozenset({"MinimalTimelock"})
"""Contracts that are called themselves; all others stand behind a proxy."""


CONTRACTS = frozenset(
    {
        *("LookCoin", "LayerZeroModule", "CelerIMModule", "HyperlaneModule", "SupplyOracle", "CrossChainRouter"),
        *("FeeManager", "SecurityManager", "ProtocolRegistry", "MinimalTimelock"),
    }
)
"""What can be deployed; a name of the inventory that is none of them stays missing, and its item says so."""


def arguments(name: str, network: str, admin: str, coin: str) -> list[Any]:
    """What a contract is initialised with or, if it has no proxy, constructed with."""
    if name.endswith("Module"):
        return [admin, coin, admin]
    return {
        "LookCoin": [admin],
        "SupplyOracle": [admin, SUPPLY],
        "CrossChainRouter": [admin, coin],
        "FeeManager": [admin, FEE],
        "SecurityManager": [admin, LIMIT],
        "ProtocolRegistry": [admin, PROTOCOLS[network]],
        "MinimalTimelock": [DELAY, admin],
    }[name]


def deploy(book: Any, network: str, names: tuple[str, ...]) -> Iterator[tuple[str, str, str | None, list[Any]]]:
    """Deploy all of one network; each name with its address, its implementation, and what it was given.

    LookCoin comes first: the others are given its address. The book is not told the contracts'
    own names, for those have to be found at their recorded addresses.
    """
    admin, coin = book.chain.accounts["admin"], ""
    for name in (each for each in names if each in CONTRACTS):
        given = arguments(name, network, admin, coin)
        if name in DIRECT:
            yield name, book.deploy(name, *given, as_=f"{name}Deployed").address, None, given
            continue
        implementation = book.deploy(name, as_=f"{name}Implementation")
        data = implementation.encode_abi("initialize", given)
        proxy = book.deploy("Proxy", implementation.address, data, as_=f"{name}Proxy")
        coin = coin or proxy.address
        yield name, proxy.address, implementation.address, given


@pytest.fixture(scope="session", autouse=True)
def lookcoin(rollout, books):
    """Everything deployed, on every chain."""
    for network, names in rollout.contracts.inventory.items():
        assert list(deploy(books[network], network, names))
    return books


@pytest.fixture
def state(tmp_path):
    """A copy of the state in dual mode: ``leveldb/``, ``deployments/``, ``mode``; drills never touch the original."""
    for part in ("leveldb", "deployments"):
        shutil.copytree(HERE / part, tmp_path / part, ignore=shutil.ignore_patterns("LOCK"))
    (tmp_path / "mode").write_text("dual\n")
    return tmp_path


@pytest.fixture
def runbook():
    """Run a command of the runbook, as people do."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, HERE / "runbook.py", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def compared(rollout, stores):
    """Both backends of a copy read by the gate, not by the manager: how many agree, and what is wrong."""

    def compare(folder):
        declared = {name: rollout.stores[name] for name in ("leveldb", "json")}
        there = type(stores)({name: replace(each, path=folder / each.path.name) for name, each in declared.items()})
        tally = there.compare("leveldb", "json", key=["chainId", "contractName"], outside={"chainId": ("31337",)})
        wrong = {sort: count for sort, count in tally["counts"].items() if count and sort != "set_aside"}
        return tally["same"], wrong

    return compare


@pytest.fixture
def record():
    """A record of a contract that nobody has deployed yet, with a number that no double holds."""
    return {
        "contractName": "FeeManagerV2",
        "chainId": 97,
        "networkName": "bsctestnet",
        "address": "0x00000000000000000000000000000000C0fFEE01",
        "factoryByteCodeHash": "0x" + "ab" * 32,
        "implementationHash": "0x" + "cd" * 32,
        "deploymentArgs": [2**200 + 1, "0x00000000000000000000000000000000C0fFEE02"],
        "timestamp": 1_754_956_800_123_456_999,
    }
