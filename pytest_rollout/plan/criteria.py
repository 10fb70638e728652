"""A stage's criteria: bounds on declared metrics, in units that fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_rollout.core.criterion import Bound, Criterion, Statistic, Trigger
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.sentence import Place, Written, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.stage_shape import CriterionTable, StageTable


def criteria(written: Written, stage: str, table: StageTable, metrics: Mapping[str, Metric]) -> tuple[Criterion, ...]:
    """The stage's criteria in the order written; raises ``PlanError``."""
    found: dict[str, Criterion] = {}
    for index, entry in enumerate(table.criteria):
        place = ("stages", stage, "criteria", index)
        name = written.read((*place, "name"), entry.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong((*place, "name"), "is the name of two criteria of this stage; give each its own.")
        found[texts.folded(name)] = _criterion(written, place, entry, metrics)
    return tuple(found.values())


def _criterion(written: Written, place: Place, entry: CriterionTable, metrics: Mapping[str, Metric]) -> Criterion:
    if entry.metric not in metrics:
        raise written.wrong((*place, "metric"), unknown("metric", entry.metric, metrics))
    unit, statistic = metrics[entry.metric].unit, Statistic(entry.statistic)
    if unit.dimension == "ratio" and statistic is not Statistic.EVERY:
        raise written.wrong(
            (*place, "statistic"),
            f"'{statistic.value}' does not go with a ratio, which is all good of all total; leave it out.",
        )
    if statistic is Statistic.COUNT:
        unit = UNITS["count"]

    def read(where: Place, text: str) -> Bound:
        return written.read(where, text, lambda given: bound(given, unit))

    return Criterion(
        name=entry.name,
        metric=entry.metric,
        unit=unit,
        promote=read((*place, "promote"), entry.promote),
        statistic=statistic,
        alert=None if entry.alert is None else read((*place, "alert"), entry.alert),
        rollback=tuple(
            Trigger(
                when=read((*place, "rollback", index, "when"), trigger.when),
                severity=Severity(trigger.severity),
            )
            for index, trigger in enumerate(entry.rollback)
        ),
        min_samples=entry.min_samples,
        required=not entry.advisory,
    )
