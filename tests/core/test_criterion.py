from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.criterion import (
    Measurement,
    Relation,
    Span,
    Statistic,
    Trigger,
    percentile,
    samples_needed,
    supported,
)
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evaluating import evaluate
from pytest_rollout.core.outcome import Outcome, Severity


def counted(good: int, total: int) -> Measurement:
    return Measurement(metric="success", item="t", good=good, total=total)


def valued(*values: float | Fraction) -> list[Measurement]:
    return [Measurement(metric="gas", item=f"t{i}", value=Fraction(value)) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("promote", "good", "total", "is_met"),
    [
        ("> 90 %", 899, 1000, False),
        ("> 90 %", 900, 1000, False),
        ("> 90 %", 901, 1000, True),
        (">= 90 %", 899, 1000, False),
        (">= 90 %", 900, 1000, True),
        ("> 99 %", 99, 100, False),
        ("> 99 %", 990_000_000_000_000_001, 10**18, True),
        (">= 99 %", 989_999_999_999_999_999, 10**18, False),
        ("== 100 %", 10**18 - 1, 10**18, False),
        ("== 100 %", 10**18, 10**18, True),
        ("< 1 %", 1, 100, False),
        ("<= 1 %", 1, 100, True),
        (">= 33.3333 %", 1, 3, True),
        ("> 70 %", 7, 10, False),
        ("> 58 %", 29, 50, False),
    ],
)
def test_a_ratio_meets_its_bound_by_its_counts(kit: Any, promote: str, good: int, total: int, is_met: bool) -> None:
    """Rules 7 and 8: 0.7 * 10 and 0.58 * 50 are where floating point goes wrong."""
    criterion = kit.ratio(promote=promote, rollback="")

    finding = evaluate(criterion, "c", [counted(good, total)]).finding

    assert (finding.outcome is Outcome.PASS) == is_met


@pytest.mark.parametrize(
    ("good", "fires"),
    [pytest.param(899, True, id="899"), pytest.param(900, False, id="900"), pytest.param(901, False, id="901")],
)
def test_exactly_90_per_cent_does_not_trip_less_than_90(kit: Any, good: int, fires: bool) -> None:
    evaluation = evaluate(kit.ratio(), "c", [counted(good, 1000)])

    assert bool(evaluation.fired) == fires


@given(st.integers(0, 10**30), st.integers(1, 10**30), st.fractions(0, 1), st.sampled_from(Relation))
def test_a_ratio_is_compared_as_the_fraction_it_is(
    kit: Any, good: int, more: int, limit: Fraction, relation: Relation
) -> None:
    total = good + more
    bound = replace(kit.bound("> 0"), relation=relation, limit=limit)
    left, right = good * limit.denominator, limit.numerator * total
    expected = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "==": left == right}

    criterion = replace(kit.ratio(rollback=""), promote=bound)
    finding = evaluate(criterion, "c", [counted(good, total)]).finding

    assert (finding.outcome is Outcome.PASS) == expected[relation.value]


def test_counts_of_all_tests_and_workers_are_added_before_they_are_compared(kit: Any) -> None:
    """Averaging 1 of 1 and 898 of 999 would give 95 %."""
    evaluation = evaluate(kit.ratio(), "c", [counted(1, 1), counted(898, 999)])

    assert evaluation.finding.measured == "89.9 % of 1000"
    assert evaluation.fired


@pytest.mark.parametrize(
    "measurements",
    [
        pytest.param([], id="nothing measured"),
        pytest.param([counted(0, 0)], id="0 of 0"),
        pytest.param([counted(0, 0), counted(0, 0)], id="0 of 0, twice"),
    ],
)
@pytest.mark.parametrize("promote", ["> 99 %", ">= 0 %", "< 1 %", "<= 100 %", "== 0 %"])
def test_missing_data_is_neither_zero_nor_a_pass_nor_a_breach(
    kit: Any, promote: str, measurements: list[Measurement]
) -> None:
    evaluation = evaluate(kit.ratio(promote=promote, rollback="<= 100 %"), "c", measurements)

    assert evaluation.finding.outcome is Outcome.INCONCLUSIVE
    assert evaluation.finding.detail == "no data is missing data, not zero and not a pass"
    assert evaluation.fired == ()


@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("promote", ["< 500", "== 0", ">= 0"])
def test_no_values_are_missing_whatever_the_statistic(kit: Any, statistic: Statistic, promote: str) -> None:
    """The sum and the count of nothing are not 0 here."""
    criterion = kit.values(promote=promote, rollback=">= 0", statistic=statistic)

    evaluation = evaluate(criterion, "c", [])

    assert evaluation.finding.outcome is Outcome.INCONCLUSIVE
    assert evaluation.fired == ()


