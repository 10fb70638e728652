"""A store of records at hand: the public double of the port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_rollout.core.record import Record


class MemoryStore:
    """Records given as values; a ``Record`` among them is taken as it is."""

    def __init__(self, values: Sequence[Any], *, name: str = "memory", leftovers: Sequence[str] = ()) -> None:
        self._values = values
        self._name = name
        self._leftovers = leftovers

    @property
    def source(self) -> str:
        """Its name."""
        return self._name

    def records(self) -> Iterator[Record]:
        """In the order given."""
        for index, value in enumerate(self._values):
            yield value if isinstance(value, Record) else Record(f"{self._name}[{index}]", value)

    def leftovers(self) -> Iterator[str]:
        """As given."""
        return iter(self._leftovers)
