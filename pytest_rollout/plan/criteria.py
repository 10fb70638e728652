"""A stage's criteria: bounds on declared metrics, in units that fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pytest_rollout.core.criterion import Baseline, Bound, Criterion, Span, Statistic, Trigger
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import duration_text, span
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.window import Window, WindowKind
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Written, some, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.stage_shape import BaselineTable, CriterionTable, StageTable, TriggerTable

_NO_HISTORY = "looks back, and metrics measured by tests have no history; leave it out, or give the metric a source."
_WINDOWS = "'every', 'aggregate', or such as '3 of 5'"
_K_OF_N = re.compile(r"([1-9][0-9]{0,3}) of ([1-9][0-9]{0,3})")
_PERCENTILES = (Statistic.MEDIAN, Statistic.P90, Statistic.P95, Statistic.P99)
_CONTINUOUS = frozenset({"time", "gas"})


def criteria(written: Written, stage: str, table: StageTable, metrics: Mapping[str, Metric]) -> tuple[Criterion, ...]:
    """The stage's criteria in the order written; raises ``PlanError``."""
    found: dict[str, Criterion] = {}
    for index, entry in enumerate(table.criteria):
        place = ("stages", stage, "criteria", index)
        name = written.read((*place, "name"), entry.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong((*place, "name"), "is the name of two criteria of this stage; give each its own.")
        found[texts.folded(name)] = _criterion(written, place, entry, metrics)
    return tuple(found.values())


def _criterion(written: Written, place: Place, entry: CriterionTable, metrics: Mapping[str, Metric]) -> Criterion:
    if entry.metric not in metrics:
        raise written.wrong((*place, "metric"), unknown("metric", entry.metric, metrics))
    unit, statistic = metrics[entry.metric].unit, Statistic(entry.statistic)
    if unit.dimension == "ratio" and statistic is not Statistic.EVERY:
        raise written.wrong(
            (*place, "statistic"),
            f"'{statistic.value}' does not go with a ratio, which is all good of all total; leave it out.",
        )
    if statistic is Statistic.COUNT:
        unit = UNITS["count"]

    looking = _Looking(written=written, place=place, metric=metrics[entry.metric], statistic=statistic)
    criterion_span = looking.span(entry)

    def read(where: Place, text: str) -> Bound:
        return written.read(where, text, lambda given: bound(given, unit))

    return Criterion(
        name=entry.name,
        metric=entry.metric,
        unit=unit,
        promote=read((*place, "promote"), entry.promote),
        statistic=statistic,
        alert=None if entry.alert is None else read((*place, "alert"), entry.alert),
        rollback=tuple(
            Trigger(
                when=read((*place, "rollback", index, "when"), trigger.when),
                severity=Severity(trigger.severity),
                window=looking.window((*place, "rollback", index), trigger),
            )
            for index, trigger in enumerate(entry.rollback)
        ),
        min_samples=entry.min_samples,
        required=not entry.advisory,
        span=criterion_span,
        baseline=None if entry.baseline is None else looking.baseline(entry.baseline),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    """The keys of a criterion that look back in time, which only a metric with a source can."""

    written: Written
    place: Place
    metric: Metric
    statistic: Statistic

    def span(self, entry: CriterionTable) -> Span | None:
        """What the criterion looks back on, None where tests measure."""
        given = [key for key in ("over", "max_age", "max_gap", "max_blind") if getattr(entry, key) is not None]
        source = self.metric.source
        if source is None:
            if given:
                raise self.written.wrong((*self.place, given[0]), _NO_HISTORY)
            return None
        if source.histogram and self.statistic not in _PERCENTILES:
            raise self.written.wrong(
                (*self.place, "statistic"), f"of a histogram is one of {some(_PERCENTILES)}; write for example 'p95'."
            )
        times = {key: self._time((*self.place, key), getattr(entry, key)) for key in given}
        step = span(source.interval)
        if (gap := times.get("max_gap")) is not None and gap < step:
            raise self.written.wrong(
                (*self.place, "max_gap"),
                f"{GIVEN} is less than the {duration_text(step)} between two samples, so no time would ever be seen.",
            )
        if "over" in times:
            return Span(**times)
        newest = times.get("max_age", Span(over=0).age(step))
        return Span(over=newest, **{"max_blind": newest, **times})

    def window(self, place: Place, table: TriggerTable) -> Window | None:
        """The trigger's window, None without one."""
        given = [key for key in ("over", "window") if getattr(table, key) is not None]
        if not given:
            return None
        if self.metric.source is None:
            raise self.written.wrong((*place, given[0]), _NO_HISTORY)
        if self.metric.source.histogram:
            raise self.written.wrong(
                (*place, given[0]),
                "asks a histogram over time; declare a metric whose query is histogram_quantile(…), and ask that.",
            )
        if table.window is None:
            raise self.written.wrong(place, f"has 'over' without a window; write window = {_WINDOWS}.")
        match = _K_OF_N.fullmatch(table.window)
        if match is not None:
            return self._k_of_n(place, table, int(match[1]), int(match[2]))
        if table.window not in {WindowKind.EVERY.value, WindowKind.AGGREGATE.value}:
            raise self.written.wrong((*place, "window"), f"no window {GIVEN}; write {_WINDOWS}.")
        if table.over is None:
            raise self.written.wrong(place, f"has the window '{table.window}' without 'over', its duration; write it.")
        kind = WindowKind(table.window)
        is_ratio = self.metric.unit.dimension == "ratio"
        if kind is WindowKind.AGGREGATE and self.statistic is Statistic.EVERY and not is_ratio:
            raise self.written.wrong(
                (*place, "window"), "makes one value of several, so the criterion needs a statistic, such as 'p95'."
            )
        return Window(kind=kind, over=self._time((*place, "over"), table.over))

    def _k_of_n(self, place: Place, table: TriggerTable, k: int, n: int) -> Window:
        if table.over is not None:
            raise self.written.wrong((*place, "over"), "does not go with k of n, which counts samples; leave it out.")
        if k > n:
            raise self.written.wrong((*place, "window"), f"{GIVEN} can never be; k is at most n.")
        return Window(kind=WindowKind.K_OF_N, k=k, n=n)

    def baseline(self, table: BaselineTable) -> Baseline:
        """How much worse than before the value may be."""
        place = (*self.place, "baseline")
        source = self.metric.source
        if source is not None and source.histogram:
            raise self.written.wrong(place, "compares one value, which a histogram does not know; leave it out.")
        if table.significance is not None and (source is None or self.metric.unit.dimension not in _CONTINUOUS):
            raise self.written.wrong(
                (*place, "significance"),
                "compares raw samples of time or gas from a source; leave it out, counts are never left to chance.",
            )
        significance = None
        if table.significance is not None:
            significance = self.written.read((*place, "significance"), table.significance, texts.share)
            if not 0 < significance <= Fraction(1, 10):
                raise self.written.wrong((*place, "significance"), f"{GIVEN} is no significance; write up to '10 %'.")
        return Baseline(
            worse=self.written.read((*place, "worse"), table.worse, texts.share),
            max_age=self.written.read((*place, "max_age"), table.max_age, duration),
            significance=significance,
        )

    def _time(self, place: Place, text: str) -> int:
        return span(self.written.read(place, text, duration))
