"""Whether what a flag provider answered is evidence that a flag has its declared value.

A flag client never fails: where a flag is unknown, disabled, of another type, or its rule broken,
it hands back the caller's own default. So a bare value proves nothing, and each flag is asked
twice, with two different defaults: an answer that follows them was decided by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import FlagState, Value

_NEEDED = ("value", "again", "type", "default", "probes", "others")


def is_same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down: ``1``, ``1.0`` and ``true`` are three values."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return bool(left == right)


def judge_flag(item: str, state: FlagState, observation: Any, *, source: str = "") -> Finding:
    """Judge one declared flag on what was observed.

    ``observation``: ``error`` (code and message, empty if evaluated), ``value`` and ``again`` (the
    answers to two different defaults), ``type`` (of ``value``), ``default`` (whether both answers
    were the caller's defaults), ``reason``, ``variant``, ``probes`` (users asked one by one) and
    ``others`` (those of them who got another value). A key that is absent is missing, not zero.
    """
    # What the recorder handed over may be anything at all; what is no table says nothing.
    seen: Mapping[str, Any] = observation if isinstance(observation, Mapping) else {}
    outcome, detail, remedy = _decide(state, seen)
    return Finding(
        item=item,
        kind=Kind.FLAG,
        title=f"flag {state.key} is {written(state.expected)}",
        outcome=outcome,
        measured=_measured(seen),
        needed=written(state.expected),
        source=source,
        remedy=remedy,
        detail=detail,
    )


def written(value: Value) -> str:
    """A flag's value as JSON writes it: ``true``, ``25``, ``"shadow"``."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _decide(state: FlagState, seen: Mapping[str, Any]) -> tuple[Outcome, str, str]:
    correct = f"set flag {state.key} to {written(state.expected)} for this stage, or correct the plan"
    if error := seen.get("error"):
        return Outcome.ERROR, f"could not be evaluated: {error}", "correct the flag or the provider"
    absent = [key for key in _NEEDED if key not in seen]
    if absent:
        return Outcome.ERROR, f"the observation lacks {', '.join(absent)}", "run the gate again"
    if seen["default"] is not False:
        detail = f"merely the caller's own default came back (reason {seen.get('reason') or 'none given'})"
        return Outcome.ERROR, detail, f"enable flag {state.key} and give it a default variant"
    if not is_same(seen["value"], seen["again"]):
        detail = f"asked twice, it gave {written(seen['value'])}, then {written(seen['again'])}"
        return Outcome.FAIL, detail, correct
    expected = type(state.expected).__name__
    if seen["type"] != expected or not is_same(seen["value"], state.expected):
        detail = "" if seen["type"] == expected else f"a value of type {seen['type']}, not {expected}"
        return Outcome.FAIL, detail, correct
    return _decide_users(state, seen)


def _decide_users(state: FlagState, seen: Mapping[str, Any]) -> tuple[Outcome, str, str]:
    probes, others = seen["probes"], seen["others"]
    if not (type(probes) is int and type(others) is int and 0 <= others <= probes and probes > 0):
        return Outcome.ERROR, f"no reading: {others!r} of {probes!r} users differ", "run the gate again"
    if others:
        detail = f"{others} of {probes} users of this stage get another value"
        return Outcome.FAIL, detail, f"declare the share as exposure, not flag {state.key} as one value"
    return Outcome.PASS, "", ""


def _measured(seen: Mapping[str, Any]) -> str:
    if seen.get("error") or "value" not in seen:
        return "no value"
    variant = seen.get("variant")
    told = f"{seen.get('reason') or 'no reason'}, {f'variant {variant}' if variant else 'no variant'}"
    return f"{written(seen['value'])} ({told})"
