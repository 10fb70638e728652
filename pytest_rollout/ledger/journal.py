"""Reading a ledger: verified on the way, folded into what it says about one rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pydantic_core import SchemaValidator

from pytest_rollout.core.entries import EntryKind, Note, Row, verify_follows
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import KIND_OF, History
from pytest_rollout.ledger import canonical
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.ledger.rows import document_of, entry_of, row_of


def read_history(ledger: Ledger, rollout: str, *, whole: bool = False) -> History:
    """Everything the ledger holds about ``rollout``, after checking every link of the chain, in one pass.

    With ``whole`` all evidence and the store itself are checked as well: what a move rests on. Raises
    ``LedgerError`` that names the first bad entry: nothing is decided on a broken record.

    Payloads that never write the rollout's name are not parsed: canonical text has one spelling, and where it could
    have another it is looked at. Of ticks and looks of a watch the newest of a kind is read, of the others only
    which kind they are of.
    """
    (history,) = _read(ledger, [rollout], whole=whole)
    return history


def read_histories(ledger: Ledger, rollouts: Sequence[str]) -> list[History]:
    """``read_history`` of several rollouts, in one pass for all of them."""
    return _read(ledger, rollouts, whole=False)


def _read(ledger: Ledger, rollouts: Sequence[str], *, whole: bool) -> list[History]:
    newest: list[dict[tuple[Any, ...], Row]] = [{} for _ in rollouts]
    histories = [History(rollout=each, ledger_id=ledger.id) for each in rollouts]
    notes = [(_mark(each.rollout), _noting(each, of)) for each, of in zip(histories, newest, strict=True)]
    look = ledger.verify if whole else ledger.walk
    head = look(*notes, (b"\\", _check_spelling))
    for history, of in zip(histories, newest, strict=True):
        for row in sorted(of.values(), key=itemgetter(1)):
            _fold(history, row)
        history.head = head
    return histories


def read_on(ledger: Ledger, history: History) -> None:
    """Fold in what was recorded since ``history`` was read; raises ``LedgerError`` unless it follows what was read.

    Nothing before is read again: whoever keeps a history in memory rests on what was verified then.
    """
    mark, head = _mark(history.rollout), history.head
    entries = ledger.entries(0 if head is None else head.sequence)
    if head is None or next(entries, None) != head:
        raise LedgerError(
            f"ledger entry {0 if head is None else head.sequence}: is not what was read there before; the ledger was "
            "cut off or replaced meanwhile. Run `rollout ledger verify`."
        )
    for entry in entries:
        verify_follows(head, entry)
        if mark in entry.payload:
            _fold(history, row_of(entry))
        history.head = head = entry


def _noting(history: History, newest: dict[tuple[Any, ...], Row]) -> Note:
    """Folds rows in, but for those of a kind of which the newest stands for all: notes them by their kind."""
    readers = {kind.value: _reader(fields) for kind, fields in KIND_OF.items()}
    rollout = history.rollout

    def note(row: Row) -> None:
        try:
            kind = readers[row[3]](row[4])
        except (KeyError, ValueError):  # another entry, or of another shape: reading all of it says what is wrong
            _fold(history, row)
            return
        if kind[0] == rollout:
            newest[kind] = row
        else:
            document_of(row[1], row[4])

    return note


def _reader(fields: Mapping[str, type[str | int]]) -> Callable[[bytes], tuple[Any, ...]]:
    """Reads these fields of a payload and makes nothing of the rest; raises ``ValueError`` unless all are as typed."""
    typed = {
        name: {"type": "typed-dict-field", "schema": {"type": kind.__name__, "strict": True}}
        for name, kind in fields.items()
    }
    validator = SchemaValidator({"type": "typed-dict", "fields": typed})
    read, chosen = validator.validate_json, itemgetter(*fields)
    return lambda payload: chosen(read(payload))


def _mark(rollout: str) -> bytes:
    """How every payload about that rollout names it."""
    return canonical.encode({"": rollout})[len('{"":') : -1]


def _fold(history: History, row: Row) -> None:
    """A judgement, which may be large, is read as it is: the move that rests on it makes it again, byte for byte."""
    entry = entry_of(row)
    if entry.kind is EntryKind.JUDGEMENT:
        document = document_of(entry.sequence, entry.payload, canonical.skim)
        history.take(entry, document, digest=canonical.digest(entry.payload))
    else:
        history.take(entry, document_of(entry.sequence, entry.payload), digest="")


def _check_spelling(row: Row) -> None:
    """Refuse what could name a rollout in letters that are not searched for."""
    if row[4].find(b"\\u") >= 0 or row[4].find(b"\\/") >= 0:
        document_of(row[1], row[4])
