"""When two answers are the same, field by field, and where they first differ if they are not.

Integers are exact and never equal booleans or floats; hex is compared without regard to case;
bytes are their hex; the order of maps does not count, that of lists does. No tolerance (rule 25).
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from pytest_rollout.core.errors import EvidenceError

DEEPEST = 200
"""Answers nested further are refused rather than walked."""

_PLAIN: tuple[type[Any], ...] = (int, str, float)
_HEX = frozenset("0123456789abcdef")
_LONGEST_SHOWN = 200
_PLACE = re.compile(r"\[[0-9]+\]")


class Uncomparable(EvidenceError):  # noqa: N818 - what an answer is, as Refused and Reverted are
    """An answer that has no canonical form: a cycle, two keys of one meaning, an object without fields."""


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Stands on the side of a difference that has no such field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which two answers differ; ``path`` is ``receipts[3].gas_used``, empty for the whole."""

    path: str
    reference: Any
    candidate: Any

    def __str__(self) -> str:
        return f"{self.path or 'the answer'}: reference {shown(self.reference)}, candidate {shown(self.candidate)}"

    def document(self) -> dict[str, Any]:
        """The difference as JSON; a side that has no such field is left out."""
        sides = {"reference": self.reference, "candidate": self.candidate}
        return {"path": self.path, **{side: value for side, value in sides.items() if value is not ABSENT}}


def shown(value: Any) -> str:
    """A canonical value for a sentence, cut where it grows long."""
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def same(left: Any, right: Any) -> bool:
    """Whether two answers are plainly the same bytes; False says only that ``differences`` has to look.

    Most answers agree, and this is paid on every block. The serialisation tells types apart and
    writes floats as text, so that not-a-number, which equals nothing, can be seen. An array is
    written as its bytes, whatever its items are; only equality tells such apart.
    """
    try:
        written = marshal.dumps(left, 0)
        return written == marshal.dumps(right, 0) and b"nan" not in written and bool(left == right)
    except Exception:  # noqa: BLE001 - what has no such form, and arrays that do not compare to one truth
        return False


def canonical(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one line a kind of value
    """A value as JSON carries it, equal for what counts as equal; raises ``Uncomparable``.

    Dataclasses, named tuples and objects become maps of their public fields, enums their values,
    bytes and hex lower-case ``0x…``, sets lists in order.
    """
    if depth > DEEPEST:
        raise Uncomparable(f"an answer is nested more than {DEEPEST} deep, or contains itself.")
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind in {bool, int, float} or value is None:
        return value
    if isinstance(value, Mapping):
        return _map(value.items(), depth)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, Enum):
        return canonical(value.value, depth + 1)
    if hasattr(value, "_asdict"):
        return _map(value._asdict().items(), depth)
    if isinstance(value, list | tuple):
        return [canonical(each, depth + 1) for each in value]
    if isinstance(value, AbstractSet):
        return sorted((canonical(each, depth + 1) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return _object(value, depth)


def read(value: Any) -> Any:
    """An engine's answer in canonical form; raises ``Uncomparable`` also where reading the answer raises."""
    try:
        return canonical(value)
    except Uncomparable:
        raise
    except Exception as error:  # noqa: BLE001 - an answer may be an object with code of its own
        raise Uncomparable(f"reading it raised {type(error).__name__}.") from None


def _object(value: Any, depth: int) -> Any:
    for plain in _PLAIN:
        if isinstance(value, plain):  # a subclass: a library's own numbers and texts
            return canonical(plain(value), depth + 1)
    if is_dataclass(value) and not isinstance(value, type):
        return _map(((each.name, getattr(value, each.name)) for each in fields(value)), depth)
    try:
        inside = vars(value)
    except TypeError:
        inside = {}
    public = {name: each for name, each in inside.items() if not name.startswith("_")}
    if isinstance(value, type) or callable(value) or not public:
        raise Uncomparable(f"a value of type {type(value).__name__} has no fields to compare; answer plain values.")
    return _map(public.items(), depth)


def _map(items: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        name = canonical(key, depth + 1)
        name = name if isinstance(name, str) else json.dumps(name)
        if name in found:
            raise Uncomparable(f"an answer has the key {name[:80]!r} twice, in two spellings.")
        found[name] = canonical(value, depth + 1)
    return found


def _text(text: str) -> str:
    if text[:2] in {"0x", "0X"} and _HEX.issuperset(lowered := text[2:].lower()):
        return f"0x{lowered}"
    return text


def differences(reference: Any, candidate: Any, path: str = "") -> Iterator[Difference]:
    """The fields in which two canonical values differ: keys in order, lists front to back."""
    if isinstance(reference, dict) and isinstance(candidate, dict):
        for key in sorted(reference.keys() | candidate.keys()):
            below = f"{path}.{key}" if path else key
            yield from differences(reference.get(key, ABSENT), candidate.get(key, ABSENT), below)
    elif isinstance(reference, list) and isinstance(candidate, list):
        for index in range(max(len(reference), len(candidate))):
            ours, theirs = (side[index] if index < len(side) else ABSENT for side in (reference, candidate))
            yield from differences(ours, theirs, f"{path}[{index}]")
    elif type(reference) is not type(candidate) or reference != candidate:
        yield Difference(path=path, reference=reference, candidate=candidate)


def places(value: Any, path: str = "") -> Iterator[str]:
    """Where a canonical value holds something that is no map and no list, or an empty one, each by its path."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from places(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from places(each, f"{path}[{index}]")
    else:
        yield path


def is_below(path: str, left_out: str) -> bool:
    """Whether a path is the one left out, or below it; ``[]`` stands for any place of a list."""
    return any(
        each == left_out or each.startswith((f"{left_out}.", f"{left_out}[")) for each in (path, _PLACE.sub("[]", path))
    )
