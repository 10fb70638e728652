"""Samples of a metric over time, compact and exact: what a source answered, and how it was asked.

Times are whole nanoseconds since 1970 in UTC, in an array of 64-bit integers. Values stay as the
source has them: an array of 64-bit integers, an array of floats, or a list of exact numbers where
neither fits (wei, uint256). Ratios are two columns of counts and never a ready-made fraction
(rule 8). Four million samples take 64 MB, ratios 96.

Missing is never zero (rule 6): NaN, infinities, null, text and truth values become no sample; the
time at which they were seen is kept in ``missing``. Samples out of order, doubled or from the
future are refused (rule 16), as are negative counts and more good than total.
"""

from __future__ import annotations

import math
import operator
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any, TypeAlias

from pytest_rollout.core.errors import EvidenceError

Number = int | float | Fraction
Column: TypeAlias = "array[int] | array[float] | list[int | Fraction]"
"""One number a sample; a float stands for the shortest decimal it prints as, as in ``measure``."""

SECOND = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_DIGITS = 400
_SLACK = 1 + 1e-9
"""Prometheus extrapolates good and total apart: as floats they may differ in the last digits."""


def nanoseconds(moment: datetime) -> int:
    """A moment as whole nanoseconds since 1970; the moment must carry its offset from UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def moment(time: int) -> datetime:
    """The moment of a time in nanoseconds, cut to microseconds."""
    return EPOCH + timedelta(microseconds=time // 1000)


def span(duration: timedelta) -> int:
    """A duration in nanoseconds."""
    return duration // timedelta(microseconds=1) * 1000


def exact(number: Number) -> Fraction:
    """The number a source meant: a float is the shortest decimal it prints as (0.3 is 3/10)."""
    return Fraction(float.__repr__(number)) if isinstance(number, float) else Fraction(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch of time in which the source could not be asked, or answered nonsense; why, in one sentence."""

    since: int
    until: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric of one thing over time; made by ``values`` or ``ratios``, which check it.

    Either ``column`` is given or ``good`` and ``total`` are; each is as long as ``times``. Times
    rise; they may stay the same only where ``events`` says that each sample is an event of its own
    (a log line, a receipt) rather than a reading. ``missing`` are times at which the source said
    something that is no number.
    """

    times: array[int]
    column: Column | None = None
    good: Column | None = None
    total: Column | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: array[int] = field(default_factory=lambda: array("q"))
    events: bool = False

    def __len__(self) -> int:
        return len(self.times)

    @property
    def is_ratio(self) -> bool:
        """Whether its values are pairs of counts."""
        return self.total is not None

    def between(self, after: int, until: int) -> Series:
        """The samples with ``after`` < time <= ``until``; the same labels."""
        low, high = _place(self.times, after), _place(self.times, until)
        if (low, high) == (0, len(self.times)):
            return self
        kept = slice(low, high)
        gone = slice(_place(self.missing, after), _place(self.missing, until))
        return Series(
            times=self.times[kept],
            column=None if self.column is None else self.column[kept],
            good=None if self.good is None else self.good[kept],
            total=None if self.total is None else self.total[kept],
            labels=self.labels,
            missing=self.missing[gone],
            events=self.events,
        )

    def counted(self) -> Series:
        """The same without the samples of a ratio whose total is 0: they are missing data (rule 6)."""
        if self.total is None or 0 not in self.total:
            return self
        kept = [index for index, total in enumerate(self.total) if total]
        gone = (time for time, total in zip(self.times, self.total, strict=True) if not total)
        assert self.good is not None  # noqa: S101 - for the type checker: a ratio has both
        return Series(
            times=array("q", map(self.times.__getitem__, kept)),
            good=_alike(self.good, map(self.good.__getitem__, kept)),
            total=_alike(self.total, map(self.total.__getitem__, kept)),
            labels=self.labels,
            missing=array("q", sorted([*self.missing, *gone])),
            events=self.events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What one source answered about one metric.

    ``since`` and ``until`` are the times asked for. ``source`` names the source and ``query`` what
    it was asked, resolved and without secrets. No series at all is an answer too: no data.
    ``attempts`` counts requests, the repeated ones included; ``warnings`` are the source's own,
    such as a partial answer's. ``step`` is the time between two samples in nanoseconds where the
    source asked for another than the plan's ``interval``, else 0.
    """

    metric: str
    source: str
    query: str
    since: int
    until: int
    series: tuple[Series, ...] = ()
    attempts: int = 1
    warnings: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()
    step: int = 0

    def __post_init__(self) -> None:
        for series in self.series:
            for times in (series.times, series.missing):
                if times and times[-1] > self.until:
                    raise EvidenceError(
                        f"metric {self.metric}: {self.source} gave a sample of {moment_text(times[-1])}, but was "
                        f"asked at {moment_text(self.until)}; samples from the future are refused, look at the clocks."
                    )
        seen: set[tuple[tuple[str, str], ...]] = set()
        for series in self.series:
            labels = tuple(sorted(series.labels.items()))
            if labels in seen:
                shown = ", ".join(f"{key}={value}" for key, value in labels) or "no labels"
                raise EvidenceError(f"metric {self.metric}: {self.source} gave two series with {shown}.")
            seen.add(labels)

    @property
    def times(self) -> tuple[int, int] | None:
        """The times of the first and the last sample of all series, None without any."""
        edges = [(each.times[0], each.times[-1]) for each in self.series if each.times]
        return (min(e[0] for e in edges), max(e[1] for e in edges)) if edges else None


