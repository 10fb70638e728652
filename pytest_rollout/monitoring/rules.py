"""Prometheus alert rules for a plan: its targets, alert thresholds and triggers, so that alarm and gate agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.notice import Importance
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Metric, Rollout, SourceKind, Stage
from pytest_rollout.monitoring.promql import Asked, Expression

_IMPORTANCE = {Severity.IMMEDIATE: Importance.CRITICAL, Severity.PLANNED: Importance.WARNING}


def rules(rollout: Rollout, stage: str | None = None) -> dict[str, Any]:
    """The rule file, as a document: one group for each stage that has rules.

    Alerts carry the labels ``rollout``, ``stage``, ``criterion`` and ``severity`` (critical,
    warning, info). Criteria on other sources than Prometheus have none: ``rollout watch`` asks those.
    """
    groups = []
    for each in rollout.stages:
        alerts = list(_alerts(rollout, each)) if stage in {None, each.name} else []
        if alerts:
            groups.append({"name": f"rollout-{rollout.name}-{each.name}", "rules": alerts})
    return {"groups": groups}


def without_rules(rollout: Rollout) -> list[str]:
    """The criteria that no rule can be written for, as ``stage: name (source)``."""
    return [
        f"{stage.name}: {criterion.name} ({_source(rollout.metrics[criterion.metric])})"
        for stage in rollout.stages
        for criterion in stage.criteria
        if not _is_prometheus(rollout.metrics[criterion.metric])
    ]


def _source(metric: Metric) -> str:
    return "tests" if metric.source is None else metric.source.kind.value


def _is_prometheus(metric: Metric) -> bool:
    return metric.source is not None and metric.source.kind is SourceKind.PROMETHEUS


def _alerts(rollout: Rollout, stage: Stage) -> Iterator[dict[str, Any]]:
    for criterion in stage.criteria:
        metric = rollout.metrics[criterion.metric]
        if not _is_prometheus(metric):
            continue
        asked = Asked(criterion, metric)
        about = _About(rollout, stage, criterion)
        yield about.alert("RolloutTargetMissed", asked.target_missed(), Importance.INFO, f"misses {criterion.promote}")
        if criterion.alert is not None:
            reached = asked.alert_reached(criterion.alert)
            yield about.alert("RolloutAlert", reached, Importance.WARNING, f"reached {criterion.alert}")
        for number, trigger in enumerate(criterion.rollback, 1):
            yield about.alert(
                "RolloutRollback",
                asked.trigger_fired(trigger),
                _IMPORTANCE[trigger.severity],
                f"asks for {trigger.severity.value} rollback: {trigger}",
                trigger=str(number),
            )
        yield about.alert("RolloutNoData", asked.no_data(), Importance.WARNING, "has no data, which is no health")


class _About:
    """What all alerts of one criterion have in common."""

    def __init__(self, rollout: Rollout, stage: Stage, criterion: Criterion) -> None:
        self._place = f"{rollout.name}:{stage.name}"
        self._name = criterion.name
        self._labels = {"rollout": rollout.name, "stage": stage.name, "criterion": criterion.name}

    def alert(
        self, name: str, expression: Expression, importance: Importance, what: str, **labels: str
    ) -> dict[str, Any]:
        rule: dict[str, Any] = {"alert": name, "expr": expression.text}
        if expression.for_seconds:
            rule["for"] = f"{expression.for_seconds}s"
        rule["labels"] = {**self._labels, "severity": importance.value, **labels}
        rule["annotations"] = {
            "summary": _literal(f"{self._place}: {self._name} {what}"),
            "next": _literal(f"rollout status {self._place.partition(':')[0]}"),
        }
        return rule


def _literal(text: str) -> str:
    """Text that Prometheus shows as it is: annotations are templates."""
    return text.replace("{{", '{{ "{{" }}') if "{{" in text else text
