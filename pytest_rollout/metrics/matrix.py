"""Prometheus' JSON read fast: its long lists of samples by themselves, everything around them strictly.

A range of a day for a hundred criteria is a million small lists to a parser of JSON, which holds up
every other thread while it makes them. Written as Prometheus writes it - no blanks, each value in
quotes - a list of samples is taken out of the text and split at its commas; whatever looks otherwise
is left where it is, for the strict parser to read or to refuse.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.metrics.strict_json import parse

_BEFORE, _END = b'"values":', b'"]]'
_OF_A_LIST = b'0123456789.,"[]eE+-NaInf'
_OF_TIMES = b"0123456789."
_TAKEN = "samples taken out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The samples of one series: times in nanoseconds, and values, NaN and infinities among them."""

    times: array[int]
    values: array[float]


def parse_matrix(body: bytes) -> Any:
    """The document, with ``Readings`` where a list of samples stood; raises ``BadJsonError``."""
    is_plain = b"\\" not in body and _TAKEN.encode() not in body
    first, *rest = body.split(_BEFORE) if is_plain else (body,)
    around, taken, clock = [first], list[Readings](), _Clock()
    for each in rest:
        end = each.find(_END)
        readings = _readings(each[:end], clock) if end > 0 else None
        if readings is None:
            around.append(each)
        else:
            around.append(b'["%s",%d]%s' % (_TAKEN.encode(), len(taken), each[end + len(_END) :]))
            taken.append(readings)
    document = parse(_BEFORE.join(around))
    if taken:
        _put_back(document, taken)
    return document


@dataclass(slots=True)
class _Clock:
    """The times of the latest list, as text and as numbers: what is evaluated at the same steps shares them."""

    texts: Sequence[bytes] = ()
    times: array[int] = field(default_factory=lambda: array("q"))


def _readings(given: bytes, clock: _Clock) -> Readings | None:
    """What stands in ``[[1,"2"],[3,"4``; None where it is anything but times and quoted values in turn.

    Without blanks and escapes, only times and values lie between the marks at which it is split: a
    list with more, less or other entries leaves a mark in one of them.
    """
    if not given.startswith(b"[[") or given.translate(None, _OF_A_LIST):
        return None
    parts = given[2:].replace(b'"],[', b',"').split(b',"')
    times, values = parts[::2], parts[1::2]
    joined = b"".join(times)
    if len(times) != len(values) or joined.translate(None, _OF_TIMES) or not all(times):
        return None
    if b'"' in (inside := b"".join(values)) or b"[" in inside or b"]" in inside:
        return None
    try:
        if times != clock.texts:
            clock.texts, clock.times = times, nanoseconds(list(map(float if b"." in joined else int, times)))
        return Readings(times=clock.times, values=array("d", map(float, values)))
    except (ValueError, OverflowError):
        return None


def nanoseconds(given: list[Any]) -> array[int]:
    """Times as Prometheus writes them, seconds to the millisecond; raises for what is no time and beyond 64 bits."""
    kinds = set(map(type, given))
    if kinds == {int}:
        return array("q", [seconds * 1_000_000_000 for seconds in given])
    if not kinds <= {int, float}:
        raise TypeError("a time is no number")
    return array("q", [round(seconds * 1000) * 1_000_000 for seconds in given])


def _put_back(document: Any, taken: Sequence[Readings]) -> None:
    """Each list of samples where it stood; the shape around it is for the caller to judge."""
    left = [document]
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            for key, value in each.items():
                if key == "values" and isinstance(value, list) and value[:1] == [_TAKEN]:
                    each[key] = taken[value[1]]
                else:
                    left.append(value)
