"""Faults of what is measured: sources that are down, answer NaN, nothing new or nothing at all; broken soaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.faults import Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.rollout import Metric, Network, SourceKind, SourceSettings
from pytest_rollout.core.soak import Soak
from pytest_rollout.faults import answers
from pytest_rollout.faults.interrupted import Interruption, gap, restarted, thin
from pytest_rollout.faults.nodes import Otherwise, misled
from pytest_rollout.faults.place import Place, Scene, Staged, Target
from pytest_rollout.faults.standin import NOWHERE, Alters, StandIn

_OF_TRANSACTIONS = frozenset({"transactions", "gas", "confirmation time"})
_NETWORK = "of-a-drill"
"""The network that a chain's metric is asked of instead."""


def metric(fault: Fault) -> Scene:
    """The source of every criterion's metric answers otherwise."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        rollout = place.rollout
        criteria = [each for each in place.stage.criteria if rollout.metrics[each.metric].source is not None]
        if not criteria:
            yield None
            return
        world = _World(place)
        far: list[Tried] = []
        targets: list[Target] = []
        with world.stack:
            for criterion in criteria:
                if why := world.spoil(fault, rollout.metrics[criterion.metric]):
                    far.append(place.far(fault, Kind.CRITERION, criterion.name, why))
                else:
                    targets.append(place.target(Kind.CRITERION, criterion.name, looks=False))
            yield world.staged(targets, far)

    return scene


def soak(fault: Fault) -> Scene:
    """The samples of the stage's soak have a gap, come too seldom, or tell of a restart."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        declared = place.stage.soak
        if declared is None:
            yield None
            return
        world = _World(place)
        told = (declared.comparisons, declared.started) if fault is Fault.SOAK_RESTART else declared.metrics
        far: list[Tried] = []
        with world.stack:
            reasons = [world.interrupt(fault, declared, name) for name in told if name]
            why = "" if reasons and not all(reasons) else next(iter(reasons), _UNTOLD)
            if why:
                far = [place.far(fault, Kind.SOAK, name, why) for name in declared.metrics]
            targets = [] if why else [place.target(Kind.SOAK, name, looks=False) for name in declared.metrics]
            yield world.staged(targets, far)

    return scene


_UNTOLD = "no metric tells of a restart; declare started or comparisons"


