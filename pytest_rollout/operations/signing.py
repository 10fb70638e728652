"""Signing a judgement, taking a signature back, and whether a judgement is signed for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused, UsageError
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import covered
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.signoff import BY_OVERRIDE, Answer, Signoff, SignoffPolicy, Statement, answer, statement_for
from pytest_rollout.operations.overriding import overrides_now
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.signatures import Desk, Key, desk, message_in
from pytest_rollout.operations.workspace import Workspace

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A judgement that may be signed, for which verdict, and who may sign it."""

    rollout: Rollout
    stage: Stage
    policy: SignoffPolicy
    judgement: JudgementRecord
    verdict: str
    history: History
    desk: Desk

    @property
    def place(self) -> str:
        """``takumi:alpha``."""
        return self.desk.place

    def statement(self, role: str, now: datetime) -> Statement:
        """What ``role`` is asked to sign; raises ``UsageError``."""
        self.desk.address(role)
        return statement_for(
            self.policy,
            rollout=self.rollout.name,
            stage=self.stage.name,
            judgement=self.judgement.digest,
            role=role,
            now=now,
            verdict=self.verdict,
        )


def asked(workspace: Workspace, place: str, now: datetime, read: tuple[Ledger, History] | None = None) -> Asked:
    """The newest judgement of the current visit, if it can carry a promotion and the plan wants it signed.

    That is one that says promote, or one that holds while overrides answer for all that is in its way. ``read`` are
    the ledger and what it says, where they were read for the same decision.
    """
    rollout, stage = workspace.gate(place)
    place = f"{rollout.name}:{stage.name}"
    if stage.signoffs is None:
        raise UsageError(f"{place}: the plan asks nobody to sign; name them under stages.{stage.name}.signoffs.roles.")
    ledger, history = read or _read(workspace, rollout)
    judgement = history.newest_judgement(stage.name)
    if judgement is None or judgement.run.entry != history.entry:
        raise Refused(f"{place}: nothing to sign, the gate was not judged in this visit; run `pytest --stage={place}`.")
    verdict = Verdict.PROMOTE.value
    if judgement.verdict == Verdict.HOLD.value:
        items = covered(stage, judgement, overrides_now(workspace, rollout, stage, ledger, history, now))
        verdict = BY_OVERRIDE if items and items >= {each.item for each in judgement.blocking} else verdict
    if judgement.verdict != Verdict.PROMOTE.value and verdict != BY_OVERRIDE:
        raise Refused(
            f"{place}: the newest judgement says {judgement.verdict[:20].upper()}, and only a promotion is signed for."
        )
    return Asked(
        rollout=rollout,
        stage=stage,
        policy=stage.signoffs,
        judgement=judgement,
        verdict=verdict,
        history=history,
        desk=desk(workspace, place, stage.signoffs, ledger, judgement),
    )


def _read(workspace: Workspace, rollout: Rollout) -> tuple[Ledger, History]:
    ledger = workspace.open()
    return ledger, history_of(ledger, rollout)


def typed_data(question: Asked, role: str, now: datetime) -> dict[str, Any]:
    """What a wallet elsewhere is to sign for ``role``."""
    return question.desk.typed_data(question.statement(role, now))


def sign(question: Asked, role: str, key: Key, *, person: str, now: datetime) -> tuple[Signoff, Entry]:
    """Sign with a key that is at hand, and record it."""
    statement = question.statement(role, now)
    signer, signature = question.desk.signed(statement, key)
    return _record(question, _made(question, statement, signer, signature, person, now), now)


def import_signature(
    question: Asked, file: Path, signature: str, *, person: str, now: datetime, contract: bool
) -> tuple[Signoff, Entry]:
    """Record a signature made elsewhere over the typed data in ``file``, as ``typed_data`` wrote it.

    ``contract`` says that the role's address is a contract wallet.
    """
    statement = _statement_in(question, file)
    signer = question.desk.signer_of(statement, signature, contract=contract)
    return _record(question, _made(question, statement, signer, signature, person, now, contract=contract), now)


def revoke(question: Asked, role: str, *, person: str, now: datetime) -> tuple[Signoff, Entry]:
    """Take a role's signature back; it needs no key, for it can only hold."""
    question.desk.address(role)
    standing = next(each for each in answered(question, now=now).roles if each.role == role)
    if standing.signoff is None or not standing.counts:
        raise Refused(f"{question.place}: '{role}' has no signature that counts, so none can be taken back.")
    given = standing.signoff
    made = _made(question, given.statement, given.signer, "", person, now, revoked=True)
    return made, append(question.desk.ledger, EntryKind.SIGNOFF, made.document(), question.history, {})


def answered(question: Asked, *, now: datetime) -> Answer:
    """How every role stands towards the judgement now; every signature is checked again."""
    return answer(
        question.policy,
        question.history.signoffs,
        wanted=Statement(
            rollout=question.rollout.name,
            stage=question.stage.name,
            judgement=question.judgement.digest,
            role="",
            expires=0,
            verdict=question.verdict,
        ),
        entry=question.history.entry,
        author=question.desk.author,
        now=now,
        verify=question.desk.why_not,
    )


def _made(
    question: Asked, statement: Statement, signer: str, signature: str, person: str, now: datetime, **about: bool
) -> Signoff:
    return Signoff(
        statement=statement,
        entry=question.history.entry,
        signer=signer,
        signature=signature,
        at=now,
        person=Redactor(question.rollout.secrets).text(person),
        **about,
    )


def _record(question: Asked, made: Signoff, now: datetime) -> tuple[Signoff, Entry]:
    question.desk.check(made, now)
    return made, append(question.desk.ledger, EntryKind.SIGNOFF, made.document(), question.history, {})


def _statement_in(question: Asked, file: Path) -> Statement:
    """The statement in a file of typed data: rebuilt from its values, and equal to what we would ask."""
    command = f"rollout sign {question.place} --role ROLE"
    given, said = message_in(file, command)
    try:
        statement = Statement(
            rollout=question.rollout.name,
            stage=question.stage.name,
            judgement=question.judgement.digest,
            role=str(said["role"]),
            expires=int(said["expires"]),
            verdict=question.verdict,
        )
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"--import {file.name}: is no file that `{command} --write FILE` wrote.") from None
    question.desk.address(statement.role)
    if given != question.desk.typed_data(statement):
        raise Refused(
            f"{question.place}: {file.name} is about another ledger, rollout, stage or judgement than the newest one "
            f"({question.judgement.digest[:12]}…); write it again and have that signed."
        )
    return statement
