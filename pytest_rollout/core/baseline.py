"""A value against what it was before: "at most 20 % worse", from a judgement that passed and is not too old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.ranks import LEAST, NOTICEABLE, compare
from pytest_rollout.core.series import Number, duration_text, span
from pytest_rollout.core.units import UNITS, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a criterion's value was in an earlier judgement that said promote.

    ``judgement`` is that judgement's digest; ``samples`` are its packed samples, where the plan
    compares them one by one, else empty.
    """

    value: Fraction
    at: datetime
    judgement: str
    samples: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a value came out against its baseline, and the sentence for it."""

    outcome: Outcome
    text: str


def weighed(
    criterion: Criterion,
    finding: Finding,
    captured: Captured | None,
    *,
    now: datetime,
    raw: tuple[Sequence[Number], Sequence[Number]] | None = None,
) -> Finding:
    """A criterion's finding with its baseline, if it has one: only a pass can still be lost by it."""
    if criterion.baseline is None or finding.outcome is not Outcome.PASS or "value" not in finding.facts:
        return finding
    compared = against(criterion, Fraction(finding.facts["value"]), captured, now=now, raw=raw)
    detail = f"{compared.text}; {finding.detail}" if finding.detail else compared.text
    remedy = "" if compared.outcome is Outcome.PASS else "see what became slower or worse"
    return replace(finding, outcome=compared.outcome, detail=detail, remedy=remedy)


def against(
    criterion: Criterion,
    value: Fraction,
    captured: Captured | None,
    *,
    now: datetime,
    raw: tuple[Sequence[Number], Sequence[Number]] | None = None,
) -> Compared:
    """The comparison; none, an old one and zero tell nothing. ``raw`` are the values then and now."""
    baseline = criterion.baseline
    assert baseline is not None  # noqa: S101 - asked only where the plan has one
    if captured is None:
        return Compared(
            outcome=Outcome.INCONCLUSIVE, text="no baseline: no earlier judgement that said promote has this criterion"
        )
    of = f"the baseline {show(captured.value, criterion.unit)} of {captured.at.date()} ({captured.judgement[:12]})"
    age = now - captured.at
    if age > baseline.max_age or age.total_seconds() < 0:
        old, most = duration_text(max(0, span(age))), duration_text(span(baseline.max_age))
        text = (
            f"{of} is {old} old; {most} are allowed" if span(age) >= 0 else f"{of} is of the future; look at the clocks"
        )
        return Compared(outcome=Outcome.INCONCLUSIVE, text=text)
    if captured.value == 0:
        return Compared(outcome=Outcome.INCONCLUSIVE, text=f"{of} is zero, and nothing is a share of zero")
    is_more_better = criterion.promote.relation.wants_more
    change = (value - captured.value) / abs(captured.value)
    worse = -change if is_more_better else change
    share = show(abs(change), UNITS["%"])
    told = f"{share} {'worse' if worse > 0 else 'better'} than {of}"
    if worse > baseline.worse:
        return Compared(outcome=Outcome.FAIL, text=f"{told}; at most {show(baseline.worse, UNITS['%'])} is allowed")
    if baseline.significance is None:
        return Compared(outcome=Outcome.PASS, text=told)
    return _by_ranks(told, baseline.significance, raw, is_more_better=is_more_better)


def _by_ranks(
    told: str, significance: Fraction, raw: tuple[Sequence[Number], Sequence[Number]] | None, *, is_more_better: bool
) -> Compared:
    then, now = raw or ((), ())
    if min(len(then), len(now)) < LEAST:
        return Compared(
            outcome=Outcome.INCONCLUSIVE,
            text=f"{told}; a rank test needs {LEAST} values each, there were {len(then)} then and are {len(now)} now",
        )
    result = compare(then, now)
    is_worse = result.delta < 0 if is_more_better else result.delta > 0
    effect = f"p = {result.p:.4f}, Cliff's delta {result.delta:+.3f}"
    text = f"{told}; rank test on {len(then)} and {len(now)} values: {effect}"
    if is_worse and result.p < significance and abs(result.delta) >= NOTICEABLE:
        return Compared(outcome=Outcome.FAIL, text=f"{text}: worse, and no chance")
    return Compared(outcome=Outcome.PASS, text=text)
