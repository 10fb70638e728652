"""KnowTon's suite: its services as real processes on a testnet, gate by gate, and every fault that must hold one."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.outcome import Outcome
from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint

SUITE = Path(__file__).parents[2] / "suites" / "knowton"
QUOTA = ('requests = 1000, per = "1m"', 'requests = 50, per = "2s"')
LOAD = ("requests = 100\nat_once = 10\n", "requests = 40\nat_once = 10\n")
"""Within that quota."""

COMPILE = 'run = ["node", "../compile.mjs", "--check"]\n'


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"knowton_{name}", SUITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def knowton(copied):
    """``knowton(options)`` starts the platform with these options of services; the suite beside it, its quota a small one."""
    platforms = []

    def start(options):
        copy = copied("knowton")
        platform = _module("platform_up").Platform(options)
        platforms.append(platform.__enter__())
        copy.project.environment |= platform.environment | {"KNOWTON_PYTHON": sys.executable}
        # that artifacts are what the sources compile to, CI asks of all suites at once
        copy.change(
            ("rollout.toml", *QUOTA),
            ("rollout.toml", *LOAD),
            ("rollout.toml", COMPILE, 'run = ["cat", "compiled.txt"]\n'),
        )
        copy.project.write({"suites/knowton/compiled.txt": "knowton: 5 contracts compiled, 0 differences\n"})
        copy.project.commit()
        return copy

    yield start
    for platform in platforms:
        platform.__exit__(None, None, None)


def stopped(judged) -> dict[str, str]:
    """What stands in the way, by its title."""
    return {
        each["title"]: each["measured"]
        for each in judged.findings
        if each["required"] and each["outcome"] not in {Outcome.PASS, Outcome.PENDING}
    }


def test_the_plan_says_what_the_document_contradicts(plans):
    """Nothing in the plan contradicts itself, and each contradiction of the document has a choice."""
    rollout = load(plans["knowton"], environment={}, root=plans["knowton"].parents[2])

    remarks = lint(rollout, now=datetime.now(UTC))

    assert {remark.kind for remark in remarks} == {RemarkKind.SOURCE}
    assert len(remarks) == len(rollout.contradictions) >= 12
    assert [stage.name for stage in rollout.stages] == [
        "integration", "monitoring", "pre-deployment", "testnet", "post-deployment", "performance", "security",
    ]  # fmt: skip


def test_a_healthy_platform_passes_everything_but_what_people_owe(knowton):
    """Phases and lists on real processes: bonds, valuations, flows end to end, manifests, environments, TLS, bad input, quota."""
    copy = knowton({"backend": ["--rate-requests", "50", "--rate-seconds", "2"]})

    integration = copy.judge("integration")
    assert (integration.verdict, stopped(integration)) == ("promote", {})
    assert copy.project.rollout("promote", "knowton:integration").status == 0
    for stage, kinds in (
        ("pre-deployment", {"manifests", "commands", "environments"}),
        ("testnet", {"tests", "inventory", "contracts", "endpoints", "environments"}),
        ("security", {"tests", "endpoints", "environments"}),
        ("post-deployment", {"endpoints", "dashboards", "alerts"}),
        ("monitoring", {"endpoints", "rules", "alerts"}),
        ("performance", {"endpoints"}),
    ):
        if stage == "post-deployment":
            copy.without_platform()
        judged = copy.judge(stage)
        passed = {each["kind"] for each in judged.findings if each["outcome"] == "pass"}
        assert stopped(judged) == {}, stage
        assert kinds <= passed, stage


def test_a_sick_platform_is_held_fault_by_fault(knowton):
    """Unhealthy, slow, without a quota, ten minutes behind, an alert on a metric that nobody exposes: each is told."""
    copy = knowton(
        {
            "backend": ["--rate-requests", "0", "--slow", "0.06", "--unhealthy"],
            "sync": ["--lag", "600"],
        }
    )
    copy.change(
        ("k8s/monitoring/alerts.yml", "max(knowton_sync_lag_seconds)", "max(knowton_cdc_lag_seconds)"),
        ("k8s/monitoring/alerts.test.yml", "knowton_sync_lag_seconds", "knowton_cdc_lag_seconds"),
    )
    copy.without_platform()

    monitoring = copy.judge("monitoring")
    performance = copy.judge("performance")

    held = stopped(monitoring)
    assert "503" in held["the index is in sync"]
    assert "429" in held["the rate limit is enforced"]
    assert "SyncDelay: no target exposes knowton_cdc_lag_seconds" in held["alert rules"]
    assert monitoring.finding("critical alerts reach the people on call")["outcome"] == "pass"
    assert monitoring.finding("bad input to /api/v1/users")["outcome"] == "pass"
    assert "the API answers quickly" in stopped(performance)
    assert performance.finding("the page loads quickly")["outcome"] == "pass"
