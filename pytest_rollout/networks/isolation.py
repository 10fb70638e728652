"""What was done to a chain within a scope is undone when the scope ends."""

from __future__ import annotations

from pytest_rollout.networks.port import Chain, SnapshotId

_NOTHING = SnapshotId("nothing")


class Isolation:
    """A chain's snapshots as a stack, one for each scope that was entered and not left.

    A failure is a ``NetworkError`` and means that nothing after it is isolated: whoever gets it
    ends the session. A chain that died in the meantime is found here at the latest. On a real chain
    nothing can be undone, and nothing is done without two locks, so scopes there are scopes of nothing.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._entered: list[SnapshotId] = []

    @property
    def depth(self) -> int:
        """How many scopes are open."""
        return len(self._entered)

    def enter(self) -> SnapshotId:
        """Begin a scope; the token ends it."""
        token = _NOTHING if self._chain.kind.is_real else self._chain.snapshot()
        self._entered.append(token)
        return token

    def leave(self, token: SnapshotId) -> None:
        """End a scope and every one begun within it; one that was ended already is a ``NetworkError``."""
        if token in self._entered:
            del self._entered[self._entered.index(token) :]
        if not self._chain.kind.is_real:
            self._chain.revert(token)
