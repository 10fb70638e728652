"""The chain of entries: append only, each bound to all before it.

An entry's digest is SHA-256 over a typed, length-prefixed, domain-separated encoding of the
ledger's id, the sequence number, the previous digest, the kind and the exact payload bytes
(after RFC 6962's domain separation), so nothing can be edited, swapped,
inserted or moved to another ledger without breaking every later digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_rollout.core.errors import LedgerError

DOMAIN = b"pytest-rollout ledger entry v1"
ZERO = "0" * 64


class EntryKind(StrEnum):
    """What an entry records."""

    LEDGER_CREATED = "ledger_created"
    RUN_STARTED = "run_started"
    JUDGEMENT = "judgement"
    TICK = "tick"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    SIGNOFF = "signoff"
    WATCH = "watch"
    DRILL = "drill"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ledger record: ``sequence`` from 0 without gaps, ``payload`` canonical JSON bytes."""

    ledger_id: str
    sequence: int
    previous: str
    kind: EntryKind
    payload: bytes
    digest: str


Row = tuple[str, int, str, str, bytes, str]
"""An entry as it is stored: ledger id, sequence, previous, kind, payload, digest."""

Note = Callable[[Row], None]
"""Is told of a row whose digest and place in the chain were checked."""

Marked = tuple[bytes, Note]
"""A note, and what a payload must hold for it to be told."""


def last_of_chain(
    rows: Iterable[Row], *, ledger_id: str, kinds: Collection[str], notes: Sequence[Marked]
) -> Row | None:
    """The last row of a whole chain from the first entry on, or None: ``verify_entries``, answered sooner.

    Where the answer is None, ``verify_entries`` has the sentence. ``notes`` are each told of the first row, and of
    every sound one whose payload holds their mark.
    """
    own = ledger_id.encode()
    begin = b"".join((DOMAIN, len(own).to_bytes(8, "big"), own, (8).to_bytes(8, "big")))
    middle, sha256, join = (32).to_bytes(8, "big"), hashlib.sha256, b"".join
    known = {kind: len(kind).to_bytes(8, "big") + kind.encode() for kind in kinds}
    before, raw, last = ZERO, bytes(32), None
    for wanted, last in enumerate(rows):
        row_id, sequence, previous, kind, payload, digest = last
        if sequence != wanted or previous != before or row_id != ledger_id or kind not in known:
            return None
        number, length = wanted.to_bytes(8, "big"), len(payload).to_bytes(8, "big")
        raw = sha256(join((begin, number, middle, raw, known[kind], length, payload))).digest()
        before = raw.hex()
        if digest != before:
            return None
        for mark, note in notes:
            if payload.find(mark) >= 0 or not wanted:  # bytes ask whether what is sought ``in`` them is a number first
                note(last)
    return last


def digest_of(*, ledger_id: str, sequence: int, previous: str, kind: str, payload: bytes) -> str:
    """The digest an entry with these contents must have, in hex."""
    state = hashlib.sha256(DOMAIN)
    for part in (
        ledger_id.encode(),
        sequence.to_bytes(8, "big"),
        bytes.fromhex(previous),
        kind.encode(),
        payload,
    ):
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()


def next_entry(head: Entry | None, *, ledger_id: str, kind: EntryKind, payload: bytes) -> Entry:
    """The entry that follows ``head`` (None: the first of a new ledger)."""
    sequence = 0 if head is None else head.sequence + 1
    previous = ZERO if head is None else head.digest
    digest = digest_of(ledger_id=ledger_id, sequence=sequence, previous=previous, kind=kind, payload=payload)
    return Entry(ledger_id=ledger_id, sequence=sequence, previous=previous, kind=kind, payload=payload, digest=digest)


def verify_entries(entries: Iterable[Entry], *, ledger_id: str) -> Entry:
    """Check every link from the first entry on; returns the head.

    Raises ``LedgerError`` that names the first bad entry and how far the chain verifies.
    """
    head: Entry | None = None
    for entry in entries:
        expected = 0 if head is None else head.sequence + 1
        if entry.sequence != expected:
            raise LedgerError(_broken(expected, f"is missing; the next one stored is {entry.sequence}"))
        if entry.ledger_id != ledger_id:
            raise LedgerError(_broken(expected, f"belongs to ledger {entry.ledger_id}, not {ledger_id}"))
        if entry.previous != (ZERO if head is None else head.digest):
            raise LedgerError(_broken(expected, "does not follow the entry before it"))
        if entry.digest != digest_of(
            ledger_id=entry.ledger_id,
            sequence=entry.sequence,
            previous=entry.previous,
            kind=entry.kind,
            payload=entry.payload,
        ):
            raise LedgerError(_broken(expected, "digest does not match its content"))
        head = entry
    if head is None:
        raise LedgerError("the ledger has no entries; create one with `rollout init`.")
    return head


def verify_follows(head: Entry, entry: Entry) -> None:
    """Check that ``entry`` is exactly what follows ``head``; raises ``LedgerError``."""
    if next_entry(head, ledger_id=head.ledger_id, kind=entry.kind, payload=entry.payload) != entry:
        raise LedgerError(_broken(entry.sequence, "does not follow the entry before it"))


def _broken(sequence: int, what: str) -> str:
    before = f"entries 0-{sequence - 1} verify" if sequence else "nothing before it"
    return (
        f"ledger entry {sequence}: {what}; {before}. "
        f"Restore the ledger from a backup or run `rollout ledger show {sequence}`."
    )
