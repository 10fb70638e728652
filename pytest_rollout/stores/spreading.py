"""What one side of a comparison keeps of its records, on disk."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pytest_rollout.core.meaning import PLAIN
from pytest_rollout.core.record import Record
from pytest_rollout.stores.batches import Batch

_PARTS = 256
_WAITING = 8 * 1024 * 1024
"""So many bytes of records wait to be written together."""

_Kept = tuple[str, Any, bytes]
"""An identity, where its record stands in whatever form its store tells it, and bytes: the store's own, or ours."""

Part = dict[str, list[Record]]
"""Records by identity, their values still in bytes."""


class Side:
    """One store's records: first as they come, then spread over the parts of a file; few stay in memory."""

    def __init__(self, file: BinaryIO, parts: BinaryIO) -> None:
        self._file = file
        self._lengths: list[int] = []
        self._parts = parts
        self._end = 0
        self._written: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]
        self._waiting: list[list[_Kept]] = [[] for _ in range(_PARTS)]
        self._placed: Callable[[Any], str] = str
        self._read: Callable[[bytes], Any] = marshal.loads
        self.kept = 0

    def reads(self, placed: Callable[[Any], str], read: Callable[[bytes], Any]) -> None:
        """How its store tells where a record stands, and what its bytes mean."""
        self._placed, self._read = placed, read

    def keep(self, batch: Batch) -> None:
        """Put some records aside."""
        if batch.names:
            content = marshal.dumps((list(batch.names), list(batch.places), list(batch.kept)), PLAIN)
            self._file.write(content)
            self._lengths.append(len(content))
            self.kept += len(batch.names)

    def spread(self, is_done_with: Callable[[str], bool] | None = None) -> None:
        """Spread them over the parts, but for those that are done with."""
        self._file.seek(0)
        size = 0
        for length in self._lengths:
            for kept in zip(*marshal.loads(self._file.read(length)), strict=True):  # noqa: S302 - made by this process
                name, _, content = kept
                if is_done_with is None or not is_done_with(name):
                    self._waiting[hash(name) % _PARTS].append(kept)
                    size += len(content)
            if size > _WAITING:
                self._write()
                size = 0

    def parts(self) -> Iterator[Part]:
        """One part after the other."""
        for written, waiting in zip(self._written, self._waiting, strict=True):
            some = [*waiting]
            waiting.clear()
            for start, length in written:
                self._parts.seek(start)
                some += marshal.loads(self._parts.read(length))  # noqa: S302 - as above
            found: Part = {}
            for name, place, content in some:
                found.setdefault(name, []).append(Record(self._placed(place), content))
            yield found

    def record(self, kept: Record) -> Record:
        """The record itself of what was kept of it."""
        return Record(kept.place, self._read(kept.value))

    def _write(self) -> None:
        for some, written in zip(self._waiting, self._written, strict=True):
            if some:
                content = marshal.dumps(some, PLAIN)
                self._parts.write(content)
                written.append((self._end, len(content)))
                self._end += len(content)
                some.clear()
