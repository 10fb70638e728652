"""Who may do something: owners to come, role members exactly, and mappings of a contract's own.

Sources: OpenZeppelin's Ownable2Step, AccessControl and AccessControlEnumerable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Reading, ask, together
from pytest_rollout.contracts.states.subject import Look, Subject
from pytest_rollout.core.rollout import Value

MOST_MEMBERS = 1_000
"""Nobody lists more in a plan; a contract that claims more is not asked for each."""

_ROLE_HEX_LENGTH = 66
_TOPICS = 3


def _pending_owner(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001 - one look like another
    return (yield from subject.views.call("pendingOwner()", (), subject.expected))


def role_of(subject: Subject, role: str) -> Reading[Value]:
    """The role's identifier: itself, the constant of that name, or what AccessControl makes of the name."""
    if len(role) == _ROLE_HEX_LENGTH and role.startswith("0x"):
        return role
    if subject.views.has(role):
        return (yield from subject.views.call(f"{role}()", (), None))
    return "0x" + (bytes(32) if role == "DEFAULT_ADMIN_ROLE" else keccak(role.encode())).hex()


def _members(subject: Subject, role: str) -> Reading[Value]:
    """Everybody who holds the role: those expected in the plan's order and spelling, then all others."""
    identifier = str((yield from role_of(subject, role)))
    return in_order(subject, (yield from members_of(subject, identifier)))


def members_of(subject: Subject, identifier: str) -> Reading[list[str]]:
    """Everybody who holds the role of that identifier, in lower case."""
    if _has(subject, "getRoleMemberCount(bytes32)") and _has(subject, "getRoleMember(bytes32,uint256)"):
        return (yield from _enumerated(subject, identifier))
    return (yield from _from_events(subject, identifier))


def _enumerated(subject: Subject, identifier: str) -> Reading[list[str]]:
    count = yield from subject.views.call("getRoleMemberCount(bytes32)", (identifier,), None)
    if type(count) is not int or count > MOST_MEMBERS:
        raise subject.wrong(f"the role has {count} members; {MOST_MEMBERS} are the most that are asked for.")
    members = yield from together(
        [subject.views.call("getRoleMember(bytes32,uint256)", (identifier, index), None) for index in range(count)]
    )
    return [str(each).lower() for each in members]


def _from_events(subject: Subject, identifier: str) -> Reading[list[str]]:
    """Who was granted the role since the deployment and did not lose it; each of them is asked for as well."""
    granted, revoked = (
        "0x" + keccak(f"Role{what}(bytes32,address,address)".encode()).hex() for what in ("Granted", "Revoked")
    )
    asked = {
        "address": subject.address,
        "fromBlock": hex(subject.contracts.deployed_in(subject.state.contract) or 0),
        "toBlock": subject.block,
        "topics": [[granted, revoked], identifier],
    }
    logs = yield from ask("eth_getLogs", [asked])
    held: dict[str, bool] = {}
    for log in _in_order(subject, logs):
        topics = log["topics"]
        if len(topics) <= _TOPICS - 1:
            raise subject.wrong("an event of its roles names no account; this is no AccessControl of OpenZeppelin.")
        held["0x" + str(topics[2])[-40:].lower()] = str(topics[0]).lower() == granted
    expected = subject.expected if isinstance(subject.expected, list) else [subject.expected]
    named = [subject.speller.named(str(each)) for each in expected]
    asked_about = list(dict.fromkeys([*held, *(each for each in named if each)]))
    says = yield from together(
        [subject.views.call("hasRole(bytes32,address)", (identifier, each), None) for each in asked_about]
    )
    for account, holds in zip(asked_about, says, strict=True):
        if (holds is True) != held.get(account, False):
            raise subject.wrong(
                f"its events do not tell who holds the role: by them {account} "
                f"{'does' if held.get(account) else 'does not'}, by hasRole it is the other way round; the node may "
                "not have all events since the deployment."
            )
    return [account for account, holds in held.items() if holds]


def _in_order(subject: Subject, logs: object) -> Sequence[Mapping[str, Sequence[str]]]:
    if not isinstance(logs, list) or not all(isinstance(each, dict) for each in logs):
        raise subject.wrong("the node answered no list of events.")
    return sorted(logs, key=lambda each: (int(str(each["blockNumber"]), 16), int(str(each["logIndex"]), 16)))


def in_order(subject: Subject, found: Sequence[str]) -> list[Value]:
    """Addresses in the plan's order and spelling where they are expected, the others after them, sorted."""
    expected = subject.expected if isinstance(subject.expected, list) else [subject.expected]
    there = set(found)
    known: list[Value] = [each for each in expected if subject.speller.named(str(each)) in there]
    accounted = {subject.speller.named(str(each)) for each in known}
    others = sorted(each for each in there if each not in accounted)
    return [*known, *(subject.speller.spelled_address(each, None) for each in others)]


def _mapping(subject: Subject, name: str) -> Reading[Value]:
    """Those of the expected for whom a mapping of the contract, ``pausers(address)``, says true."""
    expected = subject.expected if isinstance(subject.expected, list) else [subject.expected]
    says = yield from together([subject.views.call(f"{name}(address)", (each,), None) for each in expected])
    if not all(isinstance(each, bool) for each in says):
        raise subject.wrong(f"{name}(address) answers {says[0]!r}; a mapping to true and false is needed.")
    return [holder for holder, holds in zip(expected, says, strict=True) if holds is True]


def _has(subject: Subject, signature: str) -> bool:
    return any(each.signature == signature for each in subject.views.interface.every_function())


LOOKS: Mapping[str, Look] = {"pending_owner": _pending_owner, "members": _members, "mappings": _mapping}
