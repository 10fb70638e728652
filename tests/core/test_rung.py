"""What must hold to leave a rung: latencies within their bounds, enough looked at, nothing counted that may not be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rung import Latency, clean, enough
from pytest_rollout.core.tally import COUNTS, Counts
from pytest_rollout.core.units import UNITS


def at_most(limit: Fraction) -> Bound:
    return Bound(relation=Relation.AT_MOST, limit=limit, unit=UNITS["count"])


BOTH = Latency(p50=at_most(Fraction(1, 5)), p95=at_most(Fraction(3, 10)))
GIVEN = {"samples": 100, "p50": 200_000, "p95": 300_000}
FAIL, INCONCLUSIVE = Outcome.FAIL, Outcome.INCONCLUSIVE


def counts(**changes: int) -> Counts:
    return Counts.read(dict.fromkeys(COUNTS, 0) | {"verifications": 9, "comparisons": 9} | changes)


def test_the_bounds_are_told_by_their_percentiles() -> None:
    assert BOTH.needed == "p50 <= 0.2x, p95 <= 0.3x"
    assert Latency(p95=at_most(Fraction(2))).needed == "p95 <= 2x"
    assert Latency().needed == ""


LATENCIES: dict[str, tuple[Latency, dict[str, Any], str, list[tuple[Outcome, str]]]] = {
    "on the bounds": (BOTH, GIVEN, "p50 0.2x, p95 0.3x of 100 pairs", []),
    "nothing": (BOTH, GIVEN | {"p50": 0, "p95": 0}, "p50 0x, p95 0x of 100 pairs", []),
    "both beyond": (
        BOTH,
        GIVEN | {"p50": 200_001, "p95": 400_000},
        "p50 0.2000…x, p95 0.4x of 100 pairs",
        [(FAIL, "p50 is 0.2000…x"), (FAIL, "p95 is 0.4x")],
    ),
    "one timed out": (
        BOTH,
        GIVEN | {"p50": None},
        "p95 0.3x of 100 pairs",
        [(FAIL, "p50 is slower than any: the candidate timed out")],
    ),
    "one asked for": (Latency(p95=at_most(Fraction(1))), {"samples": 100, "p95": 1_000_000}, "p95 1x of 100 pairs", []),
    "few": (BOTH, GIVEN | {"samples": 99}, "99 pairs", [(INCONCLUSIVE, "99 of 100 pairs of latencies")]),
    "none": (BOTH, {"samples": 0}, "0 pairs", [(INCONCLUSIVE, "0 of 100 pairs of latencies")]),
}


@pytest.mark.parametrize(("latency", "ratio", "told", "problems"), LATENCIES.values(), ids=LATENCIES)
def test_each_percentile_is_held_against_its_bound(latency, ratio, told, problems) -> None:
    assert latency.judge(ratio) == (told, problems)


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        ({}, "latency: samples is None."),
        ({"samples": True}, "latency: samples is True."),
        ({"samples": -1}, "latency: samples is -1."),
        ({"samples": "x" * 50}, f"latency: samples is '{'x' * 39}."),
        ({"samples": 100}, "latency: p50 is missing."),
        (GIVEN | {"p50": -1}, "latency: p50 is -1."),
        (GIVEN | {"p95": 0.5}, "latency: p95 is 0.5."),
        (GIVEN | {"p95": True}, "latency: p95 is True."),
    ],
    ids=str,
)
def test_latencies_that_are_no_numbers_are_refused_by_name(ratio: dict[str, Any], says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        BOTH.judge(ratio)

    assert str(caught.value) == says


def test_what_is_short_is_told_with_what_both_refused() -> None:
    assert list(enough(counts(), comparisons=9)) == []
    assert list(enough(counts(), comparisons=9, verifications=9)) == []
    assert list(enough(counts(verifications=0, comparisons=0), comparisons=0)) == []
    assert list(enough(counts(), comparisons=10)) == [(INCONCLUSIVE, "9 of 10 comparisons")]
    assert list(enough(counts(agreed_refusals=2), comparisons=9, verifications=10)) == [
        (INCONCLUSIVE, "7 of 9 comparisons, 2 refused by both"),
        (INCONCLUSIVE, "9 of 10 verifications"),
    ]


BAD = {
    "differing": ("answer differs", "answers differ"),
    "candidate_errors": ("candidate error", "candidate errors"),
    "reference_errors": ("reference error", "reference errors"),
    "timeouts": ("timeout", "timeouts"),
    "skipped": ("block skipped", "blocks skipped"),
    "fallbacks": ("fallback", "fallbacks"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("number", [1, 2])
def test_each_trouble_is_counted_apart(name: str, number: int) -> None:
    """No tolerance: one is one too many (rules 24 and 25)."""
    found = Counts(**{each: getattr(counts(), each) for each in COUNTS} | {name: number})

    assert list(clean(found)) == [(FAIL, f"{number} {BAD[name][number - 1]}")]


def test_nothing_counted_is_clean() -> None:
    assert list(clean(counts())) == []
