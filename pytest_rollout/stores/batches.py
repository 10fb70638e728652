"""Records read some hundreds at a time, since most of what reading takes is taken for each call."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from pytest_rollout.core.meaning import PLAIN
from pytest_rollout.core.record import Record
from pytest_rollout.core.store_tally import Tally
from pytest_rollout.stores.port import MOST, MOST_BYTES, RawStore, Store

_UNHEARD_OF = "is nested too deeply, or holds what no JSON can"
_PIECES = 16
"""Into so many a batch is cut that has something to note, and then each piece of it that has."""
_T = TypeVar("_T")


class Batch(NamedTuple):
    """Records that are to be compared: who they are, where they stand, what they mean, and the bytes kept of each.

    Kept are the store's own bytes, or ours where it has none. Of a record that is not plain something was noted.
    """

    names: Sequence[str]
    places: Sequence[Any]
    meanings: Sequence[bytes]
    kept: Sequence[bytes]
    is_plain: bool = True

    def only(self, wanted: Sequence[int]) -> Batch:
        """Some of them, by their number."""
        if len(wanted) == len(self.names):
            return self
        return Batch(
            chosen(self.names, wanted),
            chosen(self.places, wanted),
            chosen(self.meanings, wanted),
            chosen(self.kept, wanted),
            self.is_plain,
        )


def chosen(column: Sequence[_T], wanted: Sequence[int]) -> list[_T]:
    """Some of a column, by their number."""
    return [column[number] for number in wanted]


class Reader:
    """One side of a comparison: the tally admits its records, all of a batch at once where nothing is to be noted."""

    def __init__(self, side: int, tally: Tally) -> None:
        self._side = side
        self._tally = tally

    def raws(self, store: RawStore, places: Sequence[Any], raws: Sequence[bytes]) -> Iterator[Batch]:
        """Some records of a store that has bytes."""
        values = store.values(raws)
        if values is None:
            for place, raw in zip(places, raws, strict=True):
                yield from self._alone(store.record(place, raw), place, raw)
        else:
            yield from self._by_fields(places, values, raws, store.place)

    def records(self, store: Store) -> Iterator[Batch]:
        """All records of a store that has none."""
        places, values, kept, size = list[str](), list[Any](), list[bytes](), 0
        for record in store.records():
            if (content := self._content(record)) is None:
                continue
            places.append(record.place)
            values.append(record.value)
            kept.append(content)
            size += len(content)
            if size > MOST_BYTES or len(kept) == MOST:
                yield from self._by_fields(places, values, kept, str)
                places, values, kept, size = [], [], [], 0
        if kept:
            yield from self._by_fields(places, values, kept, str)

    def _content(self, record: Record) -> bytes | None:
        """The bytes of a record that is to be compared."""
        if record.error:
            self._tally.admit(self._side, record)
            return None
        try:
            return marshal.dumps(record.value, PLAIN)
        except ValueError:
            if self._tally.admit(self._side, record) is not None:
                self._tally.note("broken", f"{record.place}: {_UNHEARD_OF}")
            return None

    def _by_fields(
        self, places: Sequence[Any], values: Sequence[Any], kept: Sequence[bytes], placed: Callable[[Any], str]
    ) -> Iterator[Batch]:
        """Records of the same fields go together."""
        fields = [tuple(value) if type(value) is dict else None for value in values]
        if fields.count(fields[0]) == len(fields):
            yield from self._same_fields(places, values, kept, placed)
            return
        numbers: dict[tuple[str, ...] | None, list[int]] = {}
        for number, each in enumerate(fields):
            numbers.setdefault(each, []).append(number)
        for some in numbers.values():
            yield from self._same_fields(chosen(places, some), chosen(values, some), chosen(kept, some), placed)

    def _same_fields(
        self, places: Sequence[Any], values: Sequence[Any], kept: Sequence[bytes], placed: Callable[[Any], str]
    ) -> Iterator[Batch]:
        """All at once if there is nothing to note of any, else piece by piece."""
        plain = self._tally.plain(self._side, values) if type(values[0]) is dict else None
        if plain is not None:
            names, meanings = plain
            yield Batch(names, places, meanings, kept)
        elif len(values) > 1:
            step = -(-len(values) // _PIECES)
            for start in range(0, len(values), step):
                piece = slice(start, start + step)
                yield from self._same_fields(places[piece], values[piece], kept[piece], placed)
        else:
            yield from self._alone(Record(placed(places[0]), values[0]), places[0], kept[0])

    def _alone(self, record: Record, place: Any, kept: bytes) -> Iterator[Batch]:
        if (name := self._tally.admit(self._side, record)) is None:
            return
        try:
            meaning = self._tally.meaning.of(record.value)
        except (ValueError, RecursionError):
            self._tally.note("broken", f"{record.place}: {_UNHEARD_OF}")
            return
        yield Batch([name], [place], [meaning], [kept], is_plain=False)
