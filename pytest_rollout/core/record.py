"""One record of a store: who it is, by declared fields and spellings, and in what it differs from another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
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
        for name in self.key:
            part = value.get(name)
            kind = type(part)
            if kind is int:
                parts.append(str(part))
            elif kind is str and part and (spelt := self.spelt(name, part)):
                parts.append(spelt)
            else:
                return None
        return "/".join((*map(_within, parts[:-1]), parts[-1]))

    def names(self, columns: Sequence[Sequence[Any]]) -> list[str] | None:
        """``of`` for many records at once, given the values of each field of the key; None where one has no name."""
        parts: list[Sequence[Any]] = []
        for name, column in zip(self.key, columns, strict=True):
            texts = [part for part in column if type(part) is not int]
            if not set(map(type, texts)) <= {str} or "" in texts:
                return None
            part, joined = column, "\n".join(texts)
            if self.short_names or self.aliases.get(name) or joined.startswith("0x") or "\n0x" in joined:
                part = [self.spelt(name, each) if type(each) is str else each for each in column]
                if "" in part:
                    return None
            if len(parts) < len(self.key) - 1:
                part = [_within(str(each)) for each in part]
            parts.append(part)
        form = "/".join(["%s"] * len(self.key))
        return list(map(form.__mod__, zip(*parts, strict=True)))

    def spelt(self, name: str, part: str) -> str:
        """One part of an identity the way that it is compared."""
        part = self.meant(name, part)
        return part.lower() if part.startswith("0x") and _HEX.fullmatch(part) else part

    def meant(self, name: str, part: str) -> str:
        """A declared spelling of a field of the key as what it means; any other text as it is."""
        if self.short_names:
            part = part.rpartition(":")[2]
        aliases = self.aliases.get(name)
        return aliases.get(part, part) if aliases else part


def _within(part: str) -> str:
    """A part that others follow: a stroke in it is no end of it."""
    return part.replace("\\", "\\\\").replace("/", "\\/") if "/" in part or "\\" in part else part


Normal = Callable[[Any], Any]
"""What a value of a field says, whatever its spelling."""


def normals(identity: Identity, kinds: Mapping[str, FieldKind]) -> dict[str, Normal]:
    """How the fields are read of which two spellings can mean the same: by their kind, or as spellings of the key."""
    found = {name: _NORMAL[kind] for name, kind in kinds.items() if kind is not FieldKind.EXACT}
    for name in identity.key:
        if identity.short_names or identity.aliases.get(name):
            found[name] = _spelt_as(identity, name, found.get(name))
    return found


def _spelt_as(identity: Identity, name: str, normal: Normal | None) -> Normal:
    def spelt(value: Any) -> Any:
        meant = identity.meant(name, value) if type(value) is str else value
        return meant if normal is None else normal(meant)

    return spelt


def differences(
    left: Mapping[str, Any], right: Mapping[str, Any], fields: tuple[str, ...], normal: Mapping[str, Normal]
) -> list[tuple[str, str, str]]:
    """The fields in which two records of one identity differ, with both values; ``fields`` empty means all.

    Integers are compared exactly and ``1`` is not ``"1"``, unless the field is of kind integer; hex
    is compared by value where the kind says so. ``normal`` is what ``normals`` says.
    """
    names = fields or tuple(dict.fromkeys((*left, *right)))
    found = []
    for name in names:
        one, other = left.get(name, MISSING), right.get(name, MISSING)
        if one == other and type(one) is type(other) and not isinstance(one, dict | list):
            continue
        same = normal.get(name)
        if not (_is_same(one, other) if same is None else _is_same(same(one), same(other))):
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


MISSING = _Missing()
"""Stands for a field that a record does not have."""


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
_NORMAL: Mapping[FieldKind, Normal] = {
    FieldKind.ADDRESS: _lower,
    FieldKind.HASH: _lower,
    FieldKind.INTEGER: _integer,
    FieldKind.TIME: _time,
}
