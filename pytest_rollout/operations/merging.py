"""Partial runs of one gate, recorded elsewhere, judged as one and recorded here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.judgement import Run, Sealed
from pytest_rollout.core.judging import Question, judge
from pytest_rollout.core.merging import Merge, merged
from pytest_rollout.core.moves import overridden_facts
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.operations.recording import history_of
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.record import pack_merged, unpack

if TYPE_CHECKING:
    from pytest_rollout.ledger.port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merged judgement, the entry that holds it, and what it was asked."""

    sealed: Sealed
    entry: Entry
    question: Question


def merge(workspace: Workspace, place: str, files: Sequence[Path], *, now: datetime) -> Merged:
    """Judge the newest runs in several exports as one run of the gate; raises ``Refused``, and then records nothing.

    Every export is verified, and every part's own judgement is made again from its evidence first.
    """
    from pytest_rollout.ledger.canonical import encode, seal  # noqa: PLC0415 - rfc8785
    from pytest_rollout.ledger.export import ExportedLedger  # noqa: PLC0415 - for this alone

    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    history = history_of(ledger, rollout, whole=True)
    exports = [ExportedLedger(each) for each in files]
    found = [_part(each, rollout, stage, now) for each in exports]
    parts, bundles = [part for part, _ in found], [bundle for _, bundle in found]
    run = Run(
        id=secrets.token_hex(8),
        rollout=rollout.name,
        stage=stage.name,
        entry=history.entry,
        attempt=history.attempts(stage.name) + 1,
        started_at=min((each.run.started_at for each in parts), default=now),
        network=stage.network or "",
        rehearsal=any(each.run.rehearsal for each in parts),
        ledger_id=ledger.id,
        arguments=("merge", *(each.run.id for each in parts)),
    )
    question = merged(parts, _about(run, rollout, stage, history, parts))
    bundle = pack_merged(question, bundles)
    digest = hashlib.sha256(bundle).hexdigest()
    sealed = seal(judge(replace(question, evidence_digest=digest)))
    again = seal(judge(unpack(bundle, rollout, digest)))
    if again.payload != sealed.payload:
        raise Refused(f"{rollout.name}:{stage.name}: the merged evidence does not give the same judgement twice.")
    started = ledger.append(
        EntryKind.RUN_STARTED, encode(run.document()), expected_head=history.head.digest if history.head else None
    )
    entry = ledger.append(
        EntryKind.JUDGEMENT, sealed.payload, expected_head=started.digest, attachments={digest: bundle}
    )
    sealed = replace(sealed, entry=entry.sequence, head=entry.digest)
    return Merged(sealed=sealed, entry=entry, question=question)


def _about(run: Run, rollout: Rollout, stage: Stage, history: History, parts: Sequence[Question]) -> Merge:
    ticks = valid_ticks(history, rollout, stage.name, run.entry)
    others = [
        each.judged_at
        for each in history.judgements
        if each.stage == stage.name
        and each.run.entry == run.entry
        and parts
        and (each.subject.commit, each.subject.plan_digest, each.subject.network)
        != (parts[0].subject.commit, parts[0].subject.plan_digest, parts[0].subject.network)
    ]
    return Merge(
        run=run,
        baseline=history.baseline(stage.name),
        ticks={number: f"{tick.person} on {tick.at.date().isoformat()}" for number, tick in ticks.items()},
        entered=history.entered(rollout.began),
        unchanged=max(others, default=None),
        facts=overridden_facts(history.overridden),
    )


def _part(exported: Ledger, rollout: Rollout, stage: Stage, now: datetime) -> tuple[Question, bytes]:
    """The newest run of the gate in one export, with its evidence; it must be finished, its own, and not too old."""
    from pytest_rollout.ledger.canonical import seal  # noqa: PLC0415 - as above

    place, shown = f"{rollout.name}:{stage.name}", getattr(exported, "shown", exported.id)
    history = history_of(exported, rollout, whole=True)
    run = history.newest_run(stage.name)
    judgements = [] if run is None else history.judgements_of(run.value.id)
    if run is None or len(judgements) != 1:
        raise Refused(
            f"{place}: {shown} holds {'no run' if run is None else 'a newest run without one judgement'} of this gate; "
            "every part is one finished run."
        )
    record: JudgementRecord = judgements[0]
    if record.judged_at > now or now - record.judged_at > rollout.judgement_max_age:
        raise Refused(
            f"{place}: {shown} was judged {record.judged_at.isoformat()}, now it is {now.isoformat()}, and the plan "
            f"allows {rollout.judgement_max_age}; run that part again."
        )
    content = exported.attachment(record.evidence_digest)
    question = unpack(content, rollout, record.evidence_digest)
    if question.parts or seal(judge(question)).digest != record.digest:
        raise Refused(f"{place}: {shown}: its evidence does not give its judgement again; it is no part of this gate.")
    if record.subject.plan_digest != rollout.plan_digest:
        raise Refused(f"{place}: {shown} was judged by another plan than the one here; check the commit out first.")
    return question, content
