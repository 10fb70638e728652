"""The faults that a gate's own items are about: for each, the altered world and the items that must notice."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.endpoint import Endpoint, Service
from pytest_rollout.core.engines import EngineKind, EngineSpec
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.faults import Came, Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.rollout import (
    Metric,
    Network,
    NetworkKind,
    Rollout,
    SourceKind,
    SourceSettings,
    Stage,
    Url,
)
from pytest_rollout.core.store_check import StoreCheck
from pytest_rollout.faults import answers
from pytest_rollout.faults.standin import Alters, Said, StandIn
from pytest_rollout.networks.binary import find
from pytest_rollout.stores.dropping import without_a_record

_NOWHERE = "http://127.0.0.1:9"
_SLOW_SECONDS = 1.0
_FEW = 5
"""Requests of a load that is slow on purpose."""

_OTHER_CHAIN = 7_357_001
_OVER_HTTP = frozenset({SourceKind.PROMETHEUS, SourceKind.HTTP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An item that must notice a fault: its id as it is told, and the findings of which one must not pass.

    ``looks`` is whether something must have been observed for it; else it may fail before it looks.
    """

    item: str
    findings: tuple[str, ...]
    looks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The rollout in the altered world, who must notice, and what could not be done."""

    rollout: Rollout
    targets: tuple[Target, ...]
    out_of_reach: tuple[Tried, ...] = ()
    chain_fault: str = ""
    left_out: tuple[str, ...] = ()
    runs_tests: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is drilled: the rollout as it is, the stage and its network, the prefix of its items, a folder to spoil."""

    rollout: Rollout
    stage: Stage
    network: Network | None
    prefix: str
    folder: Path

    def item(self, kind: Kind, name: str) -> str:
        """The id of a declared item."""
        return f"{self.prefix}::{self.stage.name}::{kind.value}::{name}"

    def target(self, kind: Kind, name: str, *, looks: bool = True) -> Target:
        """A declared item that notices by itself."""
        item = self.item(kind, name)
        return Target(item=item, findings=(item,), looks=looks)

    def with_stage(self, **changes: Any) -> Rollout:
        """The rollout with another stage of that name."""
        other = replace(self.stage, **changes)
        return replace(self.rollout, stages=tuple(other if s.name == other.name else s for s in self.rollout.stages))

    def checks(self, *kinds: Kind) -> tuple[Any, ...]:
        """The declared checks of these kinds; those of others, commands above all, need not run again."""
        return tuple(check for check in self.stage.checks if check.kind in kinds)


Scene = Callable[[Place], AbstractContextManager[Staged | None]]


@contextmanager
def _states(place: Place) -> Iterator[Staged | None]:
    states, network = place.stage.contracts, place.network
    if not states or network is None:
        yield None
        return
    far = {state.name: "what happened cannot be undone" for state in states if state.what.startswith("events")}
    far |= {state.name: "a balance of the chain's own currency" for state in states if state.what == "balance"}
    yield Staged(
        rollout=place.with_stage(checks=()),
        targets=tuple(place.target(Kind.CONTRACT, s.name) for s in states if s.name not in far),
        out_of_reach=tuple(
            Tried(fault=Fault.STATE, item=place.item(Kind.CONTRACT, name), came=Came.OUT_OF_REACH, why=why)
            for name, why in far.items()
        ),
        chain_fault=Fault.STATE.value,
    )


@contextmanager
def _code(place: Place) -> Iterator[Staged | None]:
    states = place.stage.contracts
    names = dict.fromkeys(state.contract for state in states)
    if not names or place.network is None:
        yield None
        return
    yield Staged(
        rollout=place.with_stage(checks=()),
        targets=tuple(
            Target(
                item=place.item(Kind.CONTRACT, name),
                findings=tuple(place.item(Kind.CONTRACT, s.name) for s in states if s.contract == name),
            )
            for name in names
        ),
        chain_fault=Fault.CODE.value,
    )


