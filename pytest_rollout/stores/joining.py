"""Records of two stores brought together by identity, in little memory however many there are.

What both stores hold byte for byte is done with at once (``twins``). Each other record goes to one of many
parts of a file by its identity (a hash join, as databases do it), and then one part of either side after the
other is held in memory.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, BinaryIO

from pytest_rollout.core.record import Record
from pytest_rollout.core.store_tally import Asked, Tally
from pytest_rollout.stores.port import RawStore, Store
from pytest_rollout.stores.twins import Alike, Twins

_PARTS = 256
_WAITING = 8 * 1024 * 1024
"""So many bytes of records wait to be written together."""
_PLAIN = 2
"""The format without references: the same value is always the same bytes."""

_Kept = list[Any]
"""Where a record stood, and the bytes of what it was."""

_Part = dict[str, list[_Kept]]
"""Records by identity."""

_Spread = tuple[str, Any, bytes]
"""An identity, where its record stands in whatever form its store tells it, and the bytes of what it is."""

_Admitted = tuple[str, Any, Any]
"""An identity, where the record that has it stands, and what it is."""


def compare(left: Store, right: Store | None, asked: Asked) -> dict[str, Any]:
    """The tally of one store, or of two; what ``StoreCheck.judge`` takes. Raises ``StoreError``."""
    tally, alike, taken = Tally(asked), Alike(), set[int]()
    with tempfile.TemporaryFile() as one_file, tempfile.TemporaryFile() as other_file:
        one, other = (_Side(file, tally, index) for index, file in enumerate((one_file, other_file)))
        for store in (left, right):
            if store is not None:
                tally.leftovers(store.leftovers())
        if isinstance(left, RawStore) and isinstance(right, RawStore):
            twins = Twins(raw for _, raw in right.raws())
            taken = twins.names
            alike = Alike(taken)
            one.placed, other.placed = left.place, right.place
            one.take(_without_twins(left, twins, alike, tally), alike.keep)
            other.take(_that_are_no_twins(right, twins, tally), alike.meets)
        else:
            one.take(one.admitted(left.records()), alike.keep)
            if right is not None:
                other.take(other.admitted(right.records()), alike.meets)
        for number in range(_PARTS):
            if other.met[number] != one.kept[number] or other.kept[number]:
                parts = _without_doubles(tally, one.part(number), other.part(number), taken, alike)
                _meet_all(tally, *parts, pair=right is not None)
    return tally.document(pair=right is not None)


def _without_doubles(
    tally: Tally, one: _Part, other: _Part, taken: Collection[int], alike: Alike
) -> tuple[_Part, _Part]:
    """A part of both sides without the identities that are done with; any record of such is one too many."""
    if not taken and not alike.has_met:
        return one, other
    for name in one.keys() | other.keys():
        is_taken = hash(name) in taken
        if is_taken or alike.is_met(name):
            ours, theirs = one.pop(name, []), other.pop(name, [])
            extra = [*ours, *theirs] if is_taken else theirs
            if extra:
                tally.doubled(name, [place for place, _ in extra])
    return one, other


def _meet_all(tally: Tally, one: _Part, other: _Part, *, pair: bool) -> None:
    for name, records in one.items():
        _meet(tally, name, records, other.pop(name, []), pair=pair)
    for name, records in other.items():
        _meet(tally, name, [], records, pair=True)


def _without_twins(store: RawStore, twins: Twins, alike: Alike, tally: Tally) -> Iterator[_Admitted]:
    """The records of the left store that the right one does not hold byte for byte."""
    marked, take, value, plain, agree = twins.marked, twins.take, store.value, tally.plain, tally.agree
    knows, read = alike.knows, tally.read
    for place, raw in store.raws():
        found = marked(raw) if twins.is_looking else None
        try:
            content = value(raw)
            name = plain(content)
        except ValueError:
            name = None
        if name is None:
            yield from _noted(0, store, place, raw, tally)
            continue
        read[0] += 1
        if found is not None and not knows(name) and take(found, name):
            agree(name)
        else:
            yield name, place, content


def _noted(side: int, store: RawStore, place: Any, raw: bytes, tally: Tally) -> Iterator[_Admitted]:
    """A record about which there is something to note, if it is to be compared all the same."""
    record = store.record(place, raw)
    if (name := tally.admit(side, record)) is not None:
        yield name, place, record.value


def _that_are_no_twins(store: RawStore, twins: Twins, tally: Tally) -> Iterator[_Admitted]:
    """The records of the right store but for those that were found in the left one."""
    has, value, plain, read = twins.has, store.value, tally.plain, tally.read
    may_have = bool(twins.names)
    for place, raw in store.raws():
        if may_have and has(raw):
            read[1] += 1
            continue
        try:
            content = value(raw)
            name = plain(content)
        except ValueError:
            name = None
        if name is None:
            yield from _noted(1, store, place, raw, tally)
        else:
            read[1] += 1
            yield name, place, content
    twins.finish(store.source)


def _meet(tally: Tally, name: str, one: list[_Kept], other: list[_Kept], *, pair: bool) -> None:
    """Compare what both sides hold of one identity; the same bytes need no second look."""
    if pair and len(one) == len(other) == 1 and one[0][1] == other[0][1]:
        tally.agree(name)
        return
    left, right = ([_record(each) for each in side] for side in (one, other))
    tally.compare(name, left, right, pair=pair)


def _record(kept: _Kept) -> Record:
    place, content = kept
    return Record(place, marshal.loads(content))  # noqa: S302 - made a moment ago by this very process


class _Side:
    """One store's records, spread over the parts of one file; few records stay in memory."""

    def __init__(self, file: BinaryIO, tally: Tally, index: int) -> None:
        self._file = file
        self._tally = tally
        self._index = index
        self._end = 0
        self._written: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]
        self._waiting: list[list[_Spread]] = [[] for _ in range(_PARTS)]
        self.placed: Callable[[Any], str] = str
        self.kept = [0] * _PARTS
        self.met = [0] * _PARTS

    def admitted(self, records: Iterable[Record]) -> Iterator[_Admitted]:
        """The records that are to be compared, by identity."""
        admit, index = self._tally.admit, self._index
        for record in records:
            name = admit(index, record)
            if name is not None:
                yield name, record.place, record.value

    def take(self, records: Iterable[_Admitted], is_known: Callable[[str, bytes], bool]) -> None:
        """Spread them over the parts, but for those that are known to be the same on the other side."""
        size = 0
        waiting, kept, dumps = self._waiting, self.kept, marshal.dumps
        for name, place, value in records:
            content = dumps(value, _PLAIN)
            number = hash(name) % _PARTS
            if is_known(name, content):
                self._tally.agree(name)
                self.met[number] += 1
                continue
            waiting[number].append((name, place, content))
            kept[number] += 1
            size += len(content)
            if size > _WAITING:
                self._write()
                size = 0

    def part(self, number: int) -> _Part:
        """The records of one part by identity."""
        found: _Part = {}
        for some in self._parts(number):
            for name, place, content in some:
                found.setdefault(name, []).append([self.placed(place), content])
        return found

    def _parts(self, number: int) -> Iterator[list[_Spread]]:
        for start, length in self._written[number]:
            self._file.seek(start)
            yield marshal.loads(self._file.read(length))  # noqa: S302 - as above
        yield self._waiting[number]
        self._waiting[number] = []

    def _write(self) -> None:
        for some, written in zip(self._waiting, self._written, strict=True):
            if some:
                content = marshal.dumps(some, _PLAIN)
                self._file.write(content)
                written.append((self._end, len(content)))
                self._end += len(content)
                some.clear()
