"""The one value of a criterion over its window, from series by themselves."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Statistic
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import SECOND, Series, ratios, values
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.valuing import UndecidedError, of_ratio, of_values, scale_of


def bound(relation: Relation, limit: int, unit: str = "count") -> Bound:
    return Bound(relation=relation, limit=Fraction(limit), unit=UNITS[unit])


def criterion(statistic: Statistic = Statistic.EVERY, promote: Bound | None = None, unit: str = "count") -> Criterion:
    return Criterion(
        name="it", metric="it", unit=UNITS[unit], promote=promote or bound(Relation.LESS, 10, unit), statistic=statistic,
        span=Span(over=SECOND),
    )  # fmt: skip


def series(*numbers: float) -> Series:
    return values(range(len(numbers)), numbers)


def test_a_ratio_of_nothing_tells_nothing() -> None:
    """0/0 is missing data (rule 6)."""
    for several in ([], [ratios([], [], [])], [ratios([0], [0], [0])]):
        with pytest.raises(UndecidedError, match="^0 of 0$"):
            of_ratio(criterion(unit="ratio"), several)


def test_a_ratio_adds_up_all_of_its_series() -> None:
    found = of_ratio(criterion(unit="ratio"), [ratios([0], [1], [2]), ratios([], [], []), ratios([1], [2], [2])])

    assert (found.facts["value"], found.samples) == ("3/4", 4)


@pytest.mark.parametrize(
    ("numbers", "shown", "is_met"),
    [((5, 5, 5), "5 (worst of 3)", True), ((5, 9, 5), "9 (worst of 3)", False), ((5, 2, 6), "2 (worst of 3)", False)],
    ids=["all equal", "one above", "one further below"],
)
def test_what_must_be_equal_is_judged_by_the_value_furthest_off(numbers, shown: str, is_met: bool) -> None:
    found = of_values(criterion(promote=bound(Relation.EQUAL, 5)), [series(*numbers)], Fraction(1))

    assert (found.shown, found.is_met) == (shown, is_met)


def test_series_without_samples_are_passed_over() -> None:
    """An earlier version's, of which the window holds none."""
    found = of_values(criterion(), [series(), series(3, 12), series()], Fraction(1))

    assert (found.shown, found.is_met) == ("12 (worst of 2)", False)


@pytest.mark.parametrize(
    ("statistic", "reached"),
    [
        (Statistic.EVERY, True),
        (Statistic.MEAN, False),
        (Statistic.MEDIAN, False),
        (Statistic.MAX, True),
        (Statistic.SUM, True),
    ],
)
def test_a_trigger_asks_the_statistic_that_the_criterion_has(statistic: Statistic, reached: bool) -> None:
    found = of_values(criterion(statistic), [series(1, 2), series(3, 40)], Fraction(1))

    assert found.is_reached(bound(Relation.MORE, 12)) is reached
    assert not found.is_reached(bound(Relation.MORE, 46))


def test_a_number_of_samples_has_no_unit() -> None:
    metric = Metric(name="it", unit=UNITS["ms"])

    assert scale_of(criterion(Statistic.COUNT), metric) == 1
    assert scale_of(criterion(Statistic.MEAN), metric) == Fraction(1, 1000)
