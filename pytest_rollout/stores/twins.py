"""Records that both stores hold byte for byte: known by a mark of their bytes, read once and not compared again.

Most records of a migrated store are such. A mark is the 64 bits that Python hashes bytes to (SipHash, its key
new in every process), so nobody can make two records of one mark, and by chance one differing record among
a million passes for a twin once in 2^44 comparisons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from pytest_rollout.core.errors import StoreError

MOST = 1_000_000
"""So many marks are remembered; records beyond are compared as others are, and memory stays bounded."""

_TRIED = 20_000
_FEW = 0.02


class Twins:
    """The records of one store that wait for their twin in the other.

    The other store's are ``marked`` and then taken, this one's are asked for once more with ``has``. ``names`` are
    the hashes of the identities that were taken.
    """

    def __init__(self, raws: Iterable[bytes]) -> None:
        self._waiting = set(map(hash, islice(raws, MOST)))
        self._found: set[int] = set()
        self._tried = 0
        self.names: set[int] = set()
        self.is_looking = True

    def marked(self, raw: bytes) -> int | None:
        """The mark of a record for which a twin waits, or None."""
        found = hash(raw)
        if found in self._waiting:
            return found
        self._tried += 1
        if self._tried == _TRIED and len(self._found) < _TRIED * _FEW:
            self.is_looking = False
            self._waiting.clear()  # two spellings of one thing: looking for twins would only cost time
        return None

    def take(self, found: int, name: str) -> bool:
        """Take a marked record and its twin out; not where another of its identity was taken before."""
        named = hash(name)
        if named in self.names:
            return False
        self.names.add(named)
        self._waiting.discard(found)
        self._found.add(found)
        return True

    def has(self, raw: bytes) -> bool:
        """Whether this is the twin of a record that was taken; told once."""
        found = hash(raw)
        if found in self._found:
            self._found.discard(found)
            return True
        return False

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
        self.has_met = False

    def keep(self, name: str, content: bytes) -> bool:
        """Remember a record; False, for it is to be kept as well."""
        named = hash(name)
        if named in self._marks or named in self._taken:
            self._marks[named] = _SEVERAL
        elif len(self._marks) < MOST:
            self._marks[named] = hash(content)
        return False

    def knows(self, name: str) -> bool:
        """Whether a record of that identity was kept."""
        return hash(name) in self._marks

    def meets(self, name: str, content: bytes) -> bool:
        """Whether this is the same as the one record of its identity; told once."""
        named = hash(name)
        if self._marks.get(named) == hash(content):
            self._marks[named] = _MET
            self.has_met = True
            return True
        return False

    def is_met(self, name: str) -> bool:
        """Whether the records of an identity are done with, so that any other is one too many."""
        return self._marks.get(hash(name)) is _MET


_SEVERAL, _MET = object(), object()
