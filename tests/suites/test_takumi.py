"""Takumi's suite, judged stage by stage as a release engineer would."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint
from tests import servers
from tests.suites import platforms


@pytest.fixture
def takumi(copied):
    return copied("takumi")


@pytest.mark.parametrize(
    ("slot", "status", "outcomes", "fired"),
    [("healthy", 10, {"pass"}, False), ("alarm", 20, {"fail"}, True), ("", 10, {"error"}, False)],
    ids=["healthy", "alarming", "unreachable"],
)
def test_a_gate_asks_the_platform(takumi, tmp_path_factory, slot, status, outcomes, fired):
    """End to end: the supervisor asks the platform's Prometheus, and its triggers fire whatever else holds."""
    began = 'name = "takumi"\nbegan = 2025-01-01T00:00:00Z\n'
    takumi.change(("rollout.toml", 'over = "24h"', 'over = "2h"'), ("rollout.toml", 'name = "takumi"\n', began))
    with ExitStack() as running:
        if slot:
            history = platforms.history(slot=slot, until=datetime.now(UTC))
            url = running.enter_context(servers.prometheus(tmp_path_factory.mktemp("platform"), history))
            takumi.project.environment["PROMETHEUS_URL"] = url

        judged = takumi.judge("alpha", "suites/takumi/rollout.toml")

    platform = [each for each in judged.findings if each["title"].startswith("platform: ")]
    assert judged.status == status
    assert len(platform) == 15
    assert {each["outcome"] for each in platform} == outcomes
    assert any("rollback trigger" in each["detail"] for each in platform) is fired


def test_the_road_to_beta(takumi):
    """Each gate waits for people only, promotes once they have ticked, and the ledger moves with it.

    Alpha's verdict, findings and measurements are the same from one process and from two workers.
    """
    held = takumi.judge("pre-launch")
    assert (held.status, held.verdict, held.in_the_way) == (10, "hold", {"checklist"})
    assert takumi.project.rollout("promote", "takumi:pre-launch").status == 10
    for stage in ("pre-launch", "dark-launch"):
        takumi.tick_all(stage)
        passed = takumi.judge(stage)
        assert (passed.status, passed.verdict, passed.in_the_way) == (0, "promote", set())
        assert takumi.project.rollout("promote", f"takumi:{stage}").status == 0

    takumi.without_platform()
    takumi.tick_all("alpha")
    alone, together = takumi.judge("alpha", "-n", "0"), takumi.judge("alpha", "-n", "2")

    assert (alone.status, alone.verdict) == (together.status, together.verdict) == (0, "promote")
    assert together.outcomes == alone.outcomes
    assert together.measured == alone.measured
    assert alone.measured["transaction success rate"] == "100 % of 300"
    assert alone.measured["profiles created"] == "20"
    assert takumi.project.rollout("promote", "takumi:alpha").status == 0
    assert "beta" in takumi.project.rollout("status", "takumi").out


def test_a_state_that_is_not_as_declared_fails(takumi):
    """Each wrong expectation is one finding, with what the chain says beside it."""
    takumi.change(
        ("rollout.toml", "paused = true", "paused = false"),
        ("rollout.toml", 'VERIFIER_ROLE = ["verifier"]', 'VERIFIER_ROLE = ["outsider"]'),
        ("rollout.toml", "code_size = 6715", "code_size = 6716"),
        ("rollout.toml", "endorsements = false", "endorsements = true"),
    )

    judged = takumi.judge("dark-launch", "suites/takumi/rollout.toml")

    failed = {each["title"]: each["measured"] for each in judged.findings if each["outcome"] == "fail"}
    assert judged.status == 10
    assert failed == {
        "SkillProfile paused": "true",
        "SkillClaim paused": "true",
        "Endorsement paused": "true",
        "SkillClaim roles.VERIFIER_ROLE": "nobody",
        "SkillClaim code_size": "6715",
        "flag endorsements is true": "false (TARGETING_MATCH, variant off)",
    }


def test_a_cohort_that_fails_too_often_rolls_back(takumi):
    """One skill in eight is refused by the contract: 93 % is below 95 %."""
    takumi.change(("test_cohort.py", "level = 1 + skill % 5", "level = 1 + skill % 6"))

    judged = takumi.judge("alpha", "suites/takumi/test_cohort.py")

    rate = judged.finding("transaction success rate")
    assert (judged.status, judged.verdict) == (20, "rollback")
    assert rate["measured"] == "93.3333… % of 300"
    assert "planned rollback trigger < 95 % fired" in rate["detail"]


def test_a_contract_that_was_not_launched_holds_alpha(takumi):
    """A launch that was forgotten for one contract shows in its state, in its tests and in the activity."""
    takumi.change(
        (
            "conftest.py",
            "in (contracts.SkillProfile, contracts.SkillClaim, contracts.Endorsement)",
            "in (contracts.Endorsement,)",
        )
    )

    judged = takumi.judge("alpha", "suites/takumi/rollout.toml")

    failed = {each["title"] for each in judged.findings if each["outcome"] == "fail"}
    assert judged.status == 10
    assert failed == {"SkillProfile paused", "SkillClaim paused"}


def test_the_plan_says_what_the_guide_contradicts(plans):
    """Nothing in the plan contradicts itself, and each contradiction of the guide has a choice."""
    rollout = load(plans["takumi"], environment={}, root=plans["takumi"].parents[2])

    remarks = lint(rollout, now=datetime.now(UTC))

    assert {remark.kind for remark in remarks} == {RemarkKind.SOURCE}
    assert len(remarks) == len(rollout.contradictions) >= 30
    assert all(remark.text.isascii() for remark in remarks), "broken characters of the source are mended"
