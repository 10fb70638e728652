"""Golden vectors and replays judged from what was observed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.engine_check import GoldenCheck, ReplayCheck
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rung import Latency
from pytest_rollout.core.tally import COUNTS
from pytest_rollout.core.units import UNITS

GOLDEN = GoldenCheck(file=Path("golden.json"))
REPLAY = ReplayCheck(
    file=Path("blocks.ndjson"),
    min_comparisons=100,
    latency=Latency(p95=Bound(relation=Relation.LESS, limit=Fraction(1), unit=UNITS["count"])),
)


def outcome(check, value) -> Outcome:
    return check.judge("item", Observation(item="item", value=value)).outcome


def golden(reference=3, candidate=3, vectors=3, first="vector 1: x"):
    return {
        "vectors": vectors,
        "reference": {"matched": reference, "first": first},
        "candidate": {"matched": candidate, "first": first},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (golden(), Outcome.PASS),
        (golden(candidate=2), Outcome.FAIL),
        (golden(reference=2), Outcome.FAIL),
        (golden(vectors=0, reference=0, candidate=0), Outcome.ERROR),
        (golden(candidate=4), Outcome.ERROR),
        (golden(candidate=True), Outcome.ERROR),
        (golden(candidate=None), Outcome.ERROR),
        ({"vectors": 3, "reference": {"matched": 3, "first": ""}}, Outcome.ERROR),
        (None, Outcome.ERROR),
        ([], Outcome.ERROR),
    ],
    ids=str,
)
def test_golden_vectors_are_matched_by_both_or_not_at_all(value, expected) -> None:
    assert outcome(GOLDEN, value) is expected


def replayed(blocks=100, ratio=None, **changes):
    counts = dict.fromkeys(COUNTS, 0) | {"verifications": 100, "comparisons": 100} | changes
    ratio = {"samples": 100, "p95": 999_999} if ratio is None else ratio
    return {"blocks": blocks, "counts": counts, "ratio_millionths": ratio, "first": "", "kept": "divergences/7-ab"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (replayed(), Outcome.PASS),
        (replayed(divergences=1, differing=1), Outcome.FAIL),
        (replayed(divergences=1, candidate_errors=1), Outcome.FAIL),
        (replayed(comparisons=99, timeouts=1), Outcome.FAIL),
        (replayed(comparisons=99, skipped=1), Outcome.FAIL),
        (replayed(comparisons=99), Outcome.INCONCLUSIVE),
        (replayed(agreed_refusals=1), Outcome.INCONCLUSIVE),
        (replayed(comparisons=0), Outcome.INCONCLUSIVE),
        (replayed(blocks=101), Outcome.ERROR),
        (replayed(divergences=-1), Outcome.ERROR),
        (replayed(ratio={"samples": 100, "p95": 1_000_000}), Outcome.FAIL),
        (replayed(ratio={}), Outcome.ERROR),
        ({}, Outcome.ERROR),
        ("fine", Outcome.ERROR),
    ],
    ids=[
        *("clean", "differing", "candidate error", "timeout", "skipped", "short", "refused by both", "none at all"),
        *("blocks lost", "negative", "slow", "no ratio", "empty", "text"),
    ],
)
def test_a_replay_is_judged_by_its_counts(value, expected) -> None:
    assert outcome(REPLAY, value) is expected


def test_a_failed_replay_names_what_replays_it() -> None:
    finding = REPLAY.judge("item", Observation(item="item", value=replayed(divergences=1, differing=1)))

    assert finding.remedy == "rollout replay divergences/7-ab"
    assert finding.measured == "1 answer differs"
