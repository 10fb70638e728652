"""Records that both stores hold byte for byte: known by a mark of their bytes, read once and not compared again.

Most records of a migrated store are such. A mark is the 64 bits that Python hashes bytes to (SipHash, its key
new in every process), so nobody can make two records of one mark, and by chance one differing record among
a million passes for a twin once in 2^44 comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable
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

    def marked(self, raw: bytes) -> int | None:
        """The mark of a record for which a twin waits, or None."""
        found = hash(raw)
        if found in self._waiting:
            return found
        self._tried += 1
        if self._tried == _TRIED and len(self._found) < _TRIED * _FEW:
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
