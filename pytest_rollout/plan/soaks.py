"""A stage's soak: what must be covered, for how long, and what begins it anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_rollout.core.criterion import Criterion
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import span
from pytest_rollout.core.soak import Soak
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Written, unknown


def soak(
    written: Written, stage: str, table: Any, criteria: Sequence[Criterion], metrics: Mapping[str, Metric]
) -> Soak | None:
    """What the table asks for, None without one; raises ``PlanError``."""
    if table is None:
        return None
    place: Place = ("stages", stage, "soak")
    if (table.comparisons is None) != (table.min_comparisons is None):
        there, missing = ("comparisons", "min_comparisons")
        if table.comparisons is None:
            there, missing = missing, there
        raise written.wrong(
            place, f"has '{there}' without '{missing}'; comparisons are counted by a metric, so write both."
        )
    named = list(table.metrics or ())
    for index, name in enumerate(named):
        _sampled(written, (*place, "metrics", index), name, metrics)
    for key in ("comparisons", "started"):
        if (name := getattr(table, key)) is not None:
            _sampled(written, (*place, key), name, metrics)
    if not named:
        named = [each.metric for each in criteria if each.required and metrics[each.metric].source is not None]
    named += [each for each in (table.comparisons, table.started) if each is not None]
    if not named:
        raise written.wrong(
            place, "has no metric with a source to be covered by; time alone is no evidence, so write 'metrics'."
        )
    coverage = written.read((*place, "coverage"), table.coverage, texts.share)
    if not coverage:
        raise written.wrong((*place, "coverage"), f"{GIVEN} covers nothing; write for example '95 %'.")
    return Soak(
        period=span(written.read((*place, "for"), getattr(table, "for"), duration)),
        coverage=coverage,
        max_gap=span(written.read((*place, "max_gap"), table.max_gap, duration)),
        metrics=tuple(dict.fromkeys(named)),
        comparisons=table.comparisons or "",
        min_comparisons=table.min_comparisons or 0,
        started=table.started or "",
    )


def _sampled(written: Written, place: Place, name: str, metrics: Mapping[str, Metric]) -> None:
    if name not in metrics:
        raise written.wrong(place, unknown("metric", name, metrics))
    if metrics[name].source is None:
        raise written.wrong(place, f"{GIVEN} is measured by tests, which cover no time; name a metric with a source.")
