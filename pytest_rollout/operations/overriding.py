"""Overriding findings of a judgement that holds: signed, recorded, and checked again at the promotion (rule 36)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused, UsageError, listed, suggestion
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.manifest import base_of
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.override import (
    LONGEST_REASON,
    Given,
    Override,
    OverridePolicy,
    OverrideStatement,
    Terms,
    overrides_of,
    why_never,
)
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.signatures import Desk, Key, desk, message_in
from pytest_rollout.operations.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A judgement that holds, and who may override what is in its way."""

    rollout: Rollout
    stage: Stage
    policy: OverridePolicy
    judgement: JudgementRecord
    history: History
    desk: Desk
    given: tuple[Given, ...]

    @property
    def place(self) -> str:
        """``takumi:alpha``."""
        return self.desk.place


def overrides_now(
    workspace: Workspace, rollout: Rollout, stage: Stage, ledger: Ledger, history: History, now: datetime
) -> tuple[Given, ...]:
    """Every override of the newest judgement of this visit, its signatures checked again; none where it does not hold.

    Raises ``Refused`` where the plan's list of what is never overridden names what the gate does not have.
    """
    policy, judgement = stage.overrides, history.newest_judgement(stage.name)
    if policy is None or judgement is None or judgement.run.entry != history.entry:
        return ()
    if judgement.verdict != Verdict.HOLD.value or not history.overrides:
        return ()
    place = f"{rollout.name}:{stage.name}"
    _knows_its_never(place, policy, judgement, history)
    taken = desk(workspace, place, policy.signers, ledger, judgement)
    return overrides_of(policy, history.overrides, judgement, author=taken.author, now=now, verify=taken.why_not)


def asked(workspace: Workspace, place: str, now: datetime) -> Asked:
    """The newest judgement of the current visit, if it holds and the plan lets somebody override; or ``Refused``."""
    rollout, stage = workspace.gate(place)
    place = f"{rollout.name}:{stage.name}"
    if stage.overrides is None:
        raise Refused(
            f"{place}: the plan lets nobody override; who may, and which kinds of findings, stands under "
            f"stages.{stage.name}.overrides."
        )
    ledger = workspace.open()
    history = history_of(ledger, rollout)
    judgement = history.newest_judgement(stage.name)
    stands = history.position(rollout.stages)
    if judgement is None or stands.stage != stage.name or judgement.run.entry != stands.entry:
        raise Refused(
            f"{place}: nothing to override, the gate was not judged in this visit; run `pytest --stage={place}`."
        )
    alarm = history.alarm_after(judgement.sequence, stage.name)
    if judgement.verdict == Verdict.ROLLBACK.value or alarm is not None:
        raise Refused(
            f"{place}: a rollback trigger fired, and that is never overridden; `rollout rollback {place}`, or run "
            f"`pytest --stage={place}` again."
        )
    if judgement.verdict != Verdict.HOLD.value:
        raise Refused(f"{place}: the newest judgement says {judgement.verdict[:20].upper()}: nothing is in its way.")
    _knows_its_never(place, stage.overrides, judgement, history)
    return Asked(
        rollout=rollout,
        stage=stage,
        policy=stage.overrides,
        judgement=judgement,
        history=history,
        desk=desk(workspace, place, stage.overrides.signers, ledger, judgement),
        given=overrides_now(workspace, rollout, stage, ledger, history, now),
    )


def terms(
    question: Asked, items: Sequence[str], reason: str, expires: timedelta | datetime | None, now: datetime
) -> Terms:
    """A new override of the named findings; each must be in the way, and one that somebody may override."""
    clean = Redactor(question.rollout.secrets).text(reason).strip()
    if not clean or len(clean) > LONGEST_REASON or not clean.isprintable():
        raise UsageError(f"--reason: say in one line why, of {LONGEST_REASON} characters at most; it is recorded.")
    if not items:
        raise UsageError(f"--item: is missing; in the way are {_in_the_way(question)}.")
    until = expires if isinstance(expires, datetime) else now + (expires or question.policy.signers.valid_for)
    return Terms(
        items=tuple(sorted({_item(question, each) for each in items})), reason=clean, expires=int(until.timestamp())
    )


def joined(question: Asked, number: int) -> Terms:
    """The override that a ledger entry began or signed; raises ``UsageError`` where it is none of this judgement."""
    terms_at = {each.sequence: each.value.statement.terms for each in question.history.overrides}
    for each in question.given:
        if terms_at.get(number) == each.terms:
            return each.terms
    raise UsageError(
        f"--join {number}: {question.place} has no override of its newest judgement in that ledger entry; "
        f"there are {listed(str(each.first) for each in question.given)}."
    )


def typed_data(question: Asked, asked_for: Terms, role: str) -> dict[str, Any]:
    """What a wallet elsewhere is to sign for ``role``."""
    return question.desk.typed_data(_statement(question, asked_for, role))


def override(
    question: Asked, asked_for: Terms, role: str, key: Key, *, person: str, now: datetime
) -> tuple[Override, Entry]:
    """Sign an override with a key that is at hand, and record it."""
    statement = _statement(question, asked_for, role)
    signer, signature = question.desk.signed(statement, key)
    return _record(question, _made(question, statement, signer, signature, person, now), now)


