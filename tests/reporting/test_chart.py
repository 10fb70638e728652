"""Charts: what was measured, what was bound, and where nothing was seen."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree as ET

import pytest

from pytest_rollout.reporting.chart import BOTTOM, DASHES, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Line, Span, draw

SVG = "{http://www.w3.org/2000/svg}"
START = 1_900_000_000.0


def drawn(**about: object) -> ET.Element:
    """A chart of an hour of samples, a minute apart, as parsed XML."""
    usual: dict[str, object] = {
        "title": "success",
        "unit": "%",
        "times": [START + 60 * minute for minute in range(61)],
        "values": [99.0 + minute / 100 for minute in range(61)],
    }
    return ET.fromstring(draw(Chart(**(usual | about))))


def points(chart: ET.Element) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        for line in chart.iter(f"{SVG}polyline")
    ]


def texts(chart: ET.Element) -> list[str]:
    return [each.text or "" for each in chart.iter(f"{SVG}text")]


def test_a_gap_breaks_the_line_and_is_hatched() -> None:
    """No line is drawn over time without evidence."""
    chart = drawn(
        times=[START + 60 * minute for minute in [*range(20), *range(40, 61)]],
        values=[99.0] * 41,
        gaps=(Span(since=START + 19 * 60, until=START + 40 * 60),),
    )

    first, second = points(chart)
    assert first[-1][0] < second[0][0] - 100
    assert [rect.get("fill") for rect in chart.iter(f"{SVG}rect")][1:] == ["url(#gap)"]
    assert "no data" in texts(chart)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_breaks_the_line(value: float) -> None:
    """It neither bends the scale nor is bridged."""
    values = [99.0] * 61
    values[30] = value

    first, second = points(drawn(values=values))

    assert len(first) == len(second) == 30


@pytest.mark.parametrize(
    ("values", "bound"),
    [
        ([1e308, -1e308], 99.0), ([1.7976931348623157e308] * 2, 99.0), ([1.7976931348623157e308, -1.7e308], 1e308),
        ([1.0, 2.0], math.inf), ([0.0, 5e-324], 5e-324), ([-1.7e308, -1e308], -math.inf),
    ],
)  # fmt: skip
def test_the_largest_and_the_smallest_numbers_are_drawn(values: list[float], bound: float) -> None:
    """At the edge, where floats have no room for more: a picture never stands in the way of a report."""
    chart = drawn(
        times=[START + 60, START + 120], values=values, lines=(Line(role="promote", value=bound, label="promote"),)
    )

    [line] = points(chart)
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in line)
    assert "nan" not in ET.tostring(chart, encoding="unicode")


def test_no_spike_is_lost_where_many_samples_share_a_pixel() -> None:
    """100,000 samples on 500 pixels; the one bad second is still to be seen."""
    values = [99.0] * 100_000
    values[54_321] = 12.0
    chart = drawn(times=[START + second for second in range(100_000)], values=values)

    [line] = points(chart)
    usual = min(y for _, y in line)
    assert max(y for _, y in line) > usual + 150
    assert len(line) < 3 * (WIDTH - LEFT - RIGHT)


def test_bounds_are_told_apart_without_colour_and_never_overlap() -> None:
    """By their dashes and their names; two that lie close move apart."""
    chart = drawn(
        lines=(
            Line(role="promote", value=99.0, label="promote > 99 %"),
            Line(role="alert", value=98.99, label="alert < 98.99 %"),
            Line(role="rollback", value=98.98, label="rollback < 98.98 %"),
        )
    )

    labels = [float(each.get("y", 0)) for each in chart.iter(f"{SVG}text") if (each.text or "").split()[0] in DASHES]
    dashes = {
        path.get("stroke-dasharray", "") for path in chart.iter(f"{SVG}path") if path.get("stroke-width") == "1.1"
    }
    assert len(labels) == 3
    assert all(below - above >= 13 for above, below in itertools.pairwise(labels))
    assert dashes == set(DASHES.values())


def test_nothing_in_it_has_a_colour() -> None:
    """It has to be legible in print: black, white and grays only."""
    text = draw(
        Chart(
            title="x",
            unit="%",
            times=[START],
            values=[1.0],
            band=(0.5, 0.9),
            windows=(Span(since=START - 60, until=START, label="1m"),),
            gaps=(Span(since=START - 600, until=START - 60),),
        )
    )

    for colour in re.findall(r"#([0-9a-f]{3,6})\b", text):
        assert len(set(re.findall(r".{2}" if len(colour) == 6 else ".", colour))) == 1


def test_no_samples_are_said_so() -> None:
    """An empty picture is not a flat line."""
    chart = drawn(times=[], values=[])

    assert points(chart) == []
    assert "no samples" in texts(chart)


def test_everything_stays_inside_the_picture() -> None:
    """Whatever the values: the scale follows the samples and the bounds."""
    chart = drawn(values=[10.0**minute for minute in range(61)], lines=(Line(role="promote", value=-1e30, label="x"),))

    [line] = points(chart)
    assert all(LEFT <= x <= WIDTH - RIGHT and 0 <= y <= HEIGHT for x, y in line)


def test_hostile_names_are_text(hostile: str) -> None:
    """Names come from plans, units from sources."""
    chart = drawn(title=hostile, note=hostile, unit=hostile, lines=(Line(role="alert", value=99.0, label=hostile),))

    assert {each.tag.removeprefix(SVG) for each in chart.iter()} <= {
        *("svg", "title", "desc", "defs", "pattern", "path", "circle", "rect", "text", "polyline"),
    }


def test_what_is_written_stands_apart() -> None:
    """The note, the window's length and the band's name are on no line of another's text."""
    window = (Span(since=START, until=START + 3600, label="1h"),)
    chart = drawn(note="61 samples, the last of 2030-03-17 18:46:40Z", windows=window, band=(95.0, 99.0))

    rows = {each.text: float(each.get("y", "0")) for each in chart.iter(f"{SVG}text")}
    written = [
        rows[each] for each in ("success", "61 samples, the last of 2030-03-17 18:46:40Z", "1h", "gray band: hold")
    ]
    assert min(abs(one - other) for one, other in itertools.combinations(written, 2)) >= 10
    assert list(rows).index("gray band: hold") > list(rows).index("UTC")
