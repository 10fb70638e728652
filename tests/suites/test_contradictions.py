"""The contradictions of the five source documents: reported by ``rollout lint`` and told in each suite's README."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint

SUITES = Path(__file__).parents[2] / "suites"

REPORTED = {
    "takumi": [
        ("public: claims", ["10,000+", "2,000+"], "10,000+ and 2,000+"),
        ("public: profiles", ["5,000+", "1,000+"], "the KPI table is taken"),
        ("beta: profiles", ["500+", "100+"], "500+ profiles, its KPI row for 100+"),
        ("alpha: rollback on the success rate", ["< 95 %", "< 90 % for > 15 minutes"], "below 90 % for 15 minutes"),
        ("unpausing after a rollback", ["step 1: pause", "unpause SkillProfile, and nothing else"], "unpause one"),
        ("pre-launch: tests", ["All tests passing", "216/217"], "216/217 or better"),
    ],
    "kustodia": [
        ("rollback of stage 1", ["if any issues", "> 5 %"], 'rolls back "if any issues"'),
        ("downtime", ["Zero downtime", "Less than 1 hour"], "down for less than an hour"),
        ("success of stage 3 and in the end", ["< 0.5 %", "> 99.9 %"], "Stage 3 allows 0.5 % failures"),
        ("a quarter of what", ["25 % of new transactions", "transactions of its own"], "25 % of *transactions*"),
        ("validation of the library", ["2,868", "2,894"], "2,868 bytes"),
    ],
    "lookcoin": [
        ("how many contracts", ["28", "8, 9, 3, 3 and 3 contracts, which is 26"], "28 contracts, and a table that sums to 26"),
        ("acceptable slowness", ["less than 50 % slower", "reads 2x, writes 3x, queries 5x"], "Less than 50 % slower"),
        ("data integrity", ["No corrupted", "31337"], "except known chain id 31337"),
        ("how long the verification afterwards takes", ["1-2 hours", "24-hour"], "24 hours after"),
    ],
    "knowton": [
        ("high error rate", ["> 5 %", "> 0.05"], "one error in 20 seconds"),
        ("memory of the cluster", ["24 GB", "60 GB"], "24 GB for databases of 60 GB"),
        ("dashboards", ["4 dashboards", "One of business metrics and one of business"], "Four dashboards"),
        ("staging", ["staging environment", "no staging"], "Staging, which no environment is"),
    ],
    "coinjecture": [
        ("time in primary", ["week 3.5", "1+ week before final in week 4"], "Both nodes in final in week 4"),
        ("fallbacks in primary", ["> 0", "above 1 %", "above 5 %"], "zero, alarm above 1 % and roll back above 5 %"),
        ("success of phase 3", ["without fallback", "no fallback is available"], "where none is left"),
        ("total time", ["4-6 weeks", "1+ month"], "nine weeks at least"),
        ("the stats endpoint", ["optional", "every phase"], "The stats endpoint is optional"),
    ],
}  # fmt: skip


@cache
def remarks(suite: str) -> Mapping[str, str]:
    """What lint says of a suite's document, by the place of each remark."""
    plan = SUITES / suite / "rollout.toml"
    found = lint(load(plan, environment={}, root=SUITES.parent), now=datetime.now(UTC))
    return {each.place: each.text for each in found if each.kind is RemarkKind.SOURCE}


@pytest.mark.parametrize(
    ("suite", "place", "says"), [(s, p, says) for s, rows in REPORTED.items() for p, says, _ in rows]
)
def test_a_contradiction_is_reported_with_both_sides_and_a_choice(suite: str, place: str, says: list[str]) -> None:
    text = remarks(suite)[place]

    assert [each for each in says if each not in text] == []
    assert "this plan's choice: " in text


@pytest.mark.parametrize(("suite", "told"), [(s, told) for s, rows in REPORTED.items() for _, _, told in rows])
def test_the_readme_tells_those_that_matter(suite: str, told: str) -> None:
    """On one line or over two."""
    text = " ".join((SUITES / suite / "README.md").read_text(encoding="utf-8").split())

    assert told in text


@pytest.mark.parametrize("suite", REPORTED)
def test_no_place_is_named_twice_and_the_readme_says_where_they_stand(suite: str) -> None:
    plan = (SUITES / suite / "rollout.toml").read_text(encoding="utf-8")
    written = len(re.findall(r"^\[\[contradictions\]\]$", plan, re.MULTILINE))

    assert len(remarks(suite)) == written >= 12
    assert "`[[contradictions]]`" in (SUITES / suite / "README.md").read_text(encoding="utf-8")
