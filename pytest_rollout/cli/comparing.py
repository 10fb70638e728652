"""Two stores compared by hand: ``rollout compare A B``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_rollout import operations
from pytest_rollout.core.errors import RolloutError, UsageError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.record import Identity
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.store_check import StoreCheck, StoreSettings
from pytest_rollout.core.store_tally import Asked


def compare_stores(
    place: Path, names: tuple[str, str], *, key: str, fields: str
) -> tuple[Mapping[str, Any], str, bool]:
    """The tally, a table for people, and whether both hold the same.

    Names of a plan's stores are taken as one of its checks compares them; ``postgresql://…#table`` and
    ``env:NAME#table`` are tables of a server; anything else is a path.
    """
    from pytest_rollout.stores.checks import observe_stores  # noqa: PLC0415 - after the command line is understood
    from pytest_rollout.stores.opening import recognised  # noqa: PLC0415
    from pytest_rollout.stores.sql import named_on_a_server  # noqa: PLC0415

    rollouts = _rollouts(place, names)
    redactor = Redactor({name: value for rollout in rollouts for name, value in rollout.secrets.items()})
    left, right, declared = _stores(() if _are_paths(place, names) else rollouts, names)
    one, other = (
        store or named_on_a_server(name, place, os.environ) or recognised(name, place / name)
        for store, name in zip((left, right), names, strict=True)
    )
    asked = declared.asked if declared is not None else None
    if key:
        identity = Identity(key=tuple(filter(None, key.split(","))))
        asked = replace(asked, identity=identity) if asked is not None else Asked(identity=identity)
    if asked is None:
        raise UsageError("what says who a record is? No check of a plan compares these two; write --key FIELDS.")
    if fields:
        asked = replace(asked, fields=tuple(filter(None, fields.split(","))))
    check = StoreCheck(name=f"{one.name} and {other.name}", left=one, right=other, asked=asked)
    seen, source = observe_stores(check, redactor)
    value = redactor.value(seen)
    finding = check.judge("", Observation(item="", value=value, source=source))
    lines = [f"{finding.title}: {finding.measured}", *(f"  {line}" for line in finding.detail.splitlines())]
    return value, redactor.text("\n".join(lines)), finding.outcome is Outcome.PASS


def _rollouts(place: Path, names: tuple[str, str]) -> tuple[Rollout, ...]:
    """The plans around, whose secrets are not to be shown; two paths are compared without any plan too."""
    try:
        return operations.Workspace.at(place).rollouts
    except RolloutError:
        if _are_paths(place, names):
            return ()
        raise


def _are_paths(place: Path, names: tuple[str, str]) -> bool:
    return all((place / name).exists() for name in names)


def _stores(
    rollouts: tuple[Rollout, ...], names: tuple[str, str]
) -> tuple[StoreSettings | None, StoreSettings | None, StoreCheck | None]:
    """What plans say of these names: both stores, and the check that compares them."""
    for rollout in rollouts:
        if not any(name in rollout.stores for name in names):
            continue
        checks = [check for stage in rollout.stages for check in stage.checks if isinstance(check, StoreCheck)]
        pairs = [check for check in checks if check.right is not None and (check.left.name, check.right.name) == names]
        return rollout.stores.get(names[0]), rollout.stores.get(names[1]), pairs[0] if pairs else None
    return None, None, None
