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
    for scale in (Fraction(1), Fraction(3), Fraction(1, 7)):
        if relation is Relation.EQUAL:
            assert extent.may_meet(asked, scale) or 1 not in meeting(series, asked, scale)
        else:
            assert extent.may_meet(asked, scale) == (1 in meeting(series, asked, scale))


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


def test_an_extent_is_from_the_least_to_the_greatest() -> None:
    assert Extent.of(values(spaced(3), [2, 0.3, 1])) == Extent(low=Fraction(3, 10), high=Fraction(2))
    share = Extent.of(ratios(spaced(3), [1, 3, 2], [4, 4, 4]))
    assert share is not None
    assert 0 < Fraction(1, 4) - share.low < Fraction(1, 10**8)
    assert 0 < share.high - Fraction(3, 4) < Fraction(1, 10**8)


@pytest.mark.parametrize(
    ("limit", "scale", "may"),
    [
        (2, 1, False),
        (5, 2, False),
        (3, 1, True),
        (5, 1, True),
        (7, 1, True),
        (8, 1, False),
        (6, 2, True),
        (14, 2, True),
        (15, 2, False),
    ],
)
def test_what_is_equal_lies_within(limit: int, scale: int, may: bool) -> None:
    extent, asked = Extent(low=Fraction(3), high=Fraction(7)), bound(Relation.EQUAL, Fraction(limit))

    assert extent.may_meet(asked, Fraction(scale)) is may


@pytest.mark.parametrize("kind", WindowKind)
@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("relation", Relation)
def test_only_what_is_added_up_counted_or_hit_between_samples_can_fire_where_no_sample_does(
    kind: WindowKind, statistic: Statistic, relation: Relation
) -> None:
    limit = Fraction(9) if relation is Relation.EQUAL or relation.wants_more else Fraction(1)
    extent = Extent(low=Fraction(3), high=Fraction(7))
    between = relation is Relation.EQUAL or statistic in {Statistic.SUM, Statistic.COUNT}

    may = may_fire(kind, statistic, bound(relation, limit), Fraction(1), extent)

    assert may is (kind is WindowKind.AGGREGATE and between)
    assert may_fire(kind, statistic, bound(relation, limit), Fraction(1), None)


def test_a_longest_gap_that_stands_alone_is_no_gap_too_long() -> None:
    """No stride of equal length shows it."""
    times = array("q", [0, 50, 51, 52, 53, 103])

    assert is_without_gap(times, 50)
    assert not is_without_gap(times, 49)


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


@pytest.mark.parametrize("place", [1, 1499, 1500, 1501, 1966, 2000])
def test_a_rank_just_below_what_was_picked_is_found(place: int) -> None:
    """Every fourth number, of which the picked ones are, is larger than all others."""
    numbers = array("d", (1e6 + index if index % 4 == 0 else float(index) for index in range(2000)))

    assert smallest(numbers, place) == sorted(numbers)[place - 1]


@pytest.mark.parametrize("times", [spaced(5), [*spaced(5), 76 * SECOND], spaced(2), spaced(1), []], ids=len)
def test_times_are_packed_whole_whether_evenly_spaced_or_not(times: list[int]) -> None:
    given = samples(values(times, [1.5] * len(times)))

    assert unpacked(packed(given)) == given


def test_an_empty_series_has_no_extent() -> None:
    assert Extent.of(Series(times=array("q"), column=array("d"))) is None
