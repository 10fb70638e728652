"""One gate from "run started" to its exit status: pin, record, judge, write the ledger, then reports."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.chain import Witness
from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import LedgerError, ReportError, UsageError, listed, suggestion
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.judgement import Judgement, Run, Sealed
from pytest_rollout.core.judging import Ending, Narrowing, Question, judge
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Network, Rollout, Stage
from pytest_rollout.runner import pinning, tree
from pytest_rollout.runner.arguments import Request
from pytest_rollout.runner.channel import Briefing, Inbox
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.record import pack
from pytest_rollout.runner.recorder import Recorder, pytest_arguments
from pytest_rollout.runner.witnessing import Watch, facts_of

if TYPE_CHECKING:  # imported late, while the recorder starts
    from pytest_rollout.core.history import History
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.reporting import Written

Clock = Callable[[], datetime]

_LONGEST_BASE = 80
"""Systems allow 104 to 108 bytes in a socket's path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is to be judged, and how it was asked for. ``below`` are paths inside the gate."""

    rollout: Rollout
    stage: Stage
    root: Path
    request: Request
    below: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``takumi:alpha``."""
        return f"{self.rollout.name}:{self.stage.name}"

    @property
    def network(self) -> str | None:
        """The network of this run: the stage's, or the one of a rehearsal."""
        asked = self.request.network
        if asked is not None and asked not in self.rollout.networks:
            raise UsageError(
                f"--network={asked}: {self.rollout.name} has no such network; it has "
                f"{listed(self.rollout.networks)}.{suggestion(asked, self.rollout.networks)}"
            )
        return asked or self.stage.network

    @property
    def declared_network(self) -> Network | None:
        """What the plan says of the network of this run."""
        return None if self.network is None else self.rollout.networks[self.network]

    @property
    def reports(self) -> Path:
        """Where this gate's reports are written."""
        return self.root / (self.request.reports or "reports") / self.rollout.name / self.stage.name

    @property
    def narrowings(self) -> tuple[Narrowing, ...]:
        """What the command line narrows, paths included."""
        clean = Redactor(self.rollout.secrets).text
        below = (Narrowing(what=self._shown(path), why="a path selects a part of the gate") for path in self.below)
        return tuple(replace(each, what=clean(each.what)) for each in (*self.request.narrowings, *below))

    def check(self) -> None:
        """Refuse what cannot be judged: an unknown network, and output among the gate's own files."""
        _ = self.network
        for option, path in self.request.outputs(self.root):
            if tree.is_of_gate(path, self.rollout, self.stage, self.root):
                raise UsageError(
                    f"{option}: lies among the files of {self.name}, which may not change "
                    "while they are judged; choose a place below reports/ or outside of the project."
                )

    def pytest_arguments(self) -> list[str]:
        """What the recorder's pytest is called with."""
        return pytest_arguments(self.request, self.rollout, stage=self.stage.name, root=self.root, below=self.below)

    def _shown(self, path: str) -> str:
        return path.removeprefix(f"{self.root}{os.sep}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A gate's recorded judgement, how pytest itself ended, and where the reports are."""

    sealed: Sealed
    evidence: Evidence
    pytest_status: int | None
    folder: Path
    written: Written | None
    report_error: str = ""


def run_gate(
    gate: Gate, recorder: Recorder, open_ledger: Callable[[], Ledger], clock: Clock = lambda: datetime.now(UTC)
) -> Judged:
    """Judge one gate. The ledger has the judgement before any report is written."""
    folder = _private_folder()
    socket = folder / "record"
    try:
        evidence = Evidence()
        inbox = Inbox(socket, evidence.fold, Redactor(gate.rollout.secrets))
        tree.forget_bytecode(gate.rollout.folder, gate.root)
        recorder.begin(gate.pytest_arguments(), socket=socket, variables=gate.rollout.environment)
        ledger = open_ledger()
        started = _Started.write_ahead(gate, gate.network, ledger, clock)
        _clear_reports(gate)
        watch = Watch(gate.declared_network, clock)
        watch.before()
        inbox.brief(
            replace(started.briefing, pins=watch.pins, unread=watch.unread, allow_writes=gate.request.allow_writes)
        )
        ending = recorder.follow(inbox, gate.stage.deadline.total_seconds())
        bundle, refusals = inbox.close(), tuple(inbox.refusals)
        question = started.question(evidence, ending, refusals, clock)
        question = _with_witnesses(question, watch.after())
        if not started.is_recorded_in(ledger):
            raise LedgerError(
                "the ledger lost the start of this run while it ran; nothing was judged. Restore it from a backup."
            )
        bundle += pack(question)
        return _record(gate, ledger, question, bundle)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_folder() -> Path:
    """A folder for the socket, near enough to the root for its path to fit into an address."""
    try:
        base = tempfile.gettempdir()
        return Path(tempfile.mkdtemp(prefix="rollout-", dir=base if len(base) < _LONGEST_BASE else "/tmp"))  # noqa: S108
    except OSError as error:
        raise LedgerError(
            f"nothing can be recorded: no folder for temporary files takes one ({error.strerror}). "
            "Free some space, or name another folder with TMPDIR."
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    gate: Gate
    run: Run
    manifest: Manifest
    briefing: Briefing
    history: History
    stamps: Mapping[str, tuple[int, ...]]
    entry: Entry

    @classmethod
    def write_ahead(cls, gate: Gate, network: str | None, ledger: Ledger, clock: Clock) -> _Started:
        """Pin the gate and make "run started" durable, before any line of project code runs."""
        from pytest_rollout.ledger.canonical import encode  # noqa: PLC0415 - while the recorder starts
        from pytest_rollout.ledger.journal import read_history  # noqa: PLC0415 - as above

        history = read_history(ledger, gate.rollout.name)
        rollout, stage, root = gate.rollout, gate.stage, gate.root
        manifest = pinning.pin(rollout, stage, root, network=network, baseline=_baseline(history, gate))
        run = Run(
            id=secrets.token_hex(8),
            rollout=rollout.name,
            stage=stage.name,
            entry=history.entry,
            attempt=history.attempts(stage.name) + 1,
            started_at=clock(),
            network=network or "",
            rehearsal=network != stage.network,
            ledger_id=ledger.id,
            arguments=tuple(Redactor(rollout.secrets).text(each) for each in gate.request.original),
        )
        entry = ledger.append(EntryKind.RUN_STARTED, encode(run.document()))
        briefing = Briefing(
            rollout=rollout,
            stage=stage.name,
            plan=pinning.plan_prefix(rollout, root),
            network=network,
            declared=manifest.declared,
            suite=str(rollout.suite),
            functions=tuple(function.id for function in manifest.functions),
        )
        stamps = tree.stamps(manifest.files, root)
        return cls(
            gate=gate, run=run, manifest=manifest, briefing=briefing, history=history, stamps=stamps, entry=entry
        )

    def is_recorded_in(self, ledger: Ledger) -> bool:
        """Whether the ledger still holds the start of this run, where it was written."""
        return next((each.digest for each in ledger.entries(self.entry.sequence)), "") == self.entry.digest

    def question(self, evidence: Evidence, ending: Ending, refusals: tuple[str, ...], clock: Clock) -> Question:
        """Everything the judge is asked, with what the supervisor sees now."""
        gate = self.gate
        subject = pinning.measure_subject(gate.rollout, gate.stage, gate.root, self.run.network or None)
        narrowings = list(gate.narrowings)
        if subject.suite_digest != tree.digest_of(self.manifest.files):
            narrowings.append(Narrowing(what="files that changed during the run", why="the gate was not one gate"))
        elif changed := sorted(self.stamps.items() ^ tree.stamps(self.manifest.files, gate.root).items()):
            what = f"files that were touched during the run and put back, such as {changed[0][0]}"
            narrowings.append(Narrowing(what=what, why="what ran need not be what was pinned"))
        narrowings += [Narrowing(what="an event that was refused", why=why) for why in refusals]
        plan = kept_plan(gate.rollout)
        ticks = valid_ticks(self.history, plan, gate.stage.name, self.run.entry)
        return Question(
            rollout=plan,
            stage=plan.stage(gate.stage.name),
            plan=self.briefing.plan,
            evidence=evidence,
            manifest=self.manifest,
            subject=subject,
            run=self.run,
            ending=ending,
            judged_at=clock(),
            narrowings=tuple(narrowings),
            ticks={number: f"{tick.person} on {tick.at.date().isoformat()}" for number, tick in ticks.items()},
            facts=_facts(evidence),
        )


def _baseline(history: History, gate: Gate) -> tuple[str, ...]:
    """What is owed because it was owed last time; a rehearsal has a network of its own, which passes with it."""
    stage, network = gate.stage, gate.network
    ids, last = history.baseline(stage.name), history.newest_judgement(stage.name)
    if network == stage.network and (last is None or not last.run.rehearsal):
        return ids
    prefix = f"{pinning.plan_prefix(gate.rollout, gate.root)}::{stage.name}::{Kind.NETWORK.value}::"
    return tuple(each for each in ids if not each.startswith(prefix) or each == f"{prefix}{network}")


def _clear_reports(gate: Gate) -> None:
    """No earlier verdict stands while this one is made; what cannot be cleared is told when writing."""
    from pytest_rollout.reporting import clear  # noqa: PLC0415 - as above

    with suppress(ReportError):
        clear(gate.reports)


def _record(gate: Gate, ledger: Ledger, question: Question, bundle: bytes) -> Judged:
    from pytest_rollout.ledger.canonical import seal  # noqa: PLC0415 - see write_ahead
    from pytest_rollout.reporting import write  # noqa: PLC0415 - as above

    digest = hashlib.sha256(bundle).hexdigest()
    judgement: Judgement = judge(replace(question, evidence_digest=digest))
    sealed = seal(judgement)
    ledger.append(EntryKind.JUDGEMENT, sealed.payload, attachments={digest: bundle})
    folder = gate.reports
    written, error = None, ""
    try:
        written = write(
            sealed,
            question.evidence,
            question.stage,
            folder,
            formats=gate.request.formats,
            redactor=Redactor(gate.rollout.secrets),
        )
    except ReportError as trouble:
        error = str(trouble)
    return Judged(
        sealed=sealed,
        evidence=question.evidence,
        pytest_status=_pytest_status(question.evidence, question.ending),
        folder=folder,
        written=written,
        report_error=error,
    )


def _pytest_status(evidence: Evidence, ending: Ending) -> int | None:
    """Pytest's own exit status, as the process that led the run reported it."""
    for name in ("controller", "main"):
        if (process := evidence.processes.get(name)) and process.exit_status is not None:
            return process.exit_status
    return ending.status


def _with_witnesses(question: Question, witnesses: tuple[Witness, ...]) -> Question:
    """The question with what was seen of the real chain, whose own word outranks the recorder's."""
    if not witnesses:
        return question
    return replace(question, witnesses=witnesses, facts={**question.facts, **facts_of(witnesses)})


def _facts(evidence: Evidence) -> dict[str, str]:
    """Chain and tool facts for reports, as the processes reported them."""
    facts: dict[str, str] = {}
    for process in evidence.processes.values():
        facts |= {key: str(process.about[key]) for key in ("python", "pytest") if key in process.about}
    workers = sum(1 for name in evidence.processes if name.startswith("gw"))
    facts["workers"] = str(workers)
    for item, observations in evidence.observations.items():
        if "::network::" in item and observations and isinstance(value := observations[0].value, dict):
            facts |= {
                "chain id": str(value.get("chain_id")),
                "block": str(value.get("number")),
                "client": str(value.get("client")),
            }
    return facts
