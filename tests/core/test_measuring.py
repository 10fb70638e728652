from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core import measuring
from pytest_rollout.core.errors import EvidenceError, RolloutError


@pytest.mark.parametrize(
    ("given", "unit", "base"),
    [
        pytest.param(200, "ms", Fraction(1, 5), id="an integer"),
        pytest.param(0.3, "s", Fraction(3, 10), id="a float as it prints"),
        pytest.param(0.1 + 0.2, "s", Fraction("0.30000000000000004"), id="a float's own noise stays"),
        pytest.param(Decimal("0.3"), "s", Fraction(3, 10), id="a decimal"),
        pytest.param(Fraction(1, 3), "s", Fraction(1, 3), id="a fraction"),
        pytest.param(0, "s", Fraction(0), id="a measured zero"),
        pytest.param(5e-324, "s", Fraction("5e-324"), id="the smallest float"),
    ],
)
def test_a_value_is_kept_exactly_in_base_units(kit: Any, given: Any, unit: str, base: Fraction) -> None:
    assert measuring.value(kit.METRICS["latency"], given, unit=unit) == base


def test_a_uint256_stays_an_integer(kit: Any) -> None:
    assert measuring.value(kit.METRICS["gas"], 2**256 - 1, unit="gas") == 2**256 - 1


@pytest.mark.parametrize(
    ("good", "total", "label"), [(True, 1, "good=True"), (1, 1.0, "total=1.0"), ("1", 1, "good='1'")]
)
def test_what_is_no_count_is_told_by_its_name(kit: Any, good: Any, total: Any, label: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        measuring.ratio(kit.METRICS["success"], good=good, total=total)

    assert str(caught.value) == f'measure("success"): {label} is no count; give a whole number.'


def test_a_value_has_at_most_four_hundred_digits(kit: Any) -> None:
    largest = 10**400 - 1

    assert measuring.value(kit.METRICS["gas"], largest, unit="gas") == largest
    for given in (10**400, Decimal("1e400")):
        with pytest.raises(EvidenceError, match="the value has more digits than any quantity needs"):
            measuring.value(kit.METRICS["gas"], given, unit="gas")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(float("nan"), id="NaN"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(float("-inf"), id="minus infinity"),
        pytest.param(Decimal("NaN"), id="decimal NaN"),
        pytest.param(Decimal("sNaN"), id="signalling NaN"),
        pytest.param(Decimal("Infinity"), id="decimal infinity"),
        pytest.param(None, id="null"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false is not 0"),
        pytest.param("200", id="text"),
        pytest.param([], id="an empty series"),
        pytest.param({}, id="a table"),
        pytest.param(1j, id="a complex number"),
        pytest.param(-1, id="negative"),
        pytest.param(-0.001, id="a little negative"),
        pytest.param(10**5000, id="a number nobody can write"),
        pytest.param(Decimal("1e999999999"), id="an exponent bomb"),
        pytest.param(Decimal("1e-999999999"), id="a tiny exponent bomb"),
        pytest.param(Fraction(1, 10**5000), id="a denominator bomb"),
    ],
)
def test_what_is_no_value_is_refused(kit: Any, given: Any) -> None:
    """Rule 6: none of these is ever 0 and none is compared."""
    with pytest.raises(EvidenceError, match=r'^measure\("latency"\): '):
        measuring.value(kit.METRICS["latency"], given, unit="ms")


@pytest.mark.parametrize(
    ("metric", "given", "unit", "sentence"),
    [
        pytest.param("latency", 3, None, 'measure("latency"): say the unit, for example unit="ms".', id="no unit"),
        pytest.param(
            "latency",
            3,
            "gas",
            "measure(\"latency\"): given in 'gas', but the plan declares 'ms' (time); convert it or correct the plan.",
            id="another dimension",
        ),
        pytest.param(
            "success",
            0.99,
            "ratio",
            'measure("success"): a ratio is measured as counts, so that it can be compared exactly; '
            'write measure("success", good=…, total=…).',
            id="a ratio as a value",
        ),
    ],
)
def test_a_wrong_unit_is_told_in_one_sentence(
    kit: Any, metric: str, given: Any, unit: str | None, sentence: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        measuring.value(kit.METRICS[metric], given, unit=unit)

    assert str(caught.value) == sentence


def test_an_unknown_unit_is_refused_with_the_nearest_one(kit: Any) -> None:
    with pytest.raises(RolloutError, match=r"Did you mean 'ms'\?"):
        measuring.value(kit.METRICS["latency"], 3, unit="mss")


def test_a_count_needs_no_unit(kit: Any) -> None:
    assert measuring.value(kit.METRICS["runs"], 3, unit=None) == 3


@pytest.mark.parametrize(("good", "total"), [(0, 0), (0, 1), (1, 1), (899, 1000), (2**255, 2**255)])
def test_counts_are_taken_as_they_are(kit: Any, good: int, total: int) -> None:
    assert measuring.ratio(kit.METRICS["success"], good=good, total=total) == (good, total)


@pytest.mark.parametrize(
    ("good", "total"),
    [
        pytest.param(-1, 10, id="negative good"),
        pytest.param(0, -1, id="negative total"),
        pytest.param(11, 10, id="more good than there are"),
        pytest.param(True, 1, id="true is not 1"),
        pytest.param(0, False, id="false is not 0"),
        pytest.param(9.0, 10, id="a float"),
        pytest.param("9", "10", id="text"),
        pytest.param(None, 10, id="good missing"),
        pytest.param(9, None, id="total missing"),
    ],
)
def test_what_is_no_ratio_is_refused(kit: Any, good: Any, total: Any) -> None:
    with pytest.raises(EvidenceError, match=r'^measure\("success"\): '):
        measuring.ratio(kit.METRICS["success"], good=good, total=total)


def test_counts_of_a_metric_that_is_no_ratio_are_refused(kit: Any) -> None:
    with pytest.raises(
        EvidenceError, match=r"the plan declares unit 'gas'; write measure\(\"gas\", value, unit=\"gas\"\)"
    ):
        measuring.ratio(kit.METRICS["gas"], good=1, total=2)
