"""Signing a judgement, taking a signature back, and whether a judgement is signed for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import Refused, UsageError, listed, suggestion
from pytest_rollout.core.history import History, JudgementRecord
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.signoff import Answer, Signoff, SignoffPolicy, Statement, answer, statement_for
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.tree import author_of

if TYPE_CHECKING:  # eth_account, for those who sign
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.ledger.signing import AskContract

Key = Callable[[], str]
"""Gives the private key when it is needed, and only then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A judgement that may be signed, and who may sign it."""

    rollout: Rollout
    stage: Stage
    policy: SignoffPolicy
    judgement: JudgementRecord
    ledger: Ledger
    history: History
    root: Path

    @property
    def place(self) -> str:
        """``takumi:alpha``."""
        return f"{self.rollout.name}:{self.stage.name}"

    def statement(self, role: str, now: datetime) -> Statement:
        """What ``role`` is asked to sign; raises ``UsageError``."""
        roles = self.policy.roles
        if role not in roles:
            raise UsageError(f"{self.place}: no role '{role}'; the plan has {listed(roles)}.{suggestion(role, roles)}")
        return statement_for(
            self.policy,
            rollout=self.rollout.name,
            stage=self.stage.name,
            judgement=self.judgement.digest,
            role=role,
            now=now,
        )


def asked(workspace: Workspace, place: str) -> Asked:
    """The newest judgement of the current visit, if it says promote and the plan wants it signed."""
    rollout, stage = workspace.gate(place)
    if stage.signoffs is None:
        raise UsageError(
            f"{rollout.name}:{stage.name}: the plan asks nobody to sign; "
            f"name them under stages.{stage.name}.signoffs.roles."
        )
    ledger = workspace.open()
    history = history_of(ledger, rollout)
    judgement = history.newest_judgement(stage.name)
    if judgement is None or judgement.run.entry != history.entry:
        raise Refused(
            f"{rollout.name}:{stage.name}: nothing to sign, the gate was not judged in this visit; "
            f"run `pytest --stage={rollout.name}:{stage.name}`."
        )
    if judgement.verdict != Verdict.PROMOTE.value:
        raise Refused(
            f"{rollout.name}:{stage.name}: the newest judgement says {judgement.verdict[:20].upper()}, "
            "and only a promotion is signed for."
        )
    return Asked(
        rollout=rollout,
        stage=stage,
        policy=stage.signoffs,
        judgement=judgement,
        ledger=ledger,
        history=history,
        root=workspace.root,
    )


_LARGEST_OF_WALLETS = 64 * 1024
_WALLETS = re.compile(rf"0x[0-9a-f]{{0,{2 * _LARGEST_OF_WALLETS}}}")


def typed_data(question: Asked, role: str, now: datetime) -> dict[str, Any]:
    """What a wallet elsewhere is to sign for ``role``."""
    statement = question.statement(role, now)
    return statement.typed_data(ledger_id=question.ledger.id, chain_id=question.policy.chain_id)


def sign(question: Asked, role: str, key: Key, *, person: str, now: datetime) -> tuple[Signoff, Entry]:
    """Sign with a key that is at hand, and record it."""
    from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

    statement = question.statement(role, now)
    signer, signature = signing.sign(statement, key(), ledger_id=question.ledger.id, chain_id=question.policy.chain_id)
    wanted = question.policy.roles[role]
    if signer != wanted:
        raise Refused(f"{question.place}: that is the key of {signer}; the plan names {wanted} for '{role}'.")
    made = Signoff(
        statement=statement,
        entry=question.history.entry,
        signer=signer,
        signature=signature,
        at=now,
        person=_clean(question, person),
    )
    return made, _record(question, made, now, None)


def import_signature(
    question: Asked, file: Path, signature: str, *, person: str, now: datetime, contract: bool, ask: AskContract | None
) -> tuple[Signoff, Entry]:
    """Record a signature made elsewhere over the typed data in ``file``, as ``typed_data`` wrote it.

    ``contract`` says that the role's address is a contract wallet: what its owners made, in whatever form it
    takes, is judged by the wallet itself.
    """
    statement = _statement_in(question, file)
    if contract:
        if not _WALLETS.fullmatch(signature) or len(signature) % 2:
            raise UsageError(f"--signature: is no text of whole bytes in 0x hex, of {_LARGEST_OF_WALLETS} at most.")
        signer = question.policy.roles[statement.role]
    else:
        from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

        signer = signing.recover(statement, signature, ledger_id=question.ledger.id, chain_id=question.policy.chain_id)
    made = Signoff(
        statement=statement,
        entry=question.history.entry,
        signer=signer,
        signature=signature,
        at=now,
        person=_clean(question, person),
        contract=contract,
    )
    return made, _record(question, made, now, ask)


def revoke(question: Asked, role: str, *, person: str, now: datetime) -> tuple[Signoff, Entry]:
    """Take a role's signature back; it needs no key, for it can only hold."""
    standing = next((s for s in answered(question, now=now).roles if s.role == role), None)
    if standing is None:
        question.statement(role, now)
    if standing is None or standing.signoff is None:
        raise Refused(f"{question.place}: '{role}' has no signature that counts, so none can be taken back.")
    given = standing.signoff
    made = Signoff(
        statement=given.statement,
        entry=question.history.entry,
        signer=given.signer,
        signature="",
        at=now,
        person=_clean(question, person),
        revoked=True,
    )
    return made, append(question.ledger, EntryKind.SIGNOFF, made.document(), question.history, {})


