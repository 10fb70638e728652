"""Ticking what a person has seen to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pytest_rollout.core.checklist import Tick
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import Refused, RolloutError, UsageError, listed
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import ChecklistEntry, Rollout, Stage
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.workspace import Workspace

LARGEST_EVIDENCE = 50 * 1024 * 1024


def tick(
    workspace: Workspace,
    place: str,
    number: int,
    *,
    person: str,
    now: datetime,
    note: str = "",
    evidence: Path | None = None,
    undo: bool = False,
) -> Tick:
    """Tick a checklist entry of the current stage, or take the tick back; recorded, never erased."""
    rollout, stage = workspace.gate(place)
    entry = _entry(rollout, stage, number)
    ledger = workspace.open()
    history = history_of(ledger, rollout)
    current = history.position(rollout.stages).stage
    if current != stage.name:
        where = f"stands at '{current}'" if current else "is complete"
        raise Refused(f"{rollout.name}:{stage.name}: {rollout.name} {where}; only its current stage is ticked.")
    if entry.evidence and evidence is None and not undo:
        raise Refused(
            f"{rollout.name}:{stage.name}: checklist {number} asks for an evidence file; "
            f"run `rollout check {rollout.name}:{stage.name} {number} --evidence FILE`."
        )
    redactor = Redactor(rollout.secrets)
    content = None if evidence is None else _read(evidence, redactor)
    digest = "" if content is None else hashlib.sha256(content).hexdigest()
    clean = redactor.text
    made = Tick(
        rollout=rollout.name,
        stage=stage.name,
        entry=history.entry,
        number=number,
        text=entry.text,
        person=clean(person),
        at=now,
        note=clean(note),
        evidence_digest=digest,
        evidence_name="" if evidence is None else _shown(evidence, redactor),
        ticked=not undo,
    )
    attachments = {} if content is None else {digest: content}
    append(ledger, EntryKind.TICK, made.document(), history, attachments)
    return made


def _entry(rollout: Rollout, stage: Stage, number: int) -> ChecklistEntry:
    for entry in stage.checklist:
        if entry.number == number:
            return entry
    texts: Sequence[str] = [f"{entry.number} ({entry.text})" for entry in stage.checklist]
    raise UsageError(f"{rollout.name}:{stage.name}: no checklist entry {number}; it has {listed(texts)}.")


def _read(path: Path, redactor: Redactor) -> bytes:
    name = _shown(path, redactor)
    try:
        if path.exists() and not path.is_file():
            raise RolloutError(f"--evidence {name}: is no file; give one file, an archive for several.")
        if path.stat().st_size > LARGEST_EVIDENCE:
            raise RolloutError(
                f"--evidence {name}: larger than {LARGEST_EVIDENCE // 1024**2} MiB; attach a summary and its digest."
            )
        content = path.read_bytes()
    except OSError as error:
        raise RolloutError(f"--evidence {name}: cannot be read ({error.strerror}).") from None
    if not redactor.is_clean(content):
        raise Refused(f"--evidence {name}: holds a secret of the plan, which the ledger could never forget; remove it.")
    return content


def _shown(path: Path, redactor: Redactor) -> str:
    """A file's name in writing: without secrets, and without bytes that are no text."""
    return redactor.text(path.name).encode("utf-8", "backslashreplace").decode()