@contextmanager
def _chain(place: Place) -> Iterator[Staged | None]:
    network = place.network
    if network is None:
        yield None
        return
    target = place.target(Kind.NETWORK, network.name, looks=False)
    if network.kind is NetworkKind.TESTER:
        why = "the embedded chain is made by this process and can be no other's"
        tried = Tried(fault=Fault.CHAIN, item=target.item, came=Came.OUT_OF_REACH, why=why)
        yield Staged(rollout=place.rollout, targets=(), out_of_reach=(tried,))
        return
    with ExitStack() as stack:
        if network.real is None:
            other = replace(network, binary=str(_other_anvil(network, place.folder)))
        else:
            other = _misled(network, stack)
        networks = {**place.rollout.networks, network.name: other}
        yield Staged(
            rollout=replace(place.with_stage(checks=(), contracts=()), networks=networks),
            targets=(target,),
            runs_tests=False,
        )


def _other_anvil(network: Network, folder: Path) -> Path:
    """A program that starts anvil with another chain id, whatever it is told."""
    binary, _ = find(network.name, network.binary)
    script = folder / "anvil"
    script.write_text(
        "#!/bin/sh\n# anvil of another chain, for a drill\n"
        "first=1\nfor each do\n  [ $first = 1 ] && set -- && first=0\n"
        f'  [ "$before" = --chain-id ] && each={_OTHER_CHAIN}\n'
        '  set -- "$@" "$each"\n  before=$each\n  [ "$before" = --chain-id ] || before=\ndone\n'
        f'exec {shlex.quote(str(binary))} "$@"\n'
    )
    script.chmod(0o755)
    return script


def _misled(network: Network, stack: ExitStack) -> Network:
    """The network with nodes that say they are another chain's, and hand on everything else."""
    if network.of is not None:
        return replace(network, of=_misled(network.of, stack))

    def otherwise(asked: bytes, said: Said) -> Said:
        questions, answered = json.loads(asked), json.loads(said.body)
        numbers = {each["id"] for each in _list(questions) if each.get("method") == "eth_chainId"}
        for each in _list(answered):
            if each.get("id") in numbers:
                each["result"] = hex(_OTHER_CHAIN)
        return replace(said, body=json.dumps(answered).encode())

    urls = tuple(
        Url(value=stack.enter_context(StandIn(url.value, alters=otherwise)).url, shown=url.shown)
        for url in network.urls
    )
    return replace(network, urls=urls)