def answered(question: Asked, *, now: datetime, ask: AskContract | None = None) -> Answer:
    """How every role stands towards the judgement now; every signature is checked again."""
    from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

    def verify(signoff: Signoff) -> str:
        return signing.verify(signoff, ledger_id=question.ledger.id, chain_id=question.policy.chain_id, ask=ask)

    return answer(
        question.policy,
        question.history.signoffs,
        wanted=_wanted(question),
        entry=question.history.entry,
        author=author_of(question.root, question.judgement.subject.commit) if question.policy.authors else "",
        now=now,
        verify=verify,
    )


def _wanted(question: Asked) -> Statement:
    return Statement(
        rollout=question.rollout.name,
        stage=question.stage.name,
        judgement=question.judgement.digest,
        role="",
        expires=0,
    )


def _record(question: Asked, made: Signoff, now: datetime, ask: AskContract | None) -> Entry:
    """Believed only if it would count: a signature nobody can use is refused now, not at the promotion."""
    from pytest_rollout.ledger import signing  # noqa: PLC0415 - eth_account

    why = signing.verify(made, ledger_id=question.ledger.id, chain_id=question.policy.chain_id, ask=ask)
    wanted = question.policy.roles[made.statement.role]
    if not why and made.signer != wanted:
        why = f"was made by {made.signer}, the plan names {wanted}"
    if not why and now >= made.statement.expires_at:
        why = f"expired on {made.statement.expires_at.isoformat()}"
    if not why and made.statement.expires_at > now + question.policy.valid_for:
        why = f"would count for longer than the {question.policy.valid_for} that the plan allows"
    if why:
        raise Refused(f"{question.place}: the signature of '{made.statement.role}' {why}; nothing was recorded.")
    return append(question.ledger, EntryKind.SIGNOFF, made.document(), question.history, {})


def _statement_in(question: Asked, file: Path) -> Statement:
    """The statement in a file of typed data: rebuilt from its values, and equal to what we would ask."""
    try:
        given = json.loads(file.read_bytes())
        message = given["message"]
        statement = Statement(
            rollout=question.rollout.name,
            stage=question.stage.name,
            judgement=question.judgement.digest,
            role=str(message["role"]),
            expires=int(message["expires"]),
        )
    except OSError as error:
        raise UsageError(f"--import {file.name}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"--import {file.name}: is no file that `rollout sign {question.place} --role ROLE --write FILE` wrote."
        ) from None
    if statement.role not in question.policy.roles:
        question.statement(statement.role, question.judgement.judged_at)
    if given != statement.typed_data(ledger_id=question.ledger.id, chain_id=question.policy.chain_id):
        raise Refused(
            f"{question.place}: {file.name} is about another ledger, rollout, stage or judgement than the newest one "
            f"({question.judgement.digest[:12]}…); write it again and have that signed."
        )
    return statement


def _clean(question: Asked, person: str) -> str:
    return Redactor(question.rollout.secrets).text(person)
