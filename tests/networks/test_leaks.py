"""Nothing of a scope is left when it ended, whatever was done in it and in whatever order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.port import Chain
from tests.networks.walk import LeakError, Walk

STEPS = {NetworkKind.TESTER: 120, NetworkKind.ANVIL: 1500, NetworkKind.FORK: 200}
"""A part of the 10,000 that `benchmarks/leaks.py` walks; py-evm takes 20 ms a transaction."""


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.value)
def test_a_random_walk_finds_no_leak(kind: NetworkKind, open_chain: Callable[..., Chain]) -> None:
    walk = Walk(chain=open_chain(kind), seed=20261125)

    walk.run(STEPS[kind])

    assert walk.counts["revert"] > STEPS[kind] // 20
    assert len(walk.counts) == (6 if kind is NetworkKind.TESTER else 11)


def test_the_walk_finds_what_a_revert_forgets(
    open_chain: Callable[..., Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that cannot fail proves nothing: the bare evm_revert leaks the next fee and what waits."""
    chain = open_chain(NetworkKind.ANVIL)
    monkeypatch.setattr(chain, "revert", lambda snapshot: chain.request("evm_revert", [snapshot]))

    with pytest.raises(LeakError):
        Walk(chain=chain, seed=1).run(500)
