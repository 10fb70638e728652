"""Bounds on one metric, compared exactly, and the triggers that ask for rollback.

The rules are 6 to 12 of docs/rules.md (numbers), 2 and 10 (the gray band). Confidence figures are
one-sided exact binomial (Clopper-Pearson) lower bounds for a sample without failures,
``alpha ** (1 / n)``, at 95 %.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome, Severity
from pytest_rollout.core.units import Unit, show
from pytest_rollout.core.window import Window


class Relation(StrEnum):
    """How a value stands to its limit; strict where it is written strictly (rule 7)."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "=="

    @property
    def compare(self) -> Callable[[Fraction, Fraction], bool]:
        """The comparison itself."""
        return _COMPARE[self]

    @property
    def wants_more(self) -> bool:
        """Whether higher values satisfy it."""
        return self in {Relation.MORE, Relation.AT_LEAST}


_COMPARE: dict[Relation, Callable[[Fraction, Fraction], bool]] = {
    Relation.LESS: operator.lt,
    Relation.AT_MOST: operator.le,
    Relation.MORE: operator.gt,
    Relation.AT_LEAST: operator.ge,
    Relation.EQUAL: operator.eq,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One side of a criterion: ``limit`` is in the base unit of ``unit``."""

    relation: Relation
    limit: Fraction
    unit: Unit

    def holds(self, value: Fraction) -> bool:
        """Compare exactly; a value on the limit meets it only where the relation says so."""
        return self.relation.compare(value, self.limit)

    def __str__(self) -> str:
        return f"{self.relation.value} {show(self.limit, self.unit)}"


class Statistic(StrEnum):
    """How several measured values become the one that is compared; percentiles are nearest rank.

    EVERY asks each value by itself: all must meet the promote bound, one suffices for a trigger.
    """

    EVERY = "every"
    SUM = "sum"
    COUNT = "count"
    MEAN = "mean"
    MAX = "max"
    MIN = "min"
    MEDIAN = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A bound whose breach asks for rollback.

    Without a window it asks the values the criterion itself is judged on: this run's own, or
    those of the criterion's ``over``.
    """

    when: Bound
    severity: Severity = Severity.IMMEDIATE
    window: Window | None = None

    def __str__(self) -> str:
        return str(self.when) if self.window is None else f"{self.when}, {self.window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How much worse than an earlier passing judgement a value may be, and how old that may be.

    ``worse`` is a share of the earlier value. With ``significance``, the raw samples of both are
    compared by a rank test, and only a difference that is no chance counts.
    """

    worse: Fraction
    max_age: timedelta
    significance: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a criterion looks back on, where its metric has a source; all of it in nanoseconds.

    ``over`` is the time looked at, ``max_age`` how old the newest sample may be, ``max_gap`` how
    far apart two samples may be for the time between them to have been seen, and ``max_blind`` how
    much of the time may be unseen.
    """

    over: int
    max_age: int
    max_gap: int
    max_blind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """Bounds on one metric. ``min_samples`` counts the denominator of a ratio, else the values.

    ``span`` is given exactly where the metric has a source.
    """

    name: str
    metric: str
    unit: Unit
    promote: Bound
    statistic: Statistic = Statistic.EVERY
    alert: Bound | None = None
    rollback: tuple[Trigger, ...] = ()
    min_samples: int = 1
    required: bool = True
    span: Span | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One value a test measured, or a ratio as a pair of counts; ``value`` is in base units.

    Exactly one of ``value`` and (``good``, ``total``) is given. ``item`` is the node id of the
    test, ``worker`` the process it ran in.
    """

    metric: str
    item: str
    worker: str = ""
    value: Fraction | None = None
    good: int | None = None
    total: int | None = None


def counts(measurements: Sequence[Measurement]) -> tuple[int, int]:
    """Good and total over all measurements of a ratio, as integers (rule 8)."""
    good = sum(m.good for m in measurements if m.good is not None)
    total = sum(m.total for m in measurements if m.total is not None)
    return good, total


def percentile(values: Sequence[Fraction], share: Fraction) -> Fraction:
    """The nearest-rank percentile of raw values: the ceil(share x n)-th smallest (rule 12)."""
    if not values:
        raise EvidenceError("a percentile of no values was asked for; there is none")
    return sorted(values)[_rank(share, len(values)) - 1]


def rank(statistic: Statistic, count: int) -> int:
    """Which of ``count`` sorted values the statistic is, from 1: nearest rank (rule 12)."""
    return _rank(_SHARES[statistic], count)


def _rank(share: Fraction, count: int) -> int:
    return max(1, -(-share.numerator * count // share.denominator))


def supported(total: int, *, alpha: Fraction = Fraction(1, 20)) -> Fraction:
    """The success share that ``total`` clean samples support at 1 - alpha confidence.

    ``alpha ** (1/n)``, cut to 1/10000 downwards: 50 give 0.9418, 299 give 0.9900 (rule 11). No
    number of samples supports certainty, so 0.9999 is the most that is claimed.
    """
    if total < 1:
        return Fraction(0)
    return Fraction(min(9_999, math.floor(float(alpha) ** (1 / total) * 10_000)), 10_000)


def samples_needed(limit: Fraction, *, alpha: Fraction = Fraction(1, 20)) -> int:
    """How many clean samples are needed to support ``limit``: 0.99 needs 299 (rule of three, exact)."""
    if not 0 < limit < 1:
        raise EvidenceError(f"a share strictly between 0 and 1 was needed, not {limit}")
    logarithm = math.log(float(limit)) if limit < Fraction(1, 2) else math.log1p(-float(1 - limit))
    return math.ceil(math.log(float(alpha)) / logarithm)


_SHARES: dict[Statistic, Fraction] = {
    Statistic.MIN: Fraction(0),
    Statistic.MEDIAN: Fraction(1, 2),
    Statistic.P90: Fraction(9, 10),
    Statistic.P95: Fraction(19, 20),
    Statistic.P99: Fraction(99, 100),
    Statistic.MAX: Fraction(1),
}


def statistic_of(values: Sequence[Fraction], statistic: Statistic) -> Fraction:
    """The one value that several become."""
    if statistic is Statistic.COUNT:
        return Fraction(len(values))
    if statistic in {Statistic.SUM, Statistic.MEAN}:
        return sum(values, Fraction(0)) / (len(values) if statistic is Statistic.MEAN else 1)
    return percentile(values, _SHARES[statistic])


def _decisive(values: Sequence[Fraction], statistic: Statistic, bound: Bound) -> Fraction:
    """The one value that must meet ``bound``; for EVERY, the one worst for it."""
    if statistic is not Statistic.EVERY:
        return statistic_of(values, statistic)
    if bound.relation is Relation.EQUAL:
        return max(values, key=lambda value: abs(value - bound.limit))
    return min(values) if bound.relation.wants_more else max(values)


def _is_reached(values: Sequence[Fraction], statistic: Statistic, bound: Bound) -> bool:
    """Whether a trigger's or an alert's bound is met; for EVERY, by any value: none hides another."""
    if statistic is Statistic.EVERY:
        return any(map(bound.holds, values))
    return bound.holds(_decisive(values, statistic, bound))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A criterion's finding, and the triggers that fired on the same values (rule 2)."""

    finding: Finding
    fired: tuple[Trigger, ...] = ()


def evaluate(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    """Judge one criterion on what was measured; missing is never zero (rule 6)."""
    if criterion.unit.dimension == "ratio":
        return _evaluate_ratio(criterion, item, measurements)
    return _evaluate_values(criterion, item, measurements)


def _evaluate_ratio(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    good, total = counts(measurements)
    if total == 0:
        return Evaluation(finding=_missing(criterion, item, measurements, seen="0 of 0"))
    value = Fraction(good, total)
    measured = f"{show(value, criterion.unit)} of {total}"
    return _conclude(
        criterion,
        item,
        measurements,
        measured=measured,
        samples=total,
        is_met=criterion.promote.holds(value),
        is_reached=lambda bound: bound.holds(value),
    )


def _evaluate_values(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    values = [m.value for m in measurements if m.value is not None]
    if not values:
        return Evaluation(finding=_missing(criterion, item, measurements, seen="nothing"))
    statistic = criterion.statistic
    decisive = _decisive(values, statistic, criterion.promote)
    shown = show(decisive, criterion.unit)
    label = "worst" if statistic is Statistic.EVERY else statistic.value
    measured = f"{shown} ({label} of {len(values)})" if len(values) > 1 else shown
    return _conclude(
        criterion,
        item,
        measurements,
        measured=measured,
        samples=len(values),
        is_met=criterion.promote.holds(decisive),
        is_reached=lambda bound: _is_reached(values, statistic, bound),
    )


def _conclude(
    criterion: Criterion,
    item: str,
    measurements: Sequence[Measurement],
    *,
    measured: str,
    samples: int,
    is_met: bool,
    is_reached: Callable[[Bound], bool],
) -> Evaluation:
    fired = tuple(t for t in criterion.rollback if is_reached(t.when))
    outcome, detail, remedy = Outcome.PASS, "", ""
    if fired:
        outcome = Outcome.FAIL
        detail = "; ".join(f"{t.severity.value} rollback trigger {t.when} fired" for t in fired)
        remedy = "rollout rollback"
    elif criterion.alert is not None and is_reached(criterion.alert):
        outcome, detail = Outcome.FAIL, f"alert threshold {criterion.alert} reached"
    elif not is_met:
        outcome = Outcome.FAIL
        if criterion.rollback:
            detail = "in the gray band between promotion and rollback: somebody has to decide"
            remedy = "fix and measure again, or roll back"
        else:
            remedy = "fix and measure again"
    elif samples < criterion.min_samples:
        outcome = Outcome.INCONCLUSIVE
        missing = criterion.min_samples - samples
        detail = "1 more sample is needed" if missing == 1 else f"{missing} more samples are needed"
        remedy = "measure more"
    if criterion.unit.dimension == "ratio":
        support = f"{samples} clean samples support at most {show(supported(samples), criterion.unit)}"
        detail = f"{detail}; {support} at 95 % confidence" if detail else f"{support} at 95 % confidence"
    needed = str(criterion.promote)
    if criterion.min_samples > 1:
        needed += f", {criterion.min_samples} samples"
    return Evaluation(
        finding=Finding(
            item=item,
            kind=Kind.CRITERION,
            title=criterion.name,
            outcome=outcome,
            measured=measured,
            needed=needed,
            source=_source(criterion, measurements),
            remedy=remedy,
            detail=detail,
            required=criterion.required,
        ),
        fired=fired,
    )


def _missing(criterion: Criterion, item: str, measurements: Sequence[Measurement], *, seen: str) -> Finding:
    needed = str(criterion.promote)
    if criterion.min_samples > 1:
        needed += f", {criterion.min_samples} samples"
    return Finding(
        item=item,
        kind=Kind.CRITERION,
        title=criterion.name,
        outcome=Outcome.INCONCLUSIVE,
        measured=seen,
        needed=needed,
        source=_source(criterion, measurements),
        detail="no data is missing data, not zero and not a pass",
        remedy=f'measure("{criterion.metric}", …) in a test of this gate',
        required=criterion.required,
    )


def _source(criterion: Criterion, measurements: Sequence[Measurement]) -> str:
    tests = len({m.item for m in measurements})
    return f"metric {criterion.metric}, measured by {tests} test{'' if tests == 1 else 's'}"
