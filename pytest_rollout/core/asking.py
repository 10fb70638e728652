"""What a stage's sources must be asked for, and what comes of their answers: criteria, triggers and soak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.evaluating import Evaluation
from pytest_rollout.core.rollout import Metric, Rollout, Stage
from pytest_rollout.core.sampled import Asked, evaluate_samples, lookback
from pytest_rollout.core.series import Samples, nanoseconds, span
from pytest_rollout.core.series_form import Recorded
from pytest_rollout.core.soaked import Asked as Soaking
from pytest_rollout.core.soaked import Soaked, soak_findings, soak_on

if TYPE_CHECKING:
    from pytest_rollout.core.baseline import Captured
    from pytest_rollout.core.finding import Finding
    from pytest_rollout.core.node_memory import Remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What the sources of a stage answered, metric by metric, packed; and since when it counts.

    ``entered`` is when this visit of the stage began, ``unchanged`` since when its subject is the
    same; None where there is no such moment. ``captured`` are the baselines of
    criteria by the titles of their findings, ``nodes`` what an earlier gate read of each node.
    """

    lines: Mapping[str, bytes] = field(default_factory=dict)
    entered: datetime | None = None
    unchanged: datetime | None = None
    captured: Mapping[str, Captured] = field(default_factory=dict)
    nodes: Mapping[str, Remembered] = field(default_factory=dict)


def asks(rollout: Rollout, stage: Stage, now: int) -> dict[str, int]:
    """The metrics whose sources must be asked, and from when on, in nanoseconds."""
    found: dict[str, int] = {}

    def ask(metric: str, back: int) -> None:
        found[metric] = min(found.get(metric, now), now - back)

    for criterion in stage.criteria:
        source = rollout.metrics[criterion.metric].source
        if criterion.span is not None and source is not None:
            ask(criterion.metric, lookback(criterion, source))
    if stage.soak is not None:
        for name in stage.soak.metrics:
            source = rollout.metrics[name].source
            if source is not None:
                ask(name, stage.soak.period + stage.soak.max_gap + 2 * span(source.interval))
    return found


def unanswered(metric: Metric, now: int) -> Samples:
    """What stands for a source that nobody asked: nothing, which is no pass."""
    return Samples(metric=metric.name, source="nobody", query="never asked", since=now, until=now, attempts=0)


def evaluations(
    criterion: Criterion, item: str, metric: Metric, sampled: Sampled, judged_at: datetime
) -> list[Evaluation]:
    """One criterion with a source on what was answered, one evaluation for each thing."""
    now, recorded = nanoseconds(judged_at), Recorded(sampled.lines)
    samples = recorded[metric.name] if metric.name in recorded else unanswered(metric, now)
    return evaluate_samples(
        criterion,
        item,
        Asked(
            metric=metric,
            samples=samples,
            now=now,
            not_before=None if sampled.entered is None else nanoseconds(sampled.entered),
            captured=sampled.captured,
        ),
    )


def soak_of(rollout: Rollout, stage: Stage, sampled: Sampled, judged_at: datetime, prefix: str) -> Iterator[Finding]:
    """The soak's findings, none where the stage has no soak."""
    if stage.soak is None:
        return
    since = [nanoseconds(each) for each in (sampled.entered, sampled.unchanged) if each is not None]
    asked = Soaking(metrics=rollout.metrics, samples=Recorded(sampled.lines), not_before=max(since, default=None))
    soaked = soak_on(stage.soak, Soaked(), asked)
    yield from soak_findings(stage.soak, soaked, asked, prefix=prefix, now=nanoseconds(judged_at))
