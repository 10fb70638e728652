"""Faults of a drill, put on a chain of our own: contracts that answer otherwise, and other code at an address.

The world is altered, not what is read of it: where a declared state is read by a call, the contract
becomes one that answers that very call otherwise and hands every other one to its old code, in its
own storage. Words of storage that a state is read from are written over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.checks import look
from pytest_rollout.contracts.interface import keccak
from pytest_rollout.contracts.reading import Answer, read
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.rollout import ContractState
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.port import Chain

_WORD = 32
_WORDS = "eth_getStorageAt"
_ZERO = "6000"


@dataclass(slots=True)
class _Change:
    """What becomes of one account: calls that are answered otherwise, words that are written, other code."""

    lies: dict[bytes, bytes] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    replaces_code: bool = False


class _Listening:
    """A chain that remembers what was asked of it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.heard: list[tuple[Call, Answer]] = []

    def batch(self, calls: Sequence[Call]) -> list[Answer]:
        """As ``Chain.batch``."""
        answers = self._chain.batch(calls)
        self.heard += zip(calls, answers, strict=True)
        return answers


def other_states(states: Sequence[ContractState], contracts: Contracts, chain: Chain) -> None:
    """Make every declared state another one, where its value comes from the code or the words of contracts."""
    changes: dict[str, _Change] = {}
    for state in states:
        for address, change in _otherwise(_heard(state, contracts, chain)):
            known = changes.setdefault(address, _Change())
            known.lies |= change.lies
            known.slots |= change.slots
            known.replaces_code |= change.replaces_code
    for address, change in changes.items():
        _make(chain, address, change)


def other_code(names: Sequence[str], contracts: Contracts, chain: Chain) -> None:
    """Put other code at each contract's address, which answers as before: the old code does the work from elsewhere."""
    for name in names:
        if name in contracts:
            _make(chain, contracts.where(name).lower(), _Change(replaces_code=True))


def _heard(state: ContractState, contracts: Contracts, chain: Chain) -> list[tuple[Call, Answer]]:
    listening = _Listening(chain)
    try:
        read(listening, look(state, contracts, chain, hex(chain.head().number)))
    except RolloutError:
        return []  # it does not hold without a fault either, which the drill knows by then
    return listening.heard


def _otherwise(heard: Sequence[tuple[Call, Answer]]) -> Iterator[tuple[str, _Change]]:
    """The least that makes a state another one: its truths, else its other answers, else its words, else its code."""
    told = [(method, params, answer) for (method, params), answer in heard if isinstance(answer, str)]
    calls = [
        (params[0]["to"].lower(), _bytes(params[0]["data"]), _bytes(answer))
        for method, params, answer in told
        if method == "eth_call" and answer != "0x"
    ]
    words = [(params[0].lower(), int(params[1], 16), int(a, 16)) for method, params, a in told if method == _WORDS]
    codes = [params[0].lower() for method, params, _ in told if method == "eth_getCode"]
    truths = [each for each in calls if len(each[2]) == _WORD and int.from_bytes(each[2]) < 2]  # noqa: PLR2004 - 0, 1
    for address, asked, said in truths or calls:
        yield address, _Change(lies={asked: _other(said)})
    for address, slot, word in [] if calls else words:
        yield address, _Change(slots={slot: word ^ 1})
    for address in [] if calls or words else codes:
        yield address, _Change(replaces_code=True)


def _bytes(text: Any) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))


def _other(answer: bytes) -> bytes:
    """Another answer of the same shape: one bit differs, in the only word or in the last byte that says something."""
    at = len(answer) - 1
    while len(answer) > _WORD and at and not answer[at]:
        at -= 1
    return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]


def _make(chain: Chain, address: str, change: _Change) -> None:
    code = None
    if change.lies or change.replaces_code:
        old = _bytes(chain.request("eth_getCode", [address, "latest"]))
        elsewhere = "0x" + keccak(b"drill" + _bytes(address))[-20:].hex()
        chain.alter(elsewhere, code=old)
        code = _shim(elsewhere, change.lies)
    chain.alter(address, code=code, slots=change.slots)


def _shim(elsewhere: str, lies: Mapping[bytes, bytes]) -> bytes:
    """Code that answers the calls in ``lies`` with what is there, and delegates every other to ``elsewhere``."""
    head = f"36{_ZERO}{_ZERO}37" + f"36{_ZERO}20"  # copy the call's data, leave its hash on the stack
    delegated = (
        f"50{_ZERO}{_ZERO}36{_ZERO}73{elsewhere[2:]}5af4"  # pop, delegatecall
        f"3d{_ZERO}{_ZERO}3e"  # copy what it returned
        "61{ok}57"  # success?
        f"3d{_ZERO}fd"
        f"5b3d{_ZERO}f3"
    )
    tests_length = len(lies) * (1 + 33 + 1 + 3 + 1)
    start = len(bytes.fromhex(head)) + tests_length
    body = delegated.replace("{ok}", "0000")
    ok = start + len(bytes.fromhex(body)) - 5
    body = delegated.replace("{ok}", f"{ok:04x}")
    jumps = start + len(bytes.fromhex(body))
    answers = jumps + len(lies) * (1 + 3 + 3 + 2 + 1 + 3 + 2 + 1)
    tests, tails, data = "", "", b""
    for number, (asked, said) in enumerate(lies.items()):
        target = jumps + number * 16
        tests += f"807f{keccak(asked).hex()}1461{target:04x}57"
        tails += f"5b61{len(said):04x}61{answers + len(data):04x}{_ZERO}3961{len(said):04x}{_ZERO}f3"
        data += said
    return bytes.fromhex(head + tests + body + tails) + data
