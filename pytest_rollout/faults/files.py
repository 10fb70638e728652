"""Faults of files beside the chain, in copies of them: rules, dashboards, manifests, environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pytest_rollout.core.errors import ConfigurationError
from pytest_rollout.core.faults import Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.faults.place import Place, Scene, Staged, Target

KINDS: Mapping[Fault, tuple[Kind, ...]] = {
    Fault.EXPRESSION: (Kind.RULES, Kind.DASHBOARD),
    Fault.UNKNOWN: (Kind.RULES, Kind.DASHBOARD),
    Fault.SILENT: (Kind.RULES,),
    Fault.IMAGE: (Kind.MANIFEST,),
    Fault.RESOURCE: (Kind.MANIFEST,),
    Fault.PLACEHOLDER: (Kind.MANIFEST, Kind.ENVIRONMENT),
    Fault.ZERO: (Kind.MANIFEST, Kind.ENVIRONMENT),
    Fault.VALUE: (Kind.ENVIRONMENT,),
    Fault.VARIABLE: (Kind.ENVIRONMENT,),
}
"""The kinds of checks that each fault is about."""


def spoilt(fault: Fault) -> Scene:
    """One thing is wrong in a copy of each check's files."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        checks = place.checks(*KINDS[fault])
        if not checks:
            yield None
            return
        from pytest_rollout.configuration.altering import altered  # noqa: PLC0415 - for plans with such files

        others: list[Any] = []
        far: list[Tried] = []
        targets: list[Target] = []
        for number, check in enumerate(checks):
            why = "there is nothing of the kind in its files"
            try:
                other = altered(fault, check, place.private(f"{fault.value}-{number}"))
            except ConfigurationError as error:
                other, why = None, str(error)
            if other is None:
                far.append(place.far(fault, check.kind, check.name, why))
                continue
            others.append(other)
            targets.append(place.target(check.kind, check.name))
        yield Staged(
            rollout=place.with_stage(checks=tuple(others), contracts=(), flags=()),
            targets=tuple(targets),
            out_of_reach=tuple(far),
            runs_tests=KINDS[fault] != (Kind.MANIFEST,),
        )

    return scene
