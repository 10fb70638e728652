"""Whether a contract was initialised, and whether somebody could do it again.

Sources: OpenZeppelin's Initializable, whose state is in a slot of ERC-7201 since version 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_rollout.contracts.interface import Function
from pytest_rollout.contracts.reading import Reading, ask, side_by_side
from pytest_rollout.contracts.states.holders import members_of
from pytest_rollout.contracts.states.proxies import code_behind
from pytest_rollout.contracts.states.subject import ZERO, Look, Subject
from pytest_rollout.core.errors import Reverted, RolloutError, listed
from pytest_rollout.core.rollout import Value

SLOT = "0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00"
"""ERC-7201 of "openzeppelin.storage.Initializable"."""

LOCKED = 2**64 - 1
"""The version that ``_disableInitializers`` sets."""

_INITIALISER = re.compile(r"_{0,2}(?:re)?initiali[sz]e.*|init|_{2}\w+_init(?:_unchained)?|setUp")
_STRANGER = "0x000000000000000000000000000000000000dEaD"
_REFUSALS = (bytes.fromhex("f92ee8a9"), bytes.fromhex("0dc149f0"))
"""``InvalidInitialization()`` of OpenZeppelin 5, ``AlreadyInitialized()`` of Solady and others."""

_UNAUTHORISED, _NOT_OWNER = bytes.fromhex("e2517d3f"), bytes.fromhex("118cdaa7")
"""OpenZeppelin 5: ``AccessControlUnauthorizedAccount(address,bytes32)``, ``OwnableUnauthorizedAccount(address)``."""

_SELECTOR_AND_TWO_WORDS = 4 + 2 * 32
_MISSING_ROLE = re.compile(r"AccessControl: account \S+ is missing role (0x[0-9a-fA-F]{64})")
_CALLER_IS_NOT_OWNER = re.compile(r"Ownable: caller is not the owner")
"""The same in OpenZeppelin 4's words."""

_WORDS = re.compile(r"already (?:been )?initiali[sz]ed", re.IGNORECASE)


def _version(subject: Subject, address: str | None = None) -> Reading[int]:
    """The version it was initialised to; raises ``ContractError`` while it is being initialised."""
    word = yield from subject.word(SLOT, address)
    if word[-9]:
        raise subject.wrong("it is being initialised, and this was left open in a transaction.")
    return int.from_bytes(word[-8:], "big")


def _initialised(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001 - one look like another
    version = yield from _version(subject)
    if version:
        return version != LOCKED
    older = yield from subject.word(0)
    if older[-1]:
        raise subject.wrong(
            "its slot of ERC-7201 is empty and slot 0 is not: it may keep this as OpenZeppelin 4 does, "
            "which nobody can tell from other data; ask a view of the contract instead."
        )
    return False


def _locked(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    """Whether the implementation itself can never be initialised."""
    address, _ = yield from code_behind(subject)
    return (yield from _version(subject, address)) == LOCKED


def _reinitialisable(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    """Whether any initialiser, called now, would go through."""
    functions = [
        each
        for each in subject.views.interface.every_function()
        if not each.is_view and _INITIALISER.fullmatch(each.name)
    ]
    if not functions:
        raise subject.wrong("its artifact declares no initialiser, such as initialize(…); nothing could be tried.")
    answers = yield from side_by_side([_tried(subject, each) for each in functions])
    for each in answers:
        if isinstance(each, RolloutError):
            raise each
    return any(answers)


def _tried(subject: Subject, function: Function) -> Reading[bool]:
    """Whether one initialiser goes through for anybody at all.

    That a stranger is refused for lack of a role says nothing about the initialiser: it is asked again
    as one who may. An error where it refuses for another reason than having been called.
    """
    data = function.data([_nothing(each) for each in function.inputs])
    refusal = yield from _refusal(subject, data, _STRANGER)
    if refusal is not None and (gate := _gate_of(refusal)) is not None:
        who = yield from _admitted(subject, gate)
        if not who:
            raise subject.wrong(
                f"{function.signature} is for those with a role that nobody has, which does not prove that it was "
                "called before; give somebody the role, or leave this check out."
            ) from refusal
        refusal = yield from _refusal(subject, data, who)
    if refusal is None:
        return True
    if refusal.data[:4] in _REFUSALS or _WORDS.search(refusal.reason):
        return False
    raise subject.wrong(
        f"{function.signature} {refusal}, which does not say that it was called before; known refusals are "
        f"{listed(('InvalidInitialization()', 'AlreadyInitialized()', 'already initialized'))}."
    ) from refusal


def _refusal(subject: Subject, data: str, sender: str) -> Reading[Reverted | None]:
    try:
        yield from ask("eth_call", [{"from": sender, "to": subject.address, "data": data}, subject.block])
    except Reverted as refusal:
        return refusal
    return None


def _gate_of(refusal: Reverted) -> str | None:
    """The role that a refusal asks for, 0x hex; empty for an owner's privilege, None for any other refusal."""
    if refusal.data[:4] == _UNAUTHORISED and len(refusal.data) == _SELECTOR_AND_TWO_WORDS:
        return "0x" + refusal.data[-32:].hex()
    if match := _MISSING_ROLE.search(refusal.reason):
        return match[1].lower()
    return "" if refusal.data[:4] == _NOT_OWNER or _CALLER_IS_NOT_OWNER.search(refusal.reason) else None


def _admitted(subject: Subject, role: str) -> Reading[str]:
    """One who passes that gate; empty where nobody does."""
    if role:
        return next(iter((yield from members_of(subject, role))), "")
    owner = yield from subject.views.call("owner()", (), None)
    return "" if owner == ZERO else str(owner)


def _nothing(parameter: Mapping[str, Any]) -> Any:
    """The empty value of a type, which an initialiser that is closed never looks at."""
    kind = str(parameter["type"])
    if match := re.fullmatch(r"(.+)\[(\d*)\]", kind):
        return [_nothing({**parameter, "type": match[1]}) for _ in range(int(match[2] or 0))]
    if kind == "tuple":
        return tuple(_nothing(each) for each in parameter["components"])
    if kind.startswith("bytes"):
        return bytes(int(kind.removeprefix("bytes") or 0))
    return {"bool": False, "string": "", "address": _STRANGER}.get(kind, 0)


LOOKS: Mapping[str, Look] = {
    "initialised": _initialised,
    "reinitialisable": _reinitialisable,
    "implementation_locked": _locked,
}
