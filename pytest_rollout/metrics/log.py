"""Samples from log lines: values that they hold, or how many there were of a sort in each interval.

``pattern`` reads a line; its group ``time`` is when it was written. With a group ``value`` each
line is a sample. With ``query``, the lines it is found in are counted; with ``good`` and ``total``,
both sorts. Groups ``good`` and ``bad`` in the pattern count lines in which they take part. An
interval in which no line at all was written has no sample: a silent log is not a log without errors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Samples, Series, nanoseconds, ratios, span, values
from pytest_rollout.metrics.logfiles import lines, rotated
from pytest_rollout.metrics.numbers import number
from pytest_rollout.metrics.times import observation_time

Line = tuple[int, re.Match[str]]


class LogSource:
    """One log file with those it was rotated into, read anew each time it is asked."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        self._settings = settings
        self._file = folder / settings.path
        self._pattern = _compiled("pattern", settings.pattern)
        groups = self._pattern.groupindex
        if "time" not in groups:
            raise MetricError("pattern has no group 'time'; write for example '^(?P<time>\\S+) (?P<level>\\w+)'.")
        self._query, self._good, self._total = (
            _compiled(key, text)
            for key, text in (("query", settings.query), ("good", settings.good), ("total", settings.total))
        )
        self._is_value = "value" in groups
        self._in_groups = not settings.total and {"good", "bad"} <= set(groups)
        if (
            sum((self._is_value, self._in_groups, bool(settings.total))) + (not self._is_value and bool(settings.query))
            != 1
        ):
            raise MetricError(
                "it is not plain what to read from a line; give a group 'value', groups 'good' and 'bad', a 'query' "
                "to count, or 'good' and 'total'."
            )

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """What the lines of that time say."""
        begin, end = nanoseconds(since), nanoseconds(until)
        try:
            series = self._values(begin, end) if self._is_value else self._counts(begin, end)
        except MetricError as error:
            raise MetricError(f"{self._settings.path}: {error}") from None
        settings = self._settings
        return Samples(
            metric=metric.name,
            source=f"log {settings.path}",
            query=f"good: {settings.good} / total: {settings.total}"
            if settings.total
            else settings.query or settings.pattern,
            since=begin,
            until=end,
            series=(series,) if series.times or series.missing else (),
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _values(self, begin: int, end: int) -> Series:
        found = sorted((time, number(match["value"])) for time, match in self._lines(begin, end) if self._wanted(match))
        return values([time for time, _ in found], [value for _, value in found], events=True)

    def _wanted(self, match: re.Match[str]) -> bool:
        return not self._settings.query or self._query.search(match.string) is not None

    def _counts(self, begin: int, end: int) -> Series:
        """For each interval with a line in it: how many there were, as of its newest line."""
        step, sort = span(self._settings.interval), self._sort()
        newest: dict[int, int] = {}
        counted: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for time, match in self._lines(begin, end):
            interval = -(-time // step)
            newest[interval] = max(time, newest.get(interval, 0))
            good, total = sort(match)
            counted[interval][0] += good
            counted[interval][1] += total
        intervals = sorted(newest)
        times = [newest[each] for each in intervals]
        goods, totals = [counted[each][0] for each in intervals], [counted[each][1] for each in intervals]
        return ratios(times, goods, totals) if self._settings.total or self._in_groups else values(times, totals)

    def _sort(self) -> Callable[[re.Match[str]], tuple[int, int]]:
        """Whether a line counts as good, and whether it counts at all."""
        if self._in_groups:
            return lambda match: (
                int(match["good"] is not None and match["bad"] is None),
                int(match["good"] is not None or match["bad"] is not None),
            )
        if not self._settings.total:
            return lambda match: (0, int(self._query.search(match.string) is not None))

        def both(match: re.Match[str]) -> tuple[int, int]:
            if self._total.search(match.string) is None:
                return 0, 0
            return int(self._good.search(match.string) is not None), 1

        return both

    def _lines(self, begin: int, end: int) -> Iterator[Line]:
        """The lines of that time that the pattern reads; ``MetricError`` if it reads none of many."""
        options = self._settings.options
        zone, form = str(options.get("zone", "")), str(options.get("time_format", ""))
        read = unread = 0
        for text in lines(rotated(self._file), begin):
            match = self._pattern.search(text)
            if match is None or match["time"] is None:
                unread += 1
                continue
            read += 1
            time = observation_time(match["time"], zone=zone, form=form)
            if begin < time <= end:
                yield time, match
        if unread and not read:
            raise MetricError(f"the pattern reads none of {unread} lines; correct 'pattern'.")


def _compiled(key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise MetricError(f"{key} is no regular expression: {error}.") from None
