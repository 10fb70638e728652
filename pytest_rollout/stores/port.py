"""What every store gives: its records, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from pytest_rollout.core.record import Record

MOST = 512
"""About so many records are read at once."""
MOST_BYTES = 128 * 1024
"""So many bytes of records are read at once."""


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


@runtime_checkable
class RawStore(Store, Protocol):
    """A store that holds each record as the bytes of JSON, and can be read without understanding them."""

    def raws(self) -> Iterator[tuple[Sequence[Any], Sequence[bytes]]]:
        """Where some records stand, in whatever form, and the bytes of each; about ``MOST_BYTES`` at once."""
        ...

    def place(self, place: Any) -> str:
        """The same place for people."""
        ...

    def value(self, raw: bytes) -> Any:
        """What such bytes mean; raises ``ValueError``."""
        ...

    def values(self, raws: Sequence[bytes]) -> list[Any] | None:
        """What many of them mean, None where that cannot be said of each."""
        ...

    def record(self, place: Any, raw: bytes) -> Record:
        """The record of such bytes, which says why where it cannot be read."""
        ...
