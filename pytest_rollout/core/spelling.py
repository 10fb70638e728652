"""Values whose spellings can mean the same, read for what they mean, a column of them at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

Read = Callable[[Sequence[Any]], Sequence[Any]]
"""What each value of a field says, whatever its spelling."""

_HEX = re.compile(r"0x[0-9a-fA-F]+")
_INTEGER = re.compile(r"-?[0-9]{1,1000}n?")
_INSTANT = re.compile(
    r"(?P<whole>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<part>[0-9]{1,9}))?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST_DIGITS = 1000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def lower(column: Sequence[Any]) -> Sequence[Any]:
    """Hex in lower case, in lists and tables too."""
    text = _joined(column)
    return list(map(_lower, column)) if text is None or text != text.lower() else column


def integers(column: Sequence[Any]) -> Sequence[Any]:
    """Integers, however they are written: 5, "5", "5n", "0x5", 5.00, or a tagged big integer."""
    kinds = set(map(type, column))
    if kinds == {int}:
        return column
    if kinds == {str} and "" not in column and max(map(len, column)) <= _MOST_DIGITS:
        text = "".join(column)
        if text.isascii() and text.isdecimal():
            return list(map(int, column))
    return list(map(_integer, column))


def instants(column: Sequence[Any]) -> Sequence[Any]:
    """Instants in nanoseconds since 1970 from ISO 8601 with their offset; integers as they are."""
    return column if set(map(type, column)) == {int} else list(map(_time, column))


def _joined(column: Sequence[Any]) -> str | None:
    """All text of a column of texts, or of lists of texts."""
    kinds = set(map(type, column))
    try:
        return "".join(column if kinds == {str} else chain.from_iterable(column)) if kinds <= {str, list} else None
    except TypeError:
        return None


def _lower(value: Any) -> Any:
    """Hex in lower case, in lists and tables too."""
    if isinstance(value, str):
        lower = value.lower()
        return lower if lower != value and _HEX.fullmatch(value) else value
    if isinstance(value, list):
        return [_lower(each) for each in value]
    if isinstance(value, dict):
        return {key: _lower(each) for key, each in value.items()}
    return value


def _integer(value: Any) -> Any:
    """An integer, however it is written: 5, "5", "5n", "0x5", 5.00, or a tagged big integer."""
    if isinstance(value, dict) and set(value) in ({"type", "value"}, {"__type", "value"}, {"type", "hex"}):
        value = value.get("value", value.get("hex"))
    if isinstance(value, dict) and value.keys() == {"decimal"}:
        number = decimal_of(value)
        is_whole = isinstance(number, Decimal) and number.is_finite() and number.adjusted() < _MOST_DIGITS
        return int(number) if is_whole and number == number.to_integral_value() else value
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value.rstrip("n"))
        if _HEX.fullmatch(value):
            return int(value, 16)
    if isinstance(value, list):
        return [_integer(each) for each in value]
    return value


def _time(value: Any) -> Any:
    """An instant in nanoseconds since 1970 from ISO 8601 with its offset; integers as they are."""
    if isinstance(value, str) and (match := _INSTANT.fullmatch(value)):
        try:
            whole = datetime.fromisoformat(match["whole"] + match["zone"].replace("Z", "+00:00"))
        except ValueError:
            return value
        seconds = (whole - _EPOCH).days * 86400 + (whole - _EPOCH).seconds
        return ("instant", seconds * 10**9 + int((match["part"] or "").ljust(9, "0")))
    return _integer(value)


def decimal_of(value: Mapping[str, Any]) -> Any:
    """What a ``{"decimal": "0.5"}`` says, or itself where it says no number."""
    try:
        return Decimal(str(value["decimal"]))
    except InvalidOperation:
        return value
