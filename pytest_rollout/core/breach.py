"""Whether a trigger's window was bad at any sample, looked at all at once or a few samples at a time.

There is one way to look, ``look``: it takes what was remembered and the samples that follow, so a
watch that is fed every fifteen seconds and a judge that is handed a week come to the same answer.
"""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, chain, islice, repeat
from typing import Any

from pytest_rollout.core.columns import meeting, whole
from pytest_rollout.core.criterion import Bound, Relation, Statistic, rank
from pytest_rollout.core.glance import is_without_gap
from pytest_rollout.core.series import Column, Series, exact
from pytest_rollout.core.window import Looked, Window, WindowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A bound, the window it is looked at through, and how several values become one.

    ``scale`` is the size of the metric's unit; ``max_gap`` in nanoseconds is how far apart two
    samples may be for the time between them to have been seen.
    """

    when: Bound
    window: Window
    scale: Fraction
    max_gap: int
    statistic: Statistic = Statistic.EVERY


def look(watched: Watched, before: Looked, series: Series) -> Looked:
    """What is known after ``series``, of which samples that were seen before are passed over."""
    if before.last is not None:
        series = series.between(before.last, 2**63 - 1)
    series = series.counted()
    if not series.times:
        return before
    clocks = _clocks(before, series.times, watched.max_gap)
    seen = _Seen(watched=watched, before=before, series=series, clocks=clocks)
    after = _LOOKS[watched.window.kind](seen)
    return replace(after, last=series.times[-1], clock=clocks[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    watched: Watched
    before: Looked
    series: Series
    clocks: Sequence[int]


def _clocks(before: Looked, times: array[int], max_gap: int) -> array[int]:
    """The time seen until each sample: the differences of times, but for those beyond ``max_gap``."""
    first = 0 if before.last is None else times[0] - before.last
    if first <= max_gap and is_without_gap(times, max_gap):
        return array("q", map(operator.sub, times, repeat(times[0] - first - before.clock)))
    seen = [step if step <= max_gap else 0 for step in map(operator.sub, islice(times, 1, None), times)]
    start = before.clock + (first if first <= max_gap else 0)
    return array("q", accumulate(seen, initial=start))


def _every(seen: _Seen) -> Looked:
    """Runs of samples that are all bad; one good sample ends a run, a gap does not."""
    bad = meeting(seen.series, seen.watched.when, seen.watched.scale)
    clocks, over = seen.clocks, seen.watched.window.over
    firing: list[range] = []
    since, end = seen.before.bad_since, 0
    while (first := bad.find(1, end)) >= 0:
        if first > 0 or since is None:
            since = clocks[first]
        end = bad.find(0, first)
        end = len(bad) if end < 0 else end
        reached = bisect_right(clocks, since + over, first, end)
        firing.append(range(reached, end))
    after = _noted(seen, seen.before, chain.from_iterable(firing))
    return replace(after, bad_since=since if bad[-1] else None)


def _k_of_n(seen: _Seen) -> Looked:
    """The last n samples, however far apart: a gap brings no sample, so it neither counts nor clears."""
    k, n = seen.watched.window.k, seen.watched.window.n
    remembered = bytes(map(int, seen.before.columns[0])) if seen.before.columns else b""
    bad = remembered + meeting(seen.series, seen.watched.when, seen.watched.scale)
    after = replace(seen.before, columns=(array("q", list(bad[len(bad) - min(len(bad), n - 1) :])),))
    if bad.count(1) < k:
        return _noted(seen, after, ())
    sums, skip = list(accumulate(bad, initial=0)), len(remembered)
    firing = (index - skip for index in range(skip, len(bad)) if sums[index + 1] - sums[max(0, index + 1 - n)] >= k)
    return _noted(seen, after, firing)


def _aggregate(seen: _Seen) -> Looked:
    """The samples of the trailing duration as one; not before more than the duration was seen."""
    series = _joined(seen.before, seen.series)
    clocks = seen.before.clocks + array("q", seen.clocks)
    skip, over = len(seen.before.clocks), seen.watched.window.over
    kept = bisect_right(clocks, clocks[-1] - over)
    columns = tuple(column[kept:] for column in (series.column, series.good, series.total) if column is not None)
    after = replace(seen.before, clocks=clocks[kept:], columns=columns)
    is_bad = aggregated(series, seen.watched) if clocks[-1] > over else None
    if is_bad is None:
        return _noted(seen, after, ())
    firing = (index - skip for start, index in _windows(clocks, skip, over) if is_bad(start, index + 1))
    return _noted(seen, after, firing)


_LOOKS: dict[WindowKind, Callable[[_Seen], Looked]] = {
    WindowKind.EVERY: _every,
    WindowKind.AGGREGATE: _aggregate,
    WindowKind.K_OF_N: _k_of_n,
}


def _windows(clocks: array[int], skip: int, over: int) -> Iterator[tuple[int, int]]:
    """For each new sample until which more than ``over`` was seen: its window's first sample, and itself."""
    start = 0
    for index in range(skip, len(clocks)):
        edge = clocks[index] - over
        if edge > 0:
            while clocks[start] <= edge:
                start += 1
            yield start, index


