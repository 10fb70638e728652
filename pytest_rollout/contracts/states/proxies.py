"""Proxies and delegations: where the code that answers really is.

Sources: EIP-1967 (implementation, admin, beacon), ERC-1822 (``proxiableUUID``), EIP-7702 (delegation).
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.states.subject import ZERO, Look, Subject
from pytest_rollout.core.errors import Reverted
from pytest_rollout.core.rollout import Value

IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""keccak256("eip1967.proxy.implementation") - 1."""

ADMIN_SLOT = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"
"""keccak256("eip1967.proxy.admin") - 1."""

BEACON_SLOT = "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
"""keccak256("eip1967.proxy.beacon") - 1."""

DELEGATION = bytes.fromhex("ef0100")
"""What the code of a delegating account begins with; the address follows."""

_PROXIABLE_UUID = "0x52d1902d"
_IMPLEMENTATION = "0x5c60da1b"
_WORD = 32
_DELEGATED = len(DELEGATION) + 20


def implementation_of(subject: Subject) -> Reading[str]:
    """Where a proxy's code is, in lower case: in its own slot, or where its beacon says; zero if it is no proxy."""
    own = yield from subject.address_in(IMPLEMENTATION_SLOT, "EIP-1967's implementation")
    if own != ZERO:
        return own
    beacon = yield from subject.address_in(BEACON_SLOT, "EIP-1967's beacon")
    if beacon == ZERO:
        return ZERO
    try:
        answer = yield from ask("eth_call", [{"to": beacon, "data": _IMPLEMENTATION}, subject.block])
    except Reverted as refusal:
        raise subject.wrong(f"its beacon at {beacon} tells no implementation: {refusal}.") from refusal
    word = bytes.fromhex(str(answer).removeprefix("0x"))
    if len(word) != _WORD or any(word[:12]) or not any(word):
        raise subject.wrong(f"its beacon at {beacon} tells 0x{word[:40].hex()} as implementation, which is no address.")
    return "0x" + word[12:].hex()


def code_behind(subject: Subject) -> Reading[tuple[str, bytes]]:
    """The implementation's address and code; raises ``ContractError`` where there is none."""
    address = yield from implementation_of(subject)
    if address == ZERO:
        raise subject.wrong(f"{subject.address} is no proxy of EIP-1967: it has neither implementation nor beacon.")
    code = yield from subject.code(address)
    if not code:
        raise subject.wrong(f"no code at its implementation {address} in block {int(subject.block, 16)}.")
    return address, code


def _implementation(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001 - one look like another
    return subject.spelled((yield from implementation_of(subject)))


def _code_hash(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    _, code = yield from code_behind(subject)
    return subject.speller.spelled({"type": "bytes32"}, keccak(code), subject.expected)


def _kind(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    """``uups``, ``transparent``, ``beacon`` or ``none``: told by what the proxy and its implementation hold."""
    own = yield from subject.address_in(IMPLEMENTATION_SLOT, "EIP-1967's implementation")
    admin = yield from subject.address_in(ADMIN_SLOT, "EIP-1967's admin")
    beacon = yield from subject.address_in(BEACON_SLOT, "EIP-1967's beacon")
    if own == beacon == ZERO:
        return "none"
    if own == ZERO:
        return "beacon"
    if admin != ZERO:
        return "transparent"
    try:
        answer = yield from ask("eth_call", [{"to": own, "data": _PROXIABLE_UUID}, subject.block])
    except Reverted:
        answer = "0x"
    return "uups" if str(answer).lower() == IMPLEMENTATION_SLOT else "unknown"


def _admin(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    return subject.spelled((yield from subject.address_in(ADMIN_SLOT, "EIP-1967's admin")))


def _beacon(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    return subject.spelled((yield from subject.address_in(BEACON_SLOT, "EIP-1967's beacon")))


def _delegation(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001
    code = yield from subject.code()
    return subject.spelled(delegated(code) or ZERO)


def delegated(code: bytes) -> str:
    """Where an account of EIP-7702 delegates to, in lower case; empty for any other code."""
    return "0x" + code[len(DELEGATION) :].hex() if len(code) == _DELEGATED and code[:3] == DELEGATION else ""


LOOKS: Mapping[str, Look] = {
    "implementation": _implementation,
    "implementation_code_hash": _code_hash,
    "proxy": _kind,
    "proxy_admin": _admin,
    "beacon": _beacon,
    "delegation": _delegation,
}
