"""Several requests to one node in the air at once, over kept threads with a connection each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Part = TypeVar("Part")
Told = TypeVar("Told")

MOST_LINES = 4
"""Requests in the air at once; what a node has to answer stays the same."""


class Lines:
    """Started when there is more than one request to make, and kept; a forked copy of this process starts its own."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def each(self, work: Callable[[Part], Told], parts: Sequence[Part]) -> list[Told]:
        """``work`` of every part, in their order; once all are done the first error, if there is one, is raised."""
        if len(parts) == 1:
            return [work(parts[0])]
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = ThreadPoolExecutor(MOST_LINES, "rollout-line"), os.getpid()
        begun = [self._pool.submit(work, part) for part in parts]
        wait(begun)
        return [each.result() for each in begun]

    def close(self) -> None:
        """Let the threads end."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown(wait=False)
        self._pool = None
