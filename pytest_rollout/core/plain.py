"""Values of this room as plain JSON and back, exactly: how a plan travels with the evidence it was judged by.

A table with the one key ``=`` stands for what JSON has not: ``{"=": ["Fraction", "9/10"]}``. Only
dataclasses and enums that stand in a module of this room are made when reading, by their own
constructors, so whatever they refuse is refused here as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_rollout.core.errors import EvidenceError

_ROOM = "pytest_rollout.core."
_MODULE = re.compile(r"[a-z][a-z_]{0,40}")
_TAG = "="


def plain(value: Any) -> Any:  # noqa: PLR0911 - one a kind
    """The value as lists, tables, texts, integers, truth values and nulls; raises ``EvidenceError`` for others."""
    if value is None or type(value) in {bool, int, str}:
        return value
    kind = type(value)
    if isinstance(value, Enum):
        return {_TAG: ["enum", _name(kind), value.value]}
    if is_dataclass(value) and not isinstance(value, type):
        told = {each.name: plain(getattr(value, each.name)) for each in fields(value) if not _is_default(value, each)}
        return {_TAG: ["value", _name(kind), told]}
    if kind is list:
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        if _TAG not in value and all(type(key) is str for key in value):
            return {key: plain(each) for key, each in value.items()}
        return {_TAG: ["table", [[plain(key), plain(each)] for key, each in value.items()]]}
    for tag, (known, written, _) in _KINDS.items():
        if isinstance(value, known):
            return {_TAG: [tag, written(value)]}
    raise EvidenceError(f"a plan holds a {kind.__name__}, which cannot be written down.")


def read(told: Any) -> Any:
    """The value that ``plain`` wrote; raises ``EvidenceError`` for anything else."""
    try:
        return _read(told)
    except (ImportError, ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError) as error:
        raise EvidenceError(f"the enclosed plan cannot be read ({type(error).__name__}: {str(error)[:120]}).") from None


def _read(told: Any) -> Any:  # noqa: PLR0911 - as above
    if isinstance(told, list):
        return [_read(each) for each in told]
    if not isinstance(told, dict):
        return told
    if _TAG not in told:
        return {key: _read(each) for key, each in told.items()}
    tag, *rest = told[_TAG]
    if tag == "enum":
        return _class(rest[0], Enum)(rest[1])
    if tag == "value":
        found = _class(rest[0], None)
        return found(**{name: _read(each) for name, each in rest[1].items()})
    if tag == "table":
        return {_hashable(key): _read(each) for key, each in rest[0]}
    _, _, made = _KINDS[tag]
    return made(rest[0])


def _hashable(key: Any) -> Any:
    found = _read(key)
    hash(found)
    return found


def _class(name: str, wanted: type | None) -> Any:
    module, _, own = name.partition(":")
    if not _MODULE.fullmatch(module):
        raise ValueError(f"{name[:60]!r} is no value of a plan")
    found = getattr(import_module(_ROOM + module), own)
    is_right = issubclass(found, wanted) if wanted is not None else is_dataclass(found)
    if not is_right or found.__module__ != _ROOM + module:
        raise ValueError(f"{name[:60]!r} is no value of a plan")
    return found


def _name(kind: type) -> str:
    if not kind.__module__.startswith(_ROOM):
        raise EvidenceError(f"a plan holds a {kind.__name__}, which cannot be written down.")
    return f"{kind.__module__.removeprefix(_ROOM)}:{kind.__qualname__}"


def _is_default(value: Any, about: Any) -> bool:
    """Whether a field is as it is without being given; those that constructors do not take are left out too."""
    if not about.init:
        return True
    default = about.default_factory() if about.default_factory is not MISSING else about.default
    own = getattr(value, about.name)
    return default is not MISSING and type(own) is type(default) and bool(own == default)


_MICROSECOND = timedelta(microseconds=1)
_KINDS: Mapping[str, tuple[Any, Any, Any]] = {
    "tuple": (tuple, lambda value: [plain(each) for each in value], lambda told: tuple(_read(each) for each in told)),
    "set": (
        frozenset,
        lambda value: sorted((plain(each) for each in value), key=str),
        lambda told: frozenset(_read(each) for each in told),
    ),
    "Fraction": (Fraction, str, Fraction),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "microseconds": (timedelta, lambda value: value // _MICROSECOND, lambda told: told * _MICROSECOND),
    "path": (PurePosixPath, PurePosixPath.as_posix, Path),
    "float": (float, float.hex, float.fromhex),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
}
