"""A sample of fixed size that is the same in whatever order its members are met.

The members with the smallest scrambled numbers are kept ("bottom-k"; E. Cohen and H. Kaplan,
"Summarizing data using bottom-k sketches", PODC 2007), so parts that were gathered in different
processes merge into the very sample that one process would have kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

SIZE = 10_000
_MASK = 2**64 - 1


def scrambled(number: int) -> int:
    """A 64-bit mixture of a block's number (splitmix64, S. Vigna)."""
    mixed = (number + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


class Sample:
    """Up to ``size`` values by number; a value may be None, which is slower than any."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._heap: list[tuple[int, int, int]] = []

    def add(self, number: int, value: int | None) -> None:
        """Offer one value; a number is offered once."""
        entry = (-scrambled(number), number, -1 if value is None else value)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def add_all(self, pairs: Iterable[tuple[int, int | None]]) -> None:
        """Offer many."""
        for number, value in pairs:
            self.add(number, value)

    def __iter__(self) -> Iterator[tuple[int, int | None]]:
        for _, number, value in self._heap:
            yield number, None if value < 0 else value

    def __len__(self) -> int:
        return len(self._heap)
