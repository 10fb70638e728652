"""One criterion over time as an SVG picture: samples, bounds, gray band, windows, gaps shown as gaps.

Drawn to be read without colour and on paper: lines differ by their dashes and carry their names,
the gray band and the gaps by their hatching. Nothing in it runs or is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_rollout.reporting.text import line

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 40, 34
"""The margins, in pixels: values stand on the left, the names of the bounds on the right."""

DASHES = {"promote": "", "alert": "7 3", "rollback": "2 3"}
"""How the bounds are told apart in black and white."""

_LABEL_HEIGHT = 13
_MOST_LABEL = 26
_PLACES = 10.0
_FURTHEST, _LEAST_ROOM = 7e307, 1e-300
"""What is beyond is drawn at the edge, and what is nearer together on one line: floats have no room for more."""
_STEPS_OF_TIME = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One bound: ``role`` is promote, alert or rollback, ``value`` is in the chart's unit."""

    role: str
    value: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, in seconds since 1970: a window that was judged, or one without samples."""

    since: float
    until: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn. Times are seconds since 1970, values are in ``unit``; both lists are as long.

    ``gaps`` interrupt the line: no line is drawn over time without evidence. ``band`` is the gray
    band between the promote and the rollback bound, lower value first.
    """

    title: str
    unit: str
    times: Sequence[float]
    values: Sequence[float]
    lines: tuple[Line, ...] = ()
    band: tuple[float, float] | None = None
    windows: tuple[Span, ...] = ()
    gaps: tuple[Span, ...] = ()
    since: float | None = None
    until: float | None = None
    note: str = field(default="")


def draw(chart: Chart) -> str:
    """The picture as one ``<svg>`` element."""
    frame = _Frame.around(chart)
    paths = list(_paths(chart, frame))
    context: dict[str, Any] = {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "title": line(chart.title, 90),
        "description": line(_description(chart)),
        "note": line(chart.note, 90),
        "paths": paths,
        "is_empty": not paths,
        "band": None if chart.band is None else _box(frame, chart.band),
        "lines": list(_lines(chart, frame)),
        "windows": [_span(frame, each) for each in chart.windows],
        "gaps": [_span(frame, each) for each in chart.gaps],
        "values": [(frame.y(value), _number(value)) for value in frame.value_ticks()],
        "moments": [(frame.x(moment), text) for moment, text in frame.time_ticks()],
        "unit": line(chart.unit, 20),
    }
    return _environment().get_template("chart.svg.jinja").render(context)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for those who draw

    return Environment(
        loader=PackageLoader("pytest_rollout.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Which times and values the picture spans."""

    since: float
    until: float
    low: float
    high: float

    @classmethod
    def around(cls, chart: Chart) -> _Frame:
        values = [value for value in chart.values if math.isfinite(value)]
        values += [each.value for each in chart.lines]
        ends = min(values, default=0.0), max(values, default=1.0)
        low, high = (min(max(end, -_FURTHEST), _FURTHEST) for end in ends)
        room = max((high - low) * 0.08 or abs(high) * 0.05 or 1.0, _LEAST_ROOM)
        times = [*chart.times, *(t for span in (*chart.windows, *chart.gaps) for t in (span.since, span.until))]
        since = min(times, default=0.0) if chart.since is None else chart.since
        until = max(times, default=since + 1) if chart.until is None else chart.until
        return cls(since=since, until=max(until, since + 1), low=low - room, high=high + room)

    def x(self, moment: float) -> float:
        share = (moment - self.since) / (self.until - self.since)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)

    def value_ticks(self) -> Iterator[float]:
        """Round values, four or so."""
        rough = (self.high - self.low) / 4
        size = _PLACES ** math.floor(math.log10(rough))
        step = next(each * size for each in (1, 2, 5, 10) if each * size >= rough)
        first = math.ceil(self.low / step)
        yield from (number * step for number in range(first, math.floor(self.high / step) + 1))

    def time_ticks(self) -> Iterator[tuple[float, str]]:
        """Round moments in UTC, six at the most, the first with its date."""
        span = self.until - self.since
        step = next((each for each in _STEPS_OF_TIME if span / each <= 6), span)  # noqa: PLR2004 - what fits
        moment = math.ceil(self.since / step) * step
        day = ""
        while moment <= self.until:
            at = datetime.fromtimestamp(moment, UTC)
            date = f"{at:%d %b}"
            clock = f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"  # noqa: PLR2004 - seconds count
            yield moment, clock if date == day and step < 86_400 else f"{date} {clock}"  # noqa: PLR2004 - a day
            day = date
            moment += step


def _paths(chart: Chart, frame: _Frame) -> Iterator[str]:
    """The line of the samples, broken where there are none; where many share a pixel, its whole range."""
    starts = sorted(span.since for span in chart.gaps)
    gap = 0
    columns: dict[float, list[float]] = {}
    for moment, value in zip(chart.times, chart.values, strict=True):
        crossed = gap
        while gap < len(starts) and starts[gap] < moment:
            gap += 1
        if gap > crossed or not math.isfinite(value):
            yield from _polyline(columns)
            columns = {}
        if math.isfinite(value):
            columns.setdefault(round(frame.x(moment)), []).append(frame.y(value))
    yield from _polyline(columns)


def _polyline(columns: dict[float, list[float]]) -> Iterator[str]:
    points: list[str] = []
    for x, ys in columns.items():
        # First, extremes, last: no spike is smoothed away by being narrower than a pixel.
        kept = [ys[0], min(ys), max(ys), ys[-1]]
        points += [f"{x},{y}" for index, y in enumerate(kept) if index == 0 or y != kept[index - 1]]
    if len(points) == 1:
        points.append(f"{next(iter(columns)) + 1},{points[0].partition(',')[2]}")
    if points:
        yield " ".join(points)


def _lines(chart: Chart, frame: _Frame) -> Iterator[tuple[float, float, str, str]]:
    """Height of each bound, of its label, its dashes and its text; labels never overlap."""
    free = float(TOP)
    for each in sorted(chart.lines, key=lambda bound: -bound.value):
        y = frame.y(each.value)
        label = max(y + 4, free + _LABEL_HEIGHT)
        free = label
        yield y, label, DASHES[each.role], line(each.label, _MOST_LABEL)


def _box(frame: _Frame, band: tuple[float, float]) -> tuple[float, float]:
    """Upper edge and height."""
    low, high = band
    return frame.y(high), round(frame.y(low) - frame.y(high), 1)


def _span(frame: _Frame, span: Span) -> tuple[float, float, str]:
    """Left edge, width and label."""
    left, right = frame.x(span.since), frame.x(span.until)
    return left, round(max(right - left, 1.0), 1), line(span.label, _MOST_LABEL)


def _description(chart: Chart) -> str:
    bounds = ", ".join(each.label for each in chart.lines)
    return f"{len(chart.times)} samples; {len(chart.gaps)} gaps; {bounds}"


def _number(value: float) -> str:
    return f"{value:.10g}" if abs(value) < 1e6 else f"{value:.4g}"  # noqa: PLR2004 - what fits
