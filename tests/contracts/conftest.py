"""Both kinds of chain, fresh for each test, and a book over the test contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"


@pytest.fixture
def open_chain() -> Iterator[Callable[..., Chain]]:
    """Opens networks; what was opened is closed after the test."""
    opened: list[Chain] = []

    def open_one(kind: NetworkKind = NetworkKind.TESTER, **declared: Any) -> Chain:
        opened.append(open_network(Network(**{"name": "local", "kind": kind, **declared})))
        return opened[-1]

    yield open_one
    for chain in opened:
        chain.close()


@pytest.fixture(params=[NetworkKind.TESTER, NetworkKind.ANVIL], ids=lambda kind: kind.value)
def chain(request: pytest.FixtureRequest, open_chain: Callable[..., Chain]) -> Chain:
    return open_chain(request.param)


@pytest.fixture
def contracts(chain: Chain) -> Contracts:
    return open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), chain)
