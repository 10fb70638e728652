"""What a plan says against itself about its nodes (rule 38)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan.lint import RemarkKind, lint

PLAN = """
[rollout]
name = "t"
[nodes.node-1]
stats = "http://127.0.0.1:8081/stats"
[nodes.node-2]
stats = "http://127.0.0.1:8082/stats"
after = "node-1"

[stages.shadow-one]
duration = "14d"
[stages.shadow-one.nodes.node-1]
mode = "shadow"
min_comparisons = 1000
soak = "7d"
max_gap = "1h"
interval = "10m"
coverage = "95 %"
[stages.shadow-one.nodes.node-2]
mode = "legacy"

[stages.shadow-both.nodes.node-1]
mode = "shadow"
min_comparisons = 1000
[stages.shadow-both.nodes.node-2]
mode = "shadow"
min_comparisons = 1000
soak = "7d"
follows = "7d"

[stages.primary.nodes.node-1]
mode = "rust"
min_verifications = 500
soak = "3d"
[stages.primary.nodes.node-2]
mode = "rust"
min_verifications = 500
soak = "3d"
follows = "1d"

[stages.final.nodes.node-1]
mode = "final"
min_verifications = 500
soak = "30d"
[stages.final.nodes.node-2]
mode = "final"
min_verifications = 500
soak = "30d"
follows = "1d"
"""

CASES = {
    "a soak longer than its stage": (
        'duration = "14d"',
        'duration = "6d"',
        "stages.shadow-one.nodes.node-1.soak: 7d are longer than the 6d that the stage lasts.",
    ),
    "a gap as long as the soak": (
        'max_gap = "1h"',
        'max_gap = "7d"',
        "stages.shadow-one.nodes.node-1.max_gap: a gap of 7d may be as long as the soak of 7d, so nothing need be seen.",
    ),
    "a gap shorter than a block": (
        'interval = "10m"',
        'interval = "2h"',
        "stages.shadow-one.nodes.node-1.max_gap: a block covers 2h, so gaps of at most 1h begin the soak anew each time.",
    ),
    "more comparisons than the soak has blocks": (
        "min_comparisons = 1000\n",
        "min_comparisons = 1009\n",
        "stages.shadow-one.nodes.node-1.min_comparisons: a soak of 7d sees 1008 blocks, one each 10m, and 1009 are "
        "needed.",
    ),
    "signatures that expire before the soak ends": (
        "[stages.shadow-one.nodes.node-1]",
        '[stages.shadow-one.signoffs]\nvalid_for = "5d"\nroles = { Lead = "0x'
        + "1a" * 20
        + '" }\n[stages.shadow-one.nodes.node-1]',
        "stages.shadow-one.signoffs.valid_for: signatures hold for 5d and may expire before the soak of 7d ends.",
    ),
    "a rung left out": (
        '[stages.primary.nodes.node-2]\nmode = "rust"\nmin_verifications = 500\nsoak = "3d"\nfollows = "1d"\n',
        "",
        "stages.final.nodes.node-2.mode: node-2 goes to candidate-only, and no stage before has it in "
        "candidate-primary; one rung at a time.",
    ),
    "a rung without a soak": (
        '[stages.primary.nodes.node-2]\nmode = "rust"\nmin_verifications = 500\nsoak = "3d"\n',
        '[stages.primary.nodes.node-2]\nmode = "rust"\nmin_verifications = 500\n',
        "stages.final.nodes.node-2.mode: node-2 goes to candidate-only, but no stage before asks for a soak of it in "
        "candidate-primary.",
    ),
    "a rung downwards": (
        '[stages.final.nodes.node-1]\nmode = "final"\nmin_verifications = 500\n',
        '[stages.final.nodes.node-1]\nmode = "shadow"\nmin_comparisons = 500\n',
        "stages.final.nodes.node-1.mode: shadow is below candidate-primary of stage primary before it; a rollout climbs.",
    ),
    "before the node that it follows": (
        '[stages.shadow-one.nodes.node-1]\nmode = "shadow"\nmin_comparisons = 1000\n'
        'soak = "7d"\nmax_gap = "1h"\ninterval = "10m"\ncoverage = "95 %"\n[stages.shadow-one.nodes.node-2]\n'
        'mode = "legacy"\n',
        '[stages.shadow-one.nodes.node-1]\nmode = "legacy"\n[stages.shadow-one.nodes.node-2]\n'
        'mode = "shadow"\nmin_comparisons = 9\nsoak = "7d"\n',
        "stages.shadow-one.nodes.node-2.mode: node-2 goes to shadow before node-1, which it follows.",
    ),
}


def remarks(rollout: Rollout, kind: RemarkKind) -> list[str]:
    return [str(each) for each in lint(rollout, now=datetime(2031, 1, 1, tzinfo=UTC)) if each.kind is kind]


def test_a_plan_that_climbs_rung_by_rung_says_nothing_against_itself(load_text: Callable[..., Rollout]) -> None:
    assert lint(load_text(PLAN), now=datetime(2031, 1, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(("old", "new", "said"), CASES.values(), ids=CASES)
def test_a_contradiction_is_one_sentence(load_text: Callable[..., Rollout], old: str, new: str, said: str) -> None:
    assert old in PLAN

    found = remarks(load_text(PLAN.replace(old, new, 1)), RemarkKind.CONTRADICTION)

    assert said in found


ADVICE = {
    "both at once": (
        'soak = "30d"\nfollows = "1d"\n',
        'soak = "30d"\n',
        "stages.final.nodes.node-2: goes to candidate-only in the stage in which node-1 does; write 'follows', or let "
        "it wait.",
    ),
    "a node that a stage leaves out": (
        '[stages.shadow-one.nodes.node-2]\nmode = "legacy"\n',
        "",
        "stages.shadow-one.nodes: node-2 is not looked at here, so it may stand on any rung meanwhile.",
    ),
    "a node that no stage looks at": (
        "[stages.shadow-one]\n",
        '[nodes.node-3]\nstats = "http://127.0.0.1:8083/stats"\n[stages.shadow-one]\n',
        "nodes.node-3: no stage looks at it, so it may stand on any rung.",
    ),
    "a rehearsed clock": (
        'after = "node-1"\n',
        'after = "node-1"\nclock = "rehearsed"\n',
        "nodes.node-2.clock: a rehearsed clock is accepted, by which weeks may be seconds; take it out for real nodes.",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), ADVICE.values(), ids=ADVICE)
def test_what_is_worth_a_second_look(load_text: Callable[..., Rollout], old: str, new: str, said: str) -> None:
    assert old in PLAN
    text = PLAN.replace(old, new, 1)

    assert said in remarks(load_text(text), RemarkKind.ADVICE)
    assert remarks(load_text(text), RemarkKind.CONTRADICTION) == []
