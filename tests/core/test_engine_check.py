"""Golden vectors and replays judged from what was observed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.engine_check import GoldenCheck, ReplayCheck
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
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


def judged(check, value) -> Finding:
    return check.judge("item", Observation(item="item", value=value, source="both engines"))


VECTORS = Finding(
    item="item",
    kind=Kind.ENGINE,
    title="golden vectors golden.json",
    outcome=Outcome.PASS,
    measured="reference 3 of 3, candidate 3 of 3",
    needed="all by both engines",
    source="both engines",
)
MEND = "mend the candidate, then run it again"
NOTHING = {"outcome": Outcome.ERROR, "remedy": MEND, "measured": "nothing was observed"}
TOLD_OF_VECTORS = {
    "all": (golden(), {}),
    "one of one": (golden(1, 1, 1), {"measured": "reference 1 of 1, candidate 1 of 1"}),
    "none of one": (
        golden(0, 1, 1), {"outcome": Outcome.FAIL, "remedy": MEND, "measured": "reference 0 of 1, first vector 1: x"},
    ),
    "both short": (
        golden(1, 2),
        {
            "outcome": Outcome.FAIL, "remedy": MEND,
            "measured": "reference 1 of 3, first vector 1: x; candidate 2 of 3, first vector 1: x",
        },
    ),
    "no first": (
        golden(3, 2, first=""), {"outcome": Outcome.FAIL, "remedy": MEND, "measured": "candidate 2 of 3, first not told"},
    ),
    "none tried": (golden(0, 0, 0), {"outcome": Outcome.ERROR, "remedy": MEND, "measured": "0 vectors were tried."}),
    "more than there are": (
        golden(3, 4), {"outcome": Outcome.ERROR, "remedy": MEND, "measured": "candidate matched 4 of 3 vectors."},
    ),
    "no side": (
        {"vectors": 3}, {"outcome": Outcome.ERROR, "remedy": MEND, "measured": "not understood (KeyError: 'reference')"},
    ),
    "nothing": (None, NOTHING),
}  # fmt: skip


@pytest.mark.parametrize(("value", "changes"), TOLD_OF_VECTORS.values(), ids=TOLD_OF_VECTORS)
def test_what_came_of_golden_vectors_is_told_whole(value, changes) -> None:
    assert judged(GOLDEN, value) == replace(VECTORS, **changes)


REPLAYED = Finding(
    item="item",
    kind=Kind.ENGINE,
    title="replay of blocks.ndjson",
    outcome=Outcome.PASS,
    measured="100 comparisons of 100 blocks, p95 0.9999…x of 100 pairs",
    needed="100 comparisons without a divergence, p95 < 1x",
    source="both engines",
)
AGAIN = "rollout replay divergences/7-ab"
TOLD_OF_A_REPLAY = {
    "clean": (replayed(), {}),
    "differing": (
        replayed(divergences=1, differing=1) | {"first": "block 7: gas"},
        {"outcome": Outcome.FAIL, "remedy": AGAIN, "measured": "1 answer differs; first block 7: gas"},
    ),
    "differing, and too few": (
        replayed(divergences=1, differing=1, comparisons=99) | {"first": "block 7: gas"},
        {
            "outcome": Outcome.FAIL, "remedy": AGAIN,
            "measured": "1 answer differs; 99 of 100 comparisons; first block 7: gas",
        },
    ),
    "nothing kept": (
        replayed(divergences=1, differing=1) | {"kept": ""},
        {"outcome": Outcome.FAIL, "remedy": MEND, "measured": "1 answer differs"},
    ),
    "kept in no place": (
        replayed(divergences=1, differing=1) | {"kept": 7},
        {"outcome": Outcome.FAIL, "remedy": MEND, "measured": "1 answer differs"},
    ),
    "a first that is told though nothing is wrong": (replayed() | {"first": "block 7"}, {}),
    "slow": (
        replayed(ratio={"samples": 100, "p95": 2_000_000}) | {"kept": None},
        {"outcome": Outcome.FAIL, "remedy": MEND, "measured": "p95 is 2x"},
    ),
    "blocks lost": (
        replayed(blocks=101),
        {"outcome": Outcome.ERROR, "remedy": AGAIN, "measured": "101 blocks were read and 100 verified."},
    ),
    "text": ("fine", NOTHING),
}  # fmt: skip


@pytest.mark.parametrize(("value", "changes"), TOLD_OF_A_REPLAY.values(), ids=TOLD_OF_A_REPLAY)
def test_what_came_of_a_replay_is_told_whole(value, changes) -> None:
    assert judged(REPLAY, value) == replace(REPLAYED, **changes)


def test_a_replay_without_a_bound_on_latency_needs_none() -> None:
    advised = replace(REPLAY, latency=None, required=False)

    assert judged(advised, replayed()) == replace(
        REPLAYED,
        measured="100 comparisons of 100 blocks",
        needed="100 comparisons without a divergence",
        required=False,
    )


def test_a_check_is_named_by_its_part_and_holds_no_secret() -> None:
    part = replace(REPLAY, part=2, parts=8)

    assert (GOLDEN.name, REPLAY.name, part.name) == ("golden", "replay", "replay-2-of-8")
    for check in (GOLDEN, part):
        assert check.kind is Kind.ENGINE
        assert check.redacted(lambda _text: "<S>") == check
