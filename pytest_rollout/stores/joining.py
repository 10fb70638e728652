"""Records of two stores brought together by identity, in little memory however many there are.

Each record goes to one of many files by its identity (a hash join, as databases do it), and then one
file of either side after the other is held in memory.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from pytest_rollout.core.exact_json import exact_json
from pytest_rollout.core.record import Record
from pytest_rollout.core.store_tally import Asked, Tally
from pytest_rollout.stores.port import Store

_FILES = 256
_WAITING = 8 * 1024 * 1024
"""So many bytes of records wait to be written together."""
_LENGTH = 8
_PLAIN = 2
"""The format without references: the same value is always the same bytes."""

_Kept = tuple[str, bool, bytes]
"""Where a record stood, whether its bytes were made here, and what it was."""


def compare(left: Store, right: Store | None, asked: Asked) -> dict[str, Any]:
    """The tally of one store, or of two; what ``StoreCheck.judge`` takes. Raises ``StoreError``."""
    tally = Tally(asked)
    with tempfile.TemporaryDirectory(prefix="rollout-compare-") as private:
        sides = [_Side(Path(private, name), tally, index) for index, name in enumerate(("left", "right"))]
        for store, side in zip((left, right), sides, strict=True):
            if store is not None:
                tally.leftovers(store.leftovers())
                side.take(store)
        for number in range(_FILES):
            one, other = (side.part(number) for side in sides)
            for name, records in one.items():
                _meet(tally, name, records, other.pop(name, []), pair=right is not None)
            for name, records in other.items():
                _meet(tally, name, [], records, pair=True)
    return tally.document(pair=right is not None)


def _meet(tally: Tally, name: str, one: list[_Kept], other: list[_Kept], *, pair: bool) -> None:
    """Compare what both sides hold of one identity; the same bytes need no second look."""
    if pair and len(one) == len(other) == 1 and one[0][1:] == other[0][1:]:
        tally.agree(name)
        return
    left, right = ([_record(each) for each in side] for side in (one, other))
    tally.compare(name, left, right, pair=pair)


def _record(kept: _Kept) -> Record:
    place, is_made, content = kept
    return Record(place, marshal.loads(content) if is_made else exact_json(content))  # noqa: S302 - made a moment ago by this very process


class _Side:
    """One store's records, spread over files."""

    def __init__(self, folder: Path, tally: Tally, index: int) -> None:
        self._folder = folder
        self._tally = tally
        self._index = index
        folder.mkdir()

    def take(self, store: Store) -> None:
        """Read the store through once."""
        with ExitStack() as resources:
            files: list[BinaryIO] = [
                resources.enter_context((self._folder / str(number)).open("wb")) for number in range(_FILES)
            ]
            waiting: list[list[Any]] = [[] for _ in range(_FILES)]
            size = 0
            admit, index, dumps = self._tally.admit, self._index, marshal.dumps
            for record in store.records():
                name = admit(index, record)
                if name is None:
                    continue
                number = crc32(name.encode("utf-8", "surrogatepass")) % _FILES
                some = waiting[number]
                raw = record.raw
                content = dumps(record.value, _PLAIN) if raw is None else raw
                some.append((name, record.place, raw is None, content))
                size += len(content)
                if size > _WAITING:
                    _write(files, waiting)
                    size = 0
            _write(files, waiting)

    def part(self, number: int) -> dict[str, list[_Kept]]:
        """The records of one file by identity."""
        found: dict[str, list[_Kept]] = {}
        for name, place, is_made, value in self._read(number):
            found.setdefault(name, []).append((place, is_made, value))
        return found

    def _read(self, number: int) -> Iterator[tuple[str, str, bool, bytes]]:
        path = self._folder / str(number)
        if not path.exists():
            return
        with path.open("rb") as file:
            while length := file.read(_LENGTH):
                yield from marshal.loads(file.read(int.from_bytes(length, "big")))  # noqa: S302 - as above
        path.unlink()


def _write(files: Sequence[BinaryIO], waiting: Sequence[list[Any]]) -> None:
    for some, file in zip(waiting, files, strict=True):
        if some:
            content = marshal.dumps(some, _PLAIN)
            file.write(len(content).to_bytes(_LENGTH, "big"))
            file.write(content)
            some.clear()
