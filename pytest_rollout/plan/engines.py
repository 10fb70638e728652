"""Engines and nodes as a plan declares them, and what each stage asks of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_rollout.core.check import Check
from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.engine_check import GoldenCheck, ReplayCheck
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation, NodeSettings
from pytest_rollout.core.errors import suggestion
from pytest_rollout.core.mode import Mode, mode_of
from pytest_rollout.core.node_check import NodeRung, node_checks
from pytest_rollout.core.rung import Latency
from pytest_rollout.core.units import UNITS, UnitError, quantity
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, some, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.engine_shape import (
        EnginesTable,
        LatencyTable,
        NamedEngine,
        NodeTable,
        StageEnginesTable,
        StageNodeTable,
    )

_TARGET = re.compile(r"[\w./-]+\.py:[A-Za-z_]\w*|[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_REASON = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")
LEAST_MEMORY = 64 * 1024**2


def engines(written: Written, folder: Path, table: EnginesTable | None) -> EngineSettings | None:
    """Both engines; raises ``PlanError``."""
    if table is None:
        return None
    place: Place = ("engines",)
    reference = _spec(written, (*place, "reference"), table.reference, folder)
    candidate = _spec(written, (*place, "candidate"), table.candidate, folder)
    if candidate == reference:
        raise written.wrong((*place, "candidate"), "it is the reference too; an engine always agrees with itself.")
    isolation = Isolation(table.isolation)
    if isolation is Isolation.PROCESS and candidate.kind is not EngineKind.IMPORT:
        raise written.wrong((*place, "isolation"), "a command or a URL is a process of its own anyway; leave it out.")
    if table.memory is not None and isolation is Isolation.THREAD and candidate.kind is not EngineKind.COMMAND:
        raise written.wrong((*place, "memory"), 'only a process can be bounded; write isolation = "process" too.')
    for reason in table.reasons:
        if not _REASON.fullmatch(reason):
            raise written.wrong(
                (*place, "reasons"), f"{quoted(reason)} is no class of a reason, such as BadMerkleRoot."
            )
    return EngineSettings(
        reference=reference,
        candidate=candidate,
        isolation=isolation,
        limit=written.read((*place, "limit"), table.limit, duration),
        memory=None if table.memory is None else written.read((*place, "memory"), table.memory, _memory),
        ignore=tuple(
            written.read((*place, "ignore", index), each, texts.line) for index, each in enumerate(table.ignore)
        ),
        reasons={
            name: written.read((*place, "reasons", name), reason, texts.line) for name, reason in table.reasons.items()
        },
        kept=written.read((*place, "divergences"), table.divergences, _below),
    )


def _spec(written: Written, place: Place, table: NamedEngine, folder: Path) -> EngineSpec:
    given = [key for key in ("target", "command", "url") if getattr(table, key) is not None]
    if len(given) != 1:
        raise written.wrong(place, "an engine is an import path, a command or a url; write one of them.")
    if table.command is not None:
        return EngineSpec(kind=EngineKind.COMMAND, command=tuple(table.command))
    if table.url is not None:
        return EngineSpec(kind=EngineKind.URL, target=written.read((*place, "url"), table.url, _url))
    assert table.target is not None  # noqa: S101 - the only one left
    target = written.read(place, table.target, _target)
    file = target.rpartition(":")[0]
    if file.endswith(".py") and not (folder / file).is_file():
        raise written.wrong(place, f"{GIVEN} names a file that is not there; paths are relative to the plan's folder.")
    return EngineSpec(kind=EngineKind.IMPORT, target=target)


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise Unfit(f"{GIVEN} is no import path; write package.module:Name, or file.py:Name beside the plan.")
    return text


def _url(text: str) -> str:
    try:
        url = urlsplit(texts.line(text))
        host = url.hostname
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"}:
        raise Unfit(f"{GIVEN} is no URL; write it such as http://node-1:8080/v1/consensus/stats.")
    return text


def _memory(text: str) -> int:
    try:
        size = quantity(text, default="")
    except UnitError:
        size = None
    if size is None or size.unit.dimension != "bytes":
        raise Unfit(f"{GIVEN} is no size; write a number and bytes, KiB, MiB or GiB, such as '512 MiB'.")
    if size.base < LEAST_MEMORY:
        raise Unfit(f"{GIVEN} is less than 64 MiB, in which no engine starts.")
    return int(size.base)


def _below(text: str) -> str:
    path = Path(texts.line(text))
    if path.is_absolute() or ".." in path.parts:
        raise Unfit(f"{GIVEN} is not below the plan's folder; write a relative path without '..'.")
    return text


def nodes(written: Written, tables: Mapping[str, NodeTable]) -> dict[str, NodeSettings]:
    """The declared nodes by name, each after one that is declared too; raises ``PlanError``."""
    found: dict[str, NodeSettings] = {}
    for name, table in tables.items():
        place: Place = ("nodes", name)
        written.read(("nodes",), name, texts.key_name)
        if table.after is not None and table.after not in tables:
            raise written.wrong((*place, "after"), unknown("node", table.after, tables))
        stats = written.read((*place, "stats"), table.stats, _url)
        if other := next((each.name for each in found.values() if each.stats == stats), None):
            raise written.wrong((*place, "stats"), f"it is the address of node '{other}' too; each has one of its own.")
        found[name] = NodeSettings(
            name=name,
            stats=stats,
            max_age=written.read((*place, "max_age"), table.max_age, duration),
            after=table.after,
            clock=table.clock,
        )
    for name in found:
        seen = [name]
        while (following := found[seen[-1]].after) is not None:
            if following in seen:
                raise written.wrong(
                    ("nodes", name, "after"), f"{GIVEN} leads round in a circle; one node is the first."
                )
            seen.append(following)
    return found


def stage_mode(written: Written, stage: str, table: StageEnginesTable | None) -> Mode | None:
    """The rung of the engines fixture in a stage."""
    if table is None or table.mode is None:
        return None
    return written.read(("stages", stage, "engines", "mode"), table.mode, mode_of)


def engine_checks(
    written: Written, stage: str, table: StageEnginesTable | None, settings: EngineSettings | None, folder: Path
) -> tuple[Check, ...]:
    """What the stage's gate asks of both engines; raises ``PlanError``."""
    if table is None:
        return ()
    place: Place = ("stages", stage, "engines")
    if settings is None:
        raise written.wrong(place, "the plan has no [engines]; declare reference and candidate.")
    if table.corpus is None:
        for key in ("min_comparisons", "latency"):
            if getattr(table, key) is not None:
                raise written.wrong((*place, key), "there is no corpus to measure it on; write corpus too.")
    elif table.min_comparisons is None:
        raise written.wrong(place, "'min_comparisons' is missing; no comparison is not no divergence.")
    if table.golden is None and table.corpus is None and table.mode is None:
        raise written.wrong(place, "asks nothing; write golden, corpus or mode.")
    return tuple(_engine_checks(written, place, table, folder))


