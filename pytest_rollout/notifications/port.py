"""What a way of telling somebody does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_rollout.core.notice import Notice, Undelivered


class Notifier(Protocol):
    """Tells people or machines. It never raises: what was not delivered is the answer."""

    def tell(self, notice: Notice) -> Sequence[Undelivered]:
        """Deliver to everybody who is owed this notice, within bounded time; returns who did not get it."""
        ...
