"""Prometheus rules by promtool: they parse, are tested, and ask for what is exposed."""

from __future__ import annotations

import pytest

from pytest_rollout.configuration.promql import BadQueryError, asked
from pytest_rollout.core.configuration import RulesCheck
from pytest_rollout.core.outcome import Outcome

RULES = """\
groups:
  - name: api
    rules:
      - record: job:errors:ratio
        expr: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
      - alert: HighErrorRate
        expr: job:errors:ratio > 0.05
        for: 5m
      - alert: SyncDelay
        expr: max(sync_lag_seconds) > 300 or up == 0
"""
TESTS = """\
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'http_requests_total{status="200"}', values: '0+90x20'}
      - {series: 'http_requests_total{status="500"}', values: '0+10x20'}
      - {series: 'sync_lag_seconds', values: '0x5 400x20'}
    alert_rule_test:
      - {eval_time: 15m, alertname: HighErrorRate, exp_alerts: [{}]}
      - {eval_time: 10m, alertname: SyncDelay, exp_alerts: [{}]}
      - {eval_time: 1m, alertname: SyncDelay, exp_alerts: []}
"""


@pytest.fixture
def rules(tmp_path, target, look):
    """``rules(text, tests=…)``: the finding of rules and tests like these."""

    def finding(text=RULES, tests=TESTS, path="/metrics", **more):
        (tmp_path / "rules.yml").write_text(text)
        (tmp_path / "tests.yml").write_text(tests)
        given = {"tests": ("tests.yml",)} | more
        return look(RulesCheck(name="alerts", folder=tmp_path, files=("rules.yml",), targets=target(path), **given))

    return finding


def test_rules_that_parse_are_tested_and_exposed_pass(rules):
    finding = rules(alerts=("HighErrorRate", "SyncDelay"))

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured == "3 rules, 2 alerts, 2 of them tested; 4 metrics exposed"
    assert finding.source.startswith("promtool 2.")


WRONG = {
    "a query that does not parse": (
        {"text": RULES.replace("max(", "max((")},
        Outcome.FAIL,
        "could not parse expression",
    ),
    "a metric nobody exposes": (
        {"text": RULES.replace("sync_lag_seconds", "cdc_lag_seconds"), "tests": TESTS.replace("sync_lag", "cdc_lag")},
        Outcome.FAIL,
        "SyncDelay: no target exposes cdc_lag_seconds",
    ),
    "a metric that is declared and never counted": (
        {"text": RULES.replace("or up == 0", "or mints_total == 0")},
        Outcome.FAIL,
        "mints_total is declared by a target, and has no series yet",
    ),
    "an alert that no test sees": (
        {
            "tests": TESTS.replace(
                "alertname: HighErrorRate, exp_alerts: [{}]", "alertname: HighErrorRate, exp_alerts: []"
            )
        },
        Outcome.FAIL,
        "no test sees HighErrorRate fire",
    ),
    "a test that fails": ({"tests": TESTS.replace("400x20", "200x20")}, Outcome.FAIL, "promtool test rules: "),
    "a test of other rules": (
        {"tests": TESTS.replace("[rules.yml]", "[others.yml]")},
        Outcome.FAIL,
        "tests none of the rules",
    ),
    "a test file without tests": (
        {"tests": "rule_files: [rules.yml]\ntests: []\n"},
        Outcome.FAIL,
        "tests.yml: holds no test of an alert",
    ),
    "an alert that is not there": ({"alerts": ("PodDown",)}, Outcome.FAIL, "no rule alerts PodDown"),
    "no rules": ({"text": "groups: []\n"}, Outcome.ERROR, "rules.yml: holds no rule."),
    "something else": ({"text": "kind: Deployment\n"}, Outcome.ERROR, "has no groups of rules"),
    "two rules in one": (
        {"text": RULES.replace("alert: SyncDelay", "alert: SyncDelay\n        record: a")},
        Outcome.ERROR,
        "a rule is no table with expr, and alert or record",
    ),
    "an alias": ({"text": "a: &a [x]\ngroups: [*a, *a]\n"}, Outcome.ERROR, "is no plain YAML: has an alias"),
    "a target that fails": ({"path": "/broken"}, Outcome.ERROR, "api/broken: answers 500, not 200"),
    "a target that leads elsewhere": ({"path": "/moved"}, Outcome.ERROR, "api/moved: answers 302, not 200"),
    "a target that exposes nothing": ({"path": "/empty"}, Outcome.ERROR, "exposes no metric at all"),
    "a target that shows a page": ({"path": "/page"}, Outcome.ERROR, "is no Prometheus text"),
}


@pytest.mark.parametrize(("given", "outcome", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_rules_is_told(rules, given, outcome, said):
    finding = rules(**given)

    assert finding.outcome is outcome, finding.measured
    assert said in finding.measured


def test_a_path_that_means_nothing_is_an_error(tmp_path, target, look):
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "out.yml").symlink_to("/etc/passwd")
    check = {"name": "alerts", "folder": tmp_path, "targets": target()}

    missing = look(RulesCheck(files=("*.yaml",), **check))
    outside = look(RulesCheck(files=("out.yml",), **check))

    assert (missing.outcome, outside.outcome) == (Outcome.ERROR, Outcome.ERROR)
    assert "*.yaml: no such file beside the plan" in missing.measured
    assert "out.yml: lies outside of the folder of the plan" in outside.measured


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sum by (job) (rate(a_total[5m] offset 1m)) / on(job) group_left b", ["a_total", "b"]),
        ("absent_over_time(c:d[1h:5m] @ end()) unless vector(1)", ["c:d"]),
        ('{__name__="e", x="1"} > bool -f', ["e", "f"]),
        ('topk(scalar(g), {__name__=~"h_.*"})', ["g", "~h_.*"]),
        ("histogram_quantile(0.95, sum(rate(i_bucket[5m])) by (le)) # of j", ["i_bucket"]),
    ],
)
def test_metric_names_are_read_by_the_grammar(query, names):
    assert [each.name for each in asked(query)] == names


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("sum(", "unclosed left parenthesis"),
        ("", "is empty"),
        ('{job="api"}', "selects series of any name"),
        ('{__name__=~"("}', "(?i)regex|pattern"),
        ("(" * 30_000 + "a" + ")" * 30_000, "characters"),
        ("(" * 5_000 + "a" + ")" * 5_000, "nests more than 64 brackets"),
        ("-" * 9_000 + "a", "nests more than 64 brackets"),
    ],
    ids=["open", "empty", "any name", "pattern", "long", "deep", "signs"],
)
def test_a_query_that_is_none_says_why(query, why):
    """The parser itself ends the process on thousands of brackets."""
    with pytest.raises(BadQueryError, match=why):
        asked(query)
