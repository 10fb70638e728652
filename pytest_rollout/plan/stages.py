"""The stages of a plan as values, every name in them looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.rollout import (
    ChecklistEntry,
    Exposure,
    FlagState,
    KnownFailure,
    Stage,
    Value,
    WatchSettings,
)
from pytest_rollout.plan import texts
from pytest_rollout.plan.checks import checks
from pytest_rollout.plan.criteria import criteria
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, some, unknown
from pytest_rollout.plan.states import Known, states

if TYPE_CHECKING:
    from pytest_rollout.core.criterion import Criterion
    from pytest_rollout.core.drilled import DrillPolicy
    from pytest_rollout.core.mode import Mode
    from pytest_rollout.core.rollout import Network
    from pytest_rollout.core.signoff import SignoffPolicy
    from pytest_rollout.core.soak import Soak
    from pytest_rollout.plan.checks import Declared
    from pytest_rollout.plan.stage_shape import DrilledTable, ExposureTable, StageTable, WatchTable

LONGEST_RUN = timedelta(hours=24)


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
    stage = Stage(
        name=name,
        title=written.read((*place, "title"), table.title or name, texts.line),
        network=table.network,
        exposure=None if table.exposure is None else _exposure(written, place, table.exposure, declared.flags),
        flags=_flags(written, place, table, declared.flags),
        contracts=states(written, name, table, network, known),
        criteria=judged,
        duration=None if table.duration is None else written.read((*place, "duration"), table.duration, duration),
        soak=_soak(written, name, table, judged, declared),
        checklist=_checklist(written, place, table),
        known_failures=_known_failures(written, place, table),
        removed=_removed(written, place, table),
        deadline=deadline,
        signoffs=_signoffs(written, place, table, network),
        drilled=_drilled(written, place, table.drilled),
        watch=_watch(written, place, table.watch),
        checks=tuple(checks(written, name, table, declared)),
        mode=_mode(written, name, table),
    )
    return _with_overrides(written, stage, table, network)


def _signoffs(written: Written, place: Place, table: StageTable, network: Network | None) -> SignoffPolicy | None:
    if table.signoffs is None:
        return None
    from pytest_rollout.plan.signoffs import signoffs  # noqa: PLC0415 - a plan pays for the sections that it has

    return signoffs(written, (*place, "signoffs"), table.signoffs, network)


def _with_overrides(written: Written, stage: Stage, table: StageTable, network: Network | None) -> Stage:
    """The stage with who may override its findings; every name in that is one of the stage's own."""
    if table.overrides is None:
        return stage
    from pytest_rollout.plan.signoffs import overrides  # noqa: PLC0415 - as above

    return replace(stage, overrides=overrides(written, table.overrides, stage, network))


def _soak(
    written: Written, stage: str, table: StageTable, judged: Sequence[Criterion], declared: Declared
) -> Soak | None:
    if table.soak is None:
        return None
    from pytest_rollout.plan.soaks import soak  # noqa: PLC0415 - as above

    return soak(written, stage, table.soak, judged, declared.metrics)


def _mode(written: Written, stage: str, table: StageTable) -> Mode | None:
    if table.engines is None:
        return None
    from pytest_rollout.plan.engines import stage_mode  # noqa: PLC0415 - as above

    return stage_mode(written, stage, table.engines)


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
    from pytest_rollout.core.drilled import DrillPolicy  # noqa: PLC0415 - as above

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
