"""Records of two stores brought together by identity, in little memory however many there are.

What both stores hold byte for byte is done with at once (``twins``), and then what means the same. Of what is left,
each record goes to one of many parts of a file by its identity (a hash join, as databases do it), and then one part
of either side after the other is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

from pytest_rollout.core.store_tally import Asked, Tally
from pytest_rollout.stores.batches import Batch, Reader, chosen
from pytest_rollout.stores.port import RawStore, Store
from pytest_rollout.stores.spreading import Part, Side
from pytest_rollout.stores.twins import Alike, Twins


def compare(left: Store, right: Store | None, asked: Asked, clean: Callable[[str], str] = str) -> dict[str, Any]:
    """The tally of one store, or of two; what ``StoreCheck.judge`` takes. Raises ``StoreError``.

    ``clean`` takes secrets out of the values that are shown.
    """
    tally = Tally(asked, clean)
    for store in (left, right):
        if store is not None:
            tally.leftovers(store.leftovers())
    with ExitStack() as files:
        one, other = (Side(*(files.enter_context(TemporaryFile()) for _ in range(2))) for _ in range(2))
        if isinstance(left, RawStore) and isinstance(right, RawStore):
            twins = Twins(raws for _, raws in right.raws())
            alike = Alike(twins.names)
            ours = _without_twins(left, twins, alike, tally)
            theirs = _that_are_no_twins(right, twins, tally)
            one.reads(left.place, left.value)
            other.reads(right.place, right.value)
        else:
            alike = Alike()
            ours = Reader(0, tally).records(left)
            theirs = iter(()) if right is None else Reader(1, tally).records(right)
        for batch in ours:
            alike.keep(batch.names, batch.meanings)
            one.keep(batch)
        for batch in theirs:
            other.keep(_that_mean_something_else(batch, alike, tally))
        if alike.met < one.kept or other.kept:
            one.spread(alike.is_met)
            other.spread()
            for parts in zip(one.parts(), other.parts(), strict=True):
                _without_doubles(tally, parts, alike)
                _meet_all(tally, parts, (one, other), pair=right is not None)
    return tally.document(pair=right is not None)


def _without_twins(store: RawStore, twins: Twins, alike: Alike, tally: Tally) -> Iterator[Batch]:
    """The records of the left store that the right one does not hold byte for byte."""
    reader = Reader(0, tally)
    for places, raws in store.raws():
        may_be_twins = twins.may_be(raws)
        for batch in reader.raws(store, places, raws):
            if not may_be_twins or not batch.is_plain:
                yield batch
                continue
            rest, taken = [], []
            for number, (name, raw) in enumerate(zip(batch.names, batch.kept, strict=True)):
                if not alike.knows(name) and twins.take(raw, name):
                    taken.append(name)
                else:
                    rest.append(number)
            tally.agree(taken)
            yield batch.only(rest)


def _that_are_no_twins(store: RawStore, twins: Twins, tally: Tally) -> Iterator[Batch]:
    """The records of the right store but for those that were found in the left one."""
    reader = Reader(1, tally)
    for places, raws in store.raws():
        rest = twins.rest(raws)
        tally.read[1] += len(raws) - len(rest)
        if rest:
            yield from reader.raws(store, chosen(places, rest), chosen(raws, rest))
    twins.finish(store.source)


def _that_mean_something_else(batch: Batch, alike: Alike, tally: Tally) -> Batch:
    """The records of the right store but for those that mean the same as the left one's."""
    rest = alike.rest(batch.names, batch.meanings)
    if not rest:
        tally.agree(batch.names)
    elif len(rest) < len(batch.names):
        tally.agree(chosen(batch.names, sorted({*range(len(batch.names))}.difference(rest))))
    return batch.only(rest)


def _without_doubles(tally: Tally, parts: tuple[Part, Part], alike: Alike) -> None:
    """Take out of a part of both sides the identities that are done with; any record of such is one too many."""
    for name in sorted(parts[0].keys() | parts[1].keys()):
        if alike.is_done_with(name):
            ours, theirs = (part.pop(name, []) for part in parts)
            tally.doubled(name, [record.place for record in (*ours, *theirs)])


def _meet_all(tally: Tally, parts: tuple[Part, Part], sides: tuple[Side, Side], *, pair: bool) -> None:
    """Compare what both sides hold of each identity; the same bytes need no second look."""
    for name in parts[0] | parts[1]:
        one, other = (part.get(name, []) for part in parts)
        if pair and len(one) == len(other) == 1 and one[0].value == other[0].value:
            tally.agree([name])
        else:
            left, right = ([side.record(kept) for kept in some] for side, some in zip(sides, (one, other), strict=True))
            tally.compare(name, left, right, pair=pair)
