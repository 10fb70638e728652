"""Columns are compared and added up as exact numbers would be, however they are held."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.columns import Whole, meeting, total, whole
from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.series import Series, exact
from pytest_rollout.core.units import UNITS

TIMES = array("q", range(7))
INTEGERS = [-2, -1, 0, 1, 2, 3, 2**62]
FLOATS = [-1.5, -0.1, 0.0, 0.1, 0.3, 1 / 3, 5 / 9, 1.5, 1e300]
COLUMNS: dict[str, Any] = {
    "integers": array("q", INTEGERS),
    "floats": array("d", FLOATS),
    "exact numbers": [*map(Fraction, INTEGERS[:6]), Fraction(1, 3)],
}
LIMITS = [
    Fraction(text) for text in ("-1", "0", "1", "3/2", "1/10", "3/10", "1/3", "5/9", "-1/3", "1e300", "1e400", "-1e400")
]


def bound(relation: Relation, limit: Fraction) -> Bound:
    return Bound(relation=relation, limit=limit, unit=UNITS["count"])


@pytest.mark.parametrize("relation", Relation)
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_meets_a_bound_where_each_exact_number_does(kind, relation) -> None:
    column = COLUMNS[kind]

    for limit in LIMITS:
        expected = bytes(relation.compare(exact(each), limit) for each in column)
        times = array("q", range(len(column)))
        assert meeting(Series(times=times, column=column), bound(relation, limit), Fraction(1)) == expected, limit


def test_a_limit_is_taken_in_the_unit_of_the_metric() -> None:
    series = Series(times=TIMES, column=COLUMNS["integers"])

    assert meeting(series, bound(Relation.MORE, Fraction(2000)), Fraction(1000)) == bytes([0, 0, 0, 0, 0, 1, 1])


GOOD, TOTAL = [1, 89, 90, 91, 3, 899_999_999_999, 9], [100, 100, 100, 100, 3, 10**12, 10]
PARTS: dict[str, Any] = {
    "integers": (array("q", GOOD), array("q", TOTAL)),
    "floats": (array("d", GOOD), array("d", TOTAL)),
    "floats of integers": (array("d", GOOD), array("q", TOTAL)),
    "integers of floats": (array("q", GOOD), array("d", TOTAL)),
    "exact numbers": ([*map(Fraction, GOOD)], [*map(Fraction, TOTAL)]),
    "tenths": (array("d", [0.1, 0.3, 0.7, 0.9, 0.2, 0.6, 0.5]), array("d", [0.3, 0.9, 0.7, 1.0, 0.4, 0.6, 1.5])),
}


@pytest.mark.parametrize("relation", Relation)
@pytest.mark.parametrize("kind", PARTS)
def test_a_ratio_meets_a_bound_where_the_exact_quotient_does(kind, relation) -> None:
    good, of = PARTS[kind]

    for limit in (Fraction(9, 10), Fraction(1, 3), Fraction(1), Fraction(0), Fraction(1, 100)):
        expected = bytes(relation.compare(exact(a) / exact(b), limit) for a, b in zip(good, of, strict=True))
        assert meeting(Series(times=TIMES, good=good, total=of), bound(relation, limit), Fraction(1)) == expected, limit


WHOLES: dict[str, tuple[Any, list[int], int]] = {
    "nothing": (array("d"), [], 1),
    "no exact number": ([], [], 1),
    "integers": (array("q", [3, -1]), [3, -1], 1),
    "floats that are integers": (array("d", [3.0, -1.0]), [3, -1], 1),
    "thousandths": (array("d", [0.5, -0.001]), [500, -1], 1000),
    "millionths": (array("d", [0.5, 0.0001]), [500_000, 100], 10**6),
    "billionths": (array("d", [1e-9]), [1], 10**9),
    "less than a billionth": (array("d", [1e-10]), [1], 10**10),
    "more digits than are quick": (array("d", [2.0**51 + 0.5]), [2**52 + 1], 2),
    "as large as is quick": (array("d", [2.0**50 - 1]), [2**50 - 1], 1),
    "larger": (array("d", [-(2.0**50)]), [-(2**50)], 1),
    "thirds": ([Fraction(1, 3), Fraction(1, 2)], [2, 3], 6),
}


@pytest.mark.parametrize(("column", "numbers", "denominator"), WHOLES.values(), ids=WHOLES)
def test_a_column_is_whole_numbers_over_one_denominator(column, numbers, denominator) -> None:
    found = whole(column)

    assert ([*found.numbers], found.denominator) == (numbers, denominator)
    assert total(column) == Fraction(sum(numbers), denominator)


def test_sums_run_from_nothing() -> None:
    assert Whole([1, 2, -4], 10).running() == [0, 1, 3, -1]
    assert Whole([1, 2], 10).total == Fraction(3, 10)
