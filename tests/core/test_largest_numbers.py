"""1e308 and beyond while judging: no sum, mean, ratio, percentile, baseline or counter overflows into a pass, or at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.criterion import Baseline, Statistic, Trigger, statistic_of
from pytest_rollout.core.evaluating import Evaluation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.series import Samples, exact, moment, ratios, values
from pytest_rollout.core.series_form import packed
from pytest_rollout.core.soak import restarts
from pytest_rollout.core.window import Window, WindowKind
from tests.core.test_sampled import HOUR, LATENCY, MINUTE, NOW, SUCCESS, bound, evaluate, times

LARGEST = 1.7976931348623157e308
NUMBERS = st.sampled_from([1e308, -1e308, LARGEST, -LARGEST, 5e-324, 0.5, 199.0, 10**320, -(10**320), 2**53 + 1])
AT = times()
MS = Fraction(1, 1000)


def answers(number: Callable[[int], Any], statistic: Statistic, **more: Any) -> Evaluation:
    criterion = replace(LATENCY, statistic=statistic, **more)
    return evaluate(criterion, values(AT, [number(index) for index in range(len(AT))]))


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.sampled_from(Statistic), st.sampled_from(["<", ">"]))
def test_every_statistic_is_that_of_exact_numbers(few: list[Any], statistic: Statistic, relation: str) -> None:
    """240 times 1e308 is more than any float, and its mean is not: infinities would meet every "more than"."""
    column = [few[index % len(few)] for index in range(len(AT))][1:]
    limit = bound(relation, 200, "ms")
    found = evaluate(replace(LATENCY, statistic=statistic, promote=limit), values(AT[1:], column)).finding
    numbers = [exact(each) * MS for each in column]
    if statistic is Statistic.EVERY:
        expected = (max if relation == "<" else min)(numbers)
    else:
        expected = statistic_of(numbers, statistic)

    assert Fraction(found.facts["value"]) == expected
    assert (found.outcome is Outcome.PASS) is limit.holds(expected)


@pytest.mark.parametrize("statistic", [Statistic.SUM, Statistic.MEAN, Statistic.MAX, Statistic.P95, Statistic.EVERY])
@pytest.mark.parametrize("number", [1e308, LARGEST, 10**320])
def test_numbers_beyond_all_bounds_fire_and_never_pass(number: Any, statistic: Statistic) -> None:
    fires = Trigger(when=bound(">", 1000, "ms"), window=Window(kind=WindowKind.AGGREGATE, over=15 * MINUTE))

    evaluation = answers(lambda _: number, statistic, rollback=(fires,))

    assert evaluation.fired == (fires,)
    assert evaluation.finding.outcome is Outcome.FAIL


def test_a_mean_of_opposites_is_zero_and_not_no_number() -> None:
    """Infinity less infinity would be NaN, which no comparison meets."""
    found = answers(lambda index: LARGEST if index % 2 else -LARGEST, Statistic.MEAN).finding

    assert (found.outcome, found.facts["value"]) == (Outcome.PASS, "0")


@pytest.mark.parametrize(
    ("good", "total", "outcome"),
    [
        ([1e308, 0.5], [1e308, 0.5], Outcome.PASS),
        ([LARGEST, 0.5], [LARGEST, 0.5], Outcome.PASS),
        ([1.0, 1e308], [1e308, 1e308], Outcome.FAIL),
        ([10**320, 1], [10**320, 10**320], Outcome.FAIL),
    ],
    ids=["all good", "the largest", "half", "beyond floats"],
)
def test_a_ratio_of_the_largest_counts_is_exact(good: list[Any], total: list[Any], outcome: Outcome) -> None:
    """Sums beyond every float, with a half in them, are told as they are."""
    columns = [[each[index % 3 == 0 and index < 30] for index in range(len(AT))] for each in (good, total)]

    evaluation = evaluate(SUCCESS, ratios(AT, *columns))

    assert evaluation.finding.outcome is outcome
    assert "inf" not in evaluation.finding.measured


@pytest.mark.parametrize(
    ("then", "now", "outcome"),
    [
        (1e308, 0.9e308, Outcome.PASS),
        (1e308, 1.1e308, Outcome.FAIL),
        (1e308, 1.3e308, Outcome.FAIL),
        (10**320, 11 * 10**319, Outcome.FAIL),
        (10**320, 13 * 10**319, Outcome.FAIL),
        (10**320, 9 * 10**319, Outcome.PASS),
    ],
)
@pytest.mark.parametrize("statistic", [Statistic.SUM, Statistic.MEAN, Statistic.P95])
def test_a_baseline_of_the_largest_numbers_is_compared(
    then: Any, now: Any, outcome: Outcome, statistic: Statistic
) -> None:
    """As infinities then and now would be the same; by ranks each is worse, within the allowed fifth too."""
    criterion = replace(
        LATENCY,
        statistic=statistic,
        promote=bound("<", 10**400, "ms"),
        baseline=Baseline(worse=Fraction(1, 5), max_age=timedelta(days=90), significance=Fraction(1, 100)),
    )
    at = AT[1:]
    before = Samples(
        metric="latency", source="s", query="q", since=NOW - HOUR, until=NOW, series=(values(at, [then] * len(at)),)
    )
    value = exact(then) * MS * (len(at) if statistic is Statistic.SUM else 1)
    captured = Captured(value=value, at=moment(NOW - HOUR), judgement="a" * 64, samples=packed(before))

    found = evaluate(criterion, values(at, [now] * len(at)), captured={"answers": captured}).finding

    assert found.outcome is outcome, found.detail


def test_a_counter_beyond_floats_that_runs_back_is_told() -> None:
    [found] = restarts([values(AT[:3], [1, LARGEST, 0.5])], Fraction(2 * 10**308) + Fraction(1, 2), counts=True)[:1]

    assert found.why.endswith(f"a counter ran back from {2 * 10**308}.5 to 1")
