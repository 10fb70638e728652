"""What a plan may declare about engines and nodes, observed; judging is the rules' business."""

from __future__ import annotations

from typing import Any

from pytest_rollout.consensus.corpus import Corpus
from pytest_rollout.consensus.engines import Engines
from pytest_rollout.consensus.golden import matched, read_vectors
from pytest_rollout.consensus.nodes import Nodes
from pytest_rollout.consensus.replay import replay
from pytest_rollout.core.engine_check import SIDES, GoldenCheck, ReplayCheck
from pytest_rollout.core.node_check import Aspect, NodeCheck
from pytest_rollout.core.rollout import Rollout, Stage


def observe(
    check: GoldenCheck | ReplayCheck | NodeCheck, rollout: Rollout, _stage: Stage, fixture: Any
) -> tuple[dict[str, Any], str]:
    """What was seen of one declared check, as JSON, and who said so; raises ``EngineError``."""
    if isinstance(check, NodeCheck):
        return _node(check, fixture)
    if isinstance(check, GoldenCheck):
        return _golden(check, fixture)
    return _replay(check, rollout, fixture)


def _node(check: NodeCheck, nodes: Nodes) -> tuple[dict[str, Any], str]:
    names = [check.node]
    if check.aspect is Aspect.ORDER and check.after is not None:
        names.append(check.after)
    return {"readings": {name: nodes[name].readings() for name in names}}, nodes[check.node].settings.stats


def _golden(check: GoldenCheck, engines: Engines) -> tuple[dict[str, Any], str]:
    vectors = read_vectors(check.file)
    settings = engines.settings
    seen: dict[str, Any] = {"vectors": len(vectors)}
    for side in SIDES:
        seen[side] = matched(
            vectors,
            getattr(engines, side),
            seconds=settings.limit.total_seconds(),
            reasons=settings.reasons,
            ignore=settings.ignore,
        )
    return seen, _versions(engines)


def _replay(check: ReplayCheck, rollout: Rollout, engines: Engines) -> tuple[dict[str, Any], str]:
    folder = rollout.folder / engines.settings.kept
    result = replay(
        Corpus(check.file),
        engines.settings,
        rollout.folder,
        workers=0,
        part=(check.part, check.parts),
        keep_in=folder,
    )
    seen = result.document()
    if result.kept:
        seen["kept"] = result.kept[0].relative_to(rollout.folder).as_posix()
    return seen, _versions(engines)


def _versions(engines: Engines) -> str:
    return ", ".join(f"{side} {version}" for side, version in engines.dual.versions.items())
