"""Where a rollout stands, and what is owed for its next step."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.promotion import may_promote
from pytest_rollout.core.rollout import ChecklistEntry, Rollout, Stage
from pytest_rollout.core.signoff import Standing as SignoffStanding
from pytest_rollout.operations.recording import history_of
from pytest_rollout.operations.wallets import asker
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.pinning import measure_subject

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


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
    unsigned: tuple[SignoffStanding, ...] = ()

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
        if self.unsigned:
            return f"rollout sign {place} --role {shlex.quote(self.unsigned[0].role)}"
        if f"`rollout drill {place}`" in self.obstacle:
            return f"rollout drill {place}"
        required = [entry for entry in self.unticked if entry.required]
        return f"rollout check {place} {required[0].number}" if required else f"pytest --stage={place}"


def standing(workspace: Workspace, rollout: Rollout, now: datetime) -> Standing:
    """Where ``rollout`` stands now, by the record."""
    rollout = kept_plan(rollout)
    ledger = workspace.open()
    history = history_of(ledger, rollout)
    position = history.position(rollout.stages)
    if position.stage is None:
        return Standing(rollout=rollout, stage=None, attempts=0, judgement=None, findings=(), unticked=(), obstacle="")
    stage = rollout.stage(position.stage)
    ticks = valid_ticks(history, rollout, stage.name, history.entry)
    judgement = history.newest_judgement(stage.name)
    is_current = judgement is not None and judgement.run.entry == history.entry
    obstacle = _obstacle(workspace, rollout, stage, history, ledger, now)
    unsigned = () if obstacle else _unsigned(workspace, f"{rollout.name}:{stage.name}", stage, now)
    return Standing(
        rollout=rollout,
        stage=stage,
        attempts=history.attempts(stage.name),
        judgement=judgement if is_current else None,
        findings=history.open_findings(stage.name) if is_current else (),
        unticked=tuple(entry for entry in stage.checklist if entry.number not in ticks),
        obstacle=obstacle or _unsigned_sentence(unsigned),
        unsigned=unsigned,
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


def _unsigned(workspace: Workspace, place: str, stage: Stage, now: datetime) -> tuple[SignoffStanding, ...]:
    """The roles that are still owed, none where enough have signed."""
    if stage.signoffs is None:
        return ()
    from pytest_rollout.operations import signing  # noqa: PLC0415 - eth_account, for plans that want signatures

    question = signing.asked(workspace, place)
    answer = signing.answered(question, now=now, ask=asker(workspace.rollout(question.rollout.name), question.policy))
    return () if answer.is_given else answer.owed


def _unsigned_sentence(unsigned: tuple[SignoffStanding, ...]) -> str:
    return "signatures are owed: " + "; ".join(f"'{each.role}' {each.why}" for each in unsigned) if unsigned else ""
