"""The one sentence a mistake in a plan is told in: place, value given, what is allowed, nearest name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, TypeVar

from pytest_rollout.core.errors import PlanError, listed, suggestion

Place = tuple[str | int, ...]
"""Keys and array indexes from the top of the plan to a value."""

GIVEN = "{given}"
"""Stands in a sentence for the value as it may be shown; see ``Written.given``."""

_LONGEST = 80
_MANY = 20
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LABELS = ("name", "text", "test", "where", "when")

_T = TypeVar("_T")
_U = TypeVar("_U")


class Unfit(Exception):  # noqa: N818 - it carries half a sentence, and never leaves this room
    """A value that does not do; the text says why, with ``{given}`` where the value goes."""


@dataclass(frozen=True, slots=True)
class Inexact:
    """A TOML float as it was written; no key of a plan takes one."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A plan as it is written: what stands where, and how it may be shown.

    ``name`` is the file for sentences, ``tree`` the TOML tree with ``${NAME}`` filled in,
    ``fills`` the filled strings as ``<NAME>``, ``secrets`` the values that must not be shown.
    """

    name: str
    tree: Mapping[str, Any]
    fills: Mapping[Place, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def wrong(self, place: Place, text: str) -> PlanError:
        """The error that says ``text`` about what stands at ``place``."""
        if GIVEN in text:
            text = text.replace(GIVEN, self.given(place))
        where = place_name(place, self.tree)
        return PlanError(self._hidden(f"{self.name}: {where}: {text}" if where else f"{self.name}: {text}"))

    def read(self, place: Place, value: _T, reader: Callable[[_T], _U]) -> _U:
        """What ``reader`` makes of a value; its ``Unfit`` becomes the error for ``place``."""
        try:
            return reader(value)
        except Unfit as unfit:
            problem = str(unfit)
        raise self.wrong(place, problem)

    def given(self, place: Place) -> str:
        """The value at ``place`` for a sentence: quoted, one line, cut, secrets as ``<NAME>``."""
        place = _real(place, self.tree)
        if place in self.fills:
            return quoted(self.fills[place])
        value = self.at(place)
        return quoted(self._hidden(value)) if isinstance(value, str) else shown(value)

    def at(self, place: Place) -> Any:
        """What stands at ``place``, or None."""
        value: Any = self.tree
        for step in _real(place, self.tree):
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _hidden(self, text: str) -> str:
        for name, secret in sorted(self.secrets.items(), key=lambda pair: -len(pair[1])):
            if len(secret) >= 6:  # noqa: PLR2004 - shorter ones are found in half of all words
                text = text.replace(secret, f"<{name}>").replace(repr(secret)[1:-1], f"<{name}>")
        return text


def quoted(text: str) -> str:
    """Text in quotes for a sentence: control characters escaped, cut where it grows long."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def shown(value: object) -> str:
    """A value of a plan for a sentence, the way TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Inexact):
        return value.text[:_LONGEST]
    if isinstance(value, date | time):
        return value.isoformat()
    return kind_of(value) if isinstance(value, list | dict) else str(value)


_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    str: "a string",
    Inexact: "a float",
    list: "an array",
    dict: "a table",
    datetime: "a date-time",
    date: "a date",
    time: "a time",
}


def kind_of(value: object) -> str:
    """What a TOML value is, with its article."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return "a date-time without offset"
    return _KINDS.get(type(value), "missing")


def misfit(value: object, needed: str) -> str:
    """A value of the wrong kind, and what is needed instead."""
    given = "" if isinstance(value, list | dict) else f"{GIVEN} "
    return f"{given}is {kind_of(value)}; {needed}"


def unknown(noun: str, name: str, names: Iterable[str], *, where: str = "the plan has") -> str:
    """No ``noun`` of that name; what there is, and the nearest."""
    there = list(names)
    return f"no {noun} {GIVEN}; {where} {some(there)}.{suggestion(name, there)}"


def some(names: Iterable[str]) -> str:
    """Names for a sentence, the first twenty of them where there are more."""
    there = list(names)
    more = len(there) - _MANY
    return listed(there) if more <= 0 else f"{listed(there[:_MANY])} and {more} more"


def place_name(place: Place, tree: Mapping[str, Any] | None = None) -> str:
    """``stages.alpha.criteria['escrows settle'].promote``: entries of arrays by their own name.

    An entry that has none is counted from 1: ``criteria[#2]``.
    """
    value: Any = tree
    name = ""
    for step in place:
        if isinstance(step, str):
            name += f"{'.' if name else ''}{step}" if _BARE.fullmatch(step) else f"[{quoted(step)}]"
            value = value.get(step) if isinstance(value, dict) else None
        elif value is None or isinstance(value, list):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            name += f"[{_label(value) or f'#{step + 1}'}]"
    return name


def _label(entry: object) -> str:
    if isinstance(entry, dict):
        for key in _LABELS:
            if isinstance(entry.get(key), str) and entry[key].strip():
                return quoted(entry[key])
    return ""


def _real(place: Place, tree: Mapping[str, Any]) -> Place:
    """The place without steps that shorthand left out: a table where an array of one may stand."""
    real: list[str | int] = []
    value: Any = tree
    for step in place:
        if isinstance(step, int) and not isinstance(value, list) and value is not None:
            continue
        real.append(step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
    return tuple(real)
