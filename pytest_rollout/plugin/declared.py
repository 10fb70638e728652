"""Declared checks as pytest items: ``suites/takumi/rollout.toml::alpha::contracts::SkillProfile.paused``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import pytest

from pytest_rollout.core.check import Check
from pytest_rollout.core.errors import EvidenceError, RolloutError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.owed import judge_observation, shared_exposure
from pytest_rollout.core.rollout import ContractState, Exposure, FlagState, Rollout, Stage
from pytest_rollout.plugin.context import Context
from pytest_rollout.runner.channel import Briefing

Look = Callable[..., Any]

_OWN_KINDS = (Kind.NETWORK, Kind.CONTRACT, Kind.FLAG, Kind.EXPOSURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who looks for the checks of one kind: a module with ``observe``, and the fixtures it is handed.

    ``observe(check, rollout, stage, *fixtures)`` returns what was seen, as JSON, and who said so.
    """

    module: str
    fixtures: tuple[str, ...] = ()


ROOMS: Mapping[Kind, Room] = {
    Kind.INVENTORY: Room(module="pytest_rollout.contracts.inventory", fixtures=("books",)),
    Kind.COMMAND: Room(module="pytest_rollout.services.checks"),
    Kind.ENDPOINT: Room(module="pytest_rollout.services.checks"),
    Kind.ENGINE: Room(module="pytest_rollout.consensus.checks", fixtures=("engines",)),
    Kind.NODE: Room(module="pytest_rollout.consensus.checks", fixtures=("nodes",)),
    Kind.STORE: Room(module="pytest_rollout.stores.checks"),
    Kind.RULES: Room(module="pytest_rollout.configuration.checks"),
    Kind.DASHBOARD: Room(module="pytest_rollout.configuration.checks"),
    Kind.ALERT: Room(module="pytest_rollout.configuration.checks"),
    Kind.MANIFEST: Room(module="pytest_rollout.configuration.checks"),
    Kind.ENVIRONMENT: Room(module="pytest_rollout.configuration.checks", fixtures=("books",)),
    Kind.DRILL: Room(module="pytest_rollout.services.checks", fixtures=("stores",)),
    Kind.RATIO: Room(module="pytest_rollout.services.checks"),
    Kind.DATABASE: Room(module="pytest_rollout.databases.checks", fixtures=("books",)),
}
"""The kinds whose checks are values of ``Stage.checks``, in the order they are collected."""


class PlanFile(pytest.File):
    """``rollout.toml`` as a file of items; one collector a stage, below it one a kind."""

    briefing: Briefing
    context: Context

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, briefing: Briefing, context: Context) -> Self:
        """The plan's collector."""
        file: Self = cls.from_parent(parent, path=path)
        file.briefing = briefing
        file.context = context
        return file

    def collect(self) -> Iterator[pytest.Collector]:
        """The one stage under judgement."""
        node: StageNode = StageNode.from_parent(self, name=self.briefing.stage)
        node.context = self.context
        yield node


class StageNode(pytest.Collector):
    """A stage; its declared checks by kind."""

    context: Context

    def collect(self) -> Iterator[pytest.Collector]:
        """One collector for each kind that the stage declares."""
        for kind in (*_OWN_KINDS, *ROOMS):
            if checks := dict(_checks(kind, self.context)):
                node: KindNode = KindNode.from_parent(self, name=kind.value)
                node.kind, node.checks, node.context = kind, checks, self.context
                yield node


class KindNode(pytest.Collector):
    """The declared checks of one kind."""

    kind: Kind
    checks: dict[str, Look]
    context: Context

    def collect(self) -> Iterator[pytest.Item]:
        """One item a check."""
        for name, look in self.checks.items():
            item: DeclaredItem = DeclaredItem.from_parent(self, name=name, callobj=_item_function(self.kind, look))
            item.context, item.kind, item.title = self.context, self.kind.value, name
            yield item


class DeclaredItem(pytest.Function):
    """One declared check: looks, records what it saw, and fails where the judge will."""

    context: Context
    kind: str
    title: str

    @property
    def declared(self) -> DeclaredItem:
        """Marks the item for the recorder."""
        return self

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the check is written: in the plan."""
        return self.path, None, f"{self.kind} {self.title}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A sentence instead of a traceback through this plugin."""
        if isinstance(excinfo.value, CheckFailedError | RolloutError):
            return str(excinfo.value)
        return self._repr_failure_py(excinfo, style="auto" if style is None else style)


class CheckFailedError(AssertionError):
    """A declared check saw something else than the plan says."""


def _item_function(kind: Kind, look: Look) -> Look:
    """The item's function; its parameters are the fixtures that must be set up before it looks."""

    def check_network(request: pytest.FixtureRequest, network: Any) -> None:
        _look(request.node, look, network)

    def check_contract(request: pytest.FixtureRequest, network: Any, contracts: Any) -> None:
        _look(request.node, look, network, contracts)

    def check_flag(request: pytest.FixtureRequest, flags: Any) -> None:
        _look(request.node, look, flags)

    def check_with_fixtures(request: pytest.FixtureRequest) -> None:
        _look(request.node, look, *map(request.getfixturevalue, ROOMS[kind].fixtures))

    functions: dict[Kind, Look] = {
        Kind.NETWORK: check_network,
        Kind.CONTRACT: check_contract,
        Kind.FLAG: check_flag,
        Kind.EXPOSURE: check_flag,
    }
    return functions.get(kind, check_with_fixtures)


