"""What a whole series tells at a glance, so that most of a week need not be walked through sample by sample.

Each of these is exact: where a glance does not suffice, all samples are looked at.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from pytest_rollout.core.criterion import Bound, Relation, Statistic
from pytest_rollout.core.series import Column, Number, Series, exact
from pytest_rollout.core.window import WindowKind

_NEAR = Fraction(1, 10**9)
"""A quotient of two floats is off by less than this share of itself."""
_FEW = 2_000
_PICKED, _AROUND = 500, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Numbers between which every sample lies, in the metric's own unit; for a ratio with a little room to spare."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, series: Series) -> Extent | None:
        """The extent of samples that were ``counted``; None of none, and of numbers beyond every float."""
        if not series.times:
            return None
        if series.good is None or series.total is None:
            column: Any = series.column
            return cls(low=exact(min(column)), high=exact(max(column)))
        try:
            shares = list(map(operator.truediv, series.good, series.total))
            return cls(low=Fraction(min(shares)) * (1 - _NEAR), high=Fraction(max(shares)) * (1 + _NEAR))
        except (OverflowError, ZeroDivisionError, ValueError):
            return None

    def may_meet(self, bound: Bound, scale: Fraction) -> bool:
        """Whether any sample can meet the bound by itself; no says that none does."""
        if bound.relation is Relation.EQUAL:
            return self.low * scale <= bound.limit <= self.high * scale
        return bound.holds((self.high if bound.relation.wants_more else self.low) * scale)


def may_fire(kind: WindowKind, statistic: Statistic, bound: Bound, scale: Fraction, extent: Extent | None) -> bool:
    """Whether a window of samples within ``extent`` can be bad.

    Where no single sample is, neither are all of them, k of n, their mean or a percentile; their
    sum and their number can be, and a mean can hit what no sample hits.
    """
    if kind is WindowKind.AGGREGATE and (
        statistic in {Statistic.SUM, Statistic.COUNT} or bound.relation is Relation.EQUAL
    ):
        return True
    return extent is None or extent.may_meet(bound, scale)


def is_without_gap(times: array[int], longest: int) -> bool:
    """Whether no two neighbours are further apart than ``longest``; times rise.

    Where those a few places apart are no further apart than that, neither is any between them.
    """
    last = len(times) - 1
    if last < 1:
        return True
    length = times[last] - times[0]
    stride = max(1, min(longest * last // length, last)) if length else last
    reached = last // stride * stride
    strides = map(operator.sub, times[stride::stride], times[::stride])
    if max(strides) <= longest and times[last] - times[reached] <= longest:
        return True
    return bool(max(map(operator.sub, islice(times, 1, None), times)) <= longest)


def smallest(column: Column | Sequence[Number], place: int) -> Number:
    """The ``place``-th smallest number, from 1, without sorting those that cannot be it.

    A few picked numbers tell where it may be found; where they were a poor choice, all are sorted.
    """
    numbers: Any = column
    count = len(numbers)
    if count >= _FEW:
        picked = sorted(numbers[:: count // _PICKED])
        around = place * len(picked) // count
        low, high = picked[max(0, around - _AROUND)], picked[min(len(picked) - 1, around + _AROUND)]
        upper = [each for each in numbers if each >= low]
        below = count - len(upper)
        middle = [each for each in upper if each <= high]
        if below < place <= below + len(middle):
            return sorted(middle)[place - below - 1]  # type: ignore[no-any-return]  # a number of the column
    return sorted(numbers)[place - 1]  # type: ignore[no-any-return]  # as above
