"""Moving a rollout on or back: the world and the record are looked at again, then the move is recorded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.checklist import valid_ticks
from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.judging import Question, judge
from pytest_rollout.core.moves import COMPLETE, Overridden, Promotion, Rollback
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.override import covered, names_of, told
from pytest_rollout.core.promotion import may_promote, may_roll_back
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.operations.contracts_again import look_at_contracts_again
from pytest_rollout.operations.nodes_again import look_at_nodes_again
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.triggers import ask_triggers_again
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.pinning import measure_subject
from pytest_rollout.runner.record import unpack
from pytest_rollout.runner.witnessing import changes

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


def promote(workspace: Workspace, place: str, *, person: str, now: datetime) -> tuple[Promotion, Entry]:
    """Look again, then record the move to the next stage; refuses with one sentence (rules 33, 35, 37)."""
    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    history = history_of(ledger, rollout, whole=True)
    subject = measure_subject(rollout, stage, workspace.root, stage.network)
    given, items = _overrides(workspace, rollout, stage, ledger, history, now)
    record = may_promote(
        rollout=rollout,
        stage=stage.name,
        history=history,
        subject=subject,
        now=now,
        ledger_id=ledger.id,
        overridden=items,
    )
    question = _judge_again(ledger, rollout, record)
    for change in changes(workspace.rollout(rollout.name), question.witnesses, now):
        raise Refused(f"{record.rollout}:{record.stage}: {change}. Run `pytest --stage={place}` again.")
    look_at_contracts_again(workspace.rollout(rollout.name), workspace.gate(place)[1])
    look_at_nodes_again(workspace.rollout(rollout.name), workspace.gate(place)[1], history, items)
    _still_ticked(rollout, stage, history, items)
    _signed_for(workspace, place, record, (ledger, history), now)
    ask_triggers_again(workspace.rollout(rollout.name), stage, history, now)
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
        overrides=given,
    )
    return move, append(ledger, EntryKind.PROMOTION, move.document(), history, {})


def roll_back(
    workspace: Workspace, place: str, *, person: str, reason: str, now: datetime, to: str | None = None
) -> tuple[Rollback, Entry]:
    """Record the move to an earlier stage, by default the one before."""
    rollout, stage = workspace.gate(place)
    ledger = workspace.open()
    history = history_of(ledger, rollout, whole=True)
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
    return move, append(ledger, EntryKind.ROLLBACK, move.document(), history, {})


def _judge_again(ledger: Ledger, rollout: Rollout, record: JudgementRecord) -> Question:
    """The recorded evidence must give the recorded judgement, byte for byte (rule 5); what was asked then."""
    from pytest_rollout.ledger.canonical import seal  # noqa: PLC0415 - rfc8785, as above

    question = unpack(ledger.attachment(record.evidence_digest), rollout, record.evidence_digest)
    sealed = seal(judge(question))
    if sealed.digest != record.digest:
        raise Refused(
            f"{record.rollout}:{record.stage}: judging the recorded evidence again gives another judgement "
            f"({sealed.judgement.verdict.value}, digest {sealed.digest[:12]}, recorded {record.digest[:12]}); "
            f"pytest-rollout itself may have changed. Run `pytest --stage={record.rollout}:{record.stage}` again."
        )
    return question


def _signed_for(
    workspace: Workspace, place: str, record: JudgementRecord, read: tuple[Ledger, History], now: datetime
) -> None:
    """Enough distinct roles have signed this very judgement, and each signature still holds (rules 33 and 34)."""
    if workspace.gate(place)[1].signoffs is None:
        return
    from pytest_rollout.operations import signing  # noqa: PLC0415 - eth_account, for plans that want signatures

    question = signing.asked(workspace, place, now, read)
    answer = signing.answered(question, now=now)
    if question.judgement.digest != record.digest or not answer.is_given:
        owed = "; ".join(f"'{each.role}' {each.why}" for each in answer.owed)
        raise Refused(
            f"{question.place}: {len(answer.roles) - len(answer.owed)} of the {answer.policy.quorum} signatures that "
            f"are needed count: {owed}. Run `rollout sign {question.place} --role ROLE`."
        )


def _overrides(
    workspace: Workspace, rollout: Rollout, stage: Stage, ledger: Ledger, history: History, now: datetime
) -> tuple[tuple[Overridden, ...], frozenset[str]]:
    """What a promotion says of the overrides it rests on, and the items they answer for; nothing in most cases."""
    if stage.overrides is None or not history.overrides:
        return (), frozenset()
    from pytest_rollout.operations.overriding import overrides_now  # noqa: PLC0415 - as below

    given = [each for each in overrides_now(workspace, rollout, stage, ledger, history, now) if each.counts]
    judgement = history.newest_judgement(stage.name)
    if judgement is None or not given:
        return (), frozenset()
    return told(given), covered(stage, judgement, given)


def _still_ticked(rollout: Rollout, stage: Stage, history: History, overridden: Collection[str]) -> None:
    ticks = valid_ticks(history, rollout, stage.name, history.entry)
    excused = names_of(overridden, stage, Kind.CHECKLIST)
    for entry in stage.checklist:
        if entry.required and entry.number not in ticks and entry.text not in excused:
            raise Refused(
                f"{rollout.name}:{stage.name}: checklist {entry.number} ('{entry.text}') is no longer ticked; "
                f"run `rollout check {rollout.name}:{stage.name} {entry.number}`, then judge again."
            )
