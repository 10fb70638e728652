"""What a plan says against itself about time: windows, soaks, sampling intervals, sign-offs (rule 38)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.rollout import Rollout, SourceSettings, Stage
from pytest_rollout.core.series import duration_text, span
from pytest_rollout.plan.sentence import Place, quoted

Remarked = tuple[Place, str]
"""Where in the plan, and the sentence."""


def contradictions_of_time(rollout: Rollout) -> Iterator[Remarked]:
    """Everything time-like that cannot be meant together."""
    for stage in rollout.stages:
        yield from _soak(rollout, stage)
        for criterion in stage.criteria:
            source = rollout.metrics[criterion.metric].source
            if source is not None:
                yield from _criterion(stage, criterion, source)


def _soak(rollout: Rollout, stage: Stage) -> Iterator[Remarked]:
    soak, place = stage.soak, ("stages", stage.name, "soak")
    if soak is None:
        return
    period = duration_text(soak.period)
    if stage.duration is not None and soak.period > span(stage.duration):
        yield (*place, "for"), f"{period} of soak are longer than the {_text(stage.duration)} that the stage lasts."
    if soak.max_gap >= soak.period:
        gap = duration_text(soak.max_gap)
        yield (*place, "max_gap"), f"a gap of {gap} may be as long as the soak of {period}, so nothing need be seen."
    for name in soak.metrics:
        source = rollout.metrics[name].source
        if source is not None and span(source.interval) > soak.max_gap:
            step, gap = _text(source.interval), duration_text(soak.max_gap)
            text = f"samples of {name} come every {step}, so gaps of at most {gap} begin the soak anew each time."
            yield (*place, "max_gap"), text
    if stage.signoffs is not None and span(stage.signoffs.valid_for) < soak.period:
        text = f"signatures hold for {_text(stage.signoffs.valid_for)} and may expire before the soak of {period} ends."
        yield ("stages", stage.name, "signoffs", "valid_for"), text


def _criterion(stage: Stage, criterion: Criterion, source: SourceSettings) -> Iterator[Remarked]:
    place: Place = ("stages", stage.name, f"criteria[{quoted(criterion.name)}]")
    step, looked = span(source.interval), criterion.span
    if looked is None:
        return
    lasts = None if stage.duration is None else span(stage.duration)
    if looked.max_age is not None and looked.max_age < step:
        age = duration_text(looked.max_age)
        yield (*place, "max_age"), f"{age} are less than the {_text(source.interval)} between two samples."
    if lasts is not None and looked.over > lasts:
        over = duration_text(looked.over)
        yield (*place, "over"), f"{over} are looked back on, but the stage lasts {duration_text(lasts)}."
    for trigger in criterion.rollback:
        window = trigger.window
        if window is None or not window.over:
            continue
        over = duration_text(window.over)
        if window.over < 2 * step:
            text = f"'{trigger.when}' holds for {over}, less than two samples that come every {_text(source.interval)}."
            yield (*place, "rollback", "over"), text
        if lasts is not None and window.over > lasts:
            text = f"'{trigger.when}' is looked for over {over}, but the stage lasts {duration_text(lasts)}."
            yield (*place, "rollback", "over"), text


def _text(duration: timedelta) -> str:
    return duration_text(span(duration))
