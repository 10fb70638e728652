"""How a criterion comes out, told whole: what was measured, needed and owed, and what a program may want of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Measurement, Statistic, Trigger
from pytest_rollout.core.evaluating import Evaluation, counts, evaluate
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome, Severity

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def counted(good: int, total: int, item: str = "t") -> Measurement:
    return Measurement(metric="success", item=item, good=good, total=total)


def valued(*values: int) -> list[Measurement]:
    return [Measurement(metric="gas", item="t", value=Fraction(value)) for value in values]


RATIO = Finding(
    item="i",
    kind=Kind.CRITERION,
    title="success rate",
    outcome=PASS,
    measured="100 % of 300",
    needed="> 99 %, 299 samples",
    source="metric success, measured by 1 test",
    detail="300 clean samples support at most 99.0000… % at 95 % confidence",
    facts={"value": "1", "good": "300", "total": "300"},
)
SUPPORT = "clean samples support at most"
RATIOS: dict[str, tuple[dict[str, Any], list[Measurement], dict[str, Any]]] = {
    "two tests": (
        {}, [counted(100, 100), counted(200, 200, "u")], {"source": "metric success, measured by 2 tests"},
    ),
    "no data": (
        {}, [], {
            "outcome": INCONCLUSIVE, "measured": "0 of 0", "source": "metric success, measured by 0 tests", "facts": {},
            "detail": "no data is missing data, not zero and not a pass",
            "remedy": 'measure("success", …) in a test of this gate',
        },
    ),
    "nothing counted": (
        {}, [counted(0, 0)], {
            "outcome": INCONCLUSIVE, "measured": "0 of 0", "facts": {},
            "detail": "no data is missing data, not zero and not a pass",
            "remedy": 'measure("success", …) in a test of this gate',
        },
    ),
    "the gray band": (
        {}, [counted(285, 300)], {
            "outcome": FAIL, "measured": "95 % of 300", "remedy": "fix and measure again, or roll back",
            "detail": f"in the gray band between promotion and rollback: somebody has to decide; 300 {SUPPORT} 99 % at 95 % confidence",
            "facts": {"value": "19/20", "good": "285", "total": "300"},
        },
    ),
    "no way back": (
        {"rollback": ""}, [counted(285, 300)], {
            "outcome": FAIL, "measured": "95 % of 300", "remedy": "fix and measure again",
            "detail": f"300 {SUPPORT} 99 % at 95 % confidence",
            "facts": {"value": "19/20", "good": "285", "total": "300"},
        },
    ),
    "one sample short": (
        {"min_samples": 301}, [counted(300, 300)], {
            "outcome": INCONCLUSIVE, "needed": "> 99 %, 301 samples", "remedy": "measure more",
            "detail": f"1 more sample is needed; 300 {SUPPORT} 99 % at 95 % confidence",
        },
    ),
    "two samples short": (
        {"min_samples": 302}, [counted(300, 300)], {
            "outcome": INCONCLUSIVE, "needed": "> 99 %, 302 samples", "remedy": "measure more",
            "detail": f"2 more samples are needed; 300 {SUPPORT} 99 % at 95 % confidence",
        },
    ),
    "any number": ({"min_samples": 1}, [counted(300, 300)], {"needed": "> 99 %"}),
    "two samples needed": ({"min_samples": 2}, [counted(300, 300)], {"needed": "> 99 %, 2 samples"}),
}  # fmt: skip


@pytest.mark.parametrize(("about", "measured", "told"), RATIOS.values(), ids=RATIOS)
def test_a_ratio_is_told_with_all_that_stands_behind_it(kit: Any, about, measured, told) -> None:
    criterion = kit.ratio(**{"min_samples": 299} | about)
    detail = f"300 {SUPPORT} 99 % at 95 % confidence"

    assert evaluate(criterion, "i", measured) == Evaluation(finding=replace(RATIO, **{"detail": detail} | told))


def test_what_fired_is_told_first(kit: Any) -> None:
    planned = Trigger(when=kit.bound("< 95 %"), severity=Severity.PLANNED)
    criterion = kit.ratio(min_samples=299)
    criterion = replace(criterion, rollback=(*criterion.rollback, planned))

    evaluation = evaluate(criterion, "i", [counted(240, 300)])

    assert evaluation == Evaluation(
        finding=replace(
            RATIO,
            outcome=FAIL,
            measured="80 % of 300",
            remedy="rollout rollback",
            detail=f"immediate rollback trigger < 90 % fired; planned rollback trigger < 95 % fired; 300 {SUPPORT} "
            "99 % at 95 % confidence",
            facts={"value": "4/5", "good": "240", "total": "300"},
        ),
        fired=criterion.rollback,
    )
    assert evaluate(criterion, "i", [counted(282, 300)]).fired == (planned,)


GAS = Finding(
    item="i",
    kind=Kind.CRITERION,
    title="gas",
    outcome=PASS,
    measured="30 gas (worst of 2)",
    needed="< 100 gas",
    source="metric gas, measured by 1 test",
    facts={"value": "30", "samples": "2"},
)
VALUES: dict[str, tuple[dict[str, Any], list[Measurement], dict[str, Any]]] = {
    "the worst": ({}, valued(20, 30), {}),
    "one": ({}, valued(30), {"measured": "30 gas", "facts": {"value": "30", "samples": "1"}}),
    "a sum": (
        {"statistic": Statistic.SUM}, valued(20, 30), {"measured": "50 gas (sum of 2)", "facts": {"value": "50", "samples": "2"}},
    ),
    "nothing": (
        {}, [], {
            "outcome": INCONCLUSIVE, "measured": "nothing", "source": "metric gas, measured by 0 tests", "facts": {},
            "detail": "no data is missing data, not zero and not a pass",
            "remedy": 'measure("gas", …) in a test of this gate',
        },
    ),
    "counts alone": (
        {}, [Measurement(metric="gas", item="t", good=1, total=1)], {
            "outcome": INCONCLUSIVE, "measured": "nothing", "facts": {},
            "detail": "no data is missing data, not zero and not a pass",
            "remedy": 'measure("gas", …) in a test of this gate',
        },
    ),
    "too much": (
        {}, valued(20, 100), {
            "outcome": FAIL, "measured": "100 gas (worst of 2)", "remedy": "fix and measure again",
            "facts": {"value": "100", "samples": "2"},
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("about", "measured", "told"), VALUES.values(), ids=VALUES)
def test_values_are_told_with_all_that_stands_behind_them(kit: Any, about, measured, told) -> None:
    criterion = kit.values(promote="< 100", **about)

    assert evaluate(criterion, "i", measured) == Evaluation(finding=replace(GAS, **told))
    advisory = evaluate(replace(criterion, required=False), "i", measured)
    assert not advisory.finding.required


def test_a_trigger_on_a_statistic_asks_that_statistic_and_no_single_value(kit: Any) -> None:
    criterion = kit.values(promote="< 100", rollback="> 60", statistic=Statistic.MEAN)

    assert not evaluate(criterion, "i", valued(20, 99)).fired
    assert evaluate(criterion, "i", valued(40, 90)).fired == criterion.rollback


@pytest.mark.parametrize(("good", "told"), [(299, False), (298, True)])
def test_an_alert_on_a_ratio_is_told_where_it_is_reached(kit: Any, good: int, told: bool) -> None:
    criterion = replace(kit.ratio(), alert=kit.bound("< 99.5 %"))

    detail = evaluate(criterion, "i", [counted(good, 300)]).finding.detail

    assert ("alert threshold < 99.5 % reached" in detail) is told


def test_an_alert_that_is_reached_is_told(kit: Any) -> None:
    criterion = replace(kit.values(promote="< 100"), alert=kit.bound("> 50", "gas"))

    assert evaluate(criterion, "i", valued(20, 51)).finding.detail == "alert threshold > 50 gas reached"
    assert evaluate(criterion, "i", valued(20, 50)).finding.outcome is PASS


def test_what_is_no_count_is_not_counted() -> None:
    assert counts([counted(1, 2), *valued(7), Measurement(metric="m", item="t", good=3)]) == (4, 2)
