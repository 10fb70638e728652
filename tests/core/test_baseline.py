"""A value against what it was: only a pass can be lost by it, and what tells nothing is no pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.baseline import Captured, against, weighed
from pytest_rollout.core.criterion import Baseline, Bound, Criterion, Relation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.units import UNITS

NOW = datetime(2031, 5, 4, tzinfo=UTC)
BASELINE = Baseline(worse=Fraction(1, 5), max_age=timedelta(days=30))
MS = UNITS["ms"]
LESS = Criterion(
    name="answers",
    metric="latency",
    unit=MS,
    promote=Bound(relation=Relation.LESS, limit=Fraction(1), unit=MS),
    baseline=BASELINE,
)
MORE = replace(LESS, promote=replace(LESS.promote, relation=Relation.MORE))
THEN = Captured(value=Fraction(1, 10), at=NOW - timedelta(days=2), judgement="0123456789abcdef")
OF = "the baseline 100 ms of 2031-05-02 (0123456789ab)"
PASSED = Finding(
    item="i", kind=Kind.CRITERION, title="answers", outcome=Outcome.PASS, remedy="none", facts={"value": "12/100"}
)


def old(**age: float) -> Captured:
    return replace(THEN, at=NOW - timedelta(**age))


@pytest.mark.parametrize(
    ("criterion", "value", "captured", "outcome", "text"),
    [
        (LESS, 120, THEN, Outcome.PASS, f"20 % worse than {OF}"),
        (LESS, 121, THEN, Outcome.FAIL, f"21 % worse than {OF}; at most 20 % is allowed"),
        (LESS, 100, THEN, Outcome.PASS, f"0 % better than {OF}"),
        (LESS, 50, THEN, Outcome.PASS, f"50 % better than {OF}"),
        (MORE, 80, THEN, Outcome.PASS, f"20 % worse than {OF}"),
        (MORE, 79, THEN, Outcome.FAIL, f"21 % worse than {OF}; at most 20 % is allowed"),
        (MORE, 900, THEN, Outcome.PASS, f"800 % better than {OF}"),
        (LESS, 121, replace(THEN, value=Fraction(-1, 10)), Outcome.FAIL,
         f"221 % worse than {OF.replace('100', '-100')}; at most 20 % is allowed"),
        (LESS, 1, replace(THEN, value=Fraction(0)), Outcome.INCONCLUSIVE,
         f"{OF.replace('100', '0')} is zero, and nothing is a share of zero"),
        (LESS, 1, None, Outcome.INCONCLUSIVE,
         "no baseline: no earlier judgement that said promote has this criterion"),
        (LESS, 100, old(days=30), Outcome.PASS, f"0 % better than {OF.replace('05-02', '04-04')}"),
        (LESS, 100, old(days=30, minutes=1), Outcome.INCONCLUSIVE,
         f"{OF.replace('05-02', '04-03')} is 30d old; 30d are allowed"),
        (LESS, 100, old(days=31, hours=2), Outcome.INCONCLUSIVE,
         f"{OF.replace('05-02', '04-02')} is 31d 2h old; 30d are allowed"),
        (LESS, 100, old(seconds=0), Outcome.PASS, f"0 % better than {OF.replace('05-02', '05-04')}"),
        (LESS, 100, old(seconds=-1), Outcome.INCONCLUSIVE,
         f"{OF.replace('05-02', '05-04')} is of the future; look at the clocks"),
    ],
    ids=[
        "as much worse as allowed", "worse", "the same", "better", "less", "too little", "much more", "below zero",
        "zero", "none", "as old as allowed", "a minute older", "old", "of now", "of the future",
    ],
)  # fmt: skip
def test_a_value_is_told_by_its_share_of_the_earlier_one(
    criterion: Criterion, value: int, captured: Captured | None, outcome: Outcome, text: str
) -> None:
    compared = against(criterion, Fraction(value, 1000), captured, now=NOW)

    assert (compared.outcome, compared.text) == (outcome, text)


LOW, HIGH = [1.0] * 25 + [2.0] * 25, [2.0] * 25 + [3.0] * 25
ABOUT = f"10 % worse than {OF}; rank test on 50 and 50 values: p = 0.0000, Cliff's delta"
FEW = f"10 % worse than {OF}; a rank test needs 50 values each, there were"
RANKED: dict[str, tuple[Criterion, Any, Outcome, str]] = {
    "worse": (LESS, (LOW, HIGH), Outcome.FAIL, f"{ABOUT} +0.750: worse, and no chance"),
    "better": (LESS, (HIGH, LOW), Outcome.PASS, f"{ABOUT} -0.750"),
    "more is better": (MORE, (LOW, HIGH), Outcome.PASS, f"{ABOUT} +0.750"),
    "less of what should be more": (MORE, (HIGH, LOW), Outcome.FAIL, f"{ABOUT} -0.750: worse, and no chance"),
    "chance": (LESS, (LOW, LOW), Outcome.PASS, f"{ABOUT} +0.000".replace("0.0000", "1.0000")),
    "few then": (LESS, (LOW[1:], HIGH), Outcome.INCONCLUSIVE, f"{FEW} 49 then and are 50 now"),
    "few now": (LESS, (LOW, HIGH[2:]), Outcome.INCONCLUSIVE, f"{FEW} 50 then and are 48 now"),
    "none": (LESS, None, Outcome.INCONCLUSIVE, f"{FEW} 0 then and are 0 now"),
}


@pytest.mark.parametrize(("criterion", "raw", "outcome", "text"), RANKED.values(), ids=RANKED)
def test_with_a_significance_the_values_are_compared_one_by_one(
    criterion: Criterion, raw: Any, outcome: Outcome, text: str
) -> None:
    strict = replace(criterion, baseline=replace(BASELINE, significance=Fraction(1, 100)))
    value = Fraction(90 if criterion is MORE else 110, 1000)

    compared = against(strict, value, THEN, now=NOW, raw=raw)

    assert (compared.outcome, compared.text) == (outcome, text)


def test_many_values_that_differ_by_next_to_nothing_do_not_fail() -> None:
    """With enough values every difference is significant; below Romano's convention it is negligible."""
    strict = replace(LESS, baseline=replace(BASELINE, significance=Fraction(1, 100)))
    then, now = [0.0] * 4000 + [1.0] * 6000, [0.0] * 2540 + [1.0] * 7460
    more = [0.0] * 2530 + [1.0] * 7470

    assert against(strict, Fraction(1, 10), THEN, now=NOW, raw=(then, now)).outcome is Outcome.PASS
    assert against(strict, Fraction(1, 10), THEN, now=NOW, raw=(then, more)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("criterion", "finding"),
    [
        (replace(LESS, baseline=None), PASSED),
        (LESS, replace(PASSED, outcome=Outcome.FAIL)),
        (LESS, replace(PASSED, outcome=Outcome.PENDING)),
        (LESS, replace(PASSED, facts={})),
    ],
    ids=["no baseline", "failed", "pending", "no value"],
)
def test_what_did_not_pass_by_itself_is_left_as_it_was(criterion: Criterion, finding: Finding) -> None:
    assert weighed(criterion, finding, None, now=NOW) is finding


def test_a_pass_keeps_what_it_said_behind_what_is_said_of_the_baseline() -> None:
    kept = weighed(LESS, replace(PASSED, detail="of 9"), THEN, now=NOW)
    lost = weighed(LESS, replace(PASSED, facts={"value": "13/100"}), THEN, now=NOW)

    assert kept == replace(PASSED, detail=f"20 % worse than {OF}; of 9", remedy="")
    assert lost == replace(
        PASSED,
        outcome=Outcome.FAIL,
        detail=f"30 % worse than {OF}; at most 20 % is allowed",
        remedy="see what became slower or worse",
        facts={"value": "13/100"},
    )


def test_the_values_of_both_reach_the_rank_test() -> None:
    strict = replace(LESS, baseline=replace(BASELINE, significance=Fraction(1, 100)))

    assert weighed(strict, PASSED, THEN, now=NOW, raw=(LOW, HIGH)).outcome is Outcome.FAIL
    assert weighed(strict, PASSED, THEN, now=NOW, raw=(HIGH, LOW)).outcome is Outcome.PASS