def import_override(
    question: Asked, file: Path, signature: str, *, person: str, now: datetime, contract: bool
) -> tuple[Override, Entry]:
    """Record an override signed elsewhere over the typed data in ``file``, as ``typed_data`` wrote it."""
    statement = _statement_in(question, file)
    signer = question.desk.signer_of(statement, signature, contract=contract)
    return _record(question, _made(question, statement, signer, signature, person, now, contract=contract), now)


def take_back(question: Asked, asked_for: Terms, role: str, *, person: str, now: datetime) -> tuple[Override, Entry]:
    """Take a role's signature back; it needs no key, for it can only hold."""
    statement = _statement(question, asked_for, role)
    if (signed := _signed(question, statement)) is not None:
        made = _made(question, statement, signed.signer, "", person, now, revoked=True)
        return made, _append(question, made)
    raise Refused(f"{question.place}: '{role}' has no signature under that override, so none can be taken back.")


def _knows_its_never(place: str, policy: OverridePolicy, judgement: JudgementRecord, history: History) -> None:
    """A misspelt entry would protect nothing, so until it is corrected nothing is overridden."""
    ids = {*history.baseline(judgement.stage), *(each.item for each in judgement.blocking)}
    known = ids | set(map(base_of, ids))
    for name in policy.never:
        if "::" in name and name not in known:
            raise Refused(
                f"{place}: stages.{judgement.stage}.overrides.never lists {name!r}, which this gate does not have; "
                f"correct it before anything is overridden.{suggestion(name, known)}"
            )


def _in_the_way(question: Asked) -> str:
    return listed(each.title for each in question.judgement.blocking[:10])


def _item(question: Asked, given: str) -> str:
    """The id of the finding in the way that is called so: by its id, its title, or the name in the plan."""
    named = Redactor(question.rollout.secrets).text(given)
    found = {
        each.item: each
        for each in question.judgement.blocking
        if named in {each.item, each.title, each.item.partition(f"::{question.stage.name}::{each.kind}::")[2]}
    }
    if not found:
        titles = [each.title for each in question.judgement.blocking]
        raise UsageError(
            f"--item {named[:120]}: is not in the way of {question.place}; in the way are {_in_the_way(question)}."
            f"{suggestion(named, titles)}"
        )
    if len(found) > 1:
        raise UsageError(f"--item {named[:120]}: may be any of {listed(list(found)[:10])}; write its id.")
    (finding,) = found.values()
    if why := why_never(question.stage, finding):
        raise Refused(f"{question.place}: '{finding.title[:80]}' is never overridden: {why}.")
    return finding.item


def _statement(question: Asked, asked_for: Terms, role: str) -> OverrideStatement:
    question.desk.address(role)
    return OverrideStatement(
        rollout=question.rollout.name,
        stage=question.stage.name,
        judgement=question.judgement.digest,
        role=role,
        terms=asked_for,
    )


def _statement_in(question: Asked, file: Path) -> OverrideStatement:
    """The statement in a file of typed data: rebuilt from its values, and equal to what we would ask."""
    command = f"rollout override {question.place}"
    given, said = message_in(file, command)
    items, reason, expires = said.get("items"), said.get("reason"), said.get("expires")
    if not isinstance(items, list) or not isinstance(reason, str) or type(expires) is not int:
        raise UsageError(f"--import {file.name}: is no file that `{command} --write FILE` wrote.")
    # What one may not name on the command line, a file may not name either.
    asked_for = terms(question, [str(each) for each in items], reason, None, question.judgement.judged_at)
    statement = _statement(question, replace(asked_for, expires=expires), str(said.get("role")))
    if given != question.desk.typed_data(statement):
        raise Refused(
            f"{question.place}: {file.name} is about another ledger, rollout, stage, judgement or findings than the "
            f"newest judgement ({question.judgement.digest[:12]}…); write it again and have that signed."
        )
    return statement


def _made(
    question: Asked,
    statement: OverrideStatement,
    signer: str,
    signature: str,
    person: str,
    now: datetime,
    **about: bool,
) -> Override:
    return Override(
        statement=statement,
        entry=question.history.entry,
        signer=signer,
        signature=signature,
        at=now,
        person=Redactor(question.rollout.secrets).text(person),
        **about,
    )


def _record(question: Asked, made: Override, now: datetime) -> tuple[Override, Entry]:
    question.desk.check(made, now)
    role = made.statement.role
    if _signed(question, made.statement) is not None:
        raise Refused(f"{question.place}: '{role}' has signed this override already, and one person counts once.")
    return made, _append(question, made)


def _signed(question: Asked, statement: OverrideStatement) -> Override | None:
    """The signature that a role has under an override, if one counts."""
    for each in question.given:
        if each.terms == statement.terms:
            return next((one for one in each.signed.values() if one.statement.role == statement.role), None)
    return None


def _append(question: Asked, made: Override) -> Entry:
    return append(question.desk.ledger, EntryKind.OVERRIDE, made.document(), question.history, {})
