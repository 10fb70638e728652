"""A promotion although the gate holds: who answers for it, for which findings, why, and for how long (rule 36).

An override never touches a finding. It is a signed record beside the judgement, bound to that one
judgement and to named items of it, and a promotion may rest on it where the plan says who may give one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.manifest import base_of
from pytest_rollout.core.moves import Overridden
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.core.signoff import (
    Answer,
    Signed,
    SignoffPolicy,
    Standing,
    Verify,
    message,
    moment_of,
    signed_in,
    why_not,
)

if TYPE_CHECKING:  # history reads overrides, so at run time the door opens one way only
    from pytest_rollout.core.history import JudgementRecord, Reason
    from pytest_rollout.core.rollout import Stage

DOMAIN_NAME = "pytest-rollout override"
"""Another domain than a sign-off's: what is signed for one is never the other."""

_TYPE = [
    {"name": "rollout", "type": "string"},
    {"name": "stage", "type": "string"},
    {"name": "judgement", "type": "bytes32"},
    {"name": "items", "type": "string[]"},
    {"name": "reason", "type": "string"},
    {"name": "role", "type": "string"},
    {"name": "expires", "type": "uint64"},
]
LONGEST_REASON = 500

NEVER = frozenset({Kind.RUN, Kind.NETWORK, Kind.INVENTORY})
"""Kinds of findings about whether the gate looked at all, and at what: nobody's word replaces a look."""

