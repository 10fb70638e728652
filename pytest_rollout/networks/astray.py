"""Answers to another question than the one that was asked: other blocks' logs, another transaction's receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_rollout.networks.logs import span_of
from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.port import hexadecimal

_OF_A_TRANSACTION = {"eth_getTransactionReceipt": "transactionHash", "eth_getTransactionByHash": "hash"}
"""Methods that ask for one transaction, and what of their answer names it."""


def astray(call: Call, answer: Any) -> str:
    """What was answered instead of what was asked for; empty where that is what came, or a refusal.

    A node that passes over the blocks of a question would show events of another time, or one of them twice.
    """
    method, params = call
    if method in _OF_A_TRANSACTION and isinstance(answer, Mapping) and params:
        named = answer.get(_OF_A_TRANSACTION[method])
        return "" if _same(named, params[0]) else f"that of {named!r:.80}, and was asked for {params[0]!r:.80}"
    if method == "eth_getLogs" and isinstance(answer, list):
        return next((wrong for each in answer if (wrong := _stray_log(call, each))), "")
    return ""


def _stray_log(call: Call, log: Any) -> str:
    told = log if isinstance(log, Mapping) else {}
    span, number = span_of(call), told.get("blockNumber")
    if span is not None and not span[0] <= (-1 if (at := hexadecimal(number)) is None else at) <= span[1]:
        return f"a log of block {number!r:.40}, and was asked for {span[0]} to {span[1]}"
    wanted = next(
        (each["blockHash"] for each in call[1][:1] if isinstance(each, Mapping) and "blockHash" in each), None
    )
    if wanted is not None and not _same(told.get("blockHash"), wanted):
        return f"a log of block {told.get('blockHash')!r:.80}, and was asked for {wanted!r:.80}"
    return "a log that a reorganisation has removed" if told.get("removed") not in {None, False} else ""


def _same(one: object, other: object) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower()
