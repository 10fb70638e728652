"""Grafana dashboards: every query, templates filled in, held against what targets expose."""

from __future__ import annotations

import copy
import json

import pytest

from pytest_rollout.core.configuration import DashboardCheck
from pytest_rollout.core.outcome import Outcome

PROMETHEUS = {"type": "prometheus", "uid": "$source"}
BOARD = {
    "title": "API",
    "templating": {
        "list": [
            {
                "name": "job",
                "type": "query",
                "query": "label_values(http_requests_total, job)",
                "datasource": PROMETHEUS,
            },
            {"name": "kind", "type": "custom", "query": "http_requests_total,sync_lag_seconds"},
            {"name": "window", "type": "interval", "query": "1m,5m"},
            {"name": "source", "type": "datasource", "query": "prometheus"},
        ]
    },
    "annotations": {"list": [{"name": "deploys", "expr": "changes(sync_lag_seconds[1m])", "datasource": PROMETHEUS}]},
    "panels": [
        {"type": "text", "title": "About"},
        {
            "type": "row",
            "panels": [
                {
                    "type": "timeseries",
                    "title": "p95",
                    "datasource": PROMETHEUS,
                    "targets": [
                        {
                            "expr": "histogram_quantile(0.95, sum by (le) "
                            '(rate(latency_seconds_bucket{job=~"$job"}[$__rate_interval])))'
                        }
                    ],
                }
            ],
        },
        {
            "type": "stat",
            "title": "any",
            "targets": [{"expr": "sum(rate(${kind}[$window]))", "datasource": PROMETHEUS}],
        },
        {"type": "stat", "title": "ratio", "targets": [{"expr": "job:errors:ratio", "datasource": PROMETHEUS}]},
        {"type": "logs", "title": "logs", "targets": [{"query": "error", "datasource": {"type": "elasticsearch"}}]},
    ],
}
RULES = "groups: [{name: a, rules: [{record: 'job:errors:ratio', expr: '1'}]}]\n"


@pytest.fixture
def board(tmp_path, target, look):
    """``board(change)``: the finding of the dashboard after a change."""

    def finding(change=lambda board: None, rules=("rules.yml",)):
        changed = copy.deepcopy(BOARD)
        text = change(changed)
        (tmp_path / "board.json").write_text(text if isinstance(text, str) else json.dumps(changed))
        (tmp_path / "rules.yml").write_text(RULES)
        return look(DashboardCheck(name="boards", folder=tmp_path, files=("*.json",), targets=target(), rules=rules))

    return finding


def test_every_query_is_found_filled_in_and_exposed(board):
    finding = board()

    assert finding.outcome is Outcome.PASS, finding.measured
    said = "1 dashboards, 6 queries, 4 metrics exposed; 1 queries of other sources set aside"
    assert (finding.measured, finding.source) == (said, "board.json")


def first(board):
    return board["panels"][1]["panels"][0]


WRONG = {
    "a misspelt metric": (
        lambda board: first(board)["targets"][0].update(expr="rate(latency_bucket[5m])"),
        Outcome.FAIL,
        "board.json: panel 'p95': no target exposes latency_bucket",
    ),
    "a value of a variable": (
        lambda board: board["templating"]["list"][1].update(query="http_requests_total,tx_total"),
        Outcome.FAIL,
        "no target exposes tx_total",
    ),
    "an annotation": (
        lambda board: board["annotations"]["list"][0].update(expr="deployed"),
        Outcome.FAIL,
        "annotation 'deploys': no target exposes deployed",
    ),
    "a variable's own query": (
        lambda board: board["templating"]["list"][0].update(query="label_values(gone, job)"),
        Outcome.FAIL,
        "variable 'job': no target exposes gone",
    ),
    "a source of mixed kinds": (
        lambda board: first(board).update(
            datasource={"type": "datasource", "uid": "-- Mixed --"}, targets=[{"expr": "gone"}]
        ),
        Outcome.FAIL,
        "panel 'p95': no target exposes gone",
    ),
    "no PromQL": (
        lambda board: first(board)["targets"][0].update(expr="rate(latency_seconds_bucket)"),
        Outcome.FAIL,
        "panel 'p95': its query ",
    ),
    "an empty query": (
        lambda board: first(board)["targets"][0].update(expr=" "),
        Outcome.FAIL,
        "panel 'p95' has an empty query",
    ),
    "a panel that asks nothing": (
        lambda board: first(board).pop("targets") and None,
        Outcome.FAIL,
        "panel 'p95' asks nothing",
    ),
    "a variable nobody knows": (
        lambda board: first(board)["targets"][0].update(expr="rate($metric[5m])"),
        Outcome.ERROR,
        "panel 'p95': what $metric stands for cannot be told from the file",
    ),
    "a library panel": (
        lambda board: first(board).update(libraryPanel={"uid": "x"}, targets=[]),
        Outcome.ERROR,
        "is a library panel, whose queries stand elsewhere",
    ),
    "nothing for Prometheus": (
        lambda board: board.update(panels=[board["panels"][-1]], annotations={}, templating={}),
        Outcome.FAIL,
        "board.json: asks Prometheus nothing",
    ),
    "no dashboard": (lambda _: "{}", Outcome.ERROR, "is no Grafana dashboard"),
    "no JSON": (lambda _: "[" * 100_000, Outcome.ERROR, "is no JSON"),
}


@pytest.mark.parametrize(("change", "outcome", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_dashboard_is_told(board, change, outcome, said):
    finding = board(change)

    assert finding.outcome is outcome, finding.measured
    assert said in finding.measured


def test_a_recorded_series_is_exposed_by_its_rules_alone(board):
    assert "panel 'ratio': no target exposes job:errors:ratio" in board(rules=()).measured
