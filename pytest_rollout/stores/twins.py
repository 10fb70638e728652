"""Records that both stores hold byte for byte: known by a mark of their bytes, read once and not compared again.

Most records of a migrated store are such. A mark is the 64 bits that Python hashes bytes to (SipHash, its key
new in every process), so nobody can make two records of one mark, and by chance one differing record among
a million passes for a twin once in 2^44 comparisons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice, repeat

from pytest_rollout.core.errors import StoreError

MOST = 1_000_000
"""So many marks are remembered; records beyond are compared as others are, and memory stays bounded."""

_TRIED = 20_000
_FEW = 0.02


class Twins:
    """The records of one store that wait for their twin in the other.

    The other store's are taken, this one's are asked for once more with ``rest``. ``names`` are
    the hashes of the identities that were taken.
    """

    def __init__(self, raws: Iterable[Sequence[bytes]]) -> None:
        self._waiting = set(map(hash, islice(chain.from_iterable(raws), MOST)))
        self._found: set[int] = set()
        self._tried = 0
        self.names: set[int] = set()
        self._is_looking = True

    def may_be(self, raws: Sequence[bytes]) -> bool:
        """Whether a twin waits for any of these records."""
        if not self._is_looking:
            return False
        if not self._waiting.isdisjoint(map(hash, raws)):
            return True
        self._tried += len(raws)
        if self._tried >= _TRIED and len(self._found) < self._tried * _FEW:
            self._is_looking = False
            self._waiting.clear()  # two spellings of one thing: looking for twins would only cost time
        return False

    def take(self, raw: bytes, name: str) -> bool:
        """Take a record and its twin out, if one waits; not where another of its identity was taken before."""
        found, named = hash(raw), hash(name)
        if found not in self._waiting or named in self.names:
            return False
        self.names.add(named)
        self._waiting.discard(found)
        self._found.add(found)
        return True

    def rest(self, raws: Sequence[bytes]) -> Sequence[int]:
        """The numbers of those that are not the twin of a record that was taken; each twin is told once."""
        found = self._found
        if not found or found.isdisjoint(map(hash, raws)):
            return range(len(raws))
        numbers = []
        for number, mark in enumerate(map(hash, raws)):
            if mark in found:
                found.discard(mark)
            else:
                numbers.append(number)
        return numbers

    def finish(self, source: str) -> None:
        """Raises ``StoreError`` where a record that was seen before is not there any more."""
        if self._found:
            raise StoreError(f"store {source}: was changed while it was read; stop what writes to it, or copy it.")


class Alike:
    """What the left store's other records are, by the hash of their identity, until the right one's meets them.

    ``taken`` are the hashes of identities that twins took: any other record of such is one too many.
    """

    def __init__(self, taken: Collection[int] = ()) -> None:
        self._taken = taken
        self._marks: dict[int, object] = {}
        self.met = 0

    def keep(self, names: Sequence[str], meanings: Sequence[bytes]) -> None:
        """Remember what some records mean."""
        marks, taken = self._marks, self._taken
        named = list(map(hash, names))
        alone = set(named)
        is_new = len(alone) == len(named) and alone.isdisjoint(taken) and marks.keys().isdisjoint(alone)
        if is_new and len(marks) + len(named) <= MOST:
            marks.update(zip(named, map(hash, meanings), strict=True))
            return
        for each, meaning in zip(named, map(hash, meanings), strict=True):
            if each in marks or each in taken:
                marks[each] = _SEVERAL
            elif len(marks) < MOST:
                marks[each] = meaning

    def knows(self, name: str) -> bool:
        """Whether a record of that identity was kept."""
        return hash(name) in self._marks

    def rest(self, names: Sequence[str], meanings: Sequence[bytes]) -> Sequence[int]:
        """The numbers of those that do not mean the same as the one record of their identity; each is told once."""
        marks, named, meant = self._marks, list(map(hash, names)), list(map(hash, meanings))
        if len(set(named)) == len(named) and list(map(marks.get, named)) == meant:
            marks.update(zip(named, repeat(_MET)))
            self.met += len(named)
            return ()
        numbers = []
        for number, (each, meaning) in enumerate(zip(named, meant, strict=True)):
            if marks.get(each) == meaning:
                marks[each] = _MET
            else:
                numbers.append(number)
        self.met += len(named) - len(numbers)
        return numbers

    def is_met(self, name: str) -> bool:
        """Whether both records of an identity were met, so that any other is one too many."""
        return self._marks.get(hash(name)) is _MET

    def is_done_with(self, name: str) -> bool:
        """Whether both records of an identity were met, or were twins."""
        return self.is_met(name) or hash(name) in self._taken


_SEVERAL, _MET = object(), object()
