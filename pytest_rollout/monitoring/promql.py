"""A criterion's bounds as PromQL: the same value, the same window, the same strictness.

Two differences are PromQL's: ``quantile_over_time`` interpolates where the judge takes the nearest
rank, and a pending alert begins anew after a gap longer than ``max_gap`` where the judge only
suspends it. Both make an alarm later, never a gate looser.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Statistic, Trigger
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import SECOND, span
from pytest_rollout.core.window import WindowKind

_OPPOSITE = {
    Relation.LESS: ">=",
    Relation.AT_MOST: ">",
    Relation.MORE: "<=",
    Relation.AT_LEAST: "<",
    Relation.EQUAL: "!=",
}
_OVER_TIME = {
    Statistic.SUM: "sum_over_time",
    Statistic.COUNT: "count_over_time",
    Statistic.MEAN: "avg_over_time",
    Statistic.MAX: "max_over_time",
    Statistic.MIN: "min_over_time",
}
_QUANTILES = {
    Statistic.MEDIAN: "0.5",
    Statistic.P90: "0.9",
    Statistic.P95: "0.95",
    Statistic.P99: "0.99",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """What an alert asks, and for how long it must hold, in seconds."""

    text: str
    for_seconds: int = 0


class Asked:
    """One criterion on a Prometheus metric."""

    def __init__(self, criterion: Criterion, metric: Metric) -> None:
        """``metric`` must have a source of kind prometheus, and ``criterion`` a span."""
        assert metric.source is not None  # noqa: S101 - only such metrics become rules
        assert criterion.span is not None  # noqa: S101 - as above
        self._criterion = criterion
        self._metric = metric
        self._source: SourceSettings = metric.source
        self._step = span(metric.source.interval)
        self._span = criterion.span

    def target_missed(self) -> Expression:
        """The promote bound does not hold over the criterion's window."""
        bound = self._criterion.promote
        return Expression(text=self._over(self._span.over, bound, _OPPOSITE[bound.relation]))

    def alert_reached(self, bound: Bound) -> Expression:
        """The alert bound holds over the criterion's window."""
        return Expression(text=self._over(self._span.over, bound, bound.relation.value))

    def trigger_fired(self, trigger: Trigger) -> Expression:
        """The trigger's window is bad."""
        window, bound = trigger.window, trigger.when
        if window is None:
            return Expression(text=self._over(self._span.over, bound, bound.relation.value))
        if window.kind is WindowKind.EVERY:
            bridged = f"last_over_time(({self._each()})[{_duration(self._span.gap(self._step))}:{self._step_text}])"
            text = f"({bridged}) {bound.relation.value} {self._limit(bound)}"
            # An alert fires once it was pending for as long as this; a trigger asks for more than its window.
            return Expression(text=text, for_seconds=window.over // SECOND + 1)
        if window.kind is WindowKind.AGGREGATE:
            bad = self._over(window.over, bound, bound.relation.value)
            seen = f"count_over_time(({self._each()})[{_duration(window.over)}:{self._step_text}])"
            return Expression(text=f"({bad}) and ({seen}) >= {window.over // self._step}")
        is_bad = f"({self._each()}) {bound.relation.value} bool {self._limit(bound)}"
        return Expression(
            text=f"sum_over_time(({is_bad})[{_duration(window.n * self._step)}:{self._step_text}]) >= {window.k}"
        )

    def no_data(self) -> Expression:
        """Nothing was seen for longer than a sample may be old (rule 14)."""
        age = _duration(self._span.age(self._step))
        return Expression(text=f"absent_over_time(({self._each()})[{age}:{self._step_text}])")

    @property
    def _step_text(self) -> str:
        return _duration(self._step)

    def _each(self) -> str:
        """One sample's value."""
        if self._source.good:
            return f"({self._source.good}) / ({self._source.total})"
        if self._source.histogram:
            return f"histogram_quantile({_QUANTILES.get(self._criterion.statistic, '1')}, {self._source.query})"
        return self._source.query

    def _over(self, over: int, bound: Bound, relation: str) -> str:
        """The one value over a window against a bound."""
        around, statistic = f"[{_duration(over)}:{self._step_text}]", self._criterion.statistic
        if self._source.good:
            good, total = (f"sum_over_time(({each}){around})" for each in (self._source.good, self._source.total))
            value = f"{good} / {total}"
        elif statistic in _QUANTILES and not self._source.histogram:
            value = f"quantile_over_time({_QUANTILES[statistic]}, ({self._each()}){around})"
        else:
            value = f"{self._function(relation)}(({self._each()}){around})"
        return f"({value}) {relation} {self._limit(bound)}"

    def _function(self, relation: str) -> str:
        """The statistic over time; of ``every`` and of a histogram, the sample that is worst for the bound."""
        worst = "min_over_time" if relation.startswith("<") else "max_over_time"
        return _OVER_TIME.get(self._criterion.statistic, worst)

    def _limit(self, bound: Bound) -> str:
        """The bound in the source's own unit, exactly."""
        counts = self._criterion.statistic is Statistic.COUNT
        return _exactly(bound.limit if counts else bound.limit / self._metric.unit.scale)


def _exactly(number: Fraction) -> str:
    """A decimal where there is one, else a division."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"({number.numerator} / {number.denominator})"
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    return f"{number.numerator}" if digits == 0 else _decimal(int(number * 10**digits), digits)


def _decimal(scaled: int, digits: int) -> str:
    sign, text = "-" if scaled < 0 else "", f"{abs(scaled):0{digits + 1}d}"
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def _duration(nanoseconds: int) -> str:
    """As Prometheus writes it: ``15m``, ``1d12h``, ``500ms``."""
    milliseconds = max(1, nanoseconds // 10**6)
    text = ""
    for size, symbol in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")):
        count, milliseconds = divmod(milliseconds, size)
        text += f"{count}{symbol}" if count else ""
    return text
