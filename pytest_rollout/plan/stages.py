"""The stages of a plan as values, every name in them looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.engines import EngineSettings, NodeSettings
from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.faults import DrillPolicy
from pytest_rollout.core.rollout import (
    ChecklistEntry,
    ContractSettings,
    Exposure,
    FlagState,
    KnownFailure,
    Metric,
    Network,
    Stage,
    Value,
    WatchSettings,
)
from pytest_rollout.core.store_check import StoreSettings
from pytest_rollout.plan import texts
from pytest_rollout.plan.commands import commands
from pytest_rollout.plan.configuration import configuration
from pytest_rollout.plan.criteria import criteria
from pytest_rollout.plan.databases import database_checks
from pytest_rollout.plan.drills import drills, ratios
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.endpoints import endpoints
from pytest_rollout.plan.engines import engine_checks, node_rungs, stage_mode
from pytest_rollout.plan.inventory import listed
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, some, unknown
from pytest_rollout.plan.signoffs import signoffs
from pytest_rollout.plan.soaks import soak
from pytest_rollout.plan.states import Known, states
from pytest_rollout.plan.stores import store_checks

if TYPE_CHECKING:
    from pytest_rollout.plan.stage_shape import DrilledTable, ExposureTable, StageTable, WatchTable

LONGEST_RUN = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the rest of the plan declares, for stages to refer to.

    ``folder`` holds the plan, ``environment`` lists the variables that reach the gate. ``flags`` maps
    each flag's key to its value, or to None where only the provider knows it.
    """

    networks: Mapping[str, Network]
    contracts: ContractSettings
    flags: Mapping[str, Value | None]
    metrics: Mapping[str, Metric]
    folder: Path
    environment: Sequence[str]
    services: Mapping[str, Service]
    engines: EngineSettings | None = None
    nodes: Mapping[str, NodeSettings] = field(default_factory=dict)
    stores: Mapping[str, StoreSettings]
    databases: Mapping[str, DatabaseSettings] = field(default_factory=dict)


def stages(written: Written, tables: Mapping[str, StageTable], declared: Declared) -> tuple[Stage, ...]:
    """All stages in the order written; raises ``PlanError``."""
    if not tables:
        raise written.wrong(("stages",), "has no stage; write one, such as [stages.beta].")
    known = Known(declared.contracts)
    return tuple(_stage(written, name, table, declared, known) for name, table in tables.items())


def _stage(written: Written, name: str, table: StageTable, declared: Declared, known: Known) -> Stage:
    place: Place = ("stages", name)
    written.read(("stages",), name, texts.key_name)
    network = None
    if table.network is not None:
        network = declared.networks.get(table.network)
        if network is None:
            raise written.wrong((*place, "network"), unknown("network", table.network, declared.networks))
    deadline = written.read((*place, "deadline"), table.deadline, duration)
    if deadline > LONGEST_RUN:
        raise written.wrong((*place, "deadline"), f"{GIVEN} is longer than 24h, the longest a run of a gate may take.")
    judged = criteria(written, name, table, declared.metrics)
    held = store_checks(
        written,
        name,
        table.stores,
        declared.stores,
        contracts=declared.contracts.inventory,
        networks=declared.networks,
    )
    return Stage(
        name=name,
        title=written.read((*place, "title"), table.title or name, texts.line),
        network=table.network,
        exposure=None if table.exposure is None else _exposure(written, place, table.exposure, declared.flags),
        flags=_flags(written, place, table, declared.flags),
        contracts=states(written, name, table, network, known),
        criteria=judged,
        duration=None if table.duration is None else written.read((*place, "duration"), table.duration, duration),
        soak=soak(written, name, table.soak, judged, declared.metrics),
        checklist=_checklist(written, place, table),
        known_failures=_known_failures(written, place, table),
        removed=_removed(written, place, table),
        deadline=deadline,
        signoffs=signoffs(written, place, table.signoffs, network),
        drilled=_drilled(written, place, table.drilled),
        watch=_watch(written, place, table.watch),
        checks=(
            *commands(written, name, table.commands, declared.folder, declared.environment),
            *endpoints(written, name, table.endpoints, declared.folder, declared.services),
            *engine_checks(written, name, table.engines, declared.engines, declared.folder),
            *node_rungs(written, name, table.nodes, declared.nodes),
            *listed(written, name, table.inventory, declared.contracts, declared.networks),
            *held,
            *drills(written, name, table.drills, declared.folder, declared.environment, held),
            *ratios(written, name, table.ratios, declared.folder, declared.environment),
            *configuration(written, name, table, declared.folder, declared.services, declared.networks),
            *database_checks(written, name, table.databases, declared.databases, declared.networks, declared.folder),
        ),
        mode=stage_mode(written, name, table.engines),
    )


