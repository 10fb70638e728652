"""Metrics, and the alert rules and dashboard of the guide that read nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

DOCS = Path(__file__).parents[2] / "docs" / "consensus"
NAME = re.compile(r"\brollout_consensus_\w+")


def samples(run) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(run.metrics().decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


@pytest.fixture
def busy(dual, doing):
    """A node that has had one of everything that leaves a metric."""
    run = dual(doing(lambda block: {"valid": False}))
    run.verify_block({"index": 1})
    return run


def test_metrics_say_what_the_stats_say(busy) -> None:
    found, stats = samples(busy), busy.stats()

    assert found["rollout_consensus_divergences_total",] == stats["divergences"] == 1
    assert found["rollout_consensus_verifications_total",] == stats["total_verifications"] == 1
    assert found["rollout_consensus_mode", "shadow"] == 1
    assert found["rollout_consensus_mode", "candidate-only"] == 0
    assert found["rollout_consensus_latency_ratio", "0.5"] > 0
    assert found["rollout_consensus_engine_info", "reference", "sound 1"] == 1


def test_without_traffic_there_is_no_rate_and_no_latency(dual) -> None:
    """Missing, and not 0."""
    found = samples(dual())

    assert not [name for name, *_ in found if "latency" in name or "rate" in name or "last_verification" in name]


def test_a_timeout_is_an_endless_latency(dual, doing) -> None:
    import threading

    release = threading.Event()
    run = dual(doing(lambda block: release.wait(30)), limit=0.01)
    run.verify_block({"index": 1})
    found = samples(run)
    release.set()

    assert found["rollout_consensus_latency_seconds", "candidate", "0.95"] == float("inf")


def _expressions() -> dict[str, str]:
    rules = (DOCS / "alerts.yml").read_text()
    found = dict(re.findall(r"- alert: (\w+)\n\s+expr: (.+)\n", rules))
    for panel in json.loads((DOCS / "dashboard.json").read_text())["panels"]:
        found |= {f"{panel['title']} {each['refId']}": each["expr"] for each in panel["targets"]}
    guide = (DOCS.parent / "replace-an-engine.md").read_text()
    return found | {f"guide: {query}": query for query in re.findall(r'^query = "(.+)"$', guide, re.MULTILINE)}


EXPRESSIONS = _expressions()


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_alerts_and_dashboard_read_only_what_is_exposed(busy, where) -> None:
    """An alert on a metric that nobody exposes is quiet for ever."""
    read = set(NAME.findall(EXPRESSIONS[where]))

    assert read
    assert read <= {name for name, *_ in samples(busy)}


def test_every_rule_has_an_expression_that_was_looked_at() -> None:
    rules = (DOCS / "alerts.yml").read_text()

    assert rules.count("- alert:") == sum(name.startswith("Consensus") for name in EXPRESSIONS) == 12


def test_each_alert_is_seen_to_fire_and_to_stay_quiet() -> None:
    """By ``alerts.test.yml``, which Prometheus itself runs below; an alert nobody saw fire is a hope."""
    import yaml

    groups = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    told = yaml.safe_load((DOCS / "alerts.test.yml").read_text())["tests"]
    cases = [case for test in told for case in test["alert_rule_test"]]
    names = {rule["alert"] for group in groups for rule in group["rules"]}

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} >= names - {
        "ConsensusNothingCompared",
        "ConsensusFallbacks",
    }


def test_every_counter_is_on_the_dashboard(busy) -> None:
    shown = set(NAME.findall((DOCS / "dashboard.json").read_text()))

    assert {name for name, *_ in samples(busy)} <= shown


@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")])
def test_prometheus_itself_takes_the_rules(command) -> None:
    """They parse, and each fires when it must and not before."""
    done = subprocess.run(["promtool", *command], cwd=DOCS, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
