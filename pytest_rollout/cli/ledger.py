"""Reading the record for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import LedgerError, UsageError
from pytest_rollout.ledger.canonical import parse
from pytest_rollout.ledger.opening import open_ledger
from pytest_rollout.plan import project_root


def show(start: Path, url: str | None, sequence: int | None, *, as_json: bool) -> Iterator[str]:
    """One entry in full, or every entry on a line."""
    ledger = open_ledger(url, project_root(start))
    if sequence is not None:
        entry = next(ledger.entries(sequence), None) if sequence >= 0 else None
        if entry is None or entry.sequence != sequence:
            raise UsageError(f"no ledger entry {sequence}; the newest is {ledger.head().sequence}.")
        yield json.dumps(_document(entry), indent=1, ensure_ascii=False)
        return
    if as_json:
        yield json.dumps([_document(entry) for entry in ledger.entries()], indent=1, ensure_ascii=False)
        return
    for entry in ledger.entries():
        yield f"{entry.sequence:>5}  {entry.digest[:12]}  {entry.kind.value:<15} {_line(entry)}"


def verify(start: Path, url: str | None, head: str | None) -> tuple[dict[str, Any], str]:
    """Verify the whole chain; ``head`` is a digest that must be one of its entries."""
    ledger = open_ledger(url, project_root(start))
    newest = ledger.verify()
    if head is not None and not any(entry.digest == head for entry in ledger.entries()):
        raise LedgerError(
            f"the ledger verifies up to entry {newest.sequence}, but the head {head[:12]}… noted elsewhere is "
            "not in it: its end was cut off, or it is another ledger. Restore it from a backup."
        )
    document = {
        "ledger_id": ledger.id,
        "entries": newest.sequence + 1,
        "head": newest.digest,
        "is_sound": True,
    }
    text = f"ledger {ledger.id}: {newest.sequence + 1} entries verify\nhead {newest.digest}"
    return document, text


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "digest": entry.digest,
        "previous": entry.previous,
        "kind": entry.kind.value,
        "payload": parse(entry.payload),
    }


def _line(entry: Entry) -> str:
    payload = parse(entry.payload)
    if entry.kind is EntryKind.JUDGEMENT:
        run = payload["run"]
        place = f"{run['rollout']}:{run['stage']}"
        return f"{place} {payload['verdict'].upper()} (attempt {run['attempt']}) {payload['judged_at']}"
    if entry.kind is EntryKind.RUN_STARTED:
        return f"{payload['rollout']}:{payload['stage']} attempt {payload['attempt']} {payload['started_at']}"
    if entry.kind is EntryKind.TICK:
        what = "ticked" if payload["ticked"] else "took back"
        place = f"{payload['rollout']}:{payload['stage']}"
        return f"{place} {payload['person']} {what} {payload['number']} ({payload['text']})"
    if entry.kind in {EntryKind.PROMOTION, EntryKind.ROLLBACK}:
        to = payload["to"] or "complete"
        return f"{payload['rollout']}: {payload['stage']} -> {to}, {payload['person']} {payload['at']}"
    return ""
