"""Drilling a gate: deliberate faults, and a record of which ones it noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pytest_rollout.core.drilled import Drill
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.subject import moved
from pytest_rollout.faults.running import Asked, drill
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.pinning import measure_subject


def drilled(
    workspace: Workspace,
    place: str,
    asked: Asked,
    *,
    person: str,
    now: Callable[[], datetime],
    tell: Callable[[str], None],
) -> tuple[Drill, Entry | None]:
    """Drill the gate of ``place``; a drill with every fault and every test is recorded.

    Raises ``Refused`` if the gate's files changed meanwhile: what was drilled is not what is there.
    """
    kept, stage = workspace.gate(place)
    rollout = workspace.rollout(kept.name)
    ledger = workspace.open()
    ledger.verify()
    before = measure_subject(kept, stage, workspace.root, stage.network)
    result = drill(rollout, rollout.stage(stage.name), workspace.root, asked, tell)
    subject = measure_subject(kept, stage, workspace.root, stage.network)
    if before.commit != subject.commit or any(moved(before, subject)):
        raise Refused(f"{rollout.name}:{stage.name}: the gate changed while it was drilled; drill it again.")
    history = history_of(ledger, kept)
    made = Drill(
        rollout=rollout.name,
        stage=stage.name,
        entry=history.entry,
        network=result.network,
        commit=subject.commit,
        committed=before.committed and subject.committed,
        plan_digest=subject.plan_digest,
        suite_digest=subject.suite_digest,
        packages_digest=subject.packages_digest,
        person=Redactor(rollout.secrets).text(person),
        at=now(),
        tried=result.tried,
        quiet=result.quiet,
    )
    is_whole = asked.tests and tuple(asked.faults) == Asked().faults and asked.network is None
    return made, append(ledger, EntryKind.DRILL, made.document(), history, {}) if is_whole else None