def _list(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


@contextmanager
def _flags(place: Place) -> Iterator[Staged | None]:
    rollout, stage = place.rollout, place.stage
    keys = [flag.key for flag in stage.flags]
    if not keys:
        yield None
        return
    settings = rollout.flags
    if settings.provider == "memory":
        values = {key: _flipped(value) if key in keys else value for key, value in settings.values.items()}
        settings = replace(settings, values=values)
    else:
        path = rollout.folder / settings.provider.partition(":")[2]
        copy = place.folder / "flags.json"
        copy.write_text(_flipped_file(path, keys))
        settings = replace(settings, provider=f"flagd:{copy}")
    yield Staged(
        rollout=replace(place.with_stage(checks=()), flags=settings),
        targets=tuple(place.target(Kind.FLAG, key) for key in keys),
    )


def _flipped_file(path: Path, keys: Sequence[str]) -> str:
    try:
        document = json.loads(path.read_bytes())
        for key in keys:
            flag = document["flags"][key]
            flag["variants"] = {name: _flipped(value) for name, value in flag["variants"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RolloutError(f"{path.name}: a drill cannot read its flags ({type(error).__name__}).") from None
    return json.dumps(document)


def _flipped(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}-drilled" if isinstance(value, str) else {"drilled": True}


def _metric(fault: Fault) -> Scene:
    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        rollout = place.rollout
        criteria = [each for each in place.stage.criteria if rollout.metrics[each.metric].source is not None]
        if not criteria:
            yield None
            return
        metrics: dict[str, Metric] = dict(rollout.metrics)
        far: list[Tried] = []
        targets: list[Target] = []
        with ExitStack() as stack:
            for criterion in criteria:
                metric, item = rollout.metrics[criterion.metric], place.item(Kind.CRITERION, criterion.name)
                assert metric.source is not None  # noqa: S101 - see above
                source = _spoilt(fault, metric.source, place, stack)
                if source is None:
                    why = f"a drill does not alter sources of kind {metric.source.kind.value} so"
                    far.append(Tried(fault=fault, item=item, came=Came.OUT_OF_REACH, why=why))
                    continue
                metrics[metric.name] = replace(metric, source=source)
                targets.append(Target(item=item, findings=(item,), looks=False))
            yield Staged(
                rollout=replace(place.with_stage(checks=(), contracts=(), flags=()), metrics=metrics),
                targets=tuple(targets),
                out_of_reach=tuple(far),
                runs_tests=False,
            )

    return scene


_SAYS: Mapping[tuple[Fault, SourceKind], Alters] = {
    (Fault.METRIC_NAN, SourceKind.PROMETHEUS): answers.prometheus_nan,
    (Fault.METRIC_STALE, SourceKind.PROMETHEUS): answers.prometheus_stale,
    (Fault.METRIC_NAN, SourceKind.HTTP): answers.http_nan,
    (Fault.METRIC_STALE, SourceKind.HTTP): answers.http_stale,
}
_HOLDS: Mapping[Fault, Callable[[SourceSettings, Path], str]] = {
    Fault.METRIC_NAN: answers.recorded_nan,
    Fault.METRIC_STALE: answers.recorded_stale,
}


def _spoilt(fault: Fault, source: SourceSettings, place: Place, stack: ExitStack) -> SourceSettings | None:
    """The source in the altered world; None where a drill has no way to alter it so."""
    if fault is Fault.METRIC_DOWN:
        return _silenced(source, place)
    if source.kind in _OVER_HTTP:
        if source.kind is SourceKind.HTTP and fault is Fault.METRIC_STALE and source.options.get("time"):
            return None  # the document tells its own times
        return replace(source, url=stack.enter_context(StandIn(source.url, alters=_SAYS[fault, source.kind])).url)
    path = place.rollout.folder / source.path
    if source.kind is not SourceKind.RECORDED or not path.is_file():
        return None
    copy = place.folder / f"{fault.value}-{path.name}"
    copy.write_text(_HOLDS[fault](source, path))
    return replace(source, path=str(copy))


def _silenced(source: SourceSettings, place: Place) -> SourceSettings | None:
    if source.kind in _OVER_HTTP:
        return replace(source, url=_NOWHERE)
    if source.kind in {SourceKind.RECORDED, SourceKind.LOG} and source.path:
        return replace(source, path=str(place.folder / f"gone{Path(source.path).suffix}"))
    return None


@contextmanager
def _engines(place: Place) -> Iterator[Staged | None]:
    engines, checks = place.rollout.engines, place.checks(Kind.ENGINE)
    if engines is None or not checks:
        yield None
        return
    gone = EngineSpec(kind=EngineKind.IMPORT, target="no_such_engine_of_a_drill:Engine")
    yield Staged(
        rollout=replace(place.with_stage(checks=checks), engines=replace(engines, candidate=gone)),
        targets=tuple(place.target(Kind.ENGINE, each.name, looks=False) for each in checks),
    )


@contextmanager
def _nodes(place: Place) -> Iterator[Staged | None]:
    checks, nodes = place.checks(Kind.NODE), place.rollout.nodes
    if not checks:
        yield None
        return
    with ExitStack() as stack:
        down = {name: replace(n, stats=stack.enter_context(StandIn(n.stats)).url) for name, n in nodes.items()}
        yield Staged(
            rollout=replace(place.with_stage(checks=checks), nodes=down),
            targets=tuple(place.target(Kind.NODE, each.name) for each in checks),
        )


@contextmanager
def _records(place: Place) -> Iterator[Staged | None]:
    checks: tuple[StoreCheck, ...] = place.checks(Kind.STORE)
    if not checks:
        yield None
        return
    altered, targets, far = [], [], []
    for number, check in enumerate(checks):
        less = without_a_record(check.left, place.folder / f"store-{number}")
        if less is None:
            item, why = place.item(Kind.STORE, check.name), "no record could be dropped from a copy"
            far.append(Tried(fault=Fault.RECORD, item=item, came=Came.OUT_OF_REACH, why=why))
            continue
        altered.append(replace(check, left=less))
        targets.append(place.target(Kind.STORE, check.name))
    rollout = place.with_stage(checks=tuple(altered))
    yield Staged(rollout=rollout, targets=tuple(targets), out_of_reach=tuple(far))


def _services(fault: Fault) -> Scene:
    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        checks: tuple[Endpoint, ...] = place.checks(Kind.ENDPOINT)
        if not checks:
            yield None
            return
        altered, targets = [], []
        with ExitStack() as stack:
            for check in checks:
                slow = fault is Fault.SERVICE_SLOW
                stand_in = StandIn(
                    check.service.url,
                    alters=_as_it_is if slow else None,
                    seconds=_slow_seconds(check) if slow else 0.0,
                )
                url = stack.enter_context(stand_in).url
                load = (
                    check.load if check.load is None else replace(check.load, requests=min(check.load.requests, _FEW))
                )
                altered.append(replace(check, service=replace(check.service, url=url), load=load))
                targets.append(place.target(Kind.ENDPOINT, check.name))
            yield Staged(rollout=_served(place, altered), targets=tuple(targets))

    return scene


def _served(place: Place, altered: Sequence[Endpoint]) -> Rollout:
    """The rollout whose services, which its tests ask too, are where its endpoints are."""
    services: dict[str, Service] = dict(place.rollout.services)
    services |= {each.service.name: each.service for each in altered if each.service.name in services}
    return replace(place.with_stage(checks=tuple(altered)), services=services)


def _as_it_is(_asked: bytes, said: Said) -> Said:
    return said


def _slow_seconds(check: Endpoint) -> float:
    """Twice the 95th percentile that is declared, a second where none is."""
    return _SLOW_SECONDS if check.load is None else 2 * float(check.load.p95.limit)


@contextmanager
def _commands(place: Place) -> Iterator[Staged | None]:
    checks: tuple[Command, ...] = place.checks(Kind.COMMAND)
    if not checks:
        yield None
        return
    fails = tuple(replace(each, run=_failing(each), shell=False) for each in checks)
    yield Staged(
        rollout=place.with_stage(checks=fails),
        targets=tuple(place.target(Kind.COMMAND, each.name) for each in checks),
        runs_tests=False,
    )


def _failing(command: Command) -> tuple[str, ...]:
    status = next(each for each in range(97, 200) if each not in command.statuses)
    shell = shutil.which("sh") or os.fspath(sys.executable)
    return (shell, "-c", f"exit {status}")


SCENES: Mapping[Fault, Scene] = {
    Fault.STATE: _states,
    Fault.CODE: _code,
    Fault.CHAIN: _chain,
    Fault.FLAG: _flags,
    Fault.METRIC_DOWN: _metric(Fault.METRIC_DOWN),
    Fault.METRIC_NAN: _metric(Fault.METRIC_NAN),
    Fault.METRIC_STALE: _metric(Fault.METRIC_STALE),
    Fault.ENGINE: _engines,
    Fault.NODE: _nodes,
    Fault.RECORD: _records,
    Fault.SERVICE_DOWN: _services(Fault.SERVICE_DOWN),
    Fault.SERVICE_SLOW: _services(Fault.SERVICE_SLOW),
    Fault.COMMAND: _commands,
}
"""Every fault but the removal of items, which is done by leaving them out of a run."""
