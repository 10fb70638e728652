"""What every ledger does, wherever its rows lie: append, read back, verify."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from typing import Protocol

from pytest_rollout.core.entries import Entry, EntryKind, Marked, Row, digest_of, next_entry, verify_follows
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import read
from pytest_rollout.core.records import Record
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.rows import EVIDENCE, entry_of, row_of, verified, verified_with_evidence

VERSION = 1
"""Written into the first entry. A reader refuses a larger one and never rewrites what was hashed."""

MAX_ATTACHMENT = 256 * 2**20
"""The largest attachment in bytes, uncompressed; also what stops a compressed bomb."""

COLUMNS = "ledger_id, sequence, previous, kind, payload, digest"
_LOT = 1000


class Rows(Protocol):
    """The rows of a ledger inside one transaction."""

    def newest(self) -> Row | None:
        """The row with the largest sequence."""
        ...

    def one(self, sequence: int) -> Row | None:
        """The row of that sequence."""
        ...

    def insert(self, row: Row) -> None:
        """Put a row in."""
        ...

    def content(self, digest: str) -> bytes | None:
        """The compressed attachment under that digest."""
        ...

    def attach(self, digest: str, sequence: int, content: bytes) -> None:
        """Put a compressed attachment in."""
        ...


class ChainedLedger(ABC):
    """A ledger whose rows a subclass keeps; ``shown`` is how sentences name it. Satisfies ``port.Ledger``."""

    def __init__(self, shown: str, ledger_id: str) -> None:
        self._shown = shown
        self._id = ledger_id

    @abstractmethod
    def _opened(self, *, writing: bool = False) -> AbstractContextManager[Rows]:
        """One transaction; with ``writing`` nobody else can append until it ends."""

    @abstractmethod
    def _rows(self, since: int) -> Iterator[Row]:
        """All rows from that sequence on, streamed; no lock is held while the caller works."""

    @abstractmethod
    def _wrong(self, head: Entry) -> str:
        """What is wrong with the store itself, as a whole sentence; empty if nothing is."""

    @property
    def id(self) -> str:
        """The ledger's own id, 32 hex digits."""
        return self._id

    @property
    def shown(self) -> str:
        """How sentences name it; never a password."""
        return self._shown

    def head(self) -> Entry:
        """The newest entry."""
        with self._opened() as rows:
            return self._head(rows)

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """Entries from ``since`` on, streamed; as they are stored, not verified."""
        return map(entry_of, self._rows(since))

    def append(
        self,
        kind: EntryKind,
        payload: bytes,
        *,
        expected_head: str | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """Record ``payload`` durably and read it back; see ``port.Ledger.append``.

        The head is read while nobody else can append, so two appends never follow the same entry. A
        payload that could not be read again is refused before anything is written.
        """
        document = canonical.parse(payload)
        attachments = {} if attachments is None else attachments
        self._check_attachments(payload, attachments)
        if kind is EntryKind.LEDGER_CREATED:
            raise LedgerError(f"ledger {self._shown}: it was created already, by entry 0.")
        packed = {digest: zlib.compress(content) for digest, content in attachments.items()}
        with self._opened(writing=True) as rows:
            head = self._head(rows)
            self._check_head(head, expected_head)
            entry = next_entry(head, ledger_id=self._id, kind=kind, payload=payload)
            read(kind, document, sequence=entry.sequence)
            rows.insert(row_of(entry))
            for digest, content in packed.items():
                if rows.content(digest) is None:
                    rows.attach(digest, entry.sequence, content)
        self._read_back(entry, attachments)
        return entry

    def extend(self, entries: Iterable[Entry], attachment: Callable[[str], bytes]) -> None:
        """Take over entries that were made for this very ledger, in order, with the evidence they name.

        Some at a time, each lot durable before the next; raises ``LedgerError`` for one that does not follow, or
        whose payload is not canonical.
        """
        waiting = iter(entries)
        while lot := list(islice(waiting, _LOT)):
            with self._opened(writing=True) as rows:
                head = self._head(rows)
                for entry in lot:
                    verify_follows(head, entry)
                    canonical.parse(entry.payload)  # as ``append`` does: who reads it later need not look at its form
                    rows.insert(row_of(entry))
                    for digest in dict.fromkeys(each.decode() for each in EVIDENCE.findall(entry.payload)):
                        if rows.content(digest) is None:
                            rows.attach(digest, entry.sequence, zlib.compress(attachment(digest)))
                    head = entry

    def attachment(self, digest: str) -> bytes:
        """The bytes with that SHA-256; raises when they are missing or are others."""
        with self._opened() as rows:
            content = rows.content(digest)
        if content is None:
            raise LedgerError(
                f"ledger {self._shown}: evidence missing: nothing is stored under {digest[:64]}. "
                "Restore the ledger from a backup, or run the gate again."
            )
        try:
            raw = zlib.decompressobj().decompress(content, MAX_ATTACHMENT)
        except zlib.error:
            raw = b""
        if canonical.digest(raw) != digest:
            raise LedgerError(
                f"ledger {self._shown}: evidence {digest[:64]} does not match its digest. "
                "Restore the ledger from a backup."
            )
        return raw

    def walk(self, *notes: Marked) -> Entry:
        """Check every link in one pass over the rows, and hand on what is marked; no lock is held meanwhile."""
        return verified(partial(self._rows, 0), ledger_id=self._id, shown=self._shown, notes=notes)

    def verify(self, *notes: Marked) -> Entry:
        """Check the chain, then all evidence it names, and what keeps the store from being edited."""
        head = verified_with_evidence(
            partial(self._rows, 0), self.attachment, ledger_id=self._id, shown=self._shown, notes=notes
        )
        if wrong := self._wrong(head):
            raise LedgerError(f"ledger {self._shown}: {wrong}")
        return head

    def _head(self, rows: Rows) -> Entry:
        row = rows.newest()
        if row is None:
            raise LedgerError(f"ledger {self._shown}: all entries are gone. Restore it from a backup.")
        return entry_of(row)

    def _check_head(self, head: Entry, expected: str | None) -> None:
        """Append neither to another ledger's store, nor to an edited entry, nor after a surprise."""
        if head.ledger_id != self._id:
            raise LedgerError(
                f"ledger {self._shown}: the file was ledger {self._id} and is now {head.ledger_id}; "
                "nothing was recorded."
            )
        if head.digest != _digest(head):
            raise LedgerError(
                f"ledger entry {head.sequence}: digest does not match its content; nothing was recorded. "
                f"Restore the ledger from a backup or run `rollout ledger show {head.sequence}`."
            )
        if expected is not None and head.digest != expected:
            raise LedgerError(
                f"ledger {self._shown}: moved meanwhile: entry {head.sequence} ({head.kind.value}) was "
                "recorded since it was read; nothing was recorded. Look with `rollout status`, then try again."
            )

    def _check_attachments(self, payload: bytes, attachments: Mapping[str, bytes]) -> None:
        for digest, content in attachments.items():
            if canonical.digest(content) != digest:
                what = f"evidence does not match its digest {digest[:64]}"
            elif digest.encode() not in EVIDENCE.findall(payload):
                what = f"the entry does not name its evidence {digest}"
            elif len(content) > MAX_ATTACHMENT:
                what = f"evidence of {len(content)} bytes, at most {MAX_ATTACHMENT} are kept"
            else:
                continue
            raise LedgerError(f"ledger {self._shown}: {what}; nothing was recorded.")

    def _read_back(self, entry: Entry, attachments: Mapping[str, bytes]) -> None:
        """What is stored now, through a new transaction, must be what was meant."""
        with self._opened() as rows:
            row = rows.one(entry.sequence)
        is_same = row is not None and entry_of(row) == entry
        if not is_same or any(self.attachment(digest) != each for digest, each in attachments.items()):
            raise LedgerError(
                f"ledger entry {entry.sequence}: did not read back as it was written; do not rely on it. "
                "Run `rollout ledger verify`."
            )


def founding(ledger_id: str, created_at: str) -> Entry:
    """The first entry of a new ledger."""
    payload = canonical.encode({"ledger_id": ledger_id, "schema": VERSION, "created_at": created_at})
    return next_entry(None, ledger_id=ledger_id, kind=EntryKind.LEDGER_CREATED, payload=payload)


def founded(entry: Entry, shown: str) -> str:
    """The id of the ledger this first entry founds."""
    first = Record(canonical.parse(entry.payload), "ledger entry 0")
    if (version := first.number("schema")) > VERSION:
        raise LedgerError(
            f"ledger {shown}: written in schema {version}, this version reads up to {VERSION}. Upgrade pytest-rollout."
        )
    if entry.kind is not EntryKind.LEDGER_CREATED or first.text("ledger_id") != entry.ledger_id:
        raise LedgerError(f"ledger {shown}: entry 0 does not found ledger {entry.ledger_id}. Restore it from a backup.")
    return entry.ledger_id


def _digest(entry: Entry) -> str:
    return digest_of(
        ledger_id=entry.ledger_id,
        sequence=entry.sequence,
        previous=entry.previous,
        kind=entry.kind.value,
        payload=entry.payload,
    )
