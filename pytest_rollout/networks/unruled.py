"""What nobody can do to a chain that others use too: each verb of the port that needs a node of one's own, refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks.port import SnapshotId, cannot


class Unruled:
    """The refusals of a ``Chain`` whose time, blocks and state are not ours."""

    kind: NetworkKind
    name: str

    def snapshot(self) -> SnapshotId:
        """Refused: nobody can undo what a real chain did."""
        raise cannot(self, "be snapshot")

    def revert(self, snapshot: SnapshotId) -> None:  # noqa: ARG002 - the verb is the same everywhere
        """Refused, as a snapshot is."""
        raise cannot(self, "be reverted")

    def advance(self, *, seconds: int = 0, minutes: int = 0, hours: int = 0, days: int = 0) -> None:  # noqa: ARG002 - as above
        """Refused: its time is everybody's."""
        raise cannot(self, "move its time")

    def mine(self, blocks: int = 1) -> None:  # noqa: ARG002 - as above
        """Refused: its blocks are others'."""
        raise cannot(self, "mine blocks on demand")

    def impersonate(self, address: str) -> None:  # noqa: ARG002 - as above
        """Refused: who has no key is nobody."""
        raise cannot(self, "impersonate accounts")

    def set_balance(self, address: str, wei: int) -> None:  # noqa: ARG002 - as above
        """Refused: its money is real."""
        raise cannot(self, "set balances")

    def alter(self, address: str, *, code: bytes | None = None, slots: Mapping[int, int] | None = None) -> None:  # noqa: ARG002 - as above
        """Refused: nobody but its transactions changes it."""
        raise cannot(self, "be altered")

    def dump_state(self, path: Path) -> None:  # noqa: ARG002 - as above
        """Refused: only a node of ours gives its state away."""
        raise cannot(self, "be recorded as a state")
