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
from pytest_rollout.core.outcome import Severity
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
    much of the time may be unseen. None takes what suits the time between two samples.
    """

    over: int
    max_age: int | None = None
    max_gap: int | None = None
    max_blind: int | None = None

    def gap(self, step: int) -> int:
        """The longest time between two samples that still was seen: three of them, if left out."""
        return 3 * step if self.max_gap is None else self.max_gap

    def age(self, step: int) -> int:
        """How old the newest sample may be: five minutes or four of them, if left out."""
        return max(300 * 10**9, 4 * step) if self.max_age is None else self.max_age

    def blind(self, step: int) -> int:
        """How much of the time may be unseen: a twentieth or one gap, if left out."""
        return max(self.over // 20, self.gap(step)) if self.max_blind is None else self.max_blind


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
