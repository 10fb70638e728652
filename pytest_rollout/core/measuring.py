"""What a test may hand over as a measurement, refused where it is wrong."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.units import unit as unit_of

_MOST_DIGITS = 400


def ratio(metric: Metric, *, good: object, total: object) -> tuple[int, int]:
    """Good and total as counts; raises ``EvidenceError`` unless 0 <= good <= total, both integers."""
    where = f'measure("{metric.name}")'
    if metric.unit.dimension != "ratio":
        raise EvidenceError(
            f"{where}: good= and total= make a ratio, but the plan declares unit '{metric.unit.symbol}'; "
            f'write measure("{metric.name}", value, unit="{metric.unit.symbol}").'
        )
    for label, count in (("good", good), ("total", total)):
        if isinstance(count, bool) or not isinstance(count, int):
            raise EvidenceError(f"{where}: {label}={count!r} is no count; give a whole number.")
    assert isinstance(good, int)  # noqa: S101 - for the type checker, proven above
    assert isinstance(total, int)  # noqa: S101 - as above
    if not 0 <= good <= total:
        raise EvidenceError(f"{where}: good={good} of total={total} is no ratio; 0 <= good <= total must hold.")
    return good, total


def value(metric: Metric, given: object, *, unit: str | None) -> Fraction:
    """The value in base units, exactly; raises ``EvidenceError`` on what is no number or another unit.

    A float is taken as the shortest decimal that it prints as: 0.3 s is 300 ms, not a little less,
    so that it stands on a limit written the same way (rule 7).
    """
    where = f'measure("{metric.name}")'
    if metric.unit.dimension == "ratio":
        raise EvidenceError(
            f"{where}: a ratio is measured as counts, so that it can be compared exactly; "
            f'write measure("{metric.name}", good=…, total=…).'
        )
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | Fraction):
        raise EvidenceError(f"{where}: {given!r} is no number; missing data is not measured at all.")
    if isinstance(given, Decimal) and given.is_finite() and abs(given.adjusted()) > _MOST_DIGITS:
        raise EvidenceError(f"{where}: {given!r} has more digits than any quantity needs.")
    if isinstance(given, float | Decimal) and not _is_finite(given):
        raise EvidenceError(f"{where}: {given!r} is missing data, not a value.")
    in_unit = metric.unit if unit is None else unit_of(unit)
    if in_unit.dimension != metric.unit.dimension:
        raise EvidenceError(
            f"{where}: given in '{in_unit.symbol}', but the plan declares '{metric.unit.symbol}' "
            f"({metric.unit.dimension}); convert it or correct the plan."
        )
    if unit is None and metric.unit.dimension != "count":
        raise EvidenceError(f'{where}: say the unit, for example unit="{metric.unit.symbol}".')
    exact = Fraction(float.__repr__(given) if isinstance(given, float) else given) * in_unit.scale
    if max(abs(exact.numerator), exact.denominator) >= 10**_MOST_DIGITS:
        raise EvidenceError(f"{where}: the value has more digits than any quantity needs.")
    if exact < 0:
        raise EvidenceError(f"{where}: {given!r} {in_unit.symbol} is negative, which no such measurement can be.")
    return exact


def _is_finite(number: float | Decimal) -> bool:
    return number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)
