"""The one value of a criterion over its window: a ratio of sums, a statistic of raw samples, a histogram's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any

from pytest_rollout.core.columns import meeting, total
from pytest_rollout.core.criterion import Bound, Criterion, Relation, Statistic, rank
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.glance import smallest
from pytest_rollout.core.histogram import histogram
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import Series, exact
from pytest_rollout.core.units import show


class UndecidedError(EvidenceError):
    """There is evidence, and it does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A criterion's one value as it is shown, how many samples count, and how it stands to any bound."""

    shown: str
    samples: int
    is_met: bool
    is_reached: Callable[[Bound], bool]
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def of_ratio(criterion: Criterion, several: Sequence[Series]) -> Found:
    """All good of all total, added up exactly."""
    good = sum((total(each.good) for each in several if each.good), Fraction(0))
    of = sum((total(each.total) for each in several if each.total), Fraction(0))
    if of == 0:
        raise UndecidedError("0 of 0")
    value = good / of
    return Found(
        shown=f"{show(value, criterion.unit)} of {_count(of)}",
        samples=int(of),
        is_met=criterion.promote.holds(value),
        is_reached=lambda bound: bound.holds(value),
        facts={"value": str(value), "unit": "ratio", "good": str(good), "total": str(of)},
    )


def _count(number: Fraction) -> str:
    """Whole, or to one decimal; exactly, for no float holds a sum of the largest floats."""
    if number.denominator == 1:
        return str(number.numerator)
    whole, tenths = divmod(round(number * 10), 10)
    return f"{whole}.{tenths}"


def of_values(criterion: Criterion, several: Sequence[Series], scale: Fraction) -> Found:
    """The criterion's statistic of the raw samples, exactly."""
    columns: list[Any] = [each.column for each in several if each.column]
    count, statistic = sum(map(len, columns)), criterion.statistic
    known: dict[Statistic, Fraction] = {}

    def decisive(bound: Bound) -> Fraction:
        if statistic is Statistic.COUNT:
            return Fraction(count)
        if statistic in {Statistic.SUM, Statistic.MEAN}:
            return sum(map(total, columns), Fraction(0)) * scale / (count if statistic is Statistic.MEAN else 1)
        if statistic is Statistic.EVERY:
            ends = [exact(end(map(end, columns))) * scale for end in (min, max)]
            if bound.relation is Relation.EQUAL:
                return max(ends, key=lambda value: abs(value - bound.limit))
            return ends[0] if bound.relation.wants_more else ends[1]
        if statistic not in known:
            numbers = columns[0] if len(columns) == 1 else list(chain.from_iterable(columns))
            known[statistic] = exact(smallest(numbers, rank(statistic, count))) * scale
        return known[statistic]

    def is_reached(bound: Bound) -> bool:
        if statistic is Statistic.EVERY:
            return any(1 in meeting(each, bound, scale) for each in several)
        return bound.holds(decisive(bound))

    value = decisive(criterion.promote)
    label = "worst" if statistic is Statistic.EVERY else statistic.value
    return Found(
        shown=f"{show(value, criterion.unit)} ({label} of {count})",
        samples=count,
        is_met=criterion.promote.holds(value),
        is_reached=is_reached,
        facts={"value": str(value), "unit": criterion.unit.symbol, "statistic": statistic.value},
    )


def of_histogram(criterion: Criterion, several: Sequence[Series], metric: Metric) -> Found:
    """The edges that the percentile lies between: a bound holds only if it holds for both."""
    found = histogram(several)
    if not found.total:
        raise UndecidedError("the histogram counted nothing")
    low, high = found.quantile(criterion.statistic)
    scale = metric.unit.scale
    edges = (low * scale, None if high is None else high * scale)
    upper = "no end" if edges[1] is None else show(edges[1], criterion.unit)
    is_met = _all_meet(criterion.promote, edges)
    between = f"{show(edges[0], criterion.unit)} and {upper}"
    note = f"{criterion.statistic.value} lies between {between}, more a histogram does not know"
    if not is_met and _some_meet(criterion.promote, edges):
        raise UndecidedError(f"{note}: the buckets cannot tell whether it is {criterion.promote}")
    return Found(
        shown=f"at most {upper} ({criterion.statistic.value} of {found.total})",
        samples=found.total,
        is_met=is_met,
        is_reached=lambda bound: _all_meet(bound, edges),
        notes=(note,),
        facts={"low": str(edges[0]), "high": "" if edges[1] is None else str(edges[1])},
    )


def _all_meet(bound: Bound, edges: tuple[Fraction, Fraction | None]) -> bool:
    """Whether every value above the first edge and up to the second meets the bound."""
    low, high = edges
    if bound.relation is Relation.EQUAL:
        return False
    if bound.relation.wants_more:
        return low >= bound.limit
    return high is not None and bound.holds(high)


def _some_meet(bound: Bound, edges: tuple[Fraction, Fraction | None]) -> bool:
    low, high = edges
    if bound.relation.wants_more:
        return high is None or bound.holds(high)
    return low < bound.limit


def scale_of(criterion: Criterion, metric: Metric) -> Fraction:
    """The size of one in the metric's column, in base units; a count of samples has none."""
    return Fraction(1) if criterion.statistic is Statistic.COUNT else metric.unit.scale
