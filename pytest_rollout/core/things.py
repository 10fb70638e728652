"""Which series belongs to which thing: a node, a network, a service; nobody borrows from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_rollout.core.series import Samples, Series

if TYPE_CHECKING:  # a stage has a soak, so at run time the door opens one way only
    from pytest_rollout.core.rollout import SourceSettings

BUCKET = "le"
"""The label that tells the buckets of a Prometheus histogram apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """The series of each thing by its name, ``""`` where the metric is of one thing only.

    ``missing`` are those the plan names and nobody answered for, ``trouble`` is why the answer
    cannot be taken at all.
    """

    series: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    trouble: str = ""


def things(settings: SourceSettings, samples: Samples) -> Things:
    """Sort what was answered; several series are never silently reduced to one."""
    if len({series.is_ratio for series in samples.series}) > 1:
        return Things(trouble="counts and values came in one answer, and one of the two would be left out")
    found: dict[str, list[Series]] = {}
    for series in samples.series:
        name = ""
        if settings.per:
            name = series.labels.get(settings.per, "")
            if not name:
                return Things(
                    trouble=f"a series without the label '{settings.per}', by which the plan tells them apart"
                )
        found.setdefault(name, []).append(series)
    if settings.things and (strangers := [name for name in found if name not in settings.things]):
        return Things(trouble=f"{settings.per} '{strangers[0]}' answered, which the plan does not name")
    for name, several in found.items():
        several.sort(key=lambda each: each.times[0] if each.times else samples.until)
        if not settings.histogram and (text := _at_once(several)):
            return Things(trouble=f"{text}{f' for {settings.per} {name!r}' if name else ''}")
    return Things(
        series={name: tuple(several) for name, several in found.items()},
        missing=tuple(name for name in settings.things if name not in found),
    )


def _at_once(several: list[Series]) -> str:
    """A sentence on series that overlap in time; one after the other they are one thing that changed."""
    filled = [each for each in several if each.times]
    for earlier, later in pairwise(filled):
        if later.times[0] <= earlier.times[-1]:
            return f"{len(filled)} series where one is expected, {labelled(earlier)} and {labelled(later)}"
    return ""


def labelled(series: Series) -> str:
    """A series' labels for a sentence."""
    return "{" + ", ".join(f"{key}={value}" for key, value in sorted(series.labels.items())) + "}"
