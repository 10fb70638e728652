"""One record of a store: who it is, by declared fields and spellings, and in what it differs from another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

_HEX = re.compile(r"0x[0-9a-fA-F]+")
_INTEGER = re.compile(r"-?[0-9]{1,1000}n?")
_INSTANT = re.compile(
    r"(?P<whole>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<part>[0-9]{1,9}))?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST_DIGITS = 1000
SHOWN = 120
"""Longer values are cut where they are shown."""


class Record(NamedTuple):
    """One record as its store holds it: where, what, or why it cannot be read."""

    place: str
    value: Any
    error: str = ""


class FieldKind(StrEnum):
    """How a field's two spellings can mean the same."""

    EXACT = "exact"
    ADDRESS = "address"
    HASH = "hash"
    INTEGER = "integer"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which fields say who a record is, and which of their spellings mean the same.

    ``aliases`` maps a field to other spellings and what each means; ``short_names`` takes
    ``contracts/Token.sol:Token`` for ``Token``.
    """

    key: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    short_names: bool = False

    def of(self, value: Any) -> str | None:
        """``56/LookCoin``, or None for a record that does not say who it is."""
        if not isinstance(value, Mapping):
            return None
        parts = []
        is_plain = not self.short_names and not self.aliases
        for name in self.key:
            part = value.get(name)
            kind = type(part)
            if kind is int:
                parts.append(str(part))
            elif kind is not str or not part:
                return None
            elif is_plain and part[0] != "0":
                parts.append(part)
            else:
                parts.append(self.spelt(name, part))
        return "/".join(parts)

    def reader(self) -> Callable[[Any], str | None]:
        """``of``, quicker for many records: what is plain is put together at once."""
        if self.short_names or self.aliases:
            return self.of
        names, of, form = self.key, self.of, "/".join(["%s"] * len(self.key))
        get = itemgetter(*names) if len(names) > 1 else lambda value: (value[names[0]],)

        def read(value: Any) -> str | None:
            try:
                parts = get(value)
            except (KeyError, TypeError):
                return of(value)
            for part in parts:
                kind = type(part)
                if kind is str:
                    if not part or part[0] == "0":
                        return of(value)
                elif kind is not int:
                    return of(value)
            return form % parts

        return read

    def spelt(self, name: str, part: str) -> str:
        """One part of an identity the way that it is compared."""
        if self.short_names and ":" in part:
            part = part.rpartition(":")[2]
        aliases = self.aliases.get(name)
        if aliases:
            part = aliases.get(part, part)
        return part.lower() if part.startswith("0x") and _HEX.fullmatch(part) else part


def differences(
    left: Mapping[str, Any], right: Mapping[str, Any], fields: tuple[str, ...], kinds: Mapping[str, FieldKind]
) -> list[tuple[str, str, str]]:
    """The fields in which two records of one identity differ, with both values; ``fields`` empty means all.

    Integers are compared exactly and ``1`` is not ``"1"``, unless the field is of kind integer; hex
    is compared by value where the kind says so.
    """
    names = fields or tuple(dict.fromkeys((*left, *right)))
    found = []
    for name in names:
        one, other = left.get(name, _MISSING), right.get(name, _MISSING)
        if one == other and type(one) is type(other) and not isinstance(one, dict | list):
            continue
        same = _NORMAL[kinds.get(name, FieldKind.EXACT)]
        if not _is_same(same(one), same(other)):
            found.append((name, shown(one), shown(other)))
    return found


def placeholder(value: Any) -> str:
    """Why a value is no address anything can stand at, or nothing."""
    if type(value) is str and len(value) == _ADDRESS_LENGTH and value[:2] == "0x":
        try:
            content = bytes.fromhex(value[2:])
        except ValueError:
            return "no address"
        if len(content) == _ADDRESS_BYTES:  # fewer where there are blanks between
            if content not in _PLACEHOLDERS:
                return ""
            return "a placeholder" if any(content) else "the zero address"
    return "no address"


_ADDRESS_LENGTH = 42
_ADDRESS_BYTES = 20
_PLACEHOLDERS = frozenset(
    bytes.fromhex(text)
    for text in (
        *(digit * 40 for digit in "0123456789abcdef"),
        "dead".rjust(40, "0"),
        "dead".ljust(40, "0"),
        "1234567890" * 4,
        "deadbeef" * 5,
        "0123456789abcdef" * 2 + "01234567",
    )
)


def shown(value: Any) -> str:
    """A value for people, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else f"{value!r}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


class _Missing:
    """A field that is not there, which is not null."""

    def __repr__(self) -> str:
        return "nothing"


_MISSING = _Missing()


def _is_same(one: Any, other: Any) -> bool:
    """Equal in value and type, all the way down; decimals by their value."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() == other.keys() == {"decimal"}:
            return bool(one == other or _decimal(one) == _decimal(other))
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    is_equal: bool = one == other
    return is_equal and type(one) is type(other)


def _decimal(value: Mapping[str, Any]) -> Any:
    try:
        return Decimal(str(value["decimal"]))
    except InvalidOperation:
        return value


def _lower(value: Any) -> Any:
    """Hex in lower case, in lists and tables too."""
    if isinstance(value, str):
        return value.lower() if _HEX.fullmatch(value) else value
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
        number = _decimal(value)
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


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_NORMAL: Mapping[FieldKind, Callable[[Any], Any]] = {
    FieldKind.EXACT: lambda value: value,
    FieldKind.ADDRESS: _lower,
    FieldKind.HASH: _lower,
    FieldKind.INTEGER: _integer,
    FieldKind.TIME: _time,
}