def _engine_checks(written: Written, place: Place, table: StageEnginesTable, folder: Path) -> Iterator[Check]:
    if table.golden is not None:
        yield GoldenCheck(file=written.read((*place, "golden"), table.golden, lambda text: _file(folder, text)))
    if table.corpus is not None and table.min_comparisons is not None:
        file = written.read((*place, "corpus"), table.corpus, lambda text: _file(folder, text))
        for part in range(1, table.parts + 1):
            yield ReplayCheck(
                file=file,
                part=part,
                parts=table.parts,
                min_comparisons=-(-table.min_comparisons // table.parts),
                latency=_latency(written, (*place, "latency"), table.latency),
            )


def _file(folder: Path, text: str) -> Path:
    path = folder / texts.line(text)
    if not path.is_file():
        raise Unfit(f"no file {GIVEN}; paths are relative to the plan's own folder.")
    return path


def node_rungs(
    written: Written, stage: str, tables: Mapping[str, StageNodeTable], declared: Mapping[str, NodeSettings]
) -> tuple[Check, ...]:
    """What the stage asks of its nodes; raises ``PlanError``."""
    found: list[Check] = []
    for name, table in tables.items():
        place: Place = ("stages", stage, "nodes")
        if name not in declared:
            raise written.wrong(
                place, f"no node {quoted(name)}; the plan has {some(declared)}.{suggestion(name, declared)}"
            )
        node = declared[name]
        rung = _rung(written, (*place, name), table, node)
        if rung.follows is not None and node.after not in tables:
            raise written.wrong(
                (*place, name, "follows"), f"node {node.after} is not in this stage, so its time cannot be read."
            )
        found += node_checks(name, rung, max_age=node.max_age, after=node.after, clock=node.clock)
    return tuple(found)


def _rung(written: Written, place: Place, table: StageNodeTable, node: NodeSettings) -> NodeRung:
    mode = mode_of(table.mode)
    if mode is Mode.SHADOW and table.min_comparisons is None:
        raise written.wrong(place, "'min_comparisons' is missing; in shadow no comparison is not no divergence.")
    if mode.rung > Mode.SHADOW.rung and table.min_verifications is None:
        raise written.wrong(place, "'min_verifications' is missing; without traffic nothing can show.")
    if mode is not Mode.SHADOW:
        for key in ("min_comparisons", "latency"):
            if getattr(table, key) is not None:
                raise written.wrong((*place, key), f"only shadow runs both engines on every block, not {mode.value}.")
    if table.follows is not None and node.after is None:
        raise written.wrong((*place, "follows"), f"nodes.{node.name} has no 'after', so it follows nobody.")
    if (table.interval is None) != (table.coverage is None):
        there, missing = ("interval", "coverage") if table.coverage is None else ("coverage", "interval")
        raise written.wrong((*place, there), f"says nothing without '{missing}'; write both.")
    if table.coverage is not None and table.soak is None:
        raise written.wrong((*place, "coverage"), "there is no soak to cover; write soak too.")
    demote_to = None if table.demote_to is None else mode_of(table.demote_to)
    if demote_to is not None and demote_to.rung >= mode.rung:
        raise written.wrong((*place, "demote_to"), f"{GIVEN} is not below {mode.value}; a demotion goes down.")
    return NodeRung(
        mode=mode,
        min_comparisons=table.min_comparisons or 0,
        min_verifications=table.min_verifications or 0,
        latency=_latency(written, (*place, "latency"), table.latency),
        soak=None if table.soak is None else written.read((*place, "soak"), table.soak, duration),
        max_gap=written.read((*place, "max_gap"), table.max_gap, duration),
        interval=None if table.interval is None else written.read((*place, "interval"), table.interval, duration),
        coverage=Fraction(1) if table.coverage is None else written.read((*place, "coverage"), table.coverage, _share),
        follows=None if table.follows is None else written.read((*place, "follows"), table.follows, duration),
        demote_to=demote_to,
    )


def _share(text: str) -> Fraction:
    if not (found := texts.share(text)):
        raise Unfit(f"{GIVEN} covers nothing; write for example '95 %'.")
    return found


def _latency(written: Written, place: Place, table: LatencyTable | None) -> Latency | None:
    if table is None:
        return None
    if table.p50 is None and table.p95 is None:
        raise written.wrong(place, "bounds nothing; write p50 or p95.")
    bounds = {
        key: written.read((*place, key), text, _ratio)
        for key, text in (("p50", table.p50), ("p95", table.p95))
        if text is not None
    }
    return Latency(p50=bounds.get("p50"), p95=bounds.get("p95"))


def _ratio(text: str) -> Bound:
    found = bound(text, UNITS["count"])
    if found.relation not in {Relation.LESS, Relation.AT_MOST}:
        raise Unfit(f"{GIVEN} asks for a slow candidate; write it such as '<= 0.2', a fifth of the reference's time.")
    return found
