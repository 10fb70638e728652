"""What a plan says against itself about time (rule 38)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan.lint import RemarkKind, lint

PLAN = """
[rollout]
name = "t"
[metrics.success]
unit = "ratio"
source = "prometheus"
url = "http://localhost:9090"
good = "g"
total = "t"
interval = "1m"
[metrics.verified]
unit = "count"
source = "prometheus"
url = "http://localhost:9090"
query = "verified"
[stages.beta]
duration = "14d"
soak = { for = "7d", max_gap = "15m", metrics = ["verified"] }
[[stages.beta.criteria]]
name = "succeeds"
metric = "success"
promote = "> 99 %"
min_samples = 299
over = "1h"
max_age = "5m"
rollback = { when = "< 90 %", over = "15m", window = "every" }
"""

CASES = {
    "soak longer than the stage": (
        'duration = "14d"',
        'duration = "6d"',
        "stages.beta.soak.for: 7d of soak are longer than the 6d that the stage lasts.",
    ),
    "gap as long as the soak": (
        'max_gap = "15m"',
        'max_gap = "7d"',
        "stages.beta.soak.max_gap: a gap of 7d may be as long as the soak of 7d, so nothing need be seen.",
    ),
    "gap shorter than an interval": (
        'max_gap = "15m"',
        'max_gap = "10s"',
        "stages.beta.soak.max_gap: samples of verified come every 15s, so gaps of at most 10s begin the soak anew "
        "each time.",
    ),
    "age below the interval": (
        'max_age = "5m"',
        'max_age = "30s"',
        "stages.beta.criteria['succeeds'].max_age: 30s are less than the 1m between two samples.",
    ),
    "window longer than the stage": (
        'over = "1h"',
        'over = "15d"',
        "stages.beta.criteria['succeeds'].over: 15d are looked back on, but the stage lasts 14d.",
    ),
    "hold shorter than two samples": (
        'over = "15m", window',
        'over = "1m59s", window',
        "stages.beta.criteria['succeeds'].rollback.over: '< 90 %' holds for 1m 59s, less than two samples that come "
        "every 1m.",
    ),
    "trigger longer than the stage": (
        'over = "15m", window',
        'over = "20d", window',
        "stages.beta.criteria['succeeds'].rollback.over: '< 90 %' is looked for over 20d, but the stage lasts 14d.",
    ),
    "signatures that expire before the soak ends": (
        "[[stages.beta.criteria]]",
        '[stages.beta.signoffs]\nvalid_for = "3d"\nroles = { CTO = "0x' + "1a" * 20 + '" }\n[[stages.beta.criteria]]',
        "stages.beta.signoffs.valid_for: signatures hold for 3d and may expire before the soak of 7d ends.",
    ),
    "rollback before alert": (
        'promote = "> 99 %"',
        'promote = "> 99 %"\nalert = "< 80 %"',
        "stages.beta.criteria['succeeds']: rollback '< 90 %' is reached before alert '< 80 %'; an alert must come "
        "first, or with it.",
    ),
}


def contradictions(rollout: Rollout) -> list[str]:
    remarks = lint(rollout, now=datetime(2026, 11, 1, tzinfo=UTC))
    return [str(each) for each in remarks if each.kind is RemarkKind.CONTRADICTION]


def test_a_sound_plan_has_no_contradiction_and_no_unused_metric(load_text: Callable[..., Rollout]) -> None:
    assert lint(load_text(PLAN), now=datetime(2026, 11, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(("before", "after", "remark"), CASES.values(), ids=CASES)
def test_times_that_contradict_each_other_are_told(
    before: str, after: str, remark: str, load_text: Callable[..., Rollout]
) -> None:
    assert before in PLAN
    assert contradictions(load_text(PLAN.replace(before, after))) == [remark]
