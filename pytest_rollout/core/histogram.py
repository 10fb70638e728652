"""Percentiles of a histogram: between two edges, which is all that a histogram knows (rule 12)."""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from pytest_rollout.core.criterion import Statistic, rank
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import Series, exact
from pytest_rollout.core.things import BUCKET

_UNBOUNDED = frozenset({"+Inf", "Inf", "inf", "+inf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many observations were at most each edge; the last edge is None, which is without end."""

    edges: tuple[Fraction | None, ...]
    cumulative: tuple[Fraction, ...]

    @property
    def total(self) -> int:
        """How many observations there were, in whole counts."""
        return int(self.cumulative[-1])

    def quantile(self, statistic: Statistic) -> tuple[Fraction, Fraction | None]:
        """The edges between which the value of that rank lies: more than the first, at most the second."""
        wanted = rank(statistic, self.total)
        index = bisect_left(self.cumulative, wanted)
        lower = self.edges[index - 1] if index else Fraction(0)
        assert lower is not None  # noqa: S101 - only the last edge is None
        return lower, self.edges[min(index, len(self.edges) - 1)]


def histogram(series: Sequence[Series]) -> Histogram:
    """What the buckets counted from their first to their last sample; raises ``EvidenceError``.

    Every series is the counter of one bucket; one that ran backwards was restarted and counts on.
    """
    found: list[tuple[Fraction | None, Fraction]] = []
    for each in series:
        edge = each.labels.get(BUCKET, "")
        found.append((None if edge in _UNBOUNDED else _edge(edge), _increase(each)))
    if not any(edge is None for edge, _ in found):
        raise EvidenceError(
            'the histogram has no bucket le="+Inf", so nobody knows how many were slower than all others.'
        )
    if len({(tuple(each.times[:1]), tuple(each.times[-1:])) for each in series}) > 1:
        raise EvidenceError("the buckets of the histogram were not sampled at the same times.")
    found.sort(key=lambda each: (each[0] is None, each[0] or Fraction(0)))
    counts = [count for _, count in found]
    if any(map(operator.gt, counts, islice(counts, 1, None))):
        raise EvidenceError("a bucket of the histogram counted less than a smaller one; buckets are cumulative.")
    return Histogram(edges=tuple(edge for edge, _ in found), cumulative=tuple(counts))


def _edge(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise EvidenceError(f"a bucket of the histogram ends at {text[:40]!r}, which is no number.") from None


def _increase(series: Series) -> Fraction:
    column: Any = series.column
    if not column:
        return Fraction(0)
    if not any(map(operator.gt, column, islice(column, 1, None))):
        return exact(column[-1]) - exact(column[0])
    grown = Fraction(0)
    for earlier, later in zip(column, islice(column, 1, None), strict=False):
        grown += exact(later) - exact(earlier) if later >= earlier else exact(later)
    return grown
