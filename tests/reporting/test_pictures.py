"""Criteria drawn from what their sources answered."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Trigger
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings, Stage
from pytest_rollout.core.series import Outage, Samples, nanoseconds, ratios, values
from pytest_rollout.core.series_form import packed
from pytest_rollout.core.units import UNITS, quantity
from pytest_rollout.core.window import Window, WindowKind
from pytest_rollout.reporting.pictures import MOST, Drawn, pictures

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
MINUTE = 60 * 10**9
END = nanoseconds(NOW)
SOURCE = SourceSettings(kind=SourceKind.PROMETHEUS, good="g", total="t", interval=timedelta(minutes=1))
METRICS = {"success": Metric(name="success", unit=UNITS["ratio"], source=SOURCE)}


def bound(text: str) -> Bound:
    relation, _, rest = text.partition(" ")
    return Bound(relation=Relation(relation), limit=quantity(rest).base, unit=quantity(rest).unit)


CRITERION = Criterion(
    name="calls succeed",
    metric="success",
    unit=UNITS["ratio"],
    promote=bound("> 99 %"),
    alert=bound("< 98 %"),
    rollback=(Trigger(when=bound("< 90 %"), window=Window(kind=WindowKind.EVERY, over=15 * MINUTE)),),
    span=Span(over=60 * MINUTE),
)


def answered(minutes: Any = range(-60, 1), good: int = 99, **about: Any) -> Samples:
    times = [END + minute * MINUTE for minute in minutes]
    series = ratios(times, [good] * len(times), [100] * len(times))
    usual = {"metric": "success", "source": "prometheus", "query": "g / t", "since": END - 120 * MINUTE, "until": END}
    return Samples(**(usual | {"series": (series,)} | about))


def drawn(samples: Samples, *criteria: Criterion, metrics: Any = METRICS) -> dict[str, str]:
    stage = Stage(name="beta", title="Beta", criteria=criteria or (CRITERION,))
    return pictures(Drawn(stage=stage, metrics=metrics, samples={"success": packed(samples)}, judged_at=NOW))


def test_a_criterion_is_drawn_with_its_bounds_and_its_window() -> None:
    picture = drawn(answered())["calls succeed"]

    for text in ("promote &gt; 99 %", "alert &lt; 98 %", "rollback &lt; 90 %", "gray band: hold", "1h"):
        assert text in picture
    assert "61 samples, the last of 2031-05-04 12:00:00Z" in picture
    assert picture.count("<polyline") == 1
    assert "url(#gap)" not in picture


def test_gaps_are_shown_and_an_outage_is_named() -> None:
    """In the middle, and where samples stopped before the judgement."""
    outage = Outage(since=END - 10 * MINUTE, until=END, why="refused")
    picture = drawn(answered([*range(-60, -40), *range(-25, -10)], outages=(outage,)))["calls succeed"]

    assert picture.count("url(#gap)") == 2
    assert picture.count("<polyline") == 2
    assert "no data" in picture
    assert "source down" in picture


def test_no_samples_are_a_picture_that_says_so() -> None:
    picture = drawn(answered([]))["calls succeed"]

    assert "no samples" in picture
    assert "<polyline" not in picture


def test_each_thing_has_a_picture_of_its_own() -> None:
    """By the title of its finding."""
    times = [END - MINUTE, END]
    series = tuple(ratios(times, [1, 1], [1, 1], labels={"node": name}) for name in ("one", "two"))
    metrics = {"success": Metric(name="success", unit=UNITS["ratio"], source=SourceSettings(kind=SourceKind.PROMETHEUS, good="g", total="t", per="node"))}  # fmt: skip

    assert list(drawn(answered(series=series), metrics=metrics)) == ["calls succeed [one]", "calls succeed [two]"]


def test_values_are_drawn_in_the_metrics_unit() -> None:
    """The bound was written in another one of the same dimension."""
    source = SourceSettings(kind=SourceKind.PROMETHEUS, query="q", interval=timedelta(minutes=1))
    metrics = {"success": Metric(name="success", unit=UNITS["s"], source=source)}
    criterion = Criterion(
        name="fast", metric="success", unit=UNITS["s"], promote=bound("< 200 ms"), span=Span(over=60 * MINUTE)
    )
    samples = answered(series=(values([END - MINUTE, END], [0.15, 0.25]),))

    picture = drawn(samples, criterion, metrics=metrics)["fast"]

    ticks = [float(each) for each in re.findall(r'text-anchor="end">([0-9.]+)</text>', picture)]
    assert min(ticks) >= 0.1
    assert max(ticks) <= 0.3


def test_what_no_picture_can_show_draws_none() -> None:
    """A metric that tests measured, or whose samples were not kept."""
    measured = {"success": Metric(name="success", unit=UNITS["ratio"])}
    stage = Stage(name="beta", title="Beta", criteria=(CRITERION,))

    assert drawn(answered(), metrics=measured) == {}
    assert pictures(Drawn(stage=stage, metrics=METRICS)) == {}
    assert pictures(Drawn(stage=stage, metrics=METRICS, samples={"success": b"{"})) == {}


def test_numbers_that_no_float_holds_are_no_value() -> None:
    source = SourceSettings(kind=SourceKind.PROMETHEUS, query="q")
    metrics = {"success": Metric(name="success", unit=UNITS["wei"], source=source)}
    criterion = Criterion(
        name="rich", metric="success", unit=UNITS["wei"], promote=bound("> 1 wei"), span=Span(over=60 * MINUTE)
    )

    assert (
        "<polyline"
        in drawn(answered(series=(values([END - MINUTE, END], [10**400, 5]),)), criterion, metrics=metrics)["rich"]
    )


@pytest.mark.parametrize("count", [MOST + 5])
def test_pictures_are_bounded(count: int) -> None:
    criteria = [Criterion(name=f"c{number}", metric="success", unit=UNITS["ratio"], promote=bound("> 99 %"), span=Span(over=60 * MINUTE)) for number in range(count)]  # fmt: skip

    assert len(drawn(answered(), *criteria)) == MOST
