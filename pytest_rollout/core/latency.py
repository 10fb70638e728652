"""Latencies of two engines on the same blocks: nearest-rank percentiles of raw samples, and of their paired ratio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

PERCENTILES = (50, 95, 99)
MILLION = 1_000_000


def percentile(ordered: Sequence[int], per_cent: int) -> int:
    """The nearest-rank percentile of samples in ascending order; there must be some (rule 12)."""
    rank = -(-len(ordered) * per_cent // 100)
    return ordered[max(rank, 1) - 1]


def percentiles(samples: Iterable[int], *, infinite: int = 0) -> dict[str, int | None]:
    """``p50``, ``p95``, ``p99`` of whole numbers; ``infinite`` counts samples slower than any, shown as None."""
    ordered = sorted(samples)
    total = len(ordered) + infinite
    found: dict[str, int | None] = {}
    for each in PERCENTILES if total else ():
        rank = max(-(-total * each // 100), 1)
        found[f"p{each}"] = ordered[rank - 1] if rank <= len(ordered) else None
    return found


def ratios(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Candidate's over reference's time for each block, in millionths, never rounded down."""
    return [-(-theirs * MILLION // max(ours, 1)) for ours, theirs in pairs]


def as_fraction(millionths: int) -> Fraction:
    """A ratio in millionths, exactly."""
    return Fraction(millionths, MILLION)
