"""What must hold to leave a rung: bounds on latency, and the problems that counts show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_rollout.core.criterion import Bound
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.latency import as_fraction
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.tally import Counts
from pytest_rollout.core.units import UNITS, show

Problem = tuple[Outcome, str]

LEAST_PAIRS = 100
"""Fewer pairs of latencies say nothing about a 95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Bounds on candidate's over reference's time of the same block, at percentiles of that ratio."""

    p50: Bound | None = None
    p95: Bound | None = None

    @property
    def needed(self) -> str:
        """The bounds for people."""
        bounds = (("p50", self.p50), ("p95", self.p95))
        return ", ".join(f"{name} {bound.relation.value} {_x(bound.limit)}" for name, bound in bounds if bound)

    def judge(self, ratio: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        """What was measured, and why it does not do."""
        samples = ratio.get("samples")
        if type(samples) is not int or samples < 0:
            raise EvidenceError(f"latency: samples is {samples!r:.40}.")
        if samples < LEAST_PAIRS:
            return f"{samples} pairs", [(Outcome.INCONCLUSIVE, f"{samples} of {LEAST_PAIRS} pairs of latencies")]
        told: list[str] = []
        problems: list[Problem] = []
        for name, bound in (("p50", self.p50), ("p95", self.p95)):
            if bound is None:
                continue
            if name not in ratio:
                raise EvidenceError(f"latency: {name} is missing.")
            value = ratio[name]
            if value is None:
                problems.append((Outcome.FAIL, f"{name} is slower than any: the candidate timed out"))
                continue
            if type(value) is not int or value < 0:
                raise EvidenceError(f"latency: {name} is {value!r:.40}.")
            told.append(f"{name} {_x(as_fraction(value))}")
            if not bound.holds(as_fraction(value)):
                problems.append((Outcome.FAIL, f"{name} is {_x(as_fraction(value))}"))
        return f"{', '.join(told)} of {samples} pairs", problems


def _x(ratio: Any) -> str:
    return f"{show(ratio, UNITS['count'])}x"


def enough(counts: Counts, *, comparisons: int, verifications: int = 0) -> Iterator[Problem]:
    """Whether enough was looked at: no comparison is not no divergence (rule 23).

    Blocks that both engines refused are not counted: two that refuse everything verified nothing.
    """
    answered = counts.comparisons - counts.agreed_refusals
    if answered < comparisons:
        refused = f", {counts.agreed_refusals} refused by both" if counts.agreed_refusals else ""
        yield Outcome.INCONCLUSIVE, f"{answered} of {comparisons} comparisons{refused}"
    if counts.verifications < verifications:
        yield Outcome.INCONCLUSIVE, f"{counts.verifications} of {verifications} verifications"


def clean(counts: Counts) -> Iterator[Problem]:
    """What no rung may show, each counted apart (rules 24 and 25)."""
    for number, one, many in (
        (counts.differing, "answer differs", "answers differ"),
        (counts.candidate_errors, "candidate error", "candidate errors"),
        (counts.reference_errors, "reference error", "reference errors"),
        (counts.timeouts, "timeout", "timeouts"),
        (counts.skipped, "block skipped", "blocks skipped"),
        (counts.fallbacks, "fallback", "fallbacks"),
    ):
        if number:
            yield Outcome.FAIL, f"{number} {one if number == 1 else many}"
