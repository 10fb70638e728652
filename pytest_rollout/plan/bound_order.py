"""How the bounds of criteria stand to one another, within one and from stage to stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pytest_rollout.core.criterion import Bound, Criterion, Relation, samples_needed
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Stage


@dataclass(frozen=True, slots=True)
class _Cut:
    """An end of a range: None is without end; ``closed`` is whether the end belongs to it."""

    at: Fraction | None
    closed: bool


@dataclass(frozen=True, slots=True)
class _Range:
    """The values that meet a bound."""

    low: _Cut
    high: _Cut

    @classmethod
    def of(cls, bound: Bound) -> _Range:
        end, limit = _Cut(None, closed=False), bound.limit
        match bound.relation:
            case Relation.MORE | Relation.AT_LEAST:
                return cls(_Cut(limit, bound.relation is Relation.AT_LEAST), end)
            case Relation.LESS | Relation.AT_MOST:
                return cls(end, _Cut(limit, bound.relation is Relation.AT_MOST))
        return cls(_Cut(limit, closed=True), _Cut(limit, closed=True))

    def meets(self, other: _Range) -> bool:
        """Whether some value is in both."""
        return not (_ends_before(self.high, other.low) or _ends_before(other.high, self.low))

    def lies_within(self, other: _Range) -> bool:
        """Whether every value of this one is in the other."""
        return _is_no_wider(self.low, other.low, 1) and _is_no_wider(self.high, other.high, -1)


def _ends_before(high: _Cut, low: _Cut) -> bool:
    if high.at is None or low.at is None:
        return False
    return high.at < low.at or (high.at == low.at and not (high.closed and low.closed))


def _is_no_wider(inner: _Cut, outer: _Cut, direction: int) -> bool:
    if outer.at is None or inner.at is None:
        return outer.at is None
    if inner.at == outer.at:
        return outer.closed or not inner.closed
    return (inner.at - outer.at) * direction > 0


def out_of_order(criterion: Criterion) -> Iterator[str]:
    """Sentences on promote, alert and rollback that do not follow each other from good to bad."""
    promote = _Range.of(criterion.promote)
    alert = criterion.alert
    if alert is not None and promote.meets(_Range.of(alert)):
        yield (f"a value can meet promote '{criterion.promote}' and alert '{alert}' at once; the alert must be beyond.")
    for trigger in criterion.rollback:
        if promote.meets(_Range.of(trigger.when)):
            yield (
                f"a value can meet promote '{criterion.promote}' and rollback '{trigger.when}' at once; "
                "the rollback must be beyond."
            )
        elif alert is not None and not _Range.of(trigger.when).lies_within(_Range.of(alert)):
            yield (
                f"rollback '{trigger.when}' is reached before alert '{alert}'; an alert must come first, or with it."
            )
    yield from _urgencies(criterion)


def _urgencies(criterion: Criterion) -> Iterator[str]:
    for planned in (t for t in criterion.rollback if t.severity is Severity.PLANNED):
        for immediate in (t for t in criterion.rollback if t.severity is Severity.IMMEDIATE):
            if not _Range.of(immediate.when).lies_within(_Range.of(planned.when)):
                yield (
                    f"the immediate rollback '{immediate.when}' is reached before the planned one "
                    f"'{planned.when}'; the worse value must be the more urgent."
                )


def too_few_samples(criterion: Criterion) -> str:
    """A sentence on a ratio whose bound needs more samples than are asked for, or nothing (rule 11)."""
    bound = criterion.promote
    if criterion.unit.dimension != "ratio":
        return ""
    share = bound.limit if bound.relation.wants_more else 1 - bound.limit
    if bound.relation is Relation.EQUAL or not 0 < share < 1:
        return ""
    needed = samples_needed(share)
    if criterion.min_samples >= needed:
        return ""
    given = f"{criterion.min_samples} sample{'' if criterion.min_samples == 1 else 's'}"
    return f"{given} cannot support '{bound}' at 95 % confidence, even if all are good; {needed} are needed."


def thresholds_that_fall(earlier: Stage, later: Stage) -> Iterator[tuple[str, str]]:
    """Criteria whose minimum is lower than in the stage before, by name, each with its sentence."""
    before = {criterion.name: criterion for criterion in earlier.criteria}
    for criterion in later.criteria:
        was = before.get(criterion.name)
        if was is None or (was.metric, was.statistic) != (criterion.metric, criterion.statistic):
            continue
        then, now = was.promote, criterion.promote
        if then.relation.wants_more and now.relation.wants_more and now.limit < then.limit:
            yield (
                criterion.name,
                f"'{now}' asks for less than the '{then}' of stage {earlier.name} before it.",
            )
