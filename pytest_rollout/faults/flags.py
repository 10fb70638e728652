"""Faults of flags: another value, another share of the users, other users, others each second."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.faults import Fault
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.owed import shared_exposure
from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.faults.place import Place, Scene, Staged

_USER: dict[str, Any] = {"var": "targetingKey"}
_NOW: dict[str, Any] = {"var": "$flagd.timestamp"}


@contextmanager
def flipped(place: Place) -> Iterator[Staged | None]:
    """Every declared flag has another value."""
    keys = [flag.key for flag in place.stage.flags]
    if not keys:
        yield None
        return
    settings = place.rollout.flags
    if settings.provider == "memory":
        values = {key: _flipped(value) if key in keys else value for key, value in settings.values.items()}
        settings = replace(settings, values=values)
    else:

        def flip(flags: dict[str, Any]) -> None:
            for key in keys:
                variants = flags[key]["variants"]
                flags[key]["variants"] = {name: _flipped(value) for name, value in variants.items()}

        settings = _copied(place, Fault.FLAG, flip)
    yield Staged(
        rollout=replace(place.with_stage(checks=()), flags=settings),
        targets=tuple(place.target(Kind.FLAG, key) for key in keys),
    )


def exposure(fault: Fault) -> Scene:
    """The flag that steers the stage's share is steered otherwise, in a copy of its file."""

    @contextmanager
    def scene(place: Place) -> Iterator[Staged | None]:
        declared = place.stage.exposure
        if declared is None or declared.share is None or declared.flag is None:
            yield None
            return
        key, name = declared.flag, declared.flag
        why = _far(fault, place)
        settings = place.rollout.flags
        if not why and settings.provider == "memory":
            settings = replace(settings, values={**settings.values, key: not settings.values[key]})
        elif not why:
            stage, share = place.stage.name, declared.share
            many = float(share) if fault is not Fault.SHARE else float(share / 2 if 2 * share > 1 else 1 - share / 2)
            settings = _copied(place, fault, lambda flags: _steered(flags[key], fault, stage, many))
        yield Staged(
            rollout=replace(place.with_stage(checks=(), contracts=(), flags=()), flags=settings),
            targets=() if why else (place.target(Kind.EXPOSURE, name),),
            out_of_reach=(place.far(fault, Kind.EXPOSURE, name, why),) if why else (),
            runs_tests=False,
        )

    return scene


def _far(fault: Fault, place: Place) -> str:
    """Why the fault cannot be done, or an empty text."""
    if fault is Fault.COHORT and shared_exposure(place.rollout, place.stage) is None:
        return "no share of the same flag at the stage before to compare with"
    if fault is not Fault.SHARE and place.rollout.flags.provider == "memory":
        return "a flag in memory is for everybody or nobody"
    is_all = place.stage.exposure is not None and place.stage.exposure.share in {0, 1}
    return "everybody is inside, or nobody" if fault is not Fault.SHARE and is_all else ""


def _steered(flag: dict[str, Any], fault: Fault, stage: str, share: float) -> None:
    """Let ``share`` of the users in at this stage, others than before; at all other stages as ever."""
    names = {value: name for name, value in reversed(flag["variants"].items())}
    by = {"cat": ["drill ", *([_NOW, " "] if fault is Fault.UNSTICKY else []), _USER]}
    weights = [[names[True], round(share * 10_000)], [names[False], 10_000 - round(share * 10_000)]]
    here = {"==": [{"var": "stage"}, stage]}
    flag["targeting"] = {"if": [here, {"fractional": [by, *weights]}, flag.get("targeting") or flag["defaultVariant"]]}


def _copied(place: Place, fault: Fault, alter: Callable[[dict[str, Any]], None]) -> FlagSettings:
    """The provider on an altered copy of its file."""
    settings = place.rollout.flags
    path = place.rollout.folder / settings.provider.partition(":")[2]
    try:
        document = json.loads(path.read_bytes())
        alter(document["flags"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RolloutError(f"{path.name}: a drill cannot alter its flags ({type(error).__name__}).") from None
    copy = place.folder / f"{fault.value}.json"
    copy.write_text(json.dumps(document))
    return replace(settings, provider=f"flagd:{copy}")


def _flipped(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}-drilled" if isinstance(value, str) else {"drilled": True}
