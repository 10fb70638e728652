"""What the ledger says about one rollout, folded from its entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from operator import itemgetter
from typing import Any

from pytest_rollout.core.checklist import Tick
from pytest_rollout.core.drilled import Drill
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.judgement import SCHEMA, Run
from pytest_rollout.core.moves import Move, Position, Promotion, Rollback, position
from pytest_rollout.core.outcome import Kind, Verdict
from pytest_rollout.core.override import Override
from pytest_rollout.core.records import Record, Recorded, T
from pytest_rollout.core.rollout import Stage
from pytest_rollout.core.signoff import Signoff
from pytest_rollout.core.subject import Subject
from pytest_rollout.core.watch_record import WatchRecord

_VALUE = re.compile(r"-?[0-9]{1,1000}(/[0-9]{1,1000})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One finding that stood in the way, as far as a sentence or an override needs it; all as it was recorded."""

    title: str
    outcome: str
    item: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementRecord:
    """A recorded judgement without its bulk.

    ``digest`` is the SHA-256 of the payload, ``sequence`` its ledger entry. ``verdict`` is the
    text as recorded: only the exact words of ``Verdict`` mean anything. ``blocking`` are the
    required findings that did not pass, gravest first; ``required`` counts the required ones.
    """

    sequence: int
    digest: str
    verdict: str
    rollout: str
    stage: str
    run: Run
    subject: Subject
    judged_at: datetime
    blocking: tuple[Reason, ...]
    required: int
    evidence_digest: str = ""


_Beside = Tick | Promotion | Rollback | Signoff | Override | WatchRecord | Drill
Value = Run | JudgementRecord | _Beside | None


def read(kind: EntryKind, document: Mapping[str, Any], *, sequence: int, digest: str = "") -> Value:
    """The value an entry's document holds; None for kinds that say nothing about a rollout.

    Raises ``LedgerError`` when the document is not of this version's shape.
    """
    record = Record(document, f"ledger entry {sequence}")
    if kind is EntryKind.RUN_STARTED:
        return _run(record)
    if kind is EntryKind.JUDGEMENT:
        return _judgement(record, sequence=sequence, digest=digest)
    reader = _READERS.get(kind)
    return None if reader is None else reader(record)


_READERS: Mapping[EntryKind, Callable[[Record], _Beside]] = {
    EntryKind.TICK: Tick.read,
    EntryKind.PROMOTION: Promotion.read,
    EntryKind.ROLLBACK: Rollback.read,
    EntryKind.SIGNOFF: Signoff.read,
    EntryKind.WATCH: WatchRecord.read,
    EntryKind.DRILL: Drill.read,
    EntryKind.OVERRIDE: Override.read,
}


def _run(record: Record) -> Run:
    return Run(
        id=record.text("id"),
        rollout=record.text("rollout"),
        stage=record.text("stage"),
        entry=record.number("entry"),
        attempt=record.number("attempt"),
        started_at=record.moment("started_at"),
        network=record.text("network"),
        rehearsal=record.truth("rehearsal"),
        ledger_id=record.text("ledger_id"),
        arguments=record.texts("arguments"),
    )


def _judgement(record: Record, *, sequence: int, digest: str) -> JudgementRecord:
    if (schema := record.text("schema")) != SCHEMA:
        raise LedgerError(
            f"{record.where}: schema '{schema[:80]}' is not the one this version reads ({SCHEMA}). "
            "Upgrade pytest-rollout."
        )
    record.texts("manifest")
    findings = record.tables("findings")
    required = sum(each.truth("required") for each in findings)
    blocking = tuple(
        Reason(title=each.text("title"), outcome=each.text("outcome"), item=each.text("item"), kind=each.text("kind"))
        for each in findings
        if each.text("outcome") != "pass" and each.truth("required")
    )
    return JudgementRecord(
        sequence=sequence,
        digest=digest,
        verdict=record.text("verdict"),
        rollout=record.table("rollout").text("name"),
        stage=record.table("stage").text("name"),
        run=_run(record.table("run")),
        subject=Subject.read(record.table("subject")),
        judged_at=record.moment("judged_at"),
        blocking=blocking,
        required=required,
        evidence_digest=record.text("evidence_digest"),
    )


KIND_OF: Mapping[EntryKind, Mapping[str, type[str | int]]] = {
    EntryKind.TICK: {"rollout": str, "stage": str, "entry": int, "number": int, "text": str},
    EntryKind.WATCH: {"rollout": str, "stage": str, "entry": int, "verdict": str},
}
"""The fields, with their types, by which two entries are of one kind, so that the newer one stands for both."""

Newest = dict[tuple[Any, ...], tuple[int, Mapping[str, Any]]]
"""By what they are about: the sequence and the document of the newest entry."""