def _noted(seen: _Seen, after: Looked, firing: Iterable[int]) -> Looked:
    """With the samples, by their index, at which the trigger fired; they come in order."""
    first = last = None
    for index in firing:
        first = index if first is None else first
        last = index
    if first is None or last is None:
        return replace(after, is_firing=False)
    times = seen.series.times
    return replace(
        after,
        first_fired=times[first] if after.first_fired is None else after.first_fired,
        last_fired=times[last],
        is_firing=last == len(times) - 1,
    )


def _joined(before: Looked, series: Series) -> Series:
    """The new samples behind the remembered ones; their times are no longer of use."""
    if not before.columns:
        return series
    names = ("good", "total") if series.is_ratio else ("column",)
    columns = {name: _join(old, getattr(series, name)) for name, old in zip(names, before.columns, strict=True)}
    return replace(series, **columns)


def _join(old: Any, new: Any) -> Any:
    if not isinstance(old, list) and not isinstance(new, list) and old.typecode == new.typecode:
        return old + new
    return [each if isinstance(each, int) else exact(each) for each in (*old, *new)]


def aggregated(series: Series, watched: Watched) -> Callable[[int, int], bool] | None:
    """Whether the samples from one index to before another meet the bound together; None if none can.

    Where no single sample meets it, neither does a mean, a ratio of sums or a percentile of them.
    """
    bound, statistic = watched.when, watched.statistic
    if statistic is Statistic.COUNT:
        return lambda start, end: bound.holds(Fraction(end - start))
    is_average = series.is_ratio or statistic is Statistic.MEAN
    if statistic is not Statistic.SUM and not (is_average and bound.relation is Relation.EQUAL):
        met = meeting(series, bound, watched.scale)
        if 1 not in met:
            return None
        if not is_average:
            return _ranked(series, watched, met)
    if series.good is not None and series.total is not None:
        return _quotient(series.good, series.total, bound)
    return _summed(series, watched)


def _ranked(series: Series, watched: Watched, met: bytes) -> Callable[[int, int], bool]:
    """The sample of one rank meets the bound if enough others do: no sorting is needed (rule 12)."""
    statistic, relation = watched.statistic, watched.when.relation
    sums = list(accumulate(met, initial=0))
    if statistic is Statistic.EVERY:
        return lambda start, end: sums[end] > sums[start]
    if relation is Relation.EQUAL:
        under = list(
            accumulate(meeting(series, replace(watched.when, relation=Relation.LESS), watched.scale), initial=0)
        )
        return lambda start, end: (
            under[end] - under[start]
            < rank(statistic, end - start)
            <= under[end] - under[start] + sums[end] - sums[start]
        )
    if relation.wants_more:
        return lambda start, end: rank(statistic, end - start) > end - start - sums[end] + sums[start]
    return lambda start, end: rank(statistic, end - start) <= sums[end] - sums[start]


def _quotient(good: Column, total: Column, bound: Bound) -> Callable[[int, int], bool]:
    """Good by total as integers: good x 100 against bound x total (rule 8)."""
    parts, wholes = whole(good), whole(total)
    part_sums, whole_sums = parts.running(), wholes.running()
    left, right = wholes.denominator * bound.limit.denominator, parts.denominator * bound.limit.numerator
    compare: Callable[[Any, Any], bool] = bound.relation.compare

    def is_met(start: int, end: int) -> bool:
        part, all_of_it = part_sums[end] - part_sums[start], whole_sums[end] - whole_sums[start]
        return all_of_it > 0 and compare(part * left, all_of_it * right)

    return is_met


def _summed(series: Series, watched: Watched) -> Callable[[int, int], bool]:
    numbers = whole(series.column if series.column is not None else [])
    sums, limit = numbers.running(), watched.when.limit / watched.scale * numbers.denominator
    compare: Callable[[Any, Any], bool] = watched.when.relation.compare
    is_mean = watched.statistic is Statistic.MEAN
    return lambda start, end: compare(sums[end] - sums[start], limit * (end - start) if is_mean else limit)
