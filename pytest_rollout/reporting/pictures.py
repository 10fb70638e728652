"""The criteria of a stage as pictures: what their sources answered, against what the plan asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from pytest_rollout.core.criterion import Bound, Criterion
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.rollout import Metric, Stage
from pytest_rollout.core.series import SECOND, Samples, Series, duration_text, moment_text, nanoseconds, span
from pytest_rollout.core.series_form import unpacked
from pytest_rollout.core.things import things
from pytest_rollout.core.units import UNITS
from pytest_rollout.reporting.chart import Chart, Line, Span, draw

MOST = 40
"""How many pictures one judgement gets; a gate of more criteria is read in its tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What is to be drawn for one judgement: the stage's criteria, and the packed samples of their metrics."""

    stage: Stage
    metrics: Mapping[str, Metric]
    samples: Mapping[str, bytes] = field(default_factory=dict)
    judged_at: datetime | None = None


def pictures(drawn: Drawn) -> dict[str, str]:
    """An ``<svg>`` element for each criterion and thing, by the title of its finding."""
    found: dict[str, str] = {}
    for criterion in drawn.stage.criteria:
        for title, chart in _charts(criterion, drawn):
            if len(found) < MOST:
                found[title] = draw(chart)
    return found


def _charts(criterion: Criterion, drawn: Drawn) -> Iterator[tuple[str, Chart]]:
    metric = drawn.metrics[criterion.metric]
    line = drawn.samples.get(criterion.metric)
    if criterion.span is None or metric.source is None or line is None or metric.source.histogram:
        return
    try:
        samples = unpacked(line)
    except EvidenceError:
        return  # the judgement tells of it
    for thing, several in things(metric.source, samples).series.items():
        title = f"{criterion.name} [{thing}]" if thing else criterion.name
        yield title, _chart(title, criterion, metric, samples, several, drawn.judged_at)


def _chart(
    title: str,
    criterion: Criterion,
    metric: Metric,
    samples: Samples,
    several: Sequence[Series],
    judged_at: datetime | None,
) -> Chart:
    assert criterion.span is not None  # noqa: S101 - only such criteria are drawn
    assert metric.source is not None  # noqa: S101 - as above
    now = samples.until if judged_at is None else nanoseconds(judged_at)
    step = max(span(metric.source.interval), samples.step)
    unit = UNITS["%"] if metric.unit.symbol == "ratio" else metric.unit
    counted = [each.counted() for each in several]
    times = [time for each in counted for time in each.times]
    scale = float(metric.unit.scale / unit.scale)
    values = [value * scale for each in counted for value in _values(each)]
    first = min([*times[:1], now - criterion.span.over])
    lines = tuple(_lines(criterion, float(unit.scale)))
    band = _band(criterion, float(unit.scale))
    triggers = {t.window.over for t in criterion.rollback if t.window is not None and t.window.over}
    windows = {criterion.span.over, *triggers}
    gaps = _gaps([first, *times, now], criterion.span.gap(step), step)
    return Chart(
        title=title,
        unit=unit.symbol,
        times=[time / SECOND for time in times],
        values=values,
        lines=lines,
        band=band,
        windows=(Span(since=(now - max(windows)) / SECOND, until=now / SECOND, label=duration_text(max(windows))),),
        gaps=tuple(_told(gap, samples) for gap in gaps),
        since=min(first, now - max(windows)) / SECOND,
        until=now / SECOND,
        note=f"{len(times)} samples, the last of {moment_text(times[-1])}" if times else "no samples",
    )


def _values(series: Series) -> Iterator[float]:
    if series.good is not None and series.total is not None:
        yield from (_float(good) / _float(total) for good, total in zip(series.good, series.total, strict=True))
    else:
        yield from map(_float, series.column or ())


def _lines(criterion: Criterion, scale: float) -> Iterator[Line]:
    yield Line(role="promote", value=_float(criterion.promote.limit) / scale, label=f"promote {criterion.promote}")
    if criterion.alert is not None:
        yield Line(role="alert", value=_float(criterion.alert.limit) / scale, label=f"alert {criterion.alert}")
    for trigger in criterion.rollback:
        yield Line(role="rollback", value=_float(trigger.when.limit) / scale, label=f"rollback {trigger.when}")


def _band(criterion: Criterion, scale: float) -> tuple[float, float] | None:
    """Between the promote bound and the nearest rollback bound: hold (rule 10)."""
    bounds: list[Bound] = [trigger.when for trigger in criterion.rollback]
    if not bounds:
        return None
    promote = criterion.promote.limit
    nearest = min((bound.limit for bound in bounds), key=lambda limit: abs(limit - promote))
    low, high = sorted((_float(promote) / scale, _float(nearest) / scale))
    return None if low == high else (low, high)


def _gaps(times: Sequence[int], longest: int, step: int) -> Iterator[tuple[int, int]]:
    """Stretches without samples, longer than what counts as seen."""
    for earlier, later in pairwise(sorted(times)):
        if later - earlier > max(longest, step):
            yield earlier, later


def _told(gap: tuple[int, int], samples: Samples) -> Span:
    since, until = gap
    is_down = any(each.since < until and each.until > since for each in samples.outages)
    return Span(since=since / SECOND, until=until / SECOND, label="source down" if is_down else "no data")


def _float(number: float | Fraction) -> float:
    """As near as a picture needs it; what no float holds is drawn as no value."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
