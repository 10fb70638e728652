"""The nodes of a stage, asked at every look of a watch, and once more before a promotion (rule 35)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pytest_rollout.core.errors import Refused, RolloutError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.history import History
from pytest_rollout.core.node_check import NodeCheck
from pytest_rollout.core.node_memory import told_apart, with_memory
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.override import names_of
from pytest_rollout.core.owed import judge_observation
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.runner.sampling import known_nodes


def node_checks_of(stage: Stage) -> tuple[NodeCheck, ...]:
    """What a stage asks of its nodes and counts."""
    return tuple(each for each in stage.checks if isinstance(each, NodeCheck) and each.required)


def findings_of_nodes(rollout: Rollout, stage: Stage, history: History, prefix: str) -> list[Finding]:
    """How each check of a node stands now; one that cannot be asked is an error. ``prefix`` begins the items' ids."""
    findings = []
    for check, seen in _looked(rollout, stage):
        item = f"{prefix}::{Kind.NODE.value}::{check.name}"
        findings.append(judge_observation(rollout, stage, item, seen))
    return told_apart(with_memory(findings, known_nodes(history)))


def look_at_nodes_again(rollout: Rollout, stage: Stage, history: History, overridden: Collection[str] = ()) -> None:
    """Refuse where a node is no longer as the gate saw it: another rung, a divergence since, a restart, no answer.

    Items that somebody answers for, by their ids, were not well when they were judged either.
    """
    place, findings = f"{rollout.name}:{stage.name}", []
    excused = names_of(overridden, stage, Kind.NODE)
    for check, seen in _looked(rollout, stage):
        if seen.error:
            raise Refused(f"{place}: {check.name} cannot be looked at again: {seen.error}")
        findings.append(check.judge(f"{rollout.name}::{stage.name}::{Kind.NODE.value}::{check.name}", seen))
    for finding in told_apart(with_memory(findings, known_nodes(history))):
        if finding.stands_in_the_way and finding.item.rpartition("::")[2] not in excused:
            raise Refused(
                f"{place}: {finding.title} was well when it was judged and is not now: {finding.measured}. "
                f"Run `pytest --stage={place}` again."
            )


def _looked(rollout: Rollout, stage: Stage) -> Iterator[tuple[NodeCheck, Observation]]:
    checks = node_checks_of(stage)
    if not checks:
        return
    from pytest_rollout.consensus.checks import observe  # noqa: PLC0415 - for stages with nodes
    from pytest_rollout.consensus.nodes import Nodes  # noqa: PLC0415 - as above

    nodes = Nodes(rollout.nodes)
    for check in checks:
        try:
            value, source = observe(check, rollout, stage, nodes)
        except RolloutError as error:
            yield check, Observation(item=check.name, error=str(error))
        else:
            yield check, Observation(item=check.name, value=value, source=source)