def _look(item: Any, look: Look, *fixtures: Any) -> None:
    event: dict[str, Any] = {"e": "observe", "id": item.nodeid}
    try:
        _refuse_others(item.context, fixtures)
        event |= look(*fixtures)
    except RolloutError as error:
        event["error"] = str(error)
    try:
        item.context.record(event)
    except EvidenceError as error:
        event = {"e": "observe", "id": item.nodeid, "error": f"what was seen cannot be recorded: {error}"}
        item.context.record(event)
    if item.context.deployed:
        item.context.record({"e": "deployed", "id": item.nodeid, "contracts": item.context.deployed})
        item.context.deployed = {}
    seen = Observation(item=item.nodeid, value=event.get("value"), error=event.get("error", ""))
    finding = judge_observation(item.context.rollout, item.context.stage, item.nodeid, seen)
    if finding.stands_in_the_way:
        raise CheckFailedError(f"{finding.title}: {finding.measured}; needs {finding.needed}")


def _refuse_others(context: Context, fixtures: Sequence[Any]) -> None:
    """A hook may hand out something else than the fixture opened, without overriding it."""
    opened = (
        *context.chains.values(),
        context.book,
        context.books,
        context.flags,
        context.engines,
        context.nodes,
        context.stores,
    )
    if not all(any(each is own for own in opened) for each in fixtures):
        raise RolloutError("a fixture of this check gave something else than the gate opened; a hook replaced it.")


def _checks(kind: Kind, context: Context) -> Iterator[tuple[str, Look]]:
    stage: Stage = context.stage
    if kind is Kind.NETWORK and (context.network_name is not None):
        yield context.network_name, _look_at_network
    elif kind is Kind.CONTRACT:
        for state in stage.contracts:
            yield state.name, _look_at_contract(context, state)
    elif kind is Kind.FLAG:
        for flag in stage.flags:
            yield flag.key, _look_at_flag(flag)
    elif kind is Kind.EXPOSURE and stage.exposure is not None and stage.exposure.share is not None:
        yield stage.exposure.flag or "share", _look_at_exposure(context, stage.exposure)
    for check in stage.checks:
        if check.kind is kind:
            yield check.name, _look_in_room(context, check)


def _look_at_network(network: Any) -> dict[str, Any]:
    head = network.pinned or network.head()
    value = {
        "chain_id": network.chain_id,
        "number": head.number,
        "hash": head.hash,
        "timestamp": head.timestamp,
        "client": head.client_version,
    }
    return {"value": value, "source": f"network {network.name}"}


def _look_at_contract(context: Context, state: ContractState) -> Look:
    """One state's part of a single look at all of them: the first item that looks reads for the rest.

    Declared states are about the chain as the gate found it. What a test changes is undone after
    it; read once, at one block, a state cannot change between two items either.
    """

    def look(network: Any, contracts: Any) -> dict[str, Any]:
        from pytest_rollout.contracts.checks import observe_all  # noqa: PLC0415 - for those who declare it

        if context.states is None:
            context.states = observe_all(context.stage.contracts, contracts, network)
            context.deployed = _deployed(context, network, contracts)
        value = context.states.seen[state.name]
        if isinstance(value, RolloutError):
            raise value
        return {"value": value, "source": f"{network.name} @ {context.states.number}"}

    return look


def _deployed(context: Context, network: Any, contracts: Any) -> dict[str, Any]:
    """What stands behind the declared contracts of a chain that ends with the run; real ones the supervisor reads."""
    declared = context.rollout.networks.get(network.name)
    if declared is None or declared.real is not None:
        return {}
    from pytest_rollout.contracts.identity import identified  # noqa: PLC0415 - as above

    names = dict.fromkeys(state.contract for state in context.stage.contracts)
    try:
        found = identified(contracts, names)
    except RolloutError:  # the state that cannot be read says so itself
        return {}
    return {name: each.document() for name, each in found.items()}


def _look_at_flag(flag: FlagState) -> Look:
    def look(flags: Any) -> dict[str, Any]:
        from pytest_rollout.flags.checks import observe_flag  # noqa: PLC0415 - openfeature, as above

        return {"value": observe_flag(flags, flag.key, flag.expected), "source": flags.source}

    return look


def _look_at_exposure(context: Context, exposure: Exposure) -> Look:
    def look(flags: Any) -> dict[str, Any]:
        from pytest_rollout.flags.checks import observe_exposure  # noqa: PLC0415 - openfeature, as above

        rollout, stage = context.rollout, context.stage
        before = rollout.before(stage.name) if shared_exposure(rollout, stage) is not None else None
        with ExitStack() as resources:
            earlier = None
            if before is not None:
                earlier = resources.enter_context(closing(open_stage_flags(rollout, before.name)))
            value = observe_exposure(flags, exposure, stage=stage.name, earlier=earlier)
        return {"value": value, "source": flags.source}

    return look


def _look_in_room(context: Context, check: Check) -> Look:
    def look(*fixtures: Any) -> dict[str, Any]:
        observe = import_module(ROOMS[check.kind].module).observe
        value, source = observe(check, context.rollout, context.stage, *fixtures)
        return {"value": value, "source": source}

    return look


def open_stage_flags(rollout: Rollout, stage: str) -> Any:
    """The flags of one stage's audience."""
    from pytest_rollout.flags.opening import open_flags  # noqa: PLC0415 - openfeature, as above

    return open_flags(rollout.flags, rollout.folder, rollout=rollout.name, stage=stage)