def values(
    times: Sequence[int], numbers: Sequence[object], *, labels: Mapping[str, str] | None = None, events: bool = False
) -> Series:
    """A series of values. What is no finite number becomes missing; raises ``EvidenceError``."""
    whole, known, missing = _known(times, numbers)
    _check_times(whole, events=events)
    return Series(times=whole, column=_column(known[0]), labels=labels or {}, missing=missing, events=events)


def ratios(
    times: Sequence[int],
    good: Sequence[object],
    total: Sequence[object],
    *,
    labels: Mapping[str, str] | None = None,
    events: bool = False,
) -> Series:
    """A series of counts: ``good`` of ``total``. A sample that lacks one of the two is missing."""
    whole, known, missing = _known(times, good, total)
    _check_times(whole, events=events)
    goods, totals = _column(known[0]), _column(known[1])
    _check_counts(whole, goods, totals)
    return Series(times=whole, good=goods, total=totals, labels=labels or {}, missing=missing, events=events)


def moment_text(time: int) -> str:
    """A time for people: ``2026-11-25 14:59:00Z``, with fractions of a second where there are any."""
    seconds, rest = divmod(time, SECOND)
    try:
        text = f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return f"{time} ns after 1970"
    return f"{text}{f'.{rest:09d}'.rstrip('0') if rest else ''}Z"


def duration_text(nanos: int) -> str:
    """A length of time for people: ``6d 3h``, ``15m 1s``, ``0.5s``; at most two units, cut."""
    if nanos < SECOND:
        return f"{Decimal(nanos) / SECOND:f}s" if nanos else "0s"
    seconds = nanos // SECOND
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts: list[str] = []
    for symbol, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count}{symbol}")
        if len(parts) == 2:  # noqa: PLR2004 - two units say enough
            break
    return " ".join(part for part in parts if part[0] != "0")


def _known(times: Sequence[int], *columns: Sequence[object]) -> tuple[array[int], list[Sequence[Number]], array[int]]:
    """Times and columns without the samples of which one is no number, and the times of those."""
    if any(len(column) != len(times) for column in columns):
        lengths = ", ".join(str(len(column)) for column in columns)
        raise EvidenceError(f"{len(times)} times for {lengths} values; one each is needed.")
    try:
        whole = array("q", times)
    except (TypeError, OverflowError):
        raise EvidenceError("a sample's time is no 64-bit integer of nanoseconds since 1970.") from None
    if all(map(_is_sound, columns)):
        return whole, list(columns), array("q")  # type: ignore[arg-type]  # proven by _is_sound
    cleaned = [list(map(_number, column)) for column in columns]
    kept = [index for index, row in enumerate(zip(*cleaned, strict=True)) if None not in row]
    known: list[Sequence[Number]] = [[column[index] for index in kept] for column in cleaned]  # type: ignore[misc]
    gone = set(range(len(whole))) - set(kept)
    return array("q", map(whole.__getitem__, kept)), known, array("q", map(whole.__getitem__, sorted(gone)))


def _is_sound(column: Sequence[object]) -> bool:
    """Whether every entry is a finite float, or every one an integer; decided at C's speed."""
    if isinstance(column, array) and column.typecode == "d":
        return math.isfinite(sum(column)) or all(map(math.isfinite, column))
    kinds = set(map(type, column))
    if kinds <= {int}:
        return True
    return kinds == {float} and all(map(math.isfinite, column))  # type: ignore[arg-type]  # floats, as just seen


def _number(given: object) -> Number | None:
    if type(given) is int or (isinstance(given, float) and math.isfinite(given)):
        return given
    if isinstance(given, Fraction):
        return given
    if isinstance(given, Decimal) and given.is_finite() and abs(given.adjusted()) <= _MOST_DIGITS:
        return Fraction(given)
    return None


def _column(numbers: Sequence[Number]) -> Column:
    """The narrowest column that holds these numbers exactly."""
    kinds = set(map(type, numbers))
    given: Any = numbers
    if kinds <= {float}:
        return array("d", given)
    if kinds == {int}:
        try:
            return array("q", given)
        except OverflowError:
            return list(given)
    return [each if isinstance(each, int) else exact(each) for each in numbers]


def _alike(column: Any, entries: Iterator[Number]) -> Column:
    return list(entries) if isinstance(column, list) else array(column.typecode, entries)  # type: ignore[arg-type]  # entries of this very column


def _check_times(times: array[int], *, events: bool) -> None:
    in_order: Callable[[int, int], bool] = operator.le if events else operator.lt
    if all(map(in_order, times, islice(times, 1, None))):
        return
    for earlier, later in pairwise(times):
        if not in_order(earlier, later):
            what = "is there twice" if earlier == later else f"follows one of {moment_text(earlier)}"
            raise EvidenceError(f"a sample of {moment_text(later)} {what}; samples stand in order of time, once each.")


def _check_counts(times: array[int], good: Column, total: Column) -> None:
    if not times:
        return
    slack = _SLACK if isinstance(good, array) and good.typecode == "d" else 1
    if min(good) >= 0 and all(map(operator.le, good, total)):
        return
    for time, part, whole in zip(times, good, total, strict=True):
        if part < 0 or part > whole * slack:
            raise EvidenceError(
                f"a sample of {moment_text(time)} counts {part} good of {whole}; 0 <= good <= total must hold."
            )


def _place(times: array[int], time: int) -> int:
    """How many of ``times`` are not later than ``time``."""
    return bisect_right(times, time)
