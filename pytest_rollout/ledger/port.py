"""What a ledger does, whatever it is kept in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from pytest_rollout.core.entries import Entry, EntryKind, Marked


class Ledger(Protocol):
    """An append-only, hash-chained record. Every method raises ``LedgerError`` in one sentence."""

    @property
    def id(self) -> str:
        """The ledger's own id, 32 hex digits; part of every digest."""
        ...

    def head(self) -> Entry:
        """The newest entry."""
        ...

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """Entries from sequence ``since`` on, streamed; as they are stored, not verified."""
        ...

    def append(
        self,
        kind: EntryKind,
        payload: bytes,
        *,
        expected_head: str | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """Record ``payload`` durably, read it back, and return its entry.

        ``expected_head`` is the digest of the head the payload was made for: if the head has
        moved, nothing is written. ``attachments`` are kept with the entry under their SHA-256,
        which the payload must name.
        """
        ...

    def attachment(self, digest: str) -> bytes:
        """The bytes with that SHA-256, checked against it."""
        ...

    def walk(self, *notes: Marked) -> Entry:
        """Check every link from the first entry on; returns the head.

        Each note is told of the first entry, and of those whose payload holds its mark, as they were checked.
        """
        ...

    def verify(self, *notes: Marked) -> Entry:
        """Check every entry, every attachment and the store itself; returns the head. ``notes`` as in ``walk``.

        A chain cannot show that its last entries were cut off, nor that all of it was replaced
        by an older copy: compare the head with one noted elsewhere.
        """
        ...
