"""Who answers for a judgement: what is signed, by which key, for how long, and who is still owed.

A sign-off is EIP-712 typed data, so that a wallet shows what it is asked to sign. It is bound to
the ledger, the rollout, the stage and the digest of one judgement, and through that digest to
commit, plan, suite and network (rules 33 and 34).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.records import Record, Recorded

DOMAIN_NAME = "pytest-rollout sign-off"
DOMAIN_VERSION = "1"
BY_OVERRIDE = "promote by override"
"""The verdict that is signed for where a judgement holds and an override answers for what is in the way."""

_LAST_SECOND = 253_402_300_799
"""Of the year 9999."""

_DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "salt", "type": "bytes32"},
]
_STATEMENT_TYPE = [
    {"name": "rollout", "type": "string"},
    {"name": "stage", "type": "string"},
    {"name": "verdict", "type": "string"},
    {"name": "judgement", "type": "bytes32"},
    {"name": "role", "type": "string"},
    {"name": "expires", "type": "uint64"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignoffPolicy:
    """Who must sign before a stage is left.

    ``roles`` maps each role to the address that plays it, in lower case and each one once: one key
    is one person (rule 34). ``quorum`` is how many of them are needed. ``valid_for`` is how long a
    signature may count, ``chain_id`` part of the domain. ``authors`` maps e-mail addresses of
    commits to addresses of keys: the author of the judged commit may not sign.
    """

    roles: Mapping[str, str]
    quorum: int
    chain_id: int
    valid_for: timedelta = timedelta(days=14)
    authors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed. ``judgement`` is its SHA-256 in hex; ``expires`` in seconds since 1970."""

    rollout: str
    stage: str
    judgement: str
    role: str
    expires: int
    verdict: str = "promote"

    def typed_data(self, *, ledger_id: str, chain_id: int) -> dict[str, Any]:
        """As wallets take it (EIP-712, the whole message); built from checked values and nothing else."""
        said = {
            "rollout": self.rollout,
            "stage": self.stage,
            "verdict": self.verdict,
            "judgement": f"0x{self.judgement}",
            "role": self.role,
            "expires": self.expires,
        }
        return message(DOMAIN_NAME, {"SignOff": _STATEMENT_TYPE}, said, ledger_id=ledger_id, chain_id=chain_id)

    @property
    def expires_at(self) -> datetime:
        """When it stops to count."""
        return moment_of(self.expires)


class Said(Protocol):
    """What somebody signs, with the role it is signed for."""

    @property
    def rollout(self) -> str:
        """The rollout."""
        ...

    @property
    def stage(self) -> str:
        """The stage."""
        ...

    @property
    def judgement(self) -> str:
        """The SHA-256 of the judgement, in hex."""
        ...

    @property
    def role(self) -> str:
        """The role."""
        ...

    @property
    def expires_at(self) -> datetime:
        """When it stops to count."""
        ...

    def typed_data(self, *, ledger_id: str, chain_id: int) -> dict[str, Any]:
        """As wallets take it (EIP-712)."""
        ...


S = TypeVar("S", bound=Said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Generic[S]):
    """A recorded signature, or its revocation (``revoked``), which needs none: it can only hold.

    ``entry`` is the visit to the stage, ``signer`` the 20-byte address in lower case; ``contract`` says that it is
    a contract wallet, whose word is asked on the chain (EIP-1271).
    """

    statement: S
    entry: int
    signer: str
    signature: str
    at: datetime
    person: str = ""
    contract: bool = False
    revoked: bool = False

    @property
    def rollout(self) -> str:
        """The rollout it belongs to."""
        return self.statement.rollout

    def signed(self) -> dict[str, object]:
        """What of it stands in the ledger, whatever was signed."""
        return {
            "rollout": self.statement.rollout,
            "stage": self.statement.stage,
            "entry": self.entry,
            "judgement": self.statement.judgement,
            "role": self.statement.role,
            "signer": self.signer,
            "signature": self.signature,
            "contract": self.contract,
            "revoked": self.revoked,
            "person": self.person,
            "at": self.at.isoformat(),
        }


