"""A histogram is what its buckets counted; what does not fit together is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Statistic
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.histogram import Histogram, histogram
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import Series, values
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.valuing import UndecidedError, of_histogram, of_ratio, of_values

HALF, ONE = Fraction(1, 2), Fraction(1)


def bucket(edge: str | None, *counts: float, times: list[int] | None = None) -> Series:
    labels = {} if edge is None else {"le": edge}
    return values([*range(len(counts))] if times is None else times, list(counts), labels=labels)


COUNTED: dict[str, tuple[list[float], int]] = {
    "nothing": ([], 0),
    "one reading": ([7], 0),
    "steady": ([7, 7, 7], 0),
    "growing": ([2, 5, 9], 7),
    "restarted": ([2, 5, 1, 4], 3 + 1 + 3),
    "restarted twice": ([5, 3, 3, 0, 2], 3 + 0 + 0 + 2),
    "restarted at once": ([9, 1], 1),
}


@pytest.mark.parametrize(("counts", "total"), COUNTED.values(), ids=COUNTED)
def test_a_bucket_counts_on_where_it_was_restarted(counts, total) -> None:
    assert histogram([bucket("+Inf", *counts)]) == Histogram(edges=(None,), cumulative=(Fraction(total),))


def test_buckets_are_taken_in_the_order_of_their_edges() -> None:
    found = histogram(
        [bucket("+Inf", 0, 9), bucket("1", 0, 5), bucket("-1", 0, 1), bucket("0.5", 0, 4), bucket("0", 1, 3)]
    )

    assert found == Histogram(edges=(-ONE, Fraction(0), HALF, ONE, None), cumulative=(*map(Fraction, (1, 2, 4, 5, 9)),))
    assert found.total == 9


REFUSED: dict[str, tuple[list[Series], str]] = {
    "no last bucket": (
        [bucket("1", 0, 5)],
        'the histogram has no bucket le="+Inf", so nobody knows how many were slower than all others.',
    ),
    "another first time": (
        [bucket("1", 0, 5), bucket("+Inf", 0, 5, times=[-1, 1])],
        "the buckets of the histogram were not sampled at the same times.",
    ),
    "another last time": (
        [bucket("1", 0, 5), bucket("+Inf", 0, 5, times=[0, 2])],
        "the buckets of the histogram were not sampled at the same times.",
    ),
    "fewer in a larger one": (
        [bucket("1", 0, 5), bucket("+Inf", 0, 4)],
        "a bucket of the histogram counted less than a smaller one; buckets are cumulative.",
    ),
    "no edge": ([bucket(None, 0, 5)], "a bucket of the histogram ends at '', which is no number."),
    "a long edge": ([bucket("x" * 50, 0)], f"a bucket of the histogram ends at '{'x' * 40}', which is no number."),
    "an edge over nothing": ([bucket("1/0", 0)], "a bucket of the histogram ends at '1/0', which is no number."),
}


@pytest.mark.parametrize(("series", "why"), REFUSED.values(), ids=REFUSED)
def test_buckets_that_do_not_fit_together_are_refused(series, why) -> None:
    with pytest.raises(EvidenceError) as refused:
        histogram(series)

    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("counts", "between"),
    [
        ((50, 99, 100), (Fraction(0), HALF)),
        ((49, 99, 100), (HALF, ONE)),
        ((0, 49, 100), (ONE, None)),
    ],
)
def test_a_median_lies_between_two_edges(counts, between) -> None:
    found = Histogram(edges=(HALF, ONE, None), cumulative=(*map(Fraction, counts),))

    assert found.quantile(Statistic.MEDIAN) == between


SECONDS = Metric(name="latency", unit=UNITS["s"])
SERIES = [bucket("0.5", 0, 90), bucket("1", 0, 99), bucket("+Inf", 0, 100)]


def criterion(relation: str, limit: int, statistic: Statistic, unit: str = "ms") -> Criterion:
    bound = Bound(relation=Relation(relation), limit=limit * UNITS[unit].scale, unit=UNITS[unit])
    return Criterion(
        name="c", metric="latency", unit=UNITS[unit], promote=bound, statistic=statistic, span=Span(over=60)
    )


P95 = "p95 lies between 500 ms and 1000 ms, more a histogram does not know"
MET: dict[str, tuple[str, int, bool | None]] = {
    "below the second edge": ("<", 1001, True),
    "at most the second edge": ("<=", 1000, True),
    "below it": ("<", 1000, None),
    "at least the first": (">=", 500, True),
    "more than the first": (">", 500, True),
    "more than what is within": (">", 501, None),
    "less than the first": ("<", 500, False),
    "at most the first": ("<=", 500, False),
    "more than the second": (">", 1000, False),
    "at least the second": (">=", 1000, None),
}


@pytest.mark.parametrize(("relation", "limit", "is_met"), MET.values(), ids=MET)
def test_a_percentile_between_two_edges_meets_a_bound_with_both_or_is_undecided(relation, limit, is_met) -> None:
    asked = criterion(relation, limit, Statistic.P95)

    if is_met is None:
        with pytest.raises(UndecidedError) as undecided:
            of_histogram(asked, SERIES, SECONDS)
        assert str(undecided.value) == f"{P95}: the buckets cannot tell whether it is {asked.promote}"
        return
    found = of_histogram(asked, SERIES, SECONDS)
    assert (found.shown, found.samples, found.is_met, found.notes, found.facts) == (
        "at most 1000 ms (p95 of 100)", 100, is_met, (P95,), {"low": "1/2", "high": "1"},
    )  # fmt: skip
    assert found.is_reached(asked.promote) is is_met


def test_what_has_no_end_meets_no_upper_bound_and_any_lower_one() -> None:
    slow = [bucket("0.5", 0, 1), bucket("+Inf", 0, 100)]

    found = of_histogram(criterion(">=", 500, Statistic.P95), slow, SECONDS)
    assert (found.shown, found.facts) == ("at most no end (p95 of 100)", {"low": "1/2", "high": ""})
    assert found.notes == ("p95 lies between 500 ms and no end, more a histogram does not know",)
    assert not found.is_reached(criterion("<", 10**9, Statistic.P95).promote)
    with pytest.raises(UndecidedError):
        of_histogram(criterion("<", 10**9, Statistic.P95), slow, SECONDS)
    with pytest.raises(UndecidedError):
        of_histogram(criterion(">", 10**9, Statistic.P95), slow, SECONDS)


def test_no_percentile_between_edges_is_equal_to_anything() -> None:
    found = of_histogram(criterion("<", 2000, Statistic.P95), SERIES, SECONDS)

    assert not found.is_reached(criterion("==", 1000, Statistic.P95).promote)


def test_a_histogram_that_counted_nothing_tells_nothing() -> None:
    with pytest.raises(UndecidedError, match="^the histogram counted nothing$"):
        of_histogram(criterion("<", 1, Statistic.P95), [bucket("+Inf", 5, 5)], SECONDS)


COLUMN = [bucket(None, 3, 1), Series(times=bucket(None, 2).times, column=bucket(None, 2).column, labels={"a": "b"})]
OF_VALUES: dict[str, tuple[Statistic, str, Fraction]] = {
    "the sum": (Statistic.SUM, "6000 ms (sum of 3)", Fraction(6)),
    "the mean": (Statistic.MEAN, "2000 ms (mean of 3)", Fraction(2)),
    "the median": (Statistic.MEDIAN, "2000 ms (p50 of 3)", Fraction(2)),
    "the largest": (Statistic.EVERY, "3000 ms (worst of 3)", Fraction(3)),
}


@pytest.mark.parametrize(("statistic", "shown", "value"), OF_VALUES.values(), ids=OF_VALUES)
def test_a_statistic_is_of_all_columns_together(statistic, shown, value) -> None:
    asked = criterion("<", 5000, statistic)

    found = of_values(asked, COLUMN, UNITS["s"].scale)

    assert (found.shown, found.samples, found.is_met) == (shown, 3, value < 5)
    assert found.facts == {"value": str(value), "unit": "ms", "statistic": statistic.value}


@pytest.mark.parametrize(
    ("relation", "limit", "is_met", "value"),
    [
        ("<", 3000, False, 3),
        ("<=", 3000, True, 3),
        (">", 1000, False, 1),
        (">=", 1000, True, 1),
        ("==", 1400, False, 3),
    ],
)
def test_every_value_must_meet_a_bound_and_one_reaches_it(relation, limit, is_met, value) -> None:
    asked = criterion(relation, limit, Statistic.EVERY)

    found = of_values(asked, COLUMN, UNITS["s"].scale)

    assert (found.is_met, found.facts["value"]) == (is_met, str(value))
    assert found.is_reached(criterion(">", 2999, Statistic.EVERY).promote)
    assert not found.is_reached(criterion(">", 3000, Statistic.EVERY).promote)


@pytest.mark.parametrize(
    ("good", "of", "shown", "samples"),
    [
        ([3.0, 3.0], [4.0, 4.0], "75 % of 8", 8),
        ([0.75], [1.0], "75 % of 1", 1),
        ([1.5], [2.0], "75 % of 2", 2),
        ([1.875], [2.5], "75 % of 2.5", 2),
        ([2.97], [3.96], "75 % of 4.0", 3),
    ],
)
def test_a_ratio_shows_how_many_it_is_of(good, of, shown, samples) -> None:
    series: Any = [
        Series(
            times=bucket(None, *good).times, good=[*map(Fraction, map(str, good))], total=[*map(Fraction, map(str, of))]
        )
    ]
    promote = Bound(relation=Relation.MORE, limit=HALF, unit=UNITS["ratio"])
    asked = Criterion(name="c", metric="m", unit=UNITS["ratio"], promote=promote, span=Span(over=60))

    found = of_ratio(asked, series)

    assert (found.shown, found.samples, found.is_met) == (shown, samples, True)
    assert found.facts["value"] == "3/4"
    assert found.facts["unit"] == "ratio"
