"""What a plan says against itself about its nodes: rungs left out, orders and soaks that do not fit (rule 38)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from pytest_rollout.core.mode import Mode
from pytest_rollout.core.node_check import NodeCheck, NodeRung
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.series import duration_text, span
from pytest_rollout.plan.sentence import Place

Remarked = tuple[Place, str]
"""Where in the plan, and the sentence."""

Rungs = Mapping[str, NodeRung]


def contradictions_of_nodes(rollout: Rollout) -> Iterator[Remarked]:
    """Everything about nodes that cannot be meant together."""
    stages = [(stage, _rungs(stage)) for stage in rollout.stages]
    for index, (stage, rungs) in enumerate(stages):
        earlier = stages[:index]
        for node, rung in rungs.items():
            place: Place = ("stages", stage.name, "nodes", node)
            yield from _climb(place, node, rung, earlier)
            yield from _order(rollout, place, node, rung, (*earlier, (stage, rungs)))
            yield from _soak(place, stage, rung)


def advice_on_nodes(rollout: Rollout) -> Iterator[Remarked]:
    """What is worth a second look."""
    stages = [(stage, _rungs(stage)) for stage in rollout.stages]
    for name, declared in rollout.nodes.items():
        if not any(name in rungs for _, rungs in stages):
            yield ("nodes", name), "no stage looks at it, so it may stand on any rung."
        if declared.clock == "rehearsed":
            yield (
                ("nodes", name, "clock"),
                "a rehearsed clock is accepted, by which weeks may be seconds; take it out for real nodes.",
            )
    for stage, rungs in stages:
        if rungs and (missing := [name for name in rollout.nodes if name not in rungs]):
            text = f"{', '.join(missing)} is not looked at here, so it may stand on any rung meanwhile."
            yield ("stages", stage.name, "nodes"), text
        for node, rung in rungs.items():
            before = rollout.nodes[node].after
            place: Place = ("stages", stage.name, "nodes", node)
            came = before is not None and _first(stages, before, rung.mode) == _first(stages, node, rung.mode) == stage
            if came and rung.follows is None and rung.mode is not Mode.REFERENCE_ONLY:
                text = (
                    f"goes to {rung.mode.value} in the stage in which {before} does; write 'follows', or let it wait."
                )
                yield place, text


def _rungs(stage: Stage) -> Rungs:
    return {each.node: each.rung for each in stage.checks if isinstance(each, NodeCheck)}


def _first(stages: list[tuple[Stage, Rungs]], node: str, mode: Mode) -> Stage | None:
    """The stage in which a node is on that rung, or beyond it, for the first time."""
    there = (stage for stage, rungs in stages if node in rungs and rungs[node].mode.rung >= mode.rung)
    return next(there, None)


def _climb(place: Place, node: str, rung: NodeRung, earlier: list[tuple[Stage, Rungs]]) -> Iterator[Remarked]:
    """One rung at a time, each with a soak behind it; and never down."""
    were = [(stage, rungs[node]) for stage, rungs in earlier if node in rungs]
    if higher := [(stage, each) for stage, each in were if each.mode.rung > rung.mode.rung]:
        stage, each = higher[-1]
        yield (
            (*place, "mode"),
            f"{rung.mode.value} is below {each.mode.value} of stage {stage.name} before it; a rollout climbs.",
        )
        return
    if rung.mode.rung <= Mode.SHADOW.rung or any(each.mode is rung.mode for _, each in were):
        return
    below = list(Mode)[rung.mode.rung - 1]
    stood = [each for _, each in were if each.mode is below]
    if not stood:
        yield (
            (*place, "mode"),
            f"{node} goes to {rung.mode.value}, and no stage before has it in {below.value}; one rung at a time.",
        )
    elif not any(each.soak for each in stood):
        yield (
            (*place, "mode"),
            f"{node} goes to {rung.mode.value}, but no stage before asks for a soak of it in {below.value}.",
        )


def _order(
    rollout: Rollout, place: Place, node: str, rung: NodeRung, until_now: tuple[tuple[Stage, Rungs], ...]
) -> Iterator[Remarked]:
    """A node is never on a rung before the one that it follows."""
    before = rollout.nodes[node].after
    if before is None or rung.mode is Mode.REFERENCE_ONLY or not any(before in rungs for _, rungs in until_now):
        return
    if _first(list(until_now), before, rung.mode) is None:
        yield (*place, "mode"), f"{node} goes to {rung.mode.value} before {before}, which it follows."


def _soak(place: Place, stage: Stage, rung: NodeRung) -> Iterator[Remarked]:
    if rung.interval is not None and rung.interval > rung.max_gap:
        block, gap = _text(rung.interval), _text(rung.max_gap)
        yield (*place, "max_gap"), f"a block covers {block}, so gaps of at most {gap} begin the soak anew each time."
    if rung.soak is None:
        return
    soak = _text(rung.soak)
    if rung.max_gap >= rung.soak:
        yield (
            (*place, "max_gap"),
            f"a gap of {_text(rung.max_gap)} may be as long as the soak of {soak}, so nothing need be seen.",
        )
    if stage.duration is not None and rung.soak > stage.duration:
        yield (*place, "soak"), f"{soak} are longer than the {_text(stage.duration)} that the stage lasts."
    if rung.interval:
        most = rung.soak // rung.interval
        for key in ("min_comparisons", "min_verifications"):
            if (number := getattr(rung, key)) > most:
                yield (
                    (*place, key),
                    f"a soak of {soak} sees {most} blocks, one each {_text(rung.interval)}, and {number} are needed.",
                )
    if stage.signoffs is not None and stage.signoffs.valid_for < rung.soak:
        yield (
            ("stages", stage.name, "signoffs", "valid_for"),
            f"signatures hold for {_text(stage.signoffs.valid_for)} and may expire before the soak of {soak} ends.",
        )


def _text(duration: timedelta) -> str:
    return duration_text(span(duration))
