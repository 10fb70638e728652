"""What a contract has, and what it allows others to take: exact integers.

Source: EIP-20. What is not in the token's artifact is called all the same; the calls are standard.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Reading, ask
from pytest_rollout.contracts.states.subject import Look, Subject
from pytest_rollout.core.errors import Reverted
from pytest_rollout.core.rollout import Value

_WORD = 32


def _balance(subject: Subject, rest: str) -> Reading[Value]:  # noqa: ARG001 - one look like another
    """Its own balance of the chain's currency, in wei."""
    answer = yield from ask("eth_getBalance", [subject.address, subject.block])
    return int(str(answer), 16)


def _of_token(subject: Subject, token: str) -> Reading[Value]:
    return (yield from _asked(subject, token, "balanceOf(address)", subject.address))


def _allowed(subject: Subject, rest: str) -> Reading[Value]:
    token, _, spender = rest.partition(".")
    address = subject.speller.named(spender)
    if address is None:
        raise subject.wrong(f"'{spender}' is no account role, contract or address.")
    return (yield from _asked(subject, token, "allowance(address,address)", subject.address, address))


def _asked(subject: Subject, token: str, signature: str, *addresses: str) -> Reading[int]:
    where = subject.speller.named(token)
    if where is None:
        raise subject.wrong(f"'{token}' is no contract and no address.")
    words = "".join(each.removeprefix("0x").lower().rjust(2 * _WORD, "0") for each in addresses)
    data = f"0x{keccak(signature.encode())[:4].hex()}{words}"
    try:
        answer = yield from ask("eth_call", [{"to": where, "data": data}, subject.block])
    except Reverted as refusal:
        raise subject.wrong(f"{token}.{signature} {refusal}.") from refusal
    word = bytes.fromhex(str(answer).removeprefix("0x"))
    if len(word) != _WORD:
        raise subject.wrong(f"{token}.{signature} returned {len(word)} bytes, no integer; is this a token's address?")
    return int.from_bytes(word, "big")


LOOKS: Mapping[str, Look] = {"balance": _balance, "balances": _of_token, "allowances": _allowed}
