"""Whether two loaded engines are one: then they always agree, and nothing was compared.

A plan that names one engine twice shows it. ``try: from fast import Candidate`` / ``except ImportError:
Candidate = Reference`` does not, and neither does a factory that falls back. So each loaded engine has
tokens, texts that mean the same in every process; two that share one are one. Engines of one class that
hold different things are two, and so are those into which nobody can look.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import threading
from collections.abc import Collection
from operator import attrgetter
from typing import Any

from pytest_rollout.core.errors import EngineError

MOST_LOOKED_AT = 10_000
"""So many values of one engine are looked at, and so many characters of one text."""

_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event, threading.local)


def tokens_of(engine: Any, found: Any) -> list[str]:
    """What tells an engine that was made of what its import path names: a class, a factory, or itself."""
    origin = _origin(type(engine))
    held = _Look().at(engine)
    tokens = [f"holding {hashlib.sha256(held.encode('utf-8', 'surrogatepass')).hexdigest()} {origin}"]
    if inspect.isclass(found):
        tokens.append(f"made without arguments {origin}")  # whatever it holds
    return tokens


def refuse_one(reference: Collection[str], candidate: Collection[str], names: tuple[str, str]) -> None:
    """Raise ``EngineError`` where the tokens of both tell of one engine."""
    if set(reference) & set(candidate):
        raise EngineError(
            f"engine {names[1]}: is the reference {names[0]} by another name, and always agrees with itself; "
            "look at what its module does where the candidate cannot be imported."
        )


def _origin(kind: type) -> str:
    """A class by its name, where that name leads to it; one that was made on the way is itself alone."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        is_there = attrgetter(kind.__qualname__)(sys.modules[kind.__module__]) is kind
    except (KeyError, AttributeError):
        is_there = False
    return name if is_there else f"{name} at {id(kind)}"


class _Look:
    """A text of what a value holds; of what cannot be looked into only that it is itself, so it is like no other."""

    def __init__(self) -> None:
        self._left = MOST_LOOKED_AT
        self._above: set[int] = set()

    def at(self, value: Any) -> str:
        """The text; a value within itself, or one too many, is not looked into."""
        kind = type(value)
        self._left -= 1
        if kind in {int, float, bool, type(None)} or (kind in {str, bytes} and len(value) <= MOST_LOOKED_AT):
            return f"{kind.__name__} {value!r}"
        if kind in _LOCKS:
            return kind.__qualname__
        if self._left < _size(value) or id(value) in self._above:
            return f"at {id(value)}"
        self._above.add(id(value))
        try:
            return f"{_origin(kind)} {self._inside(value, kind)}"
        finally:
            self._above.discard(id(value))

    def _inside(self, value: Any, kind: type) -> str:
        if kind is dict:
            return str(sorted(f"{self.at(key)}: {self.at(each)}" for key, each in value.items()))
        if kind in {list, tuple}:
            return str([self.at(each) for each in value])
        if kind in {set, frozenset}:
            return str(sorted(self.at(each) for each in value))
        if _is_open(value):
            return self.at(vars(value))
        return f"at {id(value)}"


def _size(value: Any) -> int:
    return len(value) if type(value) in {dict, list, tuple, set, frozenset} else 0


class _Open:
    """An object that holds nothing but its ``__dict__``."""


def _is_open(value: Any) -> bool:
    """Whether all that an object holds is in its ``__dict__``: one with slots, or of a class in C, is larger."""
    kind = type(value)
    size = (kind.__basicsize__, kind.__itemsize__)
    return hasattr(value, "__dict__") and size == (_Open.__basicsize__, _Open.__itemsize__)