def test_a_measured_zero_is_a_value(kit: Any) -> None:
    assert evaluate(kit.values(promote="== 0"), "c", valued(0)).finding.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("good", "outcome", "fires", "says"),
    [
        pytest.param(1000, Outcome.PASS, False, "clean samples support", id="promote"),
        pytest.param(990, Outcome.FAIL, False, "in the gray band between promotion and rollback", id="gray, above"),
        pytest.param(900, Outcome.FAIL, False, "somebody has to decide", id="gray, below"),
        pytest.param(899, Outcome.FAIL, True, "immediate rollback trigger < 90 % fired", id="rollback"),
    ],
)
def test_between_promotion_and_rollback_lies_a_gray_band(
    kit: Any,
    good: int,
    outcome: Outcome,
    says: str,
    fires: bool,
) -> None:
    evaluation = evaluate(kit.ratio(), "c", [counted(good, 1000)])

    assert evaluation.finding.outcome is outcome
    assert says in evaluation.finding.detail
    assert bool(evaluation.fired) == fires


def test_every_trigger_that_is_reached_fires(kit: Any) -> None:
    planned = Trigger(when=kit.bound("< 95 %"), severity=Severity.PLANNED)
    immediate = Trigger(when=kit.bound("< 90 %"))
    criterion = replace(kit.ratio(), rollback=(immediate, planned))

    assert evaluate(criterion, "c", [counted(94, 100)]).fired == (planned,)
    assert evaluate(criterion, "c", [counted(89, 100)]).fired == (immediate, planned)


def test_an_alert_fails_though_the_promote_bound_is_met(kit: Any) -> None:
    criterion = kit.values(promote="< 500", alert=kit.bound("> 400", "gas"))

    finding = evaluate(criterion, "c", valued(450)).finding

    assert (finding.outcome, finding.detail) == (Outcome.FAIL, "alert threshold > 400 gas reached")


@pytest.mark.parametrize(
    ("total", "outcome", "says"),
    [
        pytest.param(298, Outcome.INCONCLUSIVE, "1 more sample is needed; 298 clean samples support", id="one short"),
        pytest.param(299, Outcome.PASS, "299 clean samples support at most 99 % at 95 % confidence", id="enough"),
        pytest.param(
            50, Outcome.INCONCLUSIVE, "249 more samples are needed; 50 clean samples support at most 94.18 %", id="50"
        ),
    ],
)
def test_too_few_samples_are_inconclusive_and_the_number_owed_is_named(
    kit: Any, total: int, outcome: Outcome, says: str
) -> None:
    finding = evaluate(kit.ratio(min_samples=299), "c", [counted(total, total)]).finding

    assert finding.outcome is outcome
    assert says in finding.detail
    assert finding.needed == "> 99 %, 299 samples"


def test_too_few_samples_do_not_hide_a_trigger(kit: Any) -> None:
    assert evaluate(kit.ratio(min_samples=299), "c", [counted(0, 3)]).fired


@pytest.mark.parametrize(
    ("total", "share"),
    [
        (0, Fraction(0)),
        (1, Fraction(5, 100)),
        (50, Fraction(9418, 10_000)),
        (298, Fraction(9899, 10_000)),
        (299, Fraction(99, 100)),
        (2995, Fraction(999, 1000)),
        (10**9, Fraction(9999, 10_000)),
        (10**400, Fraction(9999, 10_000)),
    ],
)
def test_what_clean_samples_support(total: int, share: Fraction) -> None:
    assert supported(total) == share


@pytest.mark.parametrize(
    ("limit", "needed"),
    [("0.5", 5), ("0.9", 29), ("0.95", 59), ("0.99", 299), ("0.999", 2995), ("0.05", 1), ("0.06", 2)],
)
def test_how_many_clean_samples_a_limit_needs(limit: str, needed: int) -> None:
    """The rule of three, exactly; 0.05 ** 1 is just enough."""
    assert samples_needed(Fraction(limit)) == needed


def test_a_limit_next_to_certainty_needs_very_many_samples() -> None:
    assert samples_needed(1 - Fraction(1, 10**20)) == pytest.approx(-math.log(0.05) * 10**20)


@pytest.mark.parametrize("limit", [Fraction(0), Fraction(1), Fraction(2), Fraction(-1)])
def test_no_number_of_samples_supports_certainty(limit: Fraction) -> None:
    with pytest.raises(EvidenceError, match="a share strictly between 0 and 1"):
        samples_needed(limit)