class _World:
    """The metrics and networks of the altered world, and the stand-ins that last as long as ``stack`` is open."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._metrics: dict[str, Metric] = dict(place.rollout.metrics)
        self._networks: dict[str, Network] = dict(place.rollout.networks)
        self.stack = ExitStack()

    def staged(self, targets: list[Target], far: list[Tried]) -> Staged:
        """The rollout with what was spoilt; nothing but its sources is looked at."""
        rollout = self._place.with_stage(checks=(), contracts=(), flags=())
        return Staged(
            rollout=replace(rollout, metrics=self._metrics, networks=self._networks),
            targets=tuple(targets),
            out_of_reach=tuple(far),
            runs_tests=False,
        )

    def spoil(self, fault: Fault, metric: Metric) -> str:
        """Spoil the metric's source, or say why not."""
        source = metric.source
        if source is None:
            return "tests measure it"
        try:
            other = _KINDS[source.kind](self, fault, source)
        except (RolloutError, OSError, ValueError, KeyError, TypeError) as error:
            return f"its source could not be altered ({error})"
        if other is None:
            return f"a drill does not alter sources of kind {source.kind.value} so"
        self._metrics[metric.name] = replace(metric, source=other)
        return ""

    def interrupt(self, fault: Fault, soak: Soak, name: str) -> str:
        """Interrupt the metric's samples, or say why not."""
        metric = self._place.rollout.metrics[name]
        source = metric.source
        found = None if source is None else _INTERRUPTIONS[fault](soak, source)
        if source is None or found is None:
            return "its samples cannot come so seldom without a gap"
        if source.kind is SourceKind.PROMETHEUS:
            other = replace(source, url=self._stands_in(source, answers.interrupted(found)))
        elif source.kind is SourceKind.RECORDED:
            other = self._copied(fault, source, answers.recorded_interrupted(found))
        else:
            return f"a drill does not interrupt sources of kind {source.kind.value}"
        self._metrics[name] = replace(metric, source=other)
        return ""

    def _stands_in(self, source: SourceSettings, alters: Alters) -> str:
        return self.stack.enter_context(StandIn(source.url, alters=alters)).url

    def _copied(
        self, fault: Fault, source: SourceSettings, holds: Callable[[SourceSettings, Path], str]
    ) -> SourceSettings:
        path = self._place.rollout.folder / source.path
        copy = self._place.folder / f"{fault.value}-{path.name}"
        copy.write_text(holds(source, path))
        return replace(source, path=str(copy))

    def _served(self, fault: Fault, source: SourceSettings) -> SourceSettings | None:
        if fault is Fault.METRIC_DOWN:
            return replace(source, url=NOWHERE)
        if source.kind is SourceKind.HTTP and fault is Fault.METRIC_STALE and source.options.get("time"):
            return None  # the document tells its own times
        return replace(source, url=self._stands_in(source, _SAYS[fault, source.kind]))

    def _recorded(self, fault: Fault, source: SourceSettings) -> SourceSettings | None:
        if fault is Fault.METRIC_DOWN:
            return self._gone(source)
        return self._copied(fault, source, _HOLDS[fault])

    def _logged(self, fault: Fault, source: SourceSettings) -> SourceSettings | None:
        if fault is Fault.METRIC_EMPTY:
            return self._copied(fault, source, lambda *_: "")
        return self._gone(source) if fault is Fault.METRIC_DOWN else None

    def _asked(self, fault: Fault, source: SourceSettings) -> SourceSettings | None:
        """A database does its work, and the answer is another."""
        if fault is Fault.METRIC_DOWN:
            gone = "sqlite:///gone-in-a-drill.db"
            return replace(source, url=gone if source.url.startswith("sqlite") else "postgresql://127.0.0.1:9/gone")
        from pytest_rollout.metrics.sql import otherwise  # noqa: PLC0415 - for plans with such a source

        query = otherwise(fault, source, self._place.rollout.folder)
        return replace(source, query=query) if query else None

    def _on_chain(self, fault: Fault, source: SourceSettings) -> SourceSettings | None:
        """A node that answers otherwise; what was submitted is read from a copy."""
        if fault is Fault.METRIC_EMPTY:
            is_read = source.query in _OF_TRANSACTIONS
            return self._copied(fault, source, lambda *_: "") if is_read else None  # no event is a count of 0
        network = self._networks[str(source.options["network"])].real
        if network is None:
            return None
        if fault is Fault.METRIC_DOWN:
            other = replace(network, urls=tuple(replace(url, value=NOWHERE) for url in network.urls))
        else:
            other = misled(network, self.stack, _NODES[fault])
        name = f"{_NETWORK}-{len(self._networks)}"
        self._networks[name] = replace(other, name=name)
        return replace(source, options={**source.options, "network": name})

    def _gone(self, source: SourceSettings) -> SourceSettings:
        return replace(source, path=str(self._place.folder / f"gone{Path(source.path).suffix}"))


_KINDS: Mapping[SourceKind, Callable[[_World, Fault, SourceSettings], SourceSettings | None]] = {
    SourceKind.PROMETHEUS: _World._served,  # noqa: SLF001 - its own
    SourceKind.HTTP: _World._served,  # noqa: SLF001
    SourceKind.RECORDED: _World._recorded,  # noqa: SLF001
    SourceKind.LOG: _World._logged,  # noqa: SLF001
    SourceKind.SQL: _World._asked,  # noqa: SLF001
    SourceKind.CHAIN: _World._on_chain,  # noqa: SLF001
}
_SAYS: Mapping[tuple[Fault, SourceKind], Alters] = {
    (Fault.METRIC_NAN, SourceKind.PROMETHEUS): answers.prometheus_nan,
    (Fault.METRIC_STALE, SourceKind.PROMETHEUS): answers.prometheus_stale,
    (Fault.METRIC_EMPTY, SourceKind.PROMETHEUS): answers.prometheus_empty,
    (Fault.METRIC_NAN, SourceKind.HTTP): answers.http_nan,
    (Fault.METRIC_STALE, SourceKind.HTTP): answers.http_stale,
    (Fault.METRIC_EMPTY, SourceKind.HTTP): answers.http_empty,
}
_HOLDS: Mapping[Fault, Callable[[SourceSettings, Path], str]] = {
    Fault.METRIC_NAN: answers.recorded_nan,
    Fault.METRIC_STALE: answers.recorded_stale,
    Fault.METRIC_EMPTY: answers.recorded_empty,
}
_NODES: Mapping[Fault, Otherwise] = {
    Fault.METRIC_NAN: answers.node_without_results,
    Fault.METRIC_STALE: answers.node_stalled,
}
_INTERRUPTIONS: Mapping[Fault, Callable[[Soak, SourceSettings], Interruption | None]] = {
    Fault.SOAK_GAP: gap,
    Fault.SOAK_THIN: thin,
    Fault.SOAK_RESTART: restarted,
}
