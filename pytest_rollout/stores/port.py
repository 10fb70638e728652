"""What every store gives: its records, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pytest_rollout.core.record import Record


class Store(Protocol):
    """Records in no particular order; a store is read, never written, and never held in memory whole."""

    @property
    def source(self) -> str:
        """What it is, for people."""
        ...

    def records(self) -> Iterator[Record]:
        """Every record; one that cannot be read says why. Raises ``StoreError`` where nothing can be read."""
        ...

    def leftovers(self) -> Iterator[str]:
        """What lies among its files and belongs to no record: locks, backups, half-written files."""
        ...
