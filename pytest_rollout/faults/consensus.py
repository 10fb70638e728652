"""Faults of engines and nodes: a candidate that cannot be loaded, nodes whose stats are a status 500."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from pytest_rollout.core.engines import EngineKind, EngineSpec
from pytest_rollout.core.outcome import Kind
from pytest_rollout.faults.place import Place, Staged
from pytest_rollout.faults.standin import StandIn


@contextmanager
def engines(place: Place) -> Iterator[Staged | None]:
    """The candidate cannot be loaded."""
    settings, checks = place.rollout.engines, place.checks(Kind.ENGINE)
    if settings is None or not checks:
        yield None
        return
    gone = EngineSpec(kind=EngineKind.IMPORT, target="no_such_engine_of_a_drill:Engine")
    yield Staged(
        rollout=replace(place.with_stage(checks=checks), engines=replace(settings, candidate=gone)),
        targets=tuple(place.target(Kind.ENGINE, each.name, looks=False) for each in checks),
    )


@contextmanager
def nodes(place: Place) -> Iterator[Staged | None]:
    """Every node's stats are a status 500."""
    checks, declared = place.checks(Kind.NODE), place.rollout.nodes
    if not checks:
        yield None
        return
    with ExitStack() as stack:
        down = {name: replace(n, stats=stack.enter_context(StandIn(n.stats)).url) for name, n in declared.items()}
        yield Staged(
            rollout=replace(place.with_stage(checks=checks), nodes=down),
            targets=tuple(place.target(Kind.NODE, each.name) for each in checks),
        )
