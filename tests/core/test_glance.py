"""What a glance tells is what looking at every sample tells."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.breach import Watched, look
from pytest_rollout.core.columns import meeting
from pytest_rollout.core.criterion import Bound, Relation, Statistic
from pytest_rollout.core.glance import Extent, is_without_gap, may_fire, smallest
from pytest_rollout.core.series import SECOND, Series, ratios, values
from pytest_rollout.core.series_form import packed, unpacked
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.window import Looked, Window, WindowKind
from tests.core.test_series import samples

NUMBERS = st.sampled_from([0, 1, 2, 3, 0.1, 0.3, 0.5, 1e308, -1e308, 5e-324, 10**30])
LIMITS = st.sampled_from([Fraction(0), Fraction(3, 10), Fraction(1, 2), Fraction(1), Fraction(10**30), Fraction(-1)])
WINDOWS = [
    Window(kind=WindowKind.EVERY, over=15 * SECOND),
    Window(kind=WindowKind.AGGREGATE, over=15 * SECOND),
    Window(kind=WindowKind.K_OF_N, k=2, n=3),
]


def bound(relation: Relation, limit: Fraction) -> Bound:
    return Bound(relation=relation, limit=limit, unit=UNITS["count"])


def spaced(count: int) -> list[int]:
    return [(index + 1) * 15 * SECOND for index in range(count)]


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.sampled_from(Relation), LIMITS)
def test_where_none_may_none_does(numbers: list[Any], relation: Relation, limit: Fraction) -> None:
    series, asked = values(spaced(len(numbers)), numbers), bound(relation, limit)
    extent = Extent.of(series)

    assert extent is not None
    assert extent.may_meet(asked, Fraction(1)) or 1 not in meeting(series, asked, Fraction(1))


@given(st.lists(st.tuples(st.integers(0, 10**40), st.integers(1, 10**40)), min_size=1, max_size=6), st.data())
def test_nor_of_counts_however_large(counts: list[tuple[int, int]], data: st.DataObject) -> None:
    """The limit is one of the shares themselves, where rounding would tell."""
    good, total = [min(pair) for pair in counts], [max(pair) for pair in counts]
    series = ratios(spaced(len(counts)), good, total)
    limit = Fraction(*data.draw(st.sampled_from(list(zip(good, total, strict=True)))))
    asked = bound(data.draw(st.sampled_from(Relation)), limit)
    extent = Extent.of(series)

    assert extent is None or extent.may_meet(asked, Fraction(1)) or 1 not in meeting(series, asked, Fraction(1))


@given(
    st.lists(st.sampled_from([0, 1, 2, 0.3]), min_size=1, max_size=9),
    st.sampled_from(WINDOWS), st.sampled_from(Statistic), st.sampled_from(Relation), LIMITS,
)  # fmt: skip
def test_what_may_not_fire_does_not(
    numbers: list[Any], window: Window, statistic: Statistic, relation: Relation, limit: Fraction
) -> None:
    series = values(spaced(len(numbers)), numbers)
    watched = Watched(
        when=bound(relation, limit), window=window, scale=Fraction(1), max_gap=60 * SECOND, statistic=statistic
    )

    may = may_fire(window.kind, statistic, watched.when, Fraction(1), Extent.of(series))

    assert may or not look(watched, Looked(), series).fired


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 60))
def test_a_gap_is_found_wherever_it_is(steps: list[int], longest: int) -> None:
    times = array("q", [sum(steps[: index + 1]) for index in range(len(steps))])

    assert is_without_gap(times, longest) == all(later - earlier <= longest for earlier, later in pairwise(times))


@pytest.mark.parametrize("kind", ["random", "rising", "the same", "periodic", "integers", "exact"])
def test_the_number_of_a_rank_is_that_of_sorting(kind: str) -> None:
    """Numbers that come round as often as they are picked mislead the pick, and are sorted."""
    chance = Random(1)
    numbers: Any = {
        "random": array("d", (chance.random() for _ in range(5_000))),
        "rising": array("d", map(float, range(5_000))),
        "the same": array("d", [1.0] * 5_000),
        "periodic": array("d", (1.0 if index % 10 == 0 else chance.random() for index in range(5_000))),
        "integers": array("q", (chance.randrange(100) for _ in range(5_000))),
        "exact": [Fraction(chance.randrange(10**30), 7) for _ in range(2_500)],
    }[kind]
    ordered, places = sorted(numbers), [1, 2, len(numbers) // 2, len(numbers) * 19 // 20, len(numbers)]

    assert [smallest(numbers, place) for place in places] == [ordered[place - 1] for place in places]


@pytest.mark.parametrize("times", [spaced(5), [*spaced(5), 76 * SECOND], spaced(2), spaced(1), []], ids=len)
def test_times_are_packed_whole_whether_evenly_spaced_or_not(times: list[int]) -> None:
    given = samples(values(times, [1.5] * len(times)))

    assert unpacked(packed(given)) == given


def test_an_empty_series_has_no_extent() -> None:
    assert Extent.of(Series(times=array("q"), column=array("d"))) is None
