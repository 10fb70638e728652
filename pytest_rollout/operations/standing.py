"""Where a rollout stands, and what is owed for its next step."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.override import Given, covered
from pytest_rollout.core.promotion import may_promote
from pytest_rollout.core.records import Recorded
from pytest_rollout.core.rollout import ChecklistEntry, Rollout, Stage
from pytest_rollout.core.signoff import Standing as SignoffStanding
from pytest_rollout.operations.recording import histories_of
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.pinning import measure_subject

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a rollout stands and what is owed for its next step. ``stage`` is None when complete.

    ``given`` are the overrides of its newest judgement, ``overridden`` the promotions that ever rested on some;
    ``late`` is what a run that was under way at the newest promotion found after it, unless that says promote as well.
    """

    rollout: Rollout
    stage: Stage | None
    attempts: int
    judgement: JudgementRecord | None
    findings: tuple[Mapping[str, object], ...]
    unticked: tuple[ChecklistEntry, ...]
    obstacle: str
    unsigned: tuple[SignoffStanding, ...] = ()
    given: tuple[Given, ...] = ()
    overridden: tuple[Recorded[Promotion], ...] = ()
    late: JudgementRecord | None = None

    @property
    def following(self) -> str:
        """The next command to type."""
        if self.stage is None:
            return ""
        place = f"{self.rollout.name}:{self.stage.name}"
        return self._owed(place) if self.obstacle else f"rollout promote {place}"

    def _owed(self, place: str) -> str:
        if self.judgement is not None and self.judgement.verdict == "rollback":
            return f"rollout rollback {place}"
        if self.awaited is not None:
            role = next(each.role for each in self.awaited.answer.owed)
            return f"rollout override {place} --join {self.awaited.first} --role {shlex.quote(role)}"
        if self.unsigned:
            return f"rollout sign {place} --role {shlex.quote(self.unsigned[0].role)}"
        if f"`rollout drill {place}`" in self.obstacle:
            return f"rollout drill {place}"
        required = [entry for entry in self.unticked if entry.required]
        return f"rollout check {place} {required[0].number}" if required else f"pytest --stage={place}"

    @property
    def awaited(self) -> Given | None:
        """An override that somebody has signed and others still may, if there is one."""
        return next((each for each in self.given if each.signed and not each.counts), None)


def standings(workspace: Workspace, rollouts: Sequence[Rollout], now: datetime) -> list[Standing]:
    """Where each of ``rollouts`` stands now, by the record, which is read once."""
    ledger = workspace.open()
    histories = histories_of(ledger, rollouts)
    return [
        _standing(workspace, kept_plan(rollout), (ledger, history), now)
        for rollout, history in zip(rollouts, histories, strict=True)
    ]


def _standing(workspace: Workspace, rollout: Rollout, read: tuple[Ledger, History], now: datetime) -> Standing:
    ledger, history = read
    position = history.position(rollout.stages)
    if position.stage is None:
        return Standing(
            rollout=rollout,
            stage=None,
            attempts=0,
            judgement=None,
            findings=(),
            unticked=(),
            obstacle="",
            overridden=history.overridden,
            late=history.late,
        )
    stage = rollout.stage(position.stage)
    ticks = valid_ticks(history, rollout, stage.name, history.entry)
    judgement = history.newest_judgement(stage.name)
    is_current = judgement is not None and judgement.run.entry == history.entry
    obstacle = ""
    given: tuple[Given, ...] = ()
    try:
        given = _overrides(workspace, rollout, stage, history, ledger, now)
        subject = measure_subject(rollout, stage, workspace.root, stage.network)
        items = covered(stage, judgement, given) if judgement is not None and given else ()
        may_promote(
            rollout=rollout,
            stage=stage.name,
            history=history,
            subject=subject,
            now=now,
            ledger_id=ledger.id,
            overridden=items,
        )
    except Refused as refusal:
        obstacle = str(refusal)
    unsigned = () if obstacle else _unsigned(workspace, f"{rollout.name}:{stage.name}", stage, (ledger, history), now)
    return Standing(
        rollout=rollout,
        stage=stage,
        attempts=history.attempts(stage.name),
        judgement=judgement if is_current else None,
        findings=history.open_findings(stage.name) if is_current else (),
        unticked=tuple(entry for entry in stage.checklist if entry.number not in ticks),
        obstacle=obstacle or _unsigned_sentence(unsigned),
        unsigned=unsigned,
        given=given,
        overridden=history.overridden,
        late=history.late,
    )


def _overrides(
    workspace: Workspace, rollout: Rollout, stage: Stage, history: History, ledger: Ledger, now: datetime
) -> tuple[Given, ...]:
    if stage.overrides is None or not history.overrides:
        return ()
    from pytest_rollout.operations.overriding import overrides_now  # noqa: PLC0415 - as below

    return overrides_now(workspace, rollout, stage, ledger, history, now)


def _unsigned(
    workspace: Workspace, place: str, stage: Stage, read: tuple[Ledger, History], now: datetime
) -> tuple[SignoffStanding, ...]:
    """The roles that are still owed, none where enough have signed."""
    if stage.signoffs is None:
        return ()
    from pytest_rollout.operations import signing  # noqa: PLC0415 - eth_account, for plans that want signatures

    question = signing.asked(workspace, place, now, read)
    answer = signing.answered(question, now=now)
    return () if answer.is_given else answer.owed


def _unsigned_sentence(unsigned: tuple[SignoffStanding, ...]) -> str:
    return "signatures are owed: " + "; ".join(f"'{each.role}' {each.why}" for each in unsigned) if unsigned else ""
