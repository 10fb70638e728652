"""Alert rules agree with the gate: checked and unit-tested by promtool itself, on the plan's own bounds."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Statistic, Trigger
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Metric, Rollout, SourceKind, SourceSettings, Stage
from pytest_rollout.core.units import UNITS, quantity
from pytest_rollout.core.window import Window, WindowKind
from pytest_rollout.monitoring.rules import rules, without_rules
from tests.servers import program

MINUTE = 60 * 10**9
STEP = timedelta(minutes=1)


def bound(text: str) -> Bound:
    relation, _, rest = text.partition(" ")
    limit = quantity(rest)
    return Bound(relation=Relation(relation), limit=limit.base, unit=limit.unit)


def source(**about: Any) -> SourceSettings:
    return SourceSettings(**{"kind": SourceKind.PROMETHEUS, "interval": STEP, **about})


RATIO = Metric(name="success", unit=UNITS["ratio"], source=source(good="good", total="total"))
LATENCY = Metric(name="latency", unit=UNITS["s"], source=source(query="latency_seconds"))


def plan(criterion: Criterion, metric: Metric, tmp_path: Path) -> Rollout:
    stage = Stage(name="beta", title="Beta", criteria=(criterion,))
    return Rollout(
        name="toy", title="Toy", folder=tmp_path, plan_digest="", stages=(stage,), metrics={metric.name: metric}
    )


def criterion(metric: Metric = RATIO, **about: Any) -> Criterion:
    usual: dict[str, Any] = {
        "name": "calls succeed",
        "metric": metric.name,
        "unit": metric.unit,
        "promote": bound("> 99 %"),
        "span": Span(over=10 * MINUTE),
    }
    return Criterion(**(usual | about))


def trigger(when: str, kind: WindowKind, severity: Severity = Severity.IMMEDIATE, **window: int) -> Trigger:
    return Trigger(when=bound(when), severity=severity, window=Window(kind=kind, **window))


def firing(rollout: Rollout, series: dict[str, str], at: str, tmp_path: Path) -> set[tuple[str, str]]:
    """Which alerts promtool says fire at that time, as name and severity, given these series."""
    (tmp_path / "rules.yml").write_text(json.dumps(rules(rollout)))
    checked = run("promtool", "check", "rules", "--lint-fatal", "rules.yml", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    names = {rule["alert"] for group in rules(rollout)["groups"] for rule in group["rules"]}
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": []} for name in sorted(names)],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(json.dumps(test))
    told = run("promtool", "test", "rules", "test.yml", folder=tmp_path)
    found = set()
    # Expecting none, promtool prints those that fire.
    for block in (told.stdout + told.stderr).split("alertname: ")[1:]:
        name = block.split(",")[0].strip()
        found |= {(name, part.split('"')[0]) for part in block.split('severity="')[1:]}
    assert found or told.returncode == 0, told.stdout + told.stderr
    return found


def run(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [program(name, "prometheus"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


WHOLE = criterion(
    alert=bound("< 98 %"),
    rollback=(
        trigger("< 90 %", WindowKind.EVERY, over=15 * MINUTE),
        trigger("< 95 %", WindowKind.AGGREGATE, Severity.PLANNED, over=60 * MINUTE),
    ),
)
TOTAL = "100x200"


@pytest.mark.parametrize(
    ("good", "at", "expected"),
    [
        pytest.param("100x200", "100m", set(), id="healthy"),
        pytest.param("99x200", "100m", {("RolloutTargetMissed", "info")}, id="exactly the target is not above it"),
        pytest.param(
            "97x200", "100m", {("RolloutTargetMissed", "info"), ("RolloutAlert", "warning")}, id="alert threshold"
        ),
        pytest.param("98x200", "100m", {("RolloutTargetMissed", "info")}, id="exactly the threshold is not below it"),
        pytest.param(
            "94x200",
            "100m",
            {("RolloutTargetMissed", "info"), ("RolloutAlert", "warning"), ("RolloutRollback", "warning")},
            id="an hour below 95 %: planned",
        ),
    ],
)
def test_bounds_are_as_strict_as_the_gates(tmp_path: Path, good: str, at: str, expected: set[tuple[str, str]]) -> None:
    """The alarm and the gate read the same plan, so they cannot disagree."""
    assert firing(plan(WHOLE, RATIO, tmp_path), {"good": good, "total": TOTAL}, at, tmp_path) == expected


@pytest.mark.parametrize(
    ("minutes", "fires"), [(14, False), (15, False), (16, True)], ids=["14 minutes", "exactly 15", "16 minutes"]
)
def test_a_window_is_more_than_its_length(tmp_path: Path, minutes: int, fires: bool) -> None:
    """Bad for exactly 15 minutes does not trip "for more than 15 min" (rule 7)."""
    series = {"good": "100x59 80x100", "total": "100x200"}

    found = firing(plan(WHOLE, RATIO, tmp_path), series, f"{60 + minutes}m", tmp_path)

    assert (("RolloutRollback", "critical") in found) is fires


def test_one_good_minute_ends_the_window(tmp_path: Path) -> None:
    """Every sample has to be bad."""
    series = {"good": "100x59 80x9 100 80x100", "total": TOTAL}

    assert ("RolloutRollback", "critical") not in firing(plan(WHOLE, RATIO, tmp_path), series, "80m", tmp_path)


def test_a_short_gap_does_not_end_the_window(tmp_path: Path) -> None:
    """Two missing scrapes within max_gap are bridged, as the judge bridges them."""
    series = {"good": "100x59 80x9 _x1 80x100", "total": TOTAL}

    assert ("RolloutRollback", "critical") in firing(plan(WHOLE, RATIO, tmp_path), series, "78m", tmp_path)


def test_an_aggregate_asks_for_its_whole_hour(tmp_path: Path) -> None:
    """After ten bad minutes of life nobody knows what an hour brings."""
    series = {"good": "80x200", "total": TOTAL}

    assert ("RolloutRollback", "warning") not in firing(plan(WHOLE, RATIO, tmp_path), series, "10m", tmp_path)


def test_k_of_n_counts_samples(tmp_path: Path) -> None:
    asked = criterion(rollback=(trigger("< 90 %", WindowKind.K_OF_N, k=3, n=5),))
    rollout = plan(asked, RATIO, tmp_path)

    assert ("RolloutRollback", "critical") in firing(
        rollout, {"good": "100x9 80 100 80 100 80", "total": TOTAL}, "14m", tmp_path
    )
    assert ("RolloutRollback", "critical") not in firing(
        rollout, {"good": "100x9 80 100 100 100 80", "total": TOTAL}, "14m", tmp_path
    )


def test_no_data_is_an_alarm_of_its_own(tmp_path: Path) -> None:
    """Neither health nor failure: the series ends, and somebody is told."""
    series = {"good": "100x20", "total": "100x20"}

    assert firing(plan(WHOLE, RATIO, tmp_path), series, "90m", tmp_path) == {("RolloutNoData", "warning")}


def test_a_statistic_and_a_unit_of_its_own(tmp_path: Path) -> None:
    """A bound in milliseconds on a metric in seconds, at the median."""
    asked = criterion(LATENCY, promote=bound("< 200 ms"), alert=bound("> 500 ms"), statistic=Statistic.MEDIAN)
    rollout = plan(asked, LATENCY, tmp_path)
    expressions = [rule["expr"] for rule in rules(rollout)["groups"][0]["rules"]]

    assert expressions[0] == "(quantile_over_time(0.5, (latency_seconds)[10m:1m])) >= 0.2"
    assert firing(rollout, {"latency_seconds": "0.15x50"}, "40m", tmp_path) == set()
    assert firing(rollout, {"latency_seconds": "0.6x50"}, "40m", tmp_path) == {
        ("RolloutTargetMissed", "info"),
        ("RolloutAlert", "warning"),
    }


def test_a_limit_no_decimal_writes_is_a_division(tmp_path: Path) -> None:
    limit = Bound(relation=Relation.MORE, limit=Fraction(1, 3), unit=UNITS["ratio"])
    [rule, *_] = rules(plan(criterion(promote=limit), RATIO, tmp_path))["groups"][0]["rules"]

    assert rule["expr"].endswith("<= (1 / 3)")


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    """Annotations are templates; a name is none."""
    name = 'rate {{ $value }} of "x" <b>'
    rollout = plan(criterion(name=name), RATIO, tmp_path)
    (tmp_path / "rules.yml").write_text(json.dumps(rules(rollout)))

    assert run("promtool", "check", "rules", "rules.yml", folder=tmp_path).returncode == 0
    assert rules(rollout)["groups"][0]["rules"][0]["labels"]["criterion"] == name


def test_criteria_on_other_sources_are_named(tmp_path: Path) -> None:
    """What no rule watches must not look watched."""
    measured = Metric(name="gas", unit=UNITS["gas"])
    rollout = plan(criterion(measured, promote=bound("< 5 gas"), span=None), measured, tmp_path)

    assert rules(rollout) == {"groups": []}
    assert without_rules(rollout) == ["beta: calls succeed (tests)"]
