"""``rollout ledger merge``: the parts of a CI matrix as one judgement, with its reports and its attestation."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.operations import Workspace, merging
from pytest_rollout.reporting import Drawn, Format, write
from pytest_rollout.reporting.terminal import render
from pytest_rollout.runner.attest_gate import attest_gate


def merge(workspace: Workspace, place: str, files: Sequence[Path], *, now: datetime) -> tuple[dict[str, Any], str, int]:
    """What came of it, for programs and for people, and the verdict's status."""
    done = merging.merge(workspace, place, files, now=now)
    question, judgement = done.question, done.sealed.judgement
    folder = workspace.root / "reports" / judgement.run.rollout / judgement.run.stage
    drawn = Drawn(
        stage=question.stage,
        metrics=question.rollout.metrics,
        samples=question.sampled.lines,
        judged_at=question.judged_at,
    )
    name = f"{judgement.run.rollout}:{judgement.run.stage}"
    status, written, error = judgement.verdict.exit_status, None, ""
    try:
        written = write(
            done.sealed,
            question.evidence,
            question.stage,
            folder,
            formats=frozenset(Format),
            redactor=Redactor(question.rollout.secrets),
            drawn=drawn,
        )
    except ReportError as trouble:
        error = f"HOLD: {trouble}"
        status = max(status, Verdict.HOLD.exit_status)
    signed = attest_gate(workspace.rollout(judgement.run.rollout), folder, done.sealed, workspace.open, now)
    sentence = signed.sentence(name, workspace.root)
    following = f"rollout promote {name}" if status == 0 else f"rollout status {judgement.run.rollout}"
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))
    text = render(done.sealed, written, following, width=width, colour=False)
    document = judgement.run.document() | {
        "verdict": judgement.verdict.value,
        "judgement": done.sealed.digest,
        "ledger_entry": done.entry.sequence,
        "head": done.entry.digest,
        "parts": len(files),
        "attestation": "" if signed.path is None else str(signed.path),
        "not_attested": signed.why,
    }
    recorded = f"ledger entry {done.entry.sequence}, head {done.entry.digest}"
    return document, "\n".join(filter(None, (text, sentence, recorded, error))), status
