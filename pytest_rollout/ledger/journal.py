"""Reading a ledger: verified on the way, folded into what it says about one rollout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_rollout.core.entries import Entry, EntryKind, verify_entries
from pytest_rollout.core.history import History
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.port import Ledger


def read_history(ledger: Ledger, rollout: str) -> History:
    """Everything the ledger holds about ``rollout``, after checking every link of the chain.

    Raises ``LedgerError`` that names the first bad entry: nothing is decided on a broken record.
    """
    history = History(rollout=rollout, ledger_id=ledger.id)
    verify_entries(_folding(ledger.entries(), history), ledger_id=ledger.id)
    return history


def _folding(entries: Iterable[Entry], history: History) -> Iterator[Entry]:
    """Hand each entry on to be verified, and fold it in only when the next one is asked for.

    Payloads that never write the rollout's name are not parsed: canonical text has one spelling. Those
    that do are read quickly: the chain vouches for the bytes that were parsed when they were appended.
    """
    name = canonical.encode({"": history.rollout})[len('{"":') : -1]
    for entry in entries:
        yield entry
        history.head = entry
        if name in entry.payload or entry.kind is EntryKind.LEDGER_CREATED:
            history.take(entry, canonical.skim(entry.payload), digest=canonical.digest(entry.payload))
