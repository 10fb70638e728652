"""A node's soak: time on its rung that verifications cover, by the same rules as a soak of samples (rule 17).

A gap longer than the plan allows begins it anew, and so does a restart, for a node's visit to a rung
ends with its run. What was verified before counts no more. Nodes do not borrow from one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.node_stats import NodeStats, ago
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rung import Problem
from pytest_rollout.core.series import moment_text, nanoseconds, span
from pytest_rollout.core.soak import Progress, Soak, Stretch, cover_but, progress
from pytest_rollout.core.units import UNITS, show


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSoak:
    """What a rung's soak needs: ``period`` covered to ``coverage``, and so much verified and compared within.

    A moment is covered if a verification came within ``interval`` before it; a gap of more than
    ``max_gap`` begins the soak anew.
    """

    period: timedelta
    max_gap: timedelta
    interval: timedelta
    coverage: Fraction = Fraction(1)
    min_comparisons: int = 0
    min_verifications: int = 0

    @property
    def needed(self) -> str:
        """For people."""
        share = f", {show(self.coverage, UNITS['ratio'])} covered" if self.coverage < 1 else ""
        return f"{ago(self.period)} without a gap of {ago(self.max_gap)}{share}"


def judge_soak(soak: NodeSoak, now: NodeStats) -> tuple[str, list[Problem], str]:
    """How much is covered, why it does not do, and what else there is to say; raises ``EvidenceError``."""
    visit = now.visit
    if visit.longest_gap is None or visit.noted is None:
        raise EvidenceError("mode_history: the present rung's gaps are missing, so no time is covered.")
    told = max((each.end - each.begin for each in visit.gaps), default=timedelta())
    lasting = now.at - max(visit.last or visit.since, now.started_at)
    least = visit.longest_gap - timedelta(seconds=1)  # it is rounded up
    if told > visit.longest_gap or (least >= visit.noted and least > max(told, lasting)):
        raise EvidenceError(f"mode_history: the longest gap of {ago(visit.longest_gap)} is not among the gaps.")
    begun = max(visit.since, now.started_at)
    rules = Soak(period=span(soak.period), coverage=soak.coverage, max_gap=span(soak.max_gap), metrics=())
    stretch = Stretch()
    if visit.last is not None:
        gaps = [(nanoseconds(max(each.begin, begun)), nanoseconds(each.end)) for each in visit.gaps if each.end > begun]
        stretch = cover_but(rules, span(soak.interval), nanoseconds(begun), gaps, nanoseconds(visit.last))
    how_far = progress(rules, stretch)
    problems = list(_problems(soak, now, how_far, stretch, lasting))
    return how_far.text, problems, _detail(how_far)


def _problems(
    soak: NodeSoak, now: NodeStats, how_far: Progress, stretch: Stretch, lasting: timedelta
) -> Iterator[Problem]:
    visit = now.visit
    if lasting > soak.max_gap:
        yield Outcome.INCONCLUSIVE, f"{ago(lasting)} without a verification"
    hidden = visit.noted or timedelta()
    told = any(hidden > each for each in (soak.max_gap, soak.interval))
    if told and visit.longest_gap is not None and visit.longest_gap > min(soak.max_gap, soak.interval):
        yield Outcome.INCONCLUSIVE, f"gaps of less than {ago(hidden)} are not told, and one may be too long"
    if not how_far.is_complete:
        yield Outcome.PENDING, how_far.text
    before = next((each for each in reversed(visit.gaps) if nanoseconds(each.end) == stretch.since), None)
    counts = visit.counts
    compared = counts.comparisons - counts.agreed_refusals - (before.compared if before else 0)
    verified = counts.verifications - (before.verified if before else 0)
    for number, needed, what in (
        (compared, soak.min_comparisons, "comparisons"),
        (verified, soak.min_verifications, "verifications"),
    ):
        if number < needed:
            yield Outcome.PENDING, f"{number} of {needed} {what} within it"


def _detail(how_far: Progress) -> str:
    if how_far.since is None or how_far.last is None:
        return ""
    share = show(how_far.share, UNITS["ratio"])
    text = f"verified from {moment_text(how_far.since)} to {moment_text(how_far.last)}, {share} of it covered"
    if how_far.broken is not None:
        times = "once" if how_far.breaks == 1 else f"{how_far.breaks} times"
        text += f"; begun anew {times}, last at {moment_text(how_far.broken.at)}: "
        text += how_far.broken.why.replace("no sample", "no verification")
    return text
