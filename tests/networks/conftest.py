"""Both kinds of chain, fresh for each test, and a contract that refuses in every way there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain

ARTIFACTS = Path(__file__).parents[1] / "contracts" / "artifacts" / "out" / "hardhat"


@pytest.fixture
def open_chain() -> Iterator[Callable[..., Chain]]:
    """Opens networks; what was opened is closed after the test."""
    opened: list[Chain] = []

    def open_one(kind: NetworkKind, **declared: Any) -> Chain:
        chain = open_network(Network(**{"name": kind.value, "kind": kind, **declared}))
        opened.append(chain)
        return chain

    yield open_one
    for chain in opened:
        chain.close()


@pytest.fixture(params=list(NetworkKind), ids=lambda kind: kind.value)
def chain(request: pytest.FixtureRequest, open_chain: Callable[..., Chain]) -> Chain:
    return open_chain(request.param)


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
    compiled = artifact("Probe")
    chain.errors.learn(compiled["abi"])
    factory = chain.w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    receipt = chain.w3.eth.wait_for_transaction_receipt(factory.constructor(1).transact())
    return chain.w3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])
