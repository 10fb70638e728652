"""Exact arithmetic on columns of samples, at the speed of C wherever nothing hangs on it.

A float stands for the shortest decimal it prints as. Rounding keeps order, so two different floats
compare like the decimals they stand for, and only a float that equals the limit's own is decided
by exact numbers.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, repeat
from typing import Any

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.series import Column, Series, exact

_NEAR = 1e-12
"""Further from the limit than this share of it, a quotient of two floats is on the side it seems."""

_DECIMALS = (0, 3, 6, 9)
_EXACT_FLOAT = 2.0**50


def meeting(series: Series, bound: Bound, scale: Fraction) -> bytes:
    """One byte a sample, 1 where the sample by itself meets ``bound``; ``scale`` is the metric's unit's.

    A ratio must have no sample with a total of 0; see ``Series.counted``.
    """
    if series.good is not None and series.total is not None:
        return _meeting_ratio(series.good, series.total, bound)
    return _meeting(series.column if series.column is not None else [], bound.relation, bound.limit / scale)


def _meeting(column: Column, relation: Relation, limit: Fraction) -> bytes:
    if isinstance(column, list):
        return bytes(map(relation.compare, map(Fraction, column), repeat(limit)))
    if column.typecode == "q":
        return _meeting_integers(column, relation, limit)
    try:
        near = float(limit)
    except OverflowError:
        near = math.inf if limit > 0 else -math.inf
    compare: Callable[[Any, Any], bool] = _COMPARE[relation]
    if math.isfinite(near):
        at_limit = relation.compare(exact(near), limit)
        compare = _COMPARE[_settled(relation, at_limit=at_limit)]
        if relation is Relation.EQUAL and not at_limit:
            return bytes(len(column))
    return bytes(map(compare, column, repeat(near)))


def _settled(relation: Relation, *, at_limit: bool) -> Relation:
    """The relation between floats that says the same, given how the float nearest to the limit stands."""
    if relation in {Relation.MORE, Relation.AT_LEAST}:
        return Relation.AT_LEAST if at_limit else Relation.MORE
    if relation in {Relation.LESS, Relation.AT_MOST}:
        return Relation.AT_MOST if at_limit else Relation.LESS
    return relation


def _meeting_integers(column: Iterable[Any], relation: Relation, limit: Fraction) -> bytes:
    if relation is Relation.EQUAL:
        return bytes(map(operator.eq, column, repeat(limit)))
    below = math.floor(limit)
    if relation is Relation.MORE:
        return bytes(map(operator.gt, column, repeat(below)))
    if relation is Relation.AT_MOST:
        return bytes(map(operator.le, column, repeat(below)))
    above = math.ceil(limit)
    return bytes(map(operator.ge if relation is Relation.AT_LEAST else operator.lt, column, repeat(above)))


_COMPARE: dict[Relation, Callable[[Any, Any], bool]] = {
    Relation.LESS: operator.lt,
    Relation.AT_MOST: operator.le,
    Relation.MORE: operator.gt,
    Relation.AT_LEAST: operator.ge,
    Relation.EQUAL: operator.eq,
}


def _meeting_ratio(good: Column, total: Column, bound: Bound) -> bytes:
    limit = bound.limit
    compare = _COMPARE[bound.relation]
    if _is_floats(good) or _is_floats(total):
        low, high = float(limit) * (1 - _NEAR), float(limit) * (1 + _NEAR)
        above, below = compare(1, 0), compare(0, 1)
        return bytes(
            above if part > high * whole else below if part < low * whole else bound.holds(exact(part) / exact(whole))
            for part, whole in zip(good, total, strict=True)
        )
    parts = map(operator.mul, good, repeat(limit.denominator))
    return bytes(map(compare, parts, map(operator.mul, total, repeat(limit.numerator))))


def _is_floats(column: Column) -> bool:
    return not isinstance(column, list) and column.typecode == "d"


@dataclass(frozen=True, slots=True)
class Whole:
    """A column as integers over one denominator: adding them up is exact."""

    numbers: Sequence[int]
    denominator: int

    def running(self) -> list[int]:
        """The sums of the first 0, 1, 2 … numbers."""
        return list(accumulate(self.numbers, initial=0))

    @property
    def total(self) -> Fraction:
        """The exact sum."""
        return Fraction(sum(self.numbers), self.denominator)


def whole(column: Column) -> Whole:
    """The column as integers over the smallest power of ten that does, exactly."""
    if not isinstance(column, list):
        if column.typecode == "q":
            return Whole(column, 1)  # type: ignore[arg-type]  # an array of integers
        if (easy := _few_decimals(column)) is not None:
            return easy
    numbers = [exact(each) for each in column]
    denominator = math.lcm(*{each.denominator for each in numbers}) if numbers else 1
    return Whole([each.numerator * (denominator // each.denominator) for each in numbers], denominator)


def _few_decimals(column: Any) -> Whole | None:
    """Floats with at most nine decimals and fifteen digits, which is what most sources print."""
    if not column:
        return Whole([], 1)
    largest = max(abs(min(column)), abs(max(column)))
    for decimals in _DECIMALS:
        scale = 10**decimals
        if largest * scale >= _EXACT_FLOAT:
            return None
        scaled = array("q", map(round, map(operator.mul, column, repeat(float(scale)))))
        if all(map(operator.eq, map(operator.truediv, scaled, repeat(scale)), column)):
            return Whole(scaled, scale)
    return None


def total(column: Column) -> Fraction:
    """The sum of a column, exactly."""
    return whole(column).total