@pytest.mark.parametrize(
    ("share", "rank"),
    [("0.5", 5), ("0.9", 9), ("0.95", 10), ("0.99", 10), ("0.01", 1), ("0", 1), ("1", 10)],
)
def test_percentiles_are_nearest_rank(share: str, rank: int) -> None:
    """The ceil(share x n)-th smallest raw value; nothing is interpolated."""
    assert percentile([Fraction(value) for value in range(10, 0, -1)], Fraction(share)) == rank


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(EvidenceError, match="^a percentile of no values was asked for; there is none$"):
        percentile([], Fraction(1, 2))


def test_what_a_span_leaves_out_suits_the_time_between_two_samples() -> None:
    second, minute = 10**9, 60 * 10**9
    left_out = Span(over=3600 * second)
    given = Span(over=3600 * second, max_age=1, max_gap=2, max_blind=3)

    assert [left_out.gap(step) for step in (second, minute)] == [3 * second, 3 * minute]
    assert [left_out.age(step) for step in (75 * second, 76 * second, minute)] == [
        300 * second,
        304 * second,
        300 * second,
    ]
    assert [left_out.blind(step) for step in (second, minute, 2 * minute)] == [180 * second, 180 * second, 6 * minute]
    assert [given.age(minute), given.gap(minute), given.blind(minute)] == [1, 2, 3]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.fractions(Fraction(1, 100), 1))
def test_a_percentile_is_a_value_that_was_measured_and_covers_its_share(values: list[int], share: Fraction) -> None:
    found = percentile([Fraction(value) for value in values], share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@pytest.mark.parametrize(
    ("statistic", "measured"),
    [
        (Statistic.EVERY, "30 gas (worst of 4)"),
        (Statistic.SUM, "60 gas (sum of 4)"),
        (Statistic.COUNT, "4 gas (count of 4)"),
        (Statistic.MAX, "30 gas (max of 4)"),
        (Statistic.MIN, "5 gas (min of 4)"),
        (Statistic.MEDIAN, "10 gas (p50 of 4)"),
        (Statistic.P90, "30 gas (p90 of 4)"),
        (Statistic.P95, "30 gas (p95 of 4)"),
        (Statistic.P99, "30 gas (p99 of 4)"),
    ],
)
def test_each_statistic_names_itself_beside_its_value(kit: Any, statistic: Statistic, measured: str) -> None:
    criterion = kit.values(promote="< 1000", statistic=statistic)

    assert evaluate(criterion, "c", valued(15, 5, 30, 10)).finding.measured == measured


@pytest.mark.parametrize(
    ("promote", "values", "is_met"),
    [
        ("< 500", (100, 499), True),
        ("< 500", (100, 500), False),
        ("> 500", (501, 900), True),
        ("> 500", (500, 900), False),
        ("== 5", (5, 5), True),
        ("== 5", (5, 4), False),
    ],
)
def test_every_value_must_meet_the_promote_bound(kit: Any, promote: str, values: Any, is_met: bool) -> None:
    finding = evaluate(kit.values(promote=promote), "c", valued(*values)).finding

    assert (finding.outcome is Outcome.PASS) == is_met


@pytest.mark.parametrize("order", [(100, 900), (900, 100)])
@pytest.mark.parametrize(
    ("promote", "rollback"),
    [pytest.param("< 500", "> 800", id="lower is better"), pytest.param("> 500", "< 200", id="higher is better")],
)
def test_one_good_value_does_not_hide_a_bad_one_from_a_trigger(
    kit: Any, promote: str, rollback: str, order: tuple[int, int]
) -> None:
    assert evaluate(kit.values(promote=promote, rollback=rollback), "c", valued(*order)).fired


def test_one_good_value_does_not_hide_a_bad_one_from_an_alert(kit: Any) -> None:
    criterion = kit.values(promote="< 5000", alert=kit.bound("> 800", "gas"))

    assert evaluate(criterion, "c", valued(100, 900)).finding.outcome is Outcome.FAIL


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(0, 1000), st.integers(0, 1000))
def test_whatever_else_is_measured_a_breach_by_one_value_fires(
    kit: Any, others: list[int], limit: int, above: int
) -> None:
    criterion = kit.values(promote="< 1", rollback=f"> {limit}")

    evaluation = evaluate(criterion, "c", valued(*others, limit + 1 + above))

    assert evaluation.fired


def test_a_finding_says_who_measured_and_what_to_type(kit: Any) -> None:
    finding = evaluate(kit.ratio(), "c", []).finding

    assert finding.source == "metric success, measured by 0 tests"
    assert finding.remedy == 'measure("success", …) in a test of this gate'


def test_an_advisory_criterion_gives_an_advisory_finding(kit: Any) -> None:
    for measurements in ([], [counted(1, 2)], [counted(5, 5)]):
        assert not evaluate(kit.ratio(required=False), "c", measurements).finding.required
