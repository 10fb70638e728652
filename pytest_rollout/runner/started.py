"""A run that was written ahead: what is pinned and made durable before any line of project code runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.history import History, read
from pytest_rollout.core.judgement import Run
from pytest_rollout.core.manifest import Manifest
from pytest_rollout.core.moves import Promotion, Rollback
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.ledger.canonical import encode, parse
from pytest_rollout.ledger.journal import read_history
from pytest_rollout.ledger.opening import shown_url
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.runner import pinning, tree
from pytest_rollout.runner.arguments import Request
from pytest_rollout.runner.channel import Briefing
from pytest_rollout.runner.gate import Gate

Clock = Callable[[], datetime]

_OVERTAKING = frozenset({EntryKind.RUN_STARTED, EntryKind.PROMOTION, EntryKind.ROLLBACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One run of a gate that the ledger knows of: what was pinned, and the entry that says so."""

    gate: Gate
    run: Run
    manifest: Manifest
    briefing: Briefing
    history: History
    stamps: Mapping[str, tuple[int, ...]]
    commit: str
    entry: Entry

    @classmethod
    def write_ahead(cls, gate: Gate, network: str | None, ledger: Ledger, clock: Clock) -> Started:
        """Pin the gate and make "run started" durable, before any line of project code runs."""
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
            arguments=tuple(Redactor(rollout.secrets).text(each) for each in _shown(gate.request)),
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
            fault=gate.fault,
        )
        stamps = tree.stamps(manifest.files, root)
        return cls(
            gate=gate,
            run=run,
            manifest=manifest,
            briefing=briefing,
            history=history,
            stamps=stamps,
            commit=tree.commit_of(root),
            entry=entry,
        )

    def is_recorded_in(self, ledger: Ledger) -> bool:
        """Whether the ledger still holds the start of this run, where it was written."""
        return next((each.digest for each in ledger.entries(self.entry.sequence)), "") == self.entry.digest

    def overtaken(self, ledger: Ledger) -> str:
        """Why this run decides nothing any more, in one sentence; empty if it still does.

        Another run of the gate was started while this one was under way, or the stage was left.
        """
        place, why = f"{self.run.rollout}:{self.run.stage}", ""
        for entry in ledger.entries(self.entry.sequence + 1):
            if entry.kind not in _OVERTAKING:
                continue
            value = read(entry.kind, parse(entry.payload), sequence=entry.sequence)
            if isinstance(value, Promotion | Rollback) and value.rollout == self.run.rollout:
                return (
                    f"{place} was left, by ledger entry {entry.sequence}, while this run was under way; what it found "
                    f"is of an earlier visit and undoes no move. See `rollout status {self.run.rollout}`."
                )
            if isinstance(value, Run) and (value.rollout, value.stage) == (self.run.rollout, self.run.stage):
                why = (
                    f"{place}: a newer run ({value.id}, ledger entry {entry.sequence}) was started while this one was "
                    "under way, and the newest decides."
                )
        return why


def _shown(request: Request) -> Iterator[str]:
    """The command line as it may be kept: an address of a ledger without user and password."""
    for each in request.original:
        yield each if request.ledger is None else each.replace(request.ledger, shown_url(request.ledger))


def _baseline(history: History, gate: Gate) -> tuple[str, ...]:
    """What is owed because it was owed last time; a rehearsal has a network of its own, which passes with it."""
    stage, network = gate.stage, gate.network
    ids, last = history.baseline(stage.name), history.newest_judgement(stage.name)
    if network == stage.network and (last is None or not last.run.rehearsal):
        return ids
    prefix = f"{pinning.plan_prefix(gate.rollout, gate.root)}::{stage.name}::{Kind.NETWORK.value}::"
    return tuple(each for each in ids if not each.startswith(prefix) or each == f"{prefix}{network}")
