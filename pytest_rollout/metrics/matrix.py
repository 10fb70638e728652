"""Prometheus' JSON read fast: its long lists of samples by themselves, everything around them strictly.

A range of a day for a hundred criteria is a million small lists to a parser of JSON, which holds up
every other thread while it makes them. Written as Prometheus writes it - no blanks, each value in
quotes - a list of samples is taken out of the text and read as one list of numbers; whatever looks
otherwise is left where it is, for the strict parser to read or to refuse.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pytest_rollout.metrics.strict_json import parse

_BEFORE, _END = b'"values":', b'"]]'
_OF_NUMBERS = b"0123456789.eE+-NaInf"
_AS_JSON = ((b'"-0"', b'"-0.0"'), (b'"+Inf"', b'"Infinity"'), (b'"-Inf"', b'"-Infinity"'))
"""Values as Prometheus writes them, and as the parser reads them: to JSON a whole 0 has no sign."""
_TAKEN = "samples taken out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The samples of one series: times in nanoseconds, whether they rise, and values, NaN and infinities among them."""

    times: array[int]
    is_rising: bool
    values: array[float]


@dataclass(slots=True)
class Clock:
    """The times of the latest list, as given and in nanoseconds: what is evaluated at the same steps shares them.

    One answer after the other is read with it.
    """

    given: Sequence[Any] = ()
    times: array[int] = field(default_factory=lambda: array("q"))
    is_rising: bool = True


def parse_matrix(body: bytes, clock: Clock) -> Any:
    """The document, with ``Readings`` where a list of samples stood; raises ``BadJsonError``."""
    is_plain = b"\\" not in body and _TAKEN.encode() not in body
    first, *rest = body.split(_BEFORE) if is_plain else (body,)
    around, taken = [first], list[Readings]()
    for each in rest:
        end = each.find(_END)
        readings = _readings(each[: end + 1], clock) if end > 0 else None
        if readings is None:
            around.append(each)
        else:
            around.append(b'["%s",%d]%s' % (_TAKEN.encode(), len(taken), each[end + len(_END) :]))
            taken.append(readings)
    document = parse(_BEFORE.join(around))
    if taken:
        _put_back(document, taken)
    return document


def _readings(given: bytes, clock: Clock) -> Readings | None:
    """What stands in ``[[1,"2"],[3,"4"``, closing quote included; None for all but times and quoted values in turn.

    Without what numbers are made of, only the marks between them are left, in their order; and as many
    of them stand in the text undivided, so there are numbers where they belong and nowhere else.
    """
    from pydantic_core import from_json  # noqa: PLC0415 - loaded by now, if a plan was read

    marks = given.translate(None, _OF_NUMBERS)
    count = (len(marks) + 1) // 6
    if marks != b'[[%s,""' % (b',""],[' * (count - 1)) or not given.startswith(b"[["):
        return None
    if given.count(b',"') != count or given.count(b'"],[') != count - 1:
        return None
    if b"+" in given or b"-" in given:
        for written, read in _AS_JSON:
            given = given.replace(written, read)
    try:
        numbers = from_json(b"[%s]" % given.translate(None, b'[]"'))
        times = numbers[::2]
        if times != clock.given:
            nanos = nanoseconds(times)
            clock.given, clock.times, clock.is_rising = times, nanos, rises(nanos)
        return Readings(times=clock.times, is_rising=clock.is_rising, values=array("d", numbers[1::2]))
    except (ValueError, OverflowError):
        return None


def nanoseconds(given: Sequence[Any]) -> array[int]:
    """Times as Prometheus writes them, seconds to the millisecond; raises for what is no time and beyond 64 bits."""
    kinds = {float} if isinstance(given, array) else set(map(type, given))
    if kinds == {int}:
        return array("q", [seconds * 1_000_000_000 for seconds in given])
    if not kinds <= {int, float}:
        raise TypeError("a time is no number")
    return array("q", [round(seconds * 1000) * 1_000_000 for seconds in given])


def rises(times: array[int]) -> bool:
    """Whether each time is later than the one before."""
    return all(map(operator.lt, times, islice(times, 1, None)))


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