def signed_in(record: Record) -> dict[str, Any]:
    """The fields of a ``Signed`` that a ledger entry holds, all but its statement."""
    return {
        "entry": record.number("entry"),
        "signer": record.text("signer"),
        "signature": record.text("signature"),
        "contract": record.truth("contract"),
        "revoked": record.truth("revoked"),
        "person": record.text("person"),
        "at": record.moment("at"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Signoff(Signed[Statement]):
    """A recorded sign-off."""

    kind = EntryKind.SIGNOFF

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return self.signed() | {"verdict": self.statement.verdict, "expires": self.statement.expires}

    @classmethod
    def read(cls, record: Record) -> Signoff:
        """The sign-off a ledger entry holds."""
        return cls(
            statement=Statement(
                rollout=record.text("rollout"),
                stage=record.text("stage"),
                judgement=record.text("judgement"),
                role=record.text("role"),
                expires=record.number("expires"),
                verdict=record.text("verdict"),
            ),
            **signed_in(record),
        )


def moment_of(seconds: int) -> datetime:
    """The moment so many seconds after 1970 began; what no calendar holds is its nearest end."""
    return datetime.fromtimestamp(max(0, min(seconds, _LAST_SECOND)), UTC)


def message(
    domain: str, types: Mapping[str, Any], said: Mapping[str, Any], *, ledger_id: str, chain_id: int
) -> dict[str, Any]:
    """Typed data (EIP-712) whose one type is that of ``types``; the ledger is part of the domain."""
    return {
        "types": {"EIP712Domain": _DOMAIN_TYPE, **types},
        "primaryType": next(iter(types)),
        "domain": {
            "name": domain,
            "version": DOMAIN_VERSION,
            "chainId": chain_id,
            "salt": f"0x{ledger_id:0>64}",
        },
        "message": dict(said),
    }


Verify = Callable[[Signed[Any]], str]
"""Why a signature does not hold, empty if it does: asked of the cryptography, or of the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One role: who signed for it, or why nobody who counts did."""

    role: str
    address: str
    counts: bool
    why: str = ""
    signoff: Signoff | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Every role of a policy and how it stands."""

    policy: SignoffPolicy
    roles: tuple[Standing, ...]

    @property
    def is_given(self) -> bool:
        """Whether as many roles answered as the plan needs."""
        return sum(each.counts for each in self.roles) >= self.policy.quorum

    @property
    def owed(self) -> tuple[Standing, ...]:
        """The roles that did not answer."""
        return tuple(each for each in self.roles if not each.counts)


def answer(
    policy: SignoffPolicy,
    signoffs: Sequence[Recorded[Signoff]],
    *,
    wanted: Statement,
    entry: int,
    author: str,
    now: datetime,
    verify: Verify,
) -> Answer:
    """How every role stands towards one judgement, at one moment.

    ``wanted`` says rollout, stage, verdict and judgement; its role and expiry are not looked at.
    The newest record of a role decides, so a revocation stands until the role signs again.
    ``author`` is the e-mail address of the judged commit's author.
    """
    roles = []
    for role, address in policy.roles.items():
        mine = [each.value for each in signoffs if each.value.statement.role == role and each.value.entry == entry]
        mine = [each for each in mine if _is_about(each.statement, wanted)]
        signoff = mine[-1] if mine else None
        why = "has not signed"
        if signoff is not None:
            given = signoff.statement.verdict
            other = f"signed for '{given[:20]}', not for {wanted.verdict}" if given != wanted.verdict else ""
            why = other or why_not(policy, signoff, address, author, now, verify)
        roles.append(Standing(role=role, address=address, counts=not why, why=why, signoff=signoff))
    return Answer(policy=policy, roles=tuple(roles))


def _is_about(given: Statement, wanted: Statement) -> bool:
    return (given.rollout, given.stage, given.judgement) == (wanted.rollout, wanted.stage, wanted.judgement)


def why_not(policy: SignoffPolicy, given: Signed[Any], address: str, author: str, now: datetime, verify: Verify) -> str:
    """The first reason for which a recorded signature does not count; empty if it does."""
    until = given.statement.expires_at
    reasons = (
        (given.revoked, f"took the signature back on {given.at.date().isoformat()}"),
        (given.signer != address, f"was signed for by {given.signer}, the plan names {address}"),
        (now >= until, f"signed, but that expired on {until.isoformat()}"),
        (given.at > now, f"signed at {given.at.isoformat()}, which is in the future: a clock is wrong"),
        (
            until > given.at + policy.valid_for,
            f"signed for longer than the {policy.valid_for} that the plan allows",
        ),
        (bool(policy.authors) and not author, "cannot be told from the author of the judged commit: git names none"),
        (
            bool(author) and policy.authors.get(author.casefold()) == address,
            "is the author of the judged commit, who may not sign for it",
        ),
    )
    return next((why for holds, why in reasons if holds), "") or verify(given)


def statement_for(
    policy: SignoffPolicy, *, rollout: str, stage: str, judgement: str, role: str, now: datetime, verdict: str
) -> Statement:
    """What ``role`` is asked to sign now; raises ``EvidenceError`` for a role the plan does not have."""
    if role not in policy.roles:
        raise EvidenceError(f"no role '{role}'")
    expires = int((now + policy.valid_for).timestamp())
    return Statement(rollout=rollout, stage=stage, judgement=judgement, role=role, expires=expires, verdict=verdict)
