"""A fork of an anvil of the plan is a copy of it: the same block, its own way from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.branch import Branch
from pytest_rollout.networks.opening import open_network
from tests.networks.test_fork import OTHER, STRANGER, balance, pay

DEVNET = Network(name="devnet", kind=NetworkKind.ANVIL, chain_id=42161, hardfork="cancun", accounts={"user": 3})
COPY = Network(name="copy", kind=NetworkKind.FORK, of=DEVNET)


@pytest.fixture(scope="module")
def devnet() -> Iterator[AnvilChain]:
    """Some blocks, of which the older ones are pruned, and five hours ahead of the clock."""
    with closing(AnvilChain(DEVNET)) as node:
        for _ in range(5):
            pay(node)
        node.mine(70)
        node.advance(hours=5)
        yield node


@pytest.fixture
def copy(devnet: AnvilChain) -> Iterator[Branch]:
    with closing(Branch(COPY, devnet)) as chain:
        yield chain


def test_it_begins_where_the_other_stands(devnet: AnvilChain, copy: Branch) -> None:
    assert (copy.kind, copy.chain_id, copy.request("eth_chainId")) == (NetworkKind.FORK, 42161, "0xa4b1")
    assert copy.head() == devnet.head()
    assert (copy.base.number, copy.base.hash) == (devnet.head().number, devnet.head().hash)
    assert copy.request("eth_getBlockByNumber", ["0x2", False]) == devnet.request(
        "eth_getBlockByNumber", ["0x2", False]
    )
    assert balance(copy) == 5
    assert copy.accounts["user"] == devnet.accounts.addresses[3]


def test_time_goes_on_from_the_other_s(copy: Branch) -> None:
    """A block that is older than its parent is on no chain."""
    copy.mine()

    assert 0 < copy.head().timestamp - copy.base.timestamp < 60


def test_neither_sees_what_the_other_does_afterwards(devnet: AnvilChain, copy: Branch) -> None:
    snapshot = devnet.snapshot()
    pay(devnet, OTHER)
    pay(copy)
    assert (balance(devnet, OTHER), balance(copy, OTHER)) == (1, 0)
    assert (balance(devnet), balance(copy)) == (5, 6)

    devnet.revert(snapshot)
    mine = copy.snapshot()
    copy.set_balance(STRANGER, 9)
    copy.revert(mine)

    assert (balance(devnet), balance(copy)) == (5, 6)


def test_it_outlives_the_other(devnet: AnvilChain) -> None:
    with closing(AnvilChain(DEVNET)) as short:
        pay(short)
        copy = Branch(COPY, short)
    with closing(copy):
        assert balance(copy) == 1


def test_by_itself_it_is_a_copy_of_a_fresh_one() -> None:
    before = set(psutil.Process().children(recursive=True))
    with closing(open_network(COPY)) as chain:
        assert (chain.head().number, chain.chain_id) == (0, 42161)
        assert len(set(psutil.Process().children(recursive=True)) - before) == 1


def test_an_anvil_that_is_gone_is_named(tmp_path: Path) -> None:
    with closing(AnvilChain(DEVNET)) as gone:
        psutil.Process(gone.pid).kill()

        with pytest.raises(NetworkError, match="network devnet: anvil ended with status"):
            Branch(COPY, gone)
    assert not list(tmp_path.iterdir())
