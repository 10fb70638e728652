"""Entries as rows, and a chain of rows verified in one pass, wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pytest_rollout.core.entries import Entry, EntryKind, Marked, Row, last_of_chain, verify_entries
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import canonical

EVIDENCE = re.compile(rb'"evidence_digest":"([0-9a-f]{64})"')
"""How a canonical payload names its evidence. Inside text the quotes would be escaped, so this
finds keys alone, without parsing every payload."""

_MARK = b'"evidence_digest":"'
_NONE = _MARK + b'"'
_KINDS = {kind.value: kind for kind in EntryKind}

Streamed = Callable[[], Iterator[Row]]
"""All rows of a ledger from the first on, streamed anew with each call."""


def verified(rows: Streamed, *, ledger_id: str, shown: str, notes: tuple[Marked, ...]) -> Entry:
    """The head of a whole chain; ``notes`` as in ``last_of_chain``. Raises ``LedgerError`` that says what is broken."""
    last = last_of_chain(rows(), ledger_id=ledger_id, kinds=_KINDS, notes=notes)
    if last is None:
        verify_entries(map(entry_of, rows()), ledger_id=ledger_id)
        raise LedgerError(f"ledger {shown}: it changed while it was read; read it again.")
    return entry_of(last)


def verified_with_evidence(
    rows: Streamed, attachment: Callable[[str], bytes], *, ledger_id: str, shown: str, notes: tuple[Marked, ...]
) -> Entry:
    """``verified``, and all evidence that is named is there and matches its digest."""
    named: dict[str, int] = {}

    def name(row: Row) -> None:
        payload = row[4]
        at = payload.find(_MARK)
        while at >= 0 and payload.startswith(_NONE, at):  # most entries have no evidence, and say so
            at = payload.find(_MARK, at + len(_NONE))
        if at >= 0:
            for digest in EVIDENCE.findall(payload, at):
                named.setdefault(digest.decode(), row[1])

    head = verified(rows, ledger_id=ledger_id, shown=shown, notes=((b"", name), *notes))
    for digest, sequence in named.items():
        try:
            attachment(digest)
        except LedgerError as error:
            raise LedgerError(f"ledger entry {sequence}: {error}") from error
    return head


def entry_of(row: Row) -> Entry:
    """The entry in a row; raises ``LedgerError`` for a kind that nobody here knows."""
    ledger_id, sequence, previous, kind, payload, digest = row
    try:
        known = _KINDS[kind]
    except KeyError:
        raise LedgerError(
            f"ledger entry {sequence}: kind {kind[:40]!r} is none this version knows; it was edited, "
            "or written by a newer pytest-rollout. Upgrade, or restore the ledger from a backup."
        ) from None
    return Entry(ledger_id=ledger_id, sequence=sequence, previous=previous, kind=known, payload=payload, digest=digest)


def document_of(
    sequence: int, payload: bytes, read: Callable[[bytes], dict[str, Any]] = canonical.parse
) -> dict[str, Any]:
    """What an entry holds, in the one form it may have; raises ``LedgerError`` that names the entry."""
    try:
        return read(payload)
    except LedgerError as error:
        raise LedgerError(f"ledger entry {sequence}: {error} Restore the ledger from a backup.") from None


def row_of(entry: Entry) -> Row:
    """The row of an entry."""
    return (entry.ledger_id, entry.sequence, entry.previous, entry.kind.value, entry.payload, entry.digest)
