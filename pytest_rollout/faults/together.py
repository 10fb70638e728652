"""Several faults in one run of the gate, where none of them touches what another one is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from pytest_rollout.core.faults import Fault
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.faults.place import Place, Staged


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Faults that are there at the same time, each as it was staged alone, and the one world that holds all."""

    members: tuple[tuple[Fault, Staged], ...]
    staged: Staged


def grouped(staged: Sequence[tuple[Fault, Staged]], place: Place) -> list[Group]:
    """The fewest runs, first come first served; a fault on the chain has a run of its own."""
    groups: list[Group] = []
    for fault, each in staged:
        for number, group in enumerate(groups):
            if (both := _both(group.staged, each, place)) is not None:
                groups[number] = Group(members=(*group.members, (fault, each)), staged=both)
                break
        else:
            groups.append(Group(members=((fault, each),), staged=each))
    return groups


def _both(one: Staged, other: Staged, place: Place) -> Staged | None:
    if one.chain_fault or other.chain_fault or one.is_alone or other.is_alone:
        return None
    stage = _merged_stage(one, other, place)
    if stage is None:
        return None
    changes = _merged(one.rollout, other.rollout, place.rollout, but={"stages"})
    if changes is None:
        return None
    stages = tuple(stage if each.name == stage.name else each for each in place.rollout.stages)
    rollout: Rollout = replace(place.rollout, **changes, stages=stages)
    return replace(one, rollout=rollout, runs_tests=one.runs_tests or other.runs_tests)


def _merged_stage(one: Staged, other: Staged, place: Place) -> Stage | None:
    first, second = (each.rollout.stage(place.stage.name) for each in (one, other))
    if {each.kind for each in first.checks} & {each.kind for each in second.checks}:
        return None
    changes = _merged(first, second, place.stage, but={"checks", "contracts", "flags"})
    if changes is None:
        return None
    return replace(
        place.stage,
        **changes,
        checks=first.checks + second.checks,
        contracts=first.contracts or second.contracts,  # left out where nobody needs them
        flags=first.flags or second.flags,
    )


def _merged(one: Any, other: Any, original: Any, but: set[str]) -> dict[str, Any] | None:
    """What either changed; None where both changed one thing."""
    changes: dict[str, Any] = {}
    for name in (each.name for each in fields(original) if each.name not in but):
        first, second, before = getattr(one, name), getattr(other, name), getattr(original, name)
        if first == before or second in (before, first):
            changes[name] = second if first == before else first
        elif isinstance(before, Mapping) and not _changed(first, before) & _changed(second, before):
            changes[name] = {**first, **{key: second[key] for key in _changed(second, before)}}
        else:
            return None
    return changes


def _changed(now: Mapping[Any, Any], before: Mapping[Any, Any]) -> set[Any]:
    """The keys that are new or stand for something else; nothing is ever taken out."""
    return {key for key, value in now.items() if key not in before or before[key] != value}