def _exposure(written: Written, place: Place, table: ExposureTable, flags: Mapping[str, Value | None]) -> Exposure:
    place = (*place, "exposure")
    if (table.share is None) != (table.flag is None):
        missing, there = ("flag", "share") if table.flag is None else ("share", "flag")
        raise written.wrong(place, f"has a {there} without a {missing}; a share is steered by a flag, so write both.")
    if table.users is None and table.share is None and table.description is None:
        raise written.wrong(place, "says nobody; write users, or a share and its flag.")
    if table.flag is not None:
        if table.flag not in flags:
            raise written.wrong((*place, "flag"), unknown("flag", table.flag, flags))
        if not isinstance(flags[table.flag], bool | None):
            raise written.wrong((*place, "flag"), f"{GIVEN} is no boolean flag; a share is steered by true and false.")
    return Exposure(
        users=None if table.users is None else written.read((*place, "users"), table.users, texts.users),
        share=None if table.share is None else written.read((*place, "share"), table.share, texts.share),
        flag=table.flag,
        sample=table.sample,
        confidence=written.read((*place, "confidence"), table.confidence, texts.confidence),
        description=written.read((*place, "description"), table.description, texts.line) if table.description else "",
    )


def _watch(written: Written, place: Place, table: WatchTable | None) -> WatchSettings:
    if table is None:
        return WatchSettings()
    place = (*place, "watch")
    return WatchSettings(
        interval=None if table.interval is None else written.read((*place, "interval"), table.interval, duration),
        max_blind=written.read((*place, "max_blind"), table.max_blind, duration),
    )


def _drilled(written: Written, place: Place, table: DrilledTable | None) -> DrillPolicy | None:
    if table is None:
        return None
    place = (*place, "drilled")
    score = written.read((*place, "score"), table.score, texts.share)
    if not score:
        raise written.wrong((*place, "score"), f"{GIVEN} wants nothing noticed; write the least share, such as '90 %'.")
    return DrillPolicy(score=score, valid_for=written.read((*place, "valid_for"), table.valid_for, duration))


def _flags(
    written: Written, place: Place, table: StageTable, flags: Mapping[str, Value | None]
) -> tuple[FlagState, ...]:
    for key in table.flags:
        if key not in flags:
            raise written.wrong(
                (*place, "flags"),
                f"no flag {quoted(key)}; the provider has {some(flags)}.{suggestion(key, flags)}",
            )
    return tuple(FlagState(key=key, expected=value) for key, value in table.flags.items())


def _checklist(written: Written, place: Place, table: StageTable) -> tuple[ChecklistEntry, ...]:
    entries: dict[str, ChecklistEntry] = {}
    for index, entry in enumerate(table.checklist):
        where = (*place, "checklist", index, "text")
        text = written.read(where, entry.text, texts.line)
        if texts.folded(text) in entries:
            raise written.wrong(where, "is the text of two entries of this checklist; write each once.")
        entries[texts.folded(text)] = ChecklistEntry(
            number=index + 1, text=text, evidence=entry.evidence, required=not entry.advisory
        )
    return tuple(entries.values())


def _known_failures(written: Written, place: Place, table: StageTable) -> tuple[KnownFailure, ...]:
    failures: dict[str, KnownFailure] = {}
    for index, entry in enumerate(table.known_failures):
        where = (*place, "known_failures", index)
        test = written.read((*where, "test"), entry.test, _node_id)
        if test in failures:
            raise written.wrong((*where, "test"), "is listed twice; list each test once.")
        failures[test] = KnownFailure(
            test=test,
            owner=written.read((*where, "owner"), entry.owner, texts.line),
            reason=written.read((*where, "reason"), entry.reason, texts.line),
            expires=entry.expires,
        )
    return tuple(failures.values())


def _removed(written: Written, place: Place, table: StageTable) -> tuple[str, ...]:
    for index, item in enumerate(table.removed):
        where = (*place, "removed", index)
        written.read(where, item, texts.line)
        if item in table.removed[:index]:
            raise written.wrong(where, f"{GIVEN} is listed twice; list each item once.")
    return tuple(table.removed)


def _node_id(text: str) -> str:
    if "::" not in texts.line(text):
        raise Unfit(f"{GIVEN} is no test's id; write it as pytest does, such as beta/test_pause.py::test_pause.")
    return text


def is_owed_something(stage: Stage) -> bool:
    """Whether anything the plan declares for this stage counts in its gate (rules 1 and 4)."""
    return bool(
        stage.network
        or stage.flags
        or stage.contracts
        or (stage.exposure and stage.exposure.share is not None)
        or stage.soak is not None
        or any(each.required for each in stage.criteria)
        or any(each.required for each in stage.checklist)
        or any(each.required for each in stage.checks)
    )
