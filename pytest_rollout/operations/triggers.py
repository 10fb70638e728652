"""Triggers asked again at the moment of moving: what became bad since the judgement keeps from promoting (rule 35)."""

from __future__ import annotations

from datetime import datetime

from pytest_rollout.core.asking import Sampled, evaluations
from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.evaluating import Evaluation
from pytest_rollout.core.history import History
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.sampled import lookback
from pytest_rollout.core.series import nanoseconds
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.sampling import ask


def ask_triggers_again(rollout: Rollout, stage: Stage, history: History, now: datetime) -> None:
    """Raise ``Refused`` where a trigger fires now, or where its source cannot be asked.

    ``rollout`` is the plan with its secrets, which sources need; ``stage`` may be without.
    """
    asked = [each for each in stage.criteria if each.span is not None and each.required and each.rollback]
    since: dict[str, int] = {}
    for criterion in asked:
        source = rollout.metrics[criterion.metric].source
        if source is not None:
            begin = nanoseconds(now) - lookback(criterion, source)
            since[criterion.metric] = min(since.get(criterion.metric, begin), begin)
    sampled = Sampled(lines=ask(rollout, since, until=now), entered=history.entered(rollout.began))
    metrics = kept_plan(rollout).metrics
    place = f"{rollout.name}:{stage.name}"
    for criterion in asked:
        for evaluation in evaluations(criterion, criterion.name, metrics[criterion.metric], sampled, now):
            _refuse(place, criterion, evaluation)


def _refuse(place: str, criterion: Criterion, evaluation: Evaluation) -> None:
    finding = evaluation.finding
    if evaluation.fired:
        trigger = evaluation.fired[0]
        raise Refused(
            f"{place}: since the judgement, the {trigger.severity.value} rollback trigger {trigger} of "
            f"'{criterion.name}' has fired ({finding.measured}); see `rollout rollback {place}`, or run "
            f"`pytest --stage={place}` again."
        )
    if finding.outcome in {Outcome.ERROR, Outcome.NOT_RUN}:
        raise Refused(
            f"{place}: the triggers of '{criterion.name}' cannot be asked again: {finding.measured}. A promotion "
            "looks again, so bring the source back first."
        )
