"""Many view calls as one, by the contract that most chains have for it: Multicall3.

It stands at one address on every chain that has it (https://www.multicall3.com). What stands there
makes the calls and could say anything, so it is believed only if its code is Multicall3's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_rollout.networks.digest import keccak
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.nodes import Nodes

ADDRESS = "0xca11bde05977b3631167028862be2a173976ca11"

CODE_HASH = "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
"""Keccak-256 of its code, which is the same on every chain."""

MOST_TOGETHER = 500
"""View calls in one; nodes bound the gas of a call."""

_AGGREGATE3 = "82ad56cb"
_TRY = "(address,bool,bytes)[]"
_TRIED = "(bool,bytes)[]"


class Together:
    """Asks nodes, in one request where there is a way.

    Calls that fit a node's batch are asked as they are. Of more, Multicall3 makes the view calls that
    name no sender, at one block each time: there it is their sender, and only there. One that fails
    that way, for whatever reason, is asked again by itself, so its error is its own.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._is_there: bool | None = None

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """A result or a ``Refusal`` for each call, in order; raises ``NetworkError``."""
        groups = list(_groups(calls)) if len(calls) > self._nodes.most_at_once else []
        if not groups or self._is_there is False:
            return self._nodes.ask(calls)
        if self._is_there is None:
            # What stands there is learnt along with the first calls, which are asked the long way.
            block = calls[groups[0][0]][1][1]
            code, *answers = self._nodes.ask([("eth_getCode", [ADDRESS, block]), *calls])
            self._is_there = _is_multicall3(code)
            return answers
        return self._by_it(calls, groups)

    def _by_it(self, calls: Sequence[Call], groups: Sequence[Sequence[int]]) -> list[Any]:
        made = {index for group in groups for index in group}
        others = [index for index in range(len(calls)) if index not in made]
        told = self._nodes.ask(
            [
                *(_aggregated([calls[index] for index in group]) for group in groups),
                *(calls[index] for index in others),
            ]
        )
        answers = dict(zip(others, told[len(groups) :], strict=True))
        for group, answer in zip(groups, told, strict=False):
            answers |= {
                index: f"0x{data.hex()}"
                for index, (succeeded, data) in zip(group, _tried(answer, len(group)), strict=True)
                if succeeded
            }
        again = [index for index in range(len(calls)) if index not in answers]
        answers |= zip(again, self._nodes.ask([calls[index] for index in again]), strict=True)
        return [answers[index] for index in range(len(calls))]


def _groups(calls: Sequence[Call]) -> Iterator[list[int]]:
    """The numbers of the calls that can be made by it, by their block."""
    by_block: dict[str, list[int]] = {}
    for index, (method, params) in enumerate(calls):
        if method == "eth_call" and len(params) == 2 and isinstance(params[1], str) and _is_plain(params[0]):  # noqa: PLR2004
            by_block.setdefault(params[1], []).append(index)
    for indexes in by_block.values():
        for at in range(0, len(indexes), MOST_TOGETHER):
            yield indexes[at : at + MOST_TOGETHER]


def _is_plain(asked: object) -> bool:
    """Whether a call has a target and data in 0x hex, and nothing else that could matter."""
    if not isinstance(asked, Mapping) or set(asked) != {"to", "data"}:
        return False
    return all(isinstance(each, str) and each[:2] == "0x" and len(each) % 2 == 0 for each in asked.values())


def _aggregated(calls: Sequence[Call]) -> Call:
    """One call that makes them all, each allowed to fail."""
    from eth_abi.abi import encode  # noqa: PLC0415 - heavy

    tries = [(params[0]["to"], True, bytes.fromhex(params[0]["data"][2:])) for _, params in calls]
    data = encode([_TRY], [tries]).hex()
    return "eth_call", [{"to": ADDRESS, "data": f"0x{_AGGREGATE3}{data}"}, calls[0][1][1]]


def _tried(answer: Any, count: int) -> Sequence[tuple[bool, bytes]]:
    """What it says of each call; that all have failed where it says anything else."""
    from eth_abi.abi import decode  # noqa: PLC0415 - heavy
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415

    failed = [(False, b"")] * count
    if not isinstance(answer, str):
        return failed
    try:
        (tried,) = decode([_TRIED], bytes.fromhex(answer.removeprefix("0x")))
    except (DecodingError, OverflowError, ValueError):
        return failed
    return tried if len(tried) == count else failed


def _is_multicall3(code: Any) -> bool:
    try:
        return keccak(bytes.fromhex(code[2:])).hex() == CODE_HASH
    except (TypeError, ValueError):
        return False
