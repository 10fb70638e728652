"""The nodes of a stage, asked once more before a promotion (rule 35)."""

from __future__ import annotations

from collections.abc import Collection

from pytest_rollout.core.errors import Refused, RolloutError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.history import History
from pytest_rollout.core.node_check import NodeCheck
from pytest_rollout.core.node_memory import with_memory
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.override import names_of
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.runner.sampling import known_nodes


def look_at_nodes_again(rollout: Rollout, stage: Stage, history: History, overridden: Collection[str] = ()) -> None:
    """Refuse where a node is no longer as the gate saw it: another rung, a divergence since, a restart, no answer.

    Items that somebody answers for, by their ids, were not well when they were judged either.
    """
    checks = [each for each in stage.checks if isinstance(each, NodeCheck) and each.required]
    if not checks:
        return
    from pytest_rollout.consensus.checks import observe  # noqa: PLC0415 - for stages with nodes
    from pytest_rollout.consensus.nodes import Nodes  # noqa: PLC0415 - as above

    place = f"{rollout.name}:{stage.name}"
    excused = names_of(overridden, stage, Kind.NODE)
    nodes, findings = Nodes(rollout.nodes), []
    for check in checks:
        item = f"{rollout.name}::{stage.name}::{Kind.NODE.value}::{check.name}"
        try:
            value, source = observe(check, rollout, stage, nodes)
        except RolloutError as error:
            raise Refused(f"{place}: {check.name} cannot be looked at again: {error}") from error
        findings.append(check.judge(item, Observation(item=item, value=value, source=source)))
    for finding in with_memory(findings, known_nodes(history)):
        if finding.stands_in_the_way and finding.item.rpartition("::")[2] not in excused:
            raise Refused(
                f"{place}: {finding.title} was well when it was judged and is not now: {finding.measured}. "
                f"Run `pytest --stage={place}` again."
            )
