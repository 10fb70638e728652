"""What a plan may declare about flags, observed; judging is the rules' business."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_rollout.core.errors import FlagError, listed, suggestion
from pytest_rollout.core.flag_rule import is_same
from pytest_rollout.core.rollout import Exposure, Value
from pytest_rollout.flags.port import Answer, Flags
from pytest_rollout.flags.users import synthetic_users

PROBES = 100
"""Users asked one by one for a flag declared as one value: a share hidden in it shows."""
ENOUGH_ERRORS = 20
"""A provider that failed this often is not asked further: each failure logs a traceback."""
EXAMPLES = 3


def observe_flag(flags: Flags, key: str, expected: Value) -> dict[str, Any]:
    """What ``core.flag_rule.judge_flag`` takes for one flag; never raises for what a provider does."""
    before, after = _defaults(expected)
    trouble = flags.trouble()
    first, second = flags.ask(key, before), flags.ask(key, after)
    observation: dict[str, Any] = {
        "value": first.value,
        "again": second.value,
        "type": type(first.value).__name__,
        "reason": first.reason,
        "variant": first.variant,
        "error": trouble or _error(flags, key, first) or _error(flags, key, second),
        "default": is_same(first.value, before) and is_same(second.value, after),
        "probes": 0,
        "others": 0,
    }
    if observation["error"] or observation["default"]:
        return observation
    for user in synthetic_users(PROBES):
        answer = flags.ask(key, before, user=user)
        observation["probes"] += 1
        observation["others"] += not is_same(answer.value, first.value)
        if answer.error:
            observation["error"] = f"for user {user}: {answer.error}"
            break
    observation["error"] = observation["error"] or flags.trouble()
    return observation


def _defaults(expected: Value) -> tuple[Value, Value]:
    """Two different defaults of the expected type; where the type allows, neither is expected."""
    if isinstance(expected, bool):
        return not expected, expected
    if isinstance(expected, int):
        return expected + 1, expected + 2
    if isinstance(expected, str):
        return f"{expected} (default)", f"{expected} (other default)"
    if isinstance(expected, list):
        return [*expected, "default"], [*expected, "other default"]
    return {**expected, "default": 1}, {**expected, "default": 2}


def _error(flags: Flags, key: str, answer: Answer) -> str:
    if not answer.error.startswith("FLAG_NOT_FOUND"):
        return answer.error
    try:
        names = sorted(flags.names())
    except FlagError as error:
        return f"{answer.error}; {error}"
    return f"FLAG_NOT_FOUND: no flag '{key}'; {flags.source} has {listed(names)}.{suggestion(key, names)}"


def observe_exposure(flags: Flags, exposure: Exposure, *, stage: str, earlier: Flags | None = None) -> dict[str, Any]:
    """What ``core.exposure.judge_exposure`` takes for one stage.

    The boolean flag is asked for each of ``exposure.sample`` synthetic users, straight from the
    provider; then for all of them again in the opposite order, through the client of a new
    provider and with the opposite default; then, where ``earlier`` holds the flags of the stage
    before, as they answered there. The second asking never shares the clock's second with the
    start of the first, so that a rule by the time of day (flagd's ``$flagd.timestamp`` counts
    whole seconds) cannot pass for a sticky one on a fast machine.
    20,000 users take one to four seconds.
    """
    if exposure.flag is None:
        raise FlagError(f"stages.{stage}.exposure: a share without a flag cannot be observed; name its flag.")
    if flags.stage != stage:
        raise FlagError(f"stages.{stage}.exposure: the flags at hand are those of stage '{flags.stage}'.")
    users = synthetic_users(exposure.sample)
    key = exposure.flag
    started = time.time()
    first = _cohort(flags, key, users, flags.ask_many(key, default=False, users=users))
    _await_another_second(started)
    second = _fresh_cohort(flags, key, tuple(reversed(users)))
    then = _Cohort()
    if earlier is not None:
        then = _cohort(earlier, key, users, earlier.ask_many(key, default=False, users=users))
    unsticky = _of(users, (first.inside & second.outside) | (first.outside & second.inside))
    left = _of(users, then.inside & first.outside)
    joined = _of(users, then.outside & first.inside)
    unanswered = first.errors | second.errors | then.errors
    return {
        "sample": len(first.inside | first.outside | unanswered),
        "enabled": len(first.inside),
        "unsticky": len(unsticky),
        "errors": len(unanswered),
        "error": first.error or second.error or (then.error and f"at the stage before: {then.error}"),
        "previous": None if earlier is None else len(then.inside),
        "left": len(left),
        "joined": len(joined),
        "examples": {
            name: list(some[:EXAMPLES])
            for name, some in (("unsticky", unsticky), ("left", left), ("joined", joined))
            if some
        },
    }


def _await_another_second(started: float) -> None:
    """Returns when the whole second of ``started`` (Unix time) is over; at once where it is already, or lies ahead."""
    if int(time.time()) == int(started):
        time.sleep(max(0.0, int(started) + 1 - time.time()))


@dataclass(slots=True, kw_only=True)
class _Cohort:
    """Who is inside, who is not, and who got no answer; ``error`` is the first reason."""

    inside: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    error: str = ""


def _cohort(flags: Flags, key: str, users: Sequence[str], answers: Iterable[Answer]) -> _Cohort:
    cohort = _Cohort(error=flags.trouble())
    if cohort.error:
        return cohort
    for user, answer in zip(users, answers, strict=True):
        if reason := _error(flags, key, answer) or _undecided(answer):
            cohort.errors.add(user)
            cohort.error = cohort.error or reason
            if len(cohort.errors) >= ENOUGH_ERRORS:
                return cohort
        else:
            (cohort.inside if answer.value else cohort.outside).add(user)
    cohort.error = cohort.error or flags.trouble()
    return cohort


def _fresh_cohort(flags: Flags, key: str, users: Sequence[str]) -> _Cohort:
    try:
        fresh = flags.again()
    except FlagError as error:
        return _Cohort(error=str(error))
    try:
        return _cohort(fresh, key, users, (fresh.ask(key, True, user=user) for user in users))
    finally:
        fresh.close()


def _undecided(answer: Answer) -> str:
    """A default without a variant is the caller's own (OpenFeature: reasons DEFAULT and DISABLED)."""
    if answer.variant or answer.reason not in {"DEFAULT", "DISABLED"}:
        return ""
    return f"merely the caller's own default came back (reason {answer.reason})"


def _of(users: Sequence[str], some: set[str]) -> tuple[str, ...]:
    return tuple(user for user in users if user in some)