@dataclass(slots=True, kw_only=True)
class History:
    """Everything recorded about one rollout, oldest first.

    Feed it entries in order with ``take``. Of each stage's newest judgement the ids that must run
    are kept and the findings that did not pass, of the others less, so a long history with large gates
    stays small. Of ticks and of what watches recorded the newest of a kind decides: of a million, those alone are
    read to the end, and the others need not be handed in. ``head`` is the newest entry of the whole ledger: hand its
    digest to ``append`` so that nothing came in between.
    ``created`` is when the ledger was made.
    ``passed`` are the newest values of criteria, by title, of judgements that said promote; ``nodes``
    what the newest judgement that read a node, by its name, read of its run.
    """

    rollout: str
    ledger_id: str
    head: Entry | None = None
    runs: list[Recorded[Run]] = field(default_factory=list)
    judgements: list[JudgementRecord] = field(default_factory=list)
    signoffs: list[Recorded[Signoff]] = field(default_factory=list)
    overrides: list[Recorded[Override]] = field(default_factory=list)
    drills: dict[str, Drill] = field(default_factory=dict)
    moves: list[Recorded[Move]] = field(default_factory=list)
    manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unmet: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    passed: dict[str, tuple[Fraction, JudgementRecord]] = field(default_factory=dict)
    nodes: dict[str, tuple[Mapping[str, str], JudgementRecord]] = field(default_factory=dict)
    created: datetime | None = None
    _started: dict[str, int] = field(default_factory=dict)
    _newest: dict[str, JudgementRecord] = field(default_factory=dict)
    _ticks: Newest = field(default_factory=dict)
    _watches: Newest = field(default_factory=dict)
    _alarms: Newest = field(default_factory=dict)

    def take(self, entry: Entry, document: Mapping[str, Any], *, digest: str) -> None:
        """Fold one entry in: its parsed payload, and, of a judgement, the SHA-256 of its payload in hex."""
        self.head = entry
        if entry.kind in KIND_OF and self._is_noted(entry, document):
            return
        if entry.kind is EntryKind.LEDGER_CREATED:
            about = Record(document, f"ledger entry {entry.sequence}")
            self.created = about.moment("created_at") if "created_at" in document else None
        value = read(entry.kind, document, sequence=entry.sequence, digest=digest)
        if isinstance(value, JudgementRecord):
            self._judged(value, document)
        elif value is None or value.rollout != self.rollout:
            return
        elif isinstance(value, Drill):
            self.drills[value.stage] = value
        elif not isinstance(value, Tick | WatchRecord):
            self._append(entry.sequence, value)

    def _append(self, sequence: int, value: Run | Signoff | Override | Move) -> None:
        """Note what is kept in the order it was recorded."""
        if isinstance(value, Run):
            self.runs.append(Recorded(sequence=sequence, value=value))
            self._started[value.id] = sequence
        elif isinstance(value, Signoff):
            self.signoffs.append(Recorded(sequence=sequence, value=value))
        elif isinstance(value, Override):
            self.overrides.append(Recorded(sequence=sequence, value=value))
        else:
            self.moves.append(Recorded(sequence=sequence, value=value))

    def _is_noted(self, entry: Entry, document: Mapping[str, Any]) -> bool:
        """Whether a tick or a look of a watch took the place of an older one of its kind, to be read when it decides.

        What lacks one of its fields, or has one of another type, is not: reading it says what is wrong.
        """
        fields = KIND_OF[entry.kind]
        given = tuple(map(document.get, fields))
        if list(map(type, given)) != list(fields.values()):
            return False
        rollout, stage, visit, *rest = given
        noted = entry.sequence, document
        if rollout != self.rollout:
            return True
        if entry.kind is EntryKind.TICK:
            self._ticks[(stage, visit, *rest)] = noted
            return True
        self._watches[(stage,)] = noted
        if rest == [Verdict.ROLLBACK.value]:
            self._alarms[(stage, visit)] = noted
        return True

    def _judged(self, value: JudgementRecord, document: Mapping[str, Any]) -> None:
        if self.rollout not in {value.rollout, value.run.rollout}:
            return
        self.judgements.append(value)
        self._pass(value, document)
        self._nodes(value, document)
        newest = self._newest.get(value.stage)
        if newest is not None and self._began(value) < self._began(newest):
            return  # an older run that ended later decides nothing
        self._newest[value.stage] = value
        self.manifests[value.stage] = tuple(document["manifest"])
        self.unmet[value.stage] = tuple(
            each for each in document["findings"] if each["outcome"] != "pass" and each["required"]
        )

    def _began(self, judgement: JudgementRecord) -> int:
        """The entry by which its run was started."""
        return self._started.get(judgement.run.id, 0)

    def _pass(self, record: JudgementRecord, document: Mapping[str, Any]) -> None:
        """Note the values of criteria that passed where all passed: the baselines of what follows."""
        if record.verdict != Verdict.PROMOTE.value or record.blocking or record.run.rehearsal:
            return
        for finding in document["findings"]:
            if finding["kind"] != Kind.CRITERION.value or finding["outcome"] != "pass":
                continue
            value = finding.get("facts", {}).get("value", "")
            if _VALUE.fullmatch(value):
                self.passed[finding["title"]] = (Fraction(value), record)

    def _nodes(self, record: JudgementRecord, document: Mapping[str, Any]) -> None:
        kind = Kind.NODE.value
        for finding in document["findings"]:
            if finding["kind"] == kind and "run" in (facts := finding.get("facts", {})):
                self.nodes[finding["item"].rpartition("::")[2].rpartition(".")[0]] = (facts, record)

    @property
    def ticks(self) -> list[Recorded[Tick]]:
        """The newest tick of each stage, visit, number and text, oldest first."""
        noted = sorted(self._ticks.values(), key=itemgetter(0))
        return [_recorded(each, Tick.read) for each in noted]

    @property
    def entry(self) -> int:
        """The visit every new run carries: the sequence of the newest move, 0 before the first."""
        return self.moves[-1].sequence if self.moves else 0

    def entered(self, began: datetime | None) -> datetime | None:
        """When the current visit to a stage began: with the newest move, and before the first with the rollout itself.

        A rollout that was under way before its ledger ``began`` when its plan says; else with its ledger.
        """
        if self.moves:
            return self.moves[-1].value.at
        return self.created if began is None else began

    @property
    def overridden(self) -> tuple[Recorded[Promotion], ...]:
        """Every promotion that rests on an override, oldest first: it is told for ever (rule 36)."""
        promotions = ((each.sequence, each.value) for each in self.moves if isinstance(each.value, Promotion))
        return tuple(Recorded(sequence=number, value=move) for number, move in promotions if move.overrides)

    def position(self, stages: Sequence[Stage]) -> Position:
        """Where the rollout stands; see ``moves.position``."""
        return position(stages, self.moves)

    def attempts(self, stage: str) -> int:
        """How often the gate of ``stage`` was started in this visit, finished or not."""
        return sum(each.value.stage == stage and each.value.entry == self.entry for each in self.runs)

    def newest_run(self, stage: str) -> Recorded[Run] | None:
        """The newest started run of ``stage``, of whatever visit; None before the first."""
        return next((each for each in reversed(self.runs) if each.value.stage == stage), None)

    def judgements_of(self, run: str) -> list[JudgementRecord]:
        """What was recorded for one run: one judgement, or none if it crashed or still runs."""
        return [each for each in self.judgements if each.run.id == run]

    def newest_judgement(self, stage: str) -> JudgementRecord | None:
        """The judgement of the newest run of ``stage`` that was judged, of whatever visit; None before the first."""
        return self._newest.get(stage)

    @property
    def late(self) -> JudgementRecord | None:
        """The newest judgement since the newest promotion of a visit before it, of a run that was under way then.

        None where there is none, or where it says promote; a rehearsal is none.
        """
        if not self.moves or not isinstance(self.moves[-1].value, Promotion):
            return None
        since = [each for each in self.judgements if each.sequence > self.entry and each.run.entry != self.entry]
        of_stage = [each for each in since if not each.run.rehearsal]
        late = of_stage[-1] if of_stage else None
        return None if late is None or late.verdict == Verdict.PROMOTE.value else late

    def newest_watch(self, stage: str) -> WatchRecord | None:
        """The newest recorded look of a watch over ``stage``, of whatever visit; None before the first."""
        noted = self._watches.get((stage,))
        return None if noted is None else _recorded(noted, WatchRecord.read).value

    def alarm_after(self, sequence: int, stage: str) -> Recorded[WatchRecord] | None:
        """The newest rollback verdict of a watch over this visit to ``stage`` recorded after ``sequence``."""
        noted = self._alarms.get((stage, self.entry))
        return None if noted is None or noted[0] <= sequence else _recorded(noted, WatchRecord.read)

    def newest_after(self, sequence: int) -> datetime | None:
        """The latest time that anything recorded after an entry gives for itself; None where nothing was."""
        watches = [_recorded(each, WatchRecord.read) for each in self._watches.values() if each[0] > sequence]
        told: list[Recorded[Any]] = [*self.signoffs, *self.overrides, *self.moves, *self.ticks, *watches]
        times: list[datetime] = [each.value.at for each in told if each.sequence > sequence]
        times += [each.value.started_at for each in self.runs if each.sequence > sequence]
        return max(times, default=None)

    def open_findings(self, stage: str) -> tuple[Mapping[str, Any], ...]:
        """The required findings of the newest judgement of ``stage`` that did not pass, as they were recorded."""
        return self.unmet.get(stage, ())

    def baseline(self, stage: str) -> tuple[str, ...]:
        """The ids the newest judgement of ``stage`` says must run, across visits (rule 31)."""
        return self.manifests.get(stage, ())

    def consumed_by(self, judgement: str) -> int | None:
        """The sequence of the move that rests on this judgement's digest, or None."""
        return next((m.sequence for m in self.moves if _rests_on(m.value, judgement)), None)


def _recorded(noted: tuple[int, Mapping[str, Any]], reader: Callable[[Record], T]) -> Recorded[T]:
    sequence, document = noted
    return Recorded(sequence=sequence, value=reader(Record(document, f"ledger entry {sequence}")))


def _rests_on(move: Move, judgement: str) -> bool:
    return isinstance(move, Promotion) and move.judgement == judgement
