"""Whether two lots of measured values differ by more than chance, and by how much.

The test is Mann-Whitney's U, two-sided, by its normal approximation with correction for ties and
continuity: good for 20 values a side and more, and 50 are asked for. The effect is Cliff's delta:
the share of pairs in which the second value is larger less the share in which it is smaller. It
suits many values of one kind, such as latency or gas, and never rare counts: no test tells one
double payment from none.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_rollout.core.series import Number

LEAST = 50
"""Values a side below which nothing is said."""

NOTICEABLE = 0.147
"""Cliff's delta below which an effect is negligible, by Romano's convention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``p`` is the chance of so large a difference between equals, ``delta`` is positive if the second is larger."""

    p: float
    delta: float


def compare(first: Sequence[Number], second: Sequence[Number]) -> Comparison:
    """The test and its effect; both lots must hold at least ``LEAST`` values."""
    if min(len(first), len(second)) < LEAST:
        raise ValueError(f"{LEAST} values a side are needed")
    n, m = len(first), len(second)
    ordered = sorted(first)
    smaller = sum(bisect_left(ordered, each) for each in second)
    larger = sum(n - bisect_right(ordered, each) for each in second)
    delta = (smaller - larger) / (n * m)
    ties = sum(count**3 - count for count in Counter((*first, *second)).values() if count > 1)
    whole = n + m
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    if variance <= 0:
        return Comparison(p=1.0, delta=delta)
    distance = max(0.0, abs(smaller - larger) / 2 - 0.5)
    return Comparison(p=math.erfc(distance / math.sqrt(2 * variance)), delta=delta)
