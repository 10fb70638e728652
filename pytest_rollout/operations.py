"""What one can do with a rollout besides judging it: look, tick, promote, roll back, verify.

Each operation takes values and a clock, looks at the ledger and the world anew, and returns what
it did; the command line prints it. Judging a gate is ``runner``'s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.checklist import Tick, valid_ticks
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import LedgerError, Refused, RolloutError, UsageError, listed, suggestion
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.judging import judge
from pytest_rollout.core.moves import COMPLETE, Promotion, Rollback
from pytest_rollout.core.promotion import may_promote, may_roll_back
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import ChecklistEntry, Rollout, Stage
from pytest_rollout.plan import check_together, discover, load, of_rollout, project_root
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.pinning import measure_subject
from pytest_rollout.runner.record import unpack

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger

LARGEST_EVIDENCE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A project: its root, its rollouts, and where its ledger is."""

    root: Path
    rollouts: tuple[Rollout, ...]
    ledger_url: str | None = None

    @classmethod
    def at(
        cls,
        start: Path,
        ledger_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        place: str | None = None,
    ) -> Workspace:
        """The project around ``start``, every plan in it read; with ``ROLLOUT:STAGE``, only that one."""
        root = project_root(start)
        given = os.environ if environment is None else environment
        plans = discover(root)
        name, colon, _ = (place or "").rpartition(":")
        chosen = of_rollout(plans, name) if colon else plans
        rollouts = [load(path, environment=given, root=root) for path in chosen]
        if not rollouts:
            raise UsageError("no rollout.toml in this project; create one with `rollout init`.")
        check_together(rollouts, root=root)
        return cls(root=root, rollouts=tuple(rollouts), ledger_url=ledger_url)

    def rollout(self, name: str) -> Rollout:
        """The rollout of that name."""
        for rollout in self.rollouts:
            if rollout.name == name:
                return rollout
        names = [each.name for each in self.rollouts]
        raise UsageError(f"no rollout '{name}'; this project has {listed(names)}.{suggestion(name, names)}")

    def gate(self, place: str) -> tuple[Rollout, Stage]:
        """The one gate that ``STAGE`` or ``ROLLOUT:STAGE`` names, as the record may see it: without secrets."""
        name, colon, stage = place.rpartition(":")
        candidates = [kept_plan(each) for each in ([self.rollout(name)] if colon else self.rollouts)]
        found = [(r, s) for r in candidates for s in r.stages if s.name == stage]
        if len(found) == 1:
            return found[0]
        if not found:
            names = [s.name for r in candidates for s in r.stages]
            raise UsageError(f"no stage '{stage}'; there are {listed(dict.fromkeys(names))}.{suggestion(stage, names)}")
        raise UsageError(
            f"'{stage}' is a stage of {len(found)} rollouts; name one of "
            f"{listed(f'{r.name}:{s.name}' for r, s in found)}."
        )

    def open(self) -> Ledger:
        """The project's ledger, which must exist."""
        from pytest_rollout.ledger.opening import open_ledger  # noqa: PLC0415 - for those who need it

        return open_ledger(self.ledger_url, self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a rollout stands and what is owed for its next step. ``stage`` is None when complete."""

    rollout: Rollout
    stage: Stage | None
    attempts: int
    judgement: JudgementRecord | None
    findings: tuple[Mapping[str, object], ...]
    unticked: tuple[ChecklistEntry, ...]
    obstacle: str

    @property
    def following(self) -> str:
        """The next command to type."""
        if self.stage is None:
            return ""
        place = f"{self.rollout.name}:{self.stage.name}"
        if not self.obstacle:
            return f"rollout promote {place}"
        if self.judgement is not None and self.judgement.verdict == "rollback":
            return f"rollout rollback {place}"
        required = [entry for entry in self.unticked if entry.required]
        return f"rollout check {place} {required[0].number}" if required else f"pytest --stage={place}"


def standing(workspace: Workspace, rollout: Rollout, now: datetime) -> Standing:
    """Where ``rollout`` stands now, by the record."""
    rollout = kept_plan(rollout)
    ledger = workspace.open()
    history = _history(ledger, rollout)
    position = history.position(rollout.stages)
    if position.stage is None:
        return Standing(rollout=rollout, stage=None, attempts=0, judgement=None, findings=(), unticked=(), obstacle="")
    stage = rollout.stage(position.stage)
    ticks = valid_ticks(history, rollout, stage.name, history.entry)
    judgement = history.newest_judgement(stage.name)
    is_current = judgement is not None and judgement.run.entry == history.entry
    document = (history.document(stage.name) or {}) if is_current else {}
    return Standing(
        rollout=rollout,
        stage=stage,
        attempts=history.attempts(stage.name),
        judgement=judgement if is_current else None,
        findings=tuple(f for f in document.get("findings", ()) if f["required"] and f["outcome"] != "pass"),
        unticked=tuple(entry for entry in stage.checklist if entry.number not in ticks),
        obstacle=_obstacle(workspace, rollout, stage, history, ledger, now),
    )


def _obstacle(
    workspace: Workspace, rollout: Rollout, stage: Stage, history: History, ledger: Ledger, now: datetime
) -> str:
    try:
        subject = measure_subject(rollout, stage, workspace.root, stage.network)
        may_promote(rollout=rollout, stage=stage.name, history=history, subject=subject, now=now, ledger_id=ledger.id)
    except Refused as refusal:
        return str(refusal)
    return ""


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
    history = _history(ledger, rollout)
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
    _append(ledger, EntryKind.TICK, made.document(), history, attachments)
    return made


def promote(workspace: Workspace, place: str, *, person: str, now: datetime) -> tuple[Promotion, Entry]:
    """Look again, then record the move to the next stage; refuses with one sentence (rules 33, 35, 37)."""
    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    ledger.verify()
    history = _history(ledger, rollout)
    subject = measure_subject(rollout, stage, workspace.root, stage.network)
    record = may_promote(
        rollout=rollout, stage=stage.name, history=history, subject=subject, now=now, ledger_id=ledger.id
    )
    _judge_again(ledger, rollout, record)
    _still_ticked(rollout, stage, history)
    following = rollout.after(stage.name)
    move = Promotion(
        rollout=rollout.name,
        stage=stage.name,
        to=COMPLETE if following is None else following.name,
        entry=history.entry,
        judgement=record.digest,
        judgement_sequence=record.sequence,
        run=record.run.id,
        attempts=history.attempts(stage.name),
        person=Redactor(rollout.secrets).text(person),
        at=now,
    )
    return move, _append(ledger, EntryKind.PROMOTION, move.document(), history, {})


def roll_back(
    workspace: Workspace, place: str, *, person: str, reason: str, now: datetime, to: str | None = None
) -> tuple[Rollback, Entry]:
    """Record the move to an earlier stage, by default the one before."""
    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    ledger.verify()
    history = _history(ledger, rollout)
    target = may_roll_back(
        rollout=rollout, stage=stage.name, history=history, reason=reason, ledger_id=ledger.id, to=to
    )
    clean = Redactor(rollout.secrets).text
    move = Rollback(
        rollout=rollout.name,
        stage=stage.name,
        to=target,
        entry=history.entry,
        person=clean(person),
        reason=clean(reason),
        at=now,
    )
    return move, _append(ledger, EntryKind.ROLLBACK, move.document(), history, {})


def _judge_again(ledger: Ledger, rollout: Rollout, record: JudgementRecord) -> None:
    """The recorded evidence must give the recorded judgement, byte for byte (rule 5)."""
    from pytest_rollout.ledger.canonical import parse, seal  # noqa: PLC0415 - rfc8785, as above

    entry = next(ledger.entries(record.sequence))
    digest = parse(entry.payload)["evidence_digest"]
    sealed = seal(judge(unpack(ledger.attachment(digest), rollout, digest)))
    if sealed.payload != entry.payload:
        raise Refused(
            f"{record.rollout}:{record.stage}: judging the recorded evidence again gives another judgement "
            f"({sealed.judgement.verdict.value}, digest {sealed.digest[:12]}, recorded {record.digest[:12]}); "
            f"pytest-rollout itself may have changed. Run `pytest --stage={record.rollout}:{record.stage}` again."
        )


def _still_ticked(rollout: Rollout, stage: Stage, history: History) -> None:
    ticks = valid_ticks(history, rollout, stage.name, history.entry)
    for entry in stage.checklist:
        if entry.required and entry.number not in ticks:
            raise Refused(
                f"{rollout.name}:{stage.name}: checklist {entry.number} ('{entry.text}') is no longer ticked; "
                f"run `rollout check {rollout.name}:{stage.name} {entry.number}`, then judge again."
            )


def _history(ledger: Ledger, rollout: Rollout) -> History:
    from pytest_rollout.ledger.journal import read_history  # noqa: PLC0415 - as above

    return read_history(ledger, rollout.name)


def _append(
    ledger: Ledger,
    kind: EntryKind,
    document: dict[str, object],
    history: History,
    attachments: Mapping[str, bytes],
) -> Entry:
    from pytest_rollout.ledger.canonical import encode  # noqa: PLC0415 - as above

    if history.head is None:
        raise LedgerError("the ledger has no entries; create one with `rollout init`.")
    return ledger.append(kind, encode(document), expected_head=history.head.digest, attachments=attachments)


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
