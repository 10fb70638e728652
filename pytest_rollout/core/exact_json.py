"""JSON read strictly: no NaN, no key twice, integers and decimals exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_DIGITS = 4000
_BLANKS = " \t\n\r"
_MARK = b"\xef\xbb\xbf"


def exact_json(text: str | bytes) -> Any:
    """The value; numbers with a fraction or an exponent as ``{"decimal": "0.5"}``. Raises ``ValueError``."""
    if isinstance(text, bytes):
        text = text.removeprefix(_MARK).decode()
    try:
        value, end = _SCAN(text, 0)
        if end == len(text) or not text[end:].strip(_BLANKS):
            return value
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except StopIteration:
        pass
    return _DECODER.decode(text)  # blanks before it; or it tells what is wrong


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def decimal(text: str) -> dict[str, str]:
    """What stands for a number with a fraction or an exponent, every digit kept."""
    return {"decimal": text[:_DIGITS]}


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice[:80]!r} stands twice in one object")
    return table


_DECODER = json.JSONDecoder(parse_float=decimal, parse_constant=_refuse, object_pairs_hook=_table)
_SCAN: Callable[[str, int], tuple[Any, int]] = vars(_DECODER)["scan_once"]
"""Half the work of ``decode``, which looks for blanks with a pattern, before and after."""
