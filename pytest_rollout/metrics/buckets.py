"""What a histogram's buckets owe before a percentile is read off them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.series import Series

LE = "le"
_SLACK = 1e-9
"""Buckets are extrapolated one by one: as floats they may differ in the last digits."""


def check_buckets(series: Sequence[Series]) -> None:
    """Raise ``MetricError`` unless these are cumulative buckets up to ``+Inf``, histogram by histogram."""
    groups: dict[tuple[tuple[str, str], ...], dict[float, Series]] = {}
    for each in series:
        if LE not in each.labels:
            raise MetricError("a histogram's series have a label 'le'; this query gives one without, so keep 'le'.")
        key = tuple(sorted((k, v) for k, v in each.labels.items() if k != LE))
        edge = _edge(each.labels[LE])
        if edge in groups.setdefault(key, {}):
            raise MetricError(f"two buckets of one histogram end at {each.labels[LE]}; aggregate by 'le'.")
        groups[key][edge] = each
    for buckets in groups.values():
        if float("inf") not in buckets:
            raise MetricError(
                'the histogram has no bucket le="+Inf", so its slowest observations are not counted; keep it.'
            )
        for (_, lower), (edge, upper) in pairwise(sorted(buckets.items())):
            _check_rising(lower, upper, edge)


def _check_rising(lower: Series, upper: Series, edge: float) -> None:
    known = dict(zip(upper.times, upper.column or (), strict=True))
    for time, count in zip(lower.times, lower.column or (), strict=True):
        if time in known and count > known[time] * (1 + _SLACK):
            raise MetricError(f"the bucket up to {edge:g} counts less than a smaller one; buckets are cumulative.")


def _edge(text: str) -> float:
    try:
        edge = float(text)
    except ValueError:
        edge = float("nan")
    if edge != edge:  # noqa: PLR0124 - NaN is the one number that is not itself
        raise MetricError(f"a bucket ends at '{text[:40]}', which is no number.")
    return edge
