"""Scopes on a chain: what was done within one is undone when it ends."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.isolation import Isolation
from pytest_rollout.networks.port import Chain


def test_leaving_a_scope_undoes_it(chain: Chain) -> None:
    isolation = Isolation(chain)
    token = isolation.enter()
    chain.mine(2)

    isolation.leave(token)

    assert (chain.head().number, isolation.depth) == (0, 0)


def test_a_test_s_scope_ends_within_its_module_s(chain: Chain) -> None:
    isolation = Isolation(chain)
    module = isolation.enter()
    chain.mine(1)
    for _ in range(3):
        test = isolation.enter()
        chain.mine(5)
        isolation.leave(test)
        assert (chain.head().number, isolation.depth) == (1, 1)

    isolation.leave(module)

    assert (chain.head().number, isolation.depth) == (0, 0)


def test_leaving_an_outer_scope_ends_those_within(chain: Chain) -> None:
    isolation = Isolation(chain)
    outer = isolation.enter()
    inner = isolation.enter()
    isolation.leave(outer)

    assert isolation.depth == 0
    with pytest.raises(NetworkError, match="is not one to revert to"):
        isolation.leave(inner)


def test_a_scope_ended_behind_its_back_is_an_error(chain: Chain) -> None:
    """A test that reverts further than its own scope has taken its module's set-up with it."""
    isolation = Isolation(chain)
    outer = chain.snapshot()
    token = isolation.enter()
    chain.revert(outer)

    with pytest.raises(NetworkError, match="is not one to revert to"):
        isolation.leave(token)


def test_a_chain_that_died_is_found_when_a_scope_ends(anvil: AnvilChain) -> None:
    isolation = Isolation(anvil)
    token = isolation.enter()
    os.kill(anvil.pid, signal.SIGKILL)

    with pytest.raises(NetworkError) as died:
        isolation.leave(token)
    assert str(died.value) == (
        "network devnet: anvil ended with status -9 during this run; nothing more can be read from it."
    )
