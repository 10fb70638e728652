"""How a criterion came out: one value against its bounds, with the evidence behind it (rules 6 to 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pytest_rollout.core.criterion import (
    Bound,
    Criterion,
    Measurement,
    Relation,
    Statistic,
    Trigger,
    statistic_of,
    supported,
)
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.units import show


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A criterion's finding, and the triggers that fired on the same values (rule 2)."""

    finding: Finding
    fired: tuple[Trigger, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """The one value that is compared, as it is shown; how it stands to bounds; and what is behind it.

    ``samples`` are those that count for ``min_samples``. ``fired`` are the triggers that fired,
    ``notes`` what else a reader must know, ``facts`` the same for programs.
    """

    shown: str
    samples: int
    is_met: bool
    is_reached: Callable[[Bound], bool]
    fired: tuple[Trigger, ...]
    source: str
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


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


def evaluate(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    """Judge one criterion on what was measured; missing is never zero (rule 6)."""
    if criterion.unit.dimension == "ratio":
        return _evaluate_ratio(criterion, item, measurements)
    return _evaluate_values(criterion, item, measurements)


def counts(measurements: Sequence[Measurement]) -> tuple[int, int]:
    """Good and total over all measurements of a ratio, as integers (rule 8)."""
    good = sum(m.good for m in measurements if m.good is not None)
    total = sum(m.total for m in measurements if m.total is not None)
    return good, total


def _evaluate_ratio(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    good, total = counts(measurements)
    if total == 0:
        return Evaluation(finding=_missing(criterion, item, measurements, seen="0 of 0"))
    value = Fraction(good, total)
    is_reached: Callable[[Bound], bool] = lambda bound: bound.holds(value)  # noqa: E731 - named for its type
    return conclude(
        criterion,
        item,
        Value(
            shown=f"{show(value, criterion.unit)} of {total}",
            samples=total,
            is_met=criterion.promote.holds(value),
            is_reached=is_reached,
            fired=tuple(t for t in criterion.rollback if is_reached(t.when)),
            source=_source(criterion, measurements),
            facts={"value": str(value), "good": str(good), "total": str(total)},
        ),
    )


def _evaluate_values(criterion: Criterion, item: str, measurements: Sequence[Measurement]) -> Evaluation:
    values = [m.value for m in measurements if m.value is not None]
    if not values:
        return Evaluation(finding=_missing(criterion, item, measurements, seen="nothing"))
    statistic = criterion.statistic
    decisive = _decisive(values, statistic, criterion.promote)
    shown = show(decisive, criterion.unit)
    label = "worst" if statistic is Statistic.EVERY else statistic.value
    is_reached: Callable[[Bound], bool] = lambda bound: _is_reached(values, statistic, bound)  # noqa: E731 - as above
    return conclude(
        criterion,
        item,
        Value(
            shown=f"{shown} ({label} of {len(values)})" if len(values) > 1 else shown,
            samples=len(values),
            is_met=criterion.promote.holds(decisive),
            is_reached=is_reached,
            fired=tuple(t for t in criterion.rollback if is_reached(t.when)),
            source=_source(criterion, measurements),
            facts={"value": str(decisive), "samples": str(len(values))},
        ),
    )


def conclude(criterion: Criterion, item: str, value: Value) -> Evaluation:
    """The finding on a value: triggers first, then the alert, the promote bound, and the evidence."""
    outcome, detail, remedy = Outcome.PASS, "", ""
    if value.fired:
        outcome = Outcome.FAIL
        detail = "; ".join(f"{t.severity.value} rollback trigger {t} fired" for t in value.fired)
        remedy = "rollout rollback"
    elif criterion.alert is not None and value.is_reached(criterion.alert):
        outcome, detail = Outcome.FAIL, f"alert threshold {criterion.alert} reached"
    elif not value.is_met:
        outcome = Outcome.FAIL
        if criterion.rollback:
            detail = "in the gray band between promotion and rollback: somebody has to decide"
            remedy = "fix and measure again, or roll back"
        else:
            remedy = "fix and measure again"
    elif value.samples < criterion.min_samples:
        outcome = Outcome.INCONCLUSIVE
        missing = criterion.min_samples - value.samples
        detail = "1 more sample is needed" if missing == 1 else f"{missing} more samples are needed"
        remedy = "measure more"
    notes = [detail] if detail else []
    if criterion.unit.dimension == "ratio":
        support = show(supported(value.samples), criterion.unit)
        notes.append(f"{value.samples} clean samples support at most {support} at 95 % confidence")
    return Evaluation(
        finding=Finding(
            item=item,
            kind=Kind.CRITERION,
            title=criterion.name,
            outcome=outcome,
            measured=value.shown,
            needed=needed(criterion),
            source=value.source,
            remedy=remedy,
            detail="; ".join([*notes, *value.notes]),
            required=criterion.required,
            facts=value.facts,
        ),
        fired=value.fired,
    )


def needed(criterion: Criterion) -> str:
    """What the criterion asks for, for people."""
    text = str(criterion.promote)
    return f"{text}, {criterion.min_samples} samples" if criterion.min_samples > 1 else text


def _missing(criterion: Criterion, item: str, measurements: Sequence[Measurement], *, seen: str) -> Finding:
    return Finding(
        item=item,
        kind=Kind.CRITERION,
        title=criterion.name,
        outcome=Outcome.INCONCLUSIVE,
        measured=seen,
        needed=needed(criterion),
        source=_source(criterion, measurements),
        detail="no data is missing data, not zero and not a pass",
        remedy=f'measure("{criterion.metric}", …) in a test of this gate',
        required=criterion.required,
    )


def _source(criterion: Criterion, measurements: Sequence[Measurement]) -> str:
    tests = len({m.item for m in measurements})
    return f"metric {criterion.metric}, measured by {tests} test{'' if tests == 1 else 's'}"
