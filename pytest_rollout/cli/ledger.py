"""Reading the record for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_rollout.core.entries import Entry, EntryKind, Row
from pytest_rollout.core.errors import LedgerError, UsageError
from pytest_rollout.core.signoff import moment_of
from pytest_rollout.ledger.canonical import parse
from pytest_rollout.ledger.export import ExportedLedger, lines
from pytest_rollout.ledger.opening import open_ledger
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.plan import project_root
from pytest_rollout.reporting.folder import PART, Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What ``rollout ledger verify`` is asked for."""

    head: str | None = None
    export: Path | None = None
    judge: bool = False
    anchors: str | None = None
    contract: str | None = None
    account: str | None = None


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


def verify(start: Path, url: str | None, wanted: Wanted) -> tuple[dict[str, Any], str]:
    """Verify the whole chain, then what else is wanted of it; raises ``LedgerError`` with the first thing wrong."""
    ledger: Ledger = open_ledger(url, project_root(start)) if wanted.export is None else ExportedLedger(wanted.export)
    noted: list[int] = []

    def note(row: Row) -> None:
        if row[-1] == wanted.head:
            noted.append(row[1])

    newest = ledger.verify() if wanted.head is None else ledger.verify((b"", note))
    if wanted.head is not None and not noted:
        raise LedgerError(
            f"the ledger verifies up to entry {newest.sequence}, but the head {wanted.head[:12]}… noted elsewhere is "
            "not in it: its end was cut off, or it is another ledger. Restore it from a backup."
        )
    document: dict[str, Any] = {
        "ledger_id": ledger.id,
        "entries": newest.sequence + 1,
        "head": newest.digest,
        "is_sound": True,
    }
    text = f"ledger {ledger.id}: {newest.sequence + 1} entries verify\nhead {newest.digest}"
    if wanted.judge:
        from pytest_rollout.operations.judging_again import judge_again  # noqa: PLC0415 - the judge

        again = judge_again(ledger)
        document |= {"judged_again": again.same, "without_plan": again.without}
        document |= {"promoted_by_override": again.overridden, "unconfirmed": again.unconfirmed}
        more = f", {again.without} enclose no plan and were passed over" if again.without else ""
        text += f"\n{again.same} judgements judged again: the same{more}"
        text += f"\n{again.overridden} promotions by override, their signatures hold" if again.overridden else ""
        if again.unconfirmed:
            text += f"\nnot confirmed here, by contract wallets or secret addresses: {', '.join(again.unconfirmed)}"
    if wanted.anchors is not None:
        found = _anchors(start, url, wanted, ledger)
        last = max(found, key=lambda each: each.sequence)
        document |= {"anchors": len(found), "anchored": last.sequence}
        text += f"\n{len(found)} anchors on {wanted.anchors} hold, the newest is entry {last.sequence}"
    return document, text


def export(start: Path, url: str | None, file: Path) -> tuple[dict[str, Any], str]:
    """Write the export whole, or not at all."""
    from pytest_rollout.operations.workspace import keep_off_gates  # noqa: PLC0415 - for this alone

    root = project_root(start)
    keep_off_gates(root, "export", file)
    ledger = open_ledger(url, root)
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file.name}: is there already and is not overwritten.")
    with Folder.open(file.absolute().parent) as folder:
        pending = f".{file.name}{PART}"
        folder.remove(pending)
        digest, size = folder.write(pending, lines(ledger))
        folder.swap(pending, file.name)
    head = ExportedLedger(file).verify()
    document = {
        "ledger_id": ledger.id,
        "entries": head.sequence + 1,
        "head": head.digest,
        "file": str(file),
        "size": size,
        "sha256": digest,
    }
    return document, f"ledger {ledger.id}: {head.sequence + 1} entries in {file.name}, {size} bytes\nhead {head.digest}"


def import_(start: Path, url: str | None, file: Path) -> tuple[dict[str, Any], str]:
    """Take an export over."""
    from pytest_rollout.ledger.restoring import restore  # noqa: PLC0415 - for this alone

    exported = ExportedLedger(file)
    before, now = restore(exported, url, project_root(start))
    document = {"ledger_id": exported.id, "entries": now, "taken_over": now - before}
    return document, f"ledger {exported.id}: {now - before} entries taken over, {now} now"


def _anchors(start: Path, url: str | None, wanted: Wanted, ledger: Ledger) -> list[Any]:
    from pytest_rollout.operations import Workspace, anchoring  # noqa: PLC0415 - for those who anchor

    if wanted.contract is None or wanted.account is None or wanted.anchors is None:
        raise UsageError("--anchors: --contract and --account say where and whose, as `rollout ledger anchor` printed.")
    declared = anchoring.declared_network(Workspace.at(start, url), wanted.anchors)
    return list(anchoring.check_anchors(ledger, declared, contract=wanted.contract, account=wanted.account))


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
    if entry.kind is EntryKind.DRILL:
        tried = [each["came"] for each in payload["tried"]]
        place = f"{payload['rollout']}:{payload['stage']}"
        return (
            f"{place} {payload['person']} drilled it, {tried.count('noticed')} of {len(tried)} noticed {payload['at']}"
        )
    if entry.kind is EntryKind.OVERRIDE:
        return _override(payload)
    return _move(payload) if entry.kind in {EntryKind.PROMOTION, EntryKind.ROLLBACK} else ""


def _override(payload: Mapping[str, Any]) -> str:
    what = "took back an override" if payload["revoked"] else "signed an override"
    until = moment_of(payload["expires"]).isoformat()
    place = f"{payload['rollout']}:{payload['stage']}"
    return (
        f"{place} {payload['person']} ({payload['role']}) {what} of {len(payload['items'])} findings until {until}: "
        f"{payload['reason']}"
    )


def _move(payload: Mapping[str, Any]) -> str:
    to = payload["to"] or "complete"
    how = " by override" if payload.get("overrides") else ""
    return f"{payload['rollout']}: {payload['stage']} -> {to}{how}, {payload['person']} {payload['at']}"
