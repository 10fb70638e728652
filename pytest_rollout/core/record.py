"""One record of a store: who it is, by declared fields and spellings, and in what it differs from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from pytest_rollout.core.spelling import Read, decimal_of, instants, integers, lower

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
            elif kind is str and part and (spelt := self.spelt(name, [part])[0]):
                parts.append(spelt)
            else:
                return None
        return "/".join((*map(_within, parts[:-1]), parts[-1]))

    def names(self, columns: Sequence[Sequence[Any]]) -> list[str] | None:
        """``of`` for many records at once, given the values of each field of the key; None where one has no name."""
        parts: list[Sequence[Any]] = []
        for name, column in zip(self.key, columns, strict=True):
            if not set(map(type, column)) <= {int, str} or "" in column:
                return None
            part = self.spelt(name, column)
            if "" in part:
                return None
            if len(parts) < len(self.key) - 1:
                text = _text(part)
                if text is None or "/" in text or "\\" in text:
                    part = [_within(str(each)) for each in part]
            parts.append(part)
        form = "/".join(["%s"] * len(self.key))
        return list(map(form.__mod__, zip(*parts, strict=True)))

    def spelt(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        """Parts of identities the way that they are compared; those that are no text stay as they are."""
        meant = self.meant(name, column)
        text = _text([part for part in meant if type(part) is str]) or ""
        return lower(meant) if text.startswith("0x") or "\n0x" in text else meant

    def meant(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        """Declared spellings of a field of the key as what they mean; any other text, and what is no text, as it is."""
        aliases = self.aliases.get(name)
        if not self.short_names and not aliases:
            return column
        text = _text(column)
        if text is None:
            return [self.meant(name, [part])[0] if type(part) is str else part for part in column]
        if self.short_names and ":" in text:
            column = [part.rpartition(":")[2] for part in column]
        return list(map(aliases.get, column, column)) if aliases else column


def _text(column: Sequence[Any]) -> str | None:
    """All of a column in lines, to look for something in each at once; None where one is no text."""
    return "\n".join(column) if set(map(type, column)) <= {str} else None


def _within(part: str) -> str:
    """A part that others follow: a stroke in it is no end of it."""
    return part.replace("\\", "\\\\").replace("/", "\\/") if "/" in part or "\\" in part else part


_READ: Mapping[FieldKind, Read] = {
    FieldKind.ADDRESS: lower,
    FieldKind.HASH: lower,
    FieldKind.INTEGER: integers,
    FieldKind.TIME: instants,
}


def readings(identity: Identity, kinds: Mapping[str, FieldKind]) -> dict[str, Read]:
    """How the fields are read of which two spellings can mean the same: by their kind, or as spellings of the key."""
    found = {name: _READ[kind] for name, kind in kinds.items() if kind is not FieldKind.EXACT}
    for name in identity.key:
        if identity.short_names or identity.aliases.get(name):
            found[name] = _spelt_as(identity, name, found.get(name))
    return found


def _spelt_as(identity: Identity, name: str, read: Read | None) -> Read:
    def spelt(column: Sequence[Any]) -> Sequence[Any]:
        meant = identity.meant(name, column)
        return meant if read is None else read(meant)

    return spelt


def differences(
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    fields: tuple[str, ...],
    read: Mapping[str, Read],
    clean: Callable[[str], str] = str,
) -> list[tuple[str, str, str]]:
    """The fields in which two records of one identity differ, with both values; ``fields`` empty means all.

    Integers are compared exactly and ``1`` is not ``"1"``, unless the field is of kind integer; hex
    is compared by value where the kind says so. ``read`` is what ``readings`` says.
    """
    names = fields or tuple(dict.fromkeys((*left, *right)))
    found = []
    for name in names:
        one, other = left.get(name, MISSING), right.get(name, MISSING)
        if one == other and type(one) is type(other) and not isinstance(one, dict | list):
            continue
        meant = read[name]((one, other)) if name in read else (one, other)
        if not _is_same(*meant):
            found.append((name, shown(one, clean), shown(other, clean)))
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


def are_addresses(column: Sequence[Any]) -> bool:
    """Whether ``placeholder`` has nothing to say of any of these values."""
    if set(map(type, column)) == {str} and set(map(len, column)) == {_ADDRESS_LENGTH}:
        text, count = "".join(column), len(column)
        begin = text[::_ADDRESS_LENGTH].count("0"), text[1::_ADDRESS_LENGTH].count("x")
        if begin == (count, count) and text.count("x") == count and text.isalnum():  # so no blank is between digits
            try:
                content = bytes.fromhex(text.replace("0x", ""))
            except ValueError:
                return False
            places = range(0, len(content), _ADDRESS_BYTES)
            return _PLACEHOLDERS.isdisjoint(content[place : place + _ADDRESS_BYTES] for place in places)
    return not any(map(placeholder, column))


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


def shown(value: Any, clean: Callable[[str], str] = str) -> str:
    """A value for people, clean of secrets and then cut where it is long: half a secret is found by nobody."""
    if isinstance(value, bool):
        return str(value).lower()
    text = clean(value if isinstance(value, str) else f"{value!r}")
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
            return bool(one == other or decimal_of(one) == decimal_of(other))
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    is_equal: bool = one == other
    return is_equal and type(one) is type(other)
