"""A fork of an anvil of the plan: another anvil that goes on from the state the first one has now."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain, Patience


class Branch(AnvilChain):
    """An ``AnvilChain`` that begins as a copy of ``upstream`` at ``base``, the newest block there.

    It has that chain's id, blocks, time, contracts and roles, and needs it no longer: what is written, undone or
    ended on one of the two is not on the other. Each worker has its own anvil, so each has its own base.
    """

    kind = NetworkKind.FORK

    def __init__(self, network: Network, upstream: AnvilChain, *, patience: Patience | None = None) -> None:
        head = upstream.head()
        self.base = Block(number=head.number, hash=head.hash, timestamp=head.timestamp)
        of = network.of or network
        own = replace(
            network,
            of=None,
            chain_id=upstream.chain_id,
            hardfork=network.hardfork or of.hardfork,
            accounts=network.accounts or of.accounts,
        )
        with tempfile.TemporaryDirectory(prefix="rollout-branch-") as folder:
            state = Path(folder) / "state.json"
            upstream.dump_state(state)
            super().__init__(replace(own, state=state), patience=patience)
        try:
            self._check_base(upstream.name)
        except BaseException:
            self.close()
            raise

    def _check_base(self, upstream: str) -> None:
        found = self.head()
        if (found.number, found.hash) != (self.base.number, self.base.hash):
            raise NetworkError(
                f"network {self.name}: {upstream} stood at block {self.base.number}, {self.base.hash}, and its copy "
                f"stands at {found.number}, {found.hash}."
            )
