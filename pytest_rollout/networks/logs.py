"""``eth_getLogs`` over more blocks, or with more events, than a node answers at once: whole, or an error.

Providers limit the blocks of one question, the logs of one answer, or its bytes, and say so in words
of their own. A question that is refused for its size is asked again in halves; parts are put together
only where every one of them was answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_rollout.networks.methods import Call
from pytest_rollout.networks.port import hexadecimal

_TOO_LARGE = re.compile(
    r"block range|range (?:is )?(?:too|limit|exceed)"
    r"|(?:exceed|maximum|max|limit)\w* .{0,40}\b(?:range|blocks|logs|results|size)"
    r"|more than [\d.,kK]+ (?:results|logs|blocks)|too many (?:results|logs|blocks)|too (?:large|big|wide)"
    r"|query timeout|timed? ?out|response size|limited to",
    re.IGNORECASE,
)
_ROUND = 1000
"""Some nodes cut an answer off at a round number of logs without a word."""


def span_of(call: Call) -> tuple[int, int] | None:
    """The first and last block that a question for logs names by numbers; None for any other call."""
    method, params = call
    if method != "eth_getLogs" or not params or not isinstance(params[0], Mapping) or "blockHash" in params[0]:
        return None
    first, last = (hexadecimal(params[0].get(key)) for key in ("fromBlock", "toBlock"))
    if params[0].get("fromBlock") == "earliest":
        first = 0
    return None if first is None or last is None or first > last else (first, last)


def is_too_large(call: Call, message: str) -> bool:
    """Whether a node refused this question for its size, and a smaller one can be asked."""
    span = span_of(call)
    return span is not None and span[0] < span[1] and _TOO_LARGE.search(message) is not None


def may_be_cut(call: Call, answer: Any) -> bool:
    """Whether so many logs look like a limit rather than a number."""
    span = span_of(call)
    full = isinstance(answer, list) and len(answer) > 0 and len(answer) % _ROUND == 0
    return full and span is not None and span[0] < span[1]


def in_parts(call: Call, ask: Callable[[Call], Any], is_whole: Callable[[Call, Any], bool]) -> Any:
    """All logs, asked for in parts of half the blocks and smaller; what is no list is the answer that ends it.

    ``ask`` answers one call, ``is_whole`` says whether that is all of it, or that nothing smaller can be asked.
    Parts grow again while they are answered, so that one crowded block does not make a thousand questions,
    and ever more rarely where growing is refused.
    """
    span = span_of(call)
    if span is None:
        return ask(call)
    (at, last), found = span, list[Any]()
    size, answered, wanted, has_grown = (last - at + 1) // 2 or 1, 0, 1, False
    while at <= last:
        part = _between(call, at, min(at + size - 1, last))
        answer = ask(part)
        if not is_whole(part, answer):
            wanted = 2 * wanted if has_grown else wanted
            size, answered, has_grown = size // 2 or 1, 0, False
            continue
        if not isinstance(answer, list):
            return answer
        found += answer
        at += size
        answered += 1
        if has_grown := answered >= wanted:
            size, answered = 2 * size, 0
    return found


def _between(call: Call, first: int, last: int) -> Call:
    method, params = call
    return method, [{**params[0], "fromBlock": hex(first), "toBlock": hex(last)}, *params[1:]]