OVERRIDABLE = tuple(kind for kind in Kind if kind not in NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridePolicy:
    """Who may override findings of a stage, and which.

    ``signers`` are the roles, how many of them it takes and for how long an override may count.
    ``kinds`` are those that may be overridden at all, ``never`` items that may not: a test's id, with or
    without its parameters, or the name that the plan gives a check.
    """

    signers: SignoffPolicy
    kinds: tuple[Kind, ...] = OVERRIDABLE
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an override says, whoever signs it: ids of findings, sorted, why, and its end in seconds since 1970."""

    items: tuple[str, ...]
    reason: str
    expires: int

    @property
    def expires_at(self) -> datetime:
        """When it stops to count."""
        return moment_of(self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideStatement:
    """What is signed; ``judgement`` is its SHA-256 in hex."""

    rollout: str
    stage: str
    judgement: str
    role: str
    terms: Terms

    def typed_data(self, *, ledger_id: str, chain_id: int) -> dict[str, Any]:
        """As wallets take it (EIP-712); every item and the reason are shown in full."""
        said = {
            "rollout": self.rollout,
            "stage": self.stage,
            "judgement": f"0x{self.judgement}",
            "items": list(self.terms.items),
            "reason": self.terms.reason,
            "role": self.role,
            "expires": self.terms.expires,
        }
        return message(DOMAIN_NAME, {"Override": _TYPE}, said, ledger_id=ledger_id, chain_id=chain_id)

    @property
    def expires_at(self) -> datetime:
        """When it stops to count."""
        return self.terms.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Override(Signed[OverrideStatement]):
    """One person's signature under an override."""

    kind = EntryKind.OVERRIDE

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        terms = self.statement.terms
        return self.signed() | {"items": list(terms.items), "reason": terms.reason, "expires": terms.expires}

    @classmethod
    def read(cls, record: Record) -> Override:
        """The override a ledger entry holds."""
        terms = Terms(items=record.texts("items"), reason=record.text("reason"), expires=record.number("expires"))
        return cls(
            statement=OverrideStatement(
                rollout=record.text("rollout"),
                stage=record.text("stage"),
                judgement=record.text("judgement"),
                role=record.text("role"),
                terms=terms,
            ),
            **signed_in(record),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An override of one judgement as it stands at one moment: what it says, and who has signed it.

    ``first`` is the ledger entry that began it, ``signed`` the records that count, by their ledger entries.
    """

    first: int
    terms: Terms
    answer: Answer
    signed: Mapping[int, Override]

    @property
    def counts(self) -> bool:
        """Whether as many distinct roles have signed as the plan needs."""
        return self.answer.is_given


def overrides_of(
    policy: OverridePolicy,
    overrides: Sequence[Recorded[Override]],
    judgement: JudgementRecord,
    *,
    author: str,
    now: datetime,
    verify: Verify,
) -> tuple[Given, ...]:
    """Every override that was begun for one judgement, in its visit and after it was recorded; others are none of it.

    The newest record of a role under the same terms decides. ``author`` is the e-mail address of the
    judged commit's author, ``verify`` says why a signature does not hold.
    """
    about = (judgement.rollout, judgement.stage, judgement.digest, judgement.run.entry)
    together: dict[Terms, list[Recorded[Override]]] = {}
    for each in overrides:
        said = each.value.statement
        is_about = (said.rollout, said.stage, said.judgement, each.value.entry) == about
        if is_about and each.sequence > judgement.sequence:
            together.setdefault(said.terms, []).append(each)
    return tuple(_given(policy.signers, each, author, now, verify) for each in together.values())


def _given(
    policy: SignoffPolicy, records: Sequence[Recorded[Override]], author: str, now: datetime, verify: Verify
) -> Given:
    roles, signed = [], {}
    for role, address in policy.roles.items():
        newest = next((each for each in reversed(records) if each.value.statement.role == role), None)
        why = "has not signed" if newest is None else why_not(policy, newest.value, address, author, now, verify)
        roles.append(Standing(role=role, address=address, counts=not why, why=why))
        if newest is not None and not why:
            signed[newest.sequence] = newest.value
    return Given(
        first=records[0].sequence,
        terms=records[0].value.statement.terms,
        answer=Answer(policy=policy, roles=tuple(roles)),
        signed=signed,
    )


def covered(stage: Stage, judgement: JudgementRecord, given: Iterable[Given]) -> frozenset[str]:
    """The items in the way of a judgement that its overrides answer for, as far as anybody may."""
    named = {item for each in given if each.counts for item in each.terms.items}
    barred = {each.item for each in judgement.blocking if why_never(stage, each)}
    return frozenset(each.item for each in judgement.blocking if each.item in named - barred)


def told(given: Iterable[Given]) -> tuple[Overridden, ...]:
    """What a promotion says of the overrides that it rests on."""
    return tuple(
        Overridden(
            items=each.terms.items,
            reason=each.terms.reason,
            expires=each.terms.expires_at,
            people=tuple(f"{one.person} ({one.statement.role})" for one in each.signed.values()),
            entries=tuple(each.signed),
        )
        for each in given
    )


def names_of(items: Iterable[str], stage: Stage, kind: Kind) -> frozenset[str]:
    """What the plan calls those of the items that are of one kind and not tests."""
    return frozenset(_name(each, stage, kind.value) for each in items) - {""}


def _name(item: str, stage: Stage, kind: str) -> str:
    return item.partition(f"::{stage.name}::{kind}::")[2]


def why_never(stage: Stage, finding: Reason) -> str:
    """Why nobody may override this finding of a gate of ``stage``; empty if the plan lets somebody."""
    policy, kind = stage.overrides, finding.kind
    if policy is None:
        return f"the plan lets nobody; see stages.{stage.name}.overrides"
    name = "" if kind == Kind.TEST.value else _name(finding.item, stage, kind)
    names = {finding.item, base_of(finding.item), name, name.partition("[")[0]}
    is_code = kind == Kind.CONTRACT.value and any(each.name == name and each.is_identity for each in stage.contracts)
    reasons = (
        (kind not in OVERRIDABLE, "it says whether, and at what, the gate looked at all"),
        (finding.outcome == Outcome.NOT_RUN.value, "nobody looked, and an override is no look"),
        (is_code, "it says which code stands at the address"),
        (kind not in policy.kinds, f"the plan lets nobody override {kind}; see stages.{stage.name}.overrides.kinds"),
        (bool(names & set(policy.never)), f"stages.{stage.name}.overrides.never lists it"),
    )
    return next((why for holds, why in reasons if holds), "")
