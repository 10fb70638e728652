"""Reading a ledger: verified on the way, folded into what it says about one rollout."""

from __future__ import annotations

from functools import partial

from pytest_rollout.core.entries import Entry, EntryKind, verify_follows
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import History
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.port import Ledger


def read_history(ledger: Ledger, rollout: str, *, whole: bool = False) -> History:
    """Everything the ledger holds about ``rollout``, after checking every link of the chain, in one pass.

    With ``whole`` all evidence and the store itself are checked as well: what a move rests on. Raises
    ``LedgerError`` that names the first bad entry: nothing is decided on a broken record.

    Payloads that never write the rollout's name are not parsed: canonical text has one spelling. Those
    that do are read quickly: the chain vouches for the bytes that were parsed when they were appended.
    """
    history = History(rollout=rollout, ledger_id=ledger.id)
    name, fold = _mark(rollout), partial(_fold, history)
    history.head = ledger.verify(name, fold) if whole else ledger.walk(name, fold)
    return history


def read_on(ledger: Ledger, history: History) -> None:
    """Fold in what was recorded since ``history`` was read; raises ``LedgerError`` unless it follows what was read.

    Nothing before is read again: whoever keeps a history in memory rests on what was verified then.
    """
    name, head = _mark(history.rollout), history.head
    entries = ledger.entries(0 if head is None else head.sequence)
    if head is None or next(entries, None) != head:
        raise LedgerError(
            f"ledger entry {0 if head is None else head.sequence}: is not what was read there before; the ledger was "
            "cut off or replaced meanwhile. Run `rollout ledger verify`."
        )
    for entry in entries:
        verify_follows(head, entry)
        if name in entry.payload:
            _fold(history, entry)
        history.head = head = entry


def _mark(rollout: str) -> bytes:
    """How every payload about that rollout names it."""
    return canonical.encode({"": rollout})[len('{"":') : -1]


def _fold(history: History, entry: Entry) -> None:
    digest = canonical.digest(entry.payload) if entry.kind is EntryKind.JUDGEMENT else ""
    history.take(entry, canonical.skim(entry.payload), digest=digest)
