"""Two commands run by turns, and what each took."""

from __future__ import annotations

import os
from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.ratio import Measure, Ratio
from pytest_rollout.services import commands


def observe(ratio: Ratio) -> tuple[dict[str, Any], str]:
    """``{pairs, floor, error}``: what ``Ratio.judge`` asks for, and who said so.

    Each side is run once unmeasured; then they take turns, and so does who is first. A run that does not
    come out as declared ends the measuring.
    """
    seen: dict[str, Any] = {"pairs": [], "floor": 0, "error": ""}
    try:
        for command in (ratio.reference, ratio.candidate):
            _measured(ratio, command, seen)
        for number in range(ratio.pairs):
            if number % 2:
                other = _measured(ratio, ratio.candidate, seen)
                one = _measured(ratio, ratio.reference, seen)
            else:
                one = _measured(ratio, ratio.reference, seen)
                other = _measured(ratio, ratio.candidate, seen)
            seen["pairs"].append([one, other])
    except ServiceError as error:
        seen["error"] = str(error)
    return seen, f"{ratio.name}, {len(seen['pairs'])} pairs by turns"


def _measured(ratio: Ratio, command: Command, seen: dict[str, Any]) -> Any:
    value, source = commands.observe(command, os.environ)
    finding = command.judge("", Observation(item="", value=value, source=source))
    if finding.outcome is not Outcome.PASS:
        raise ServiceError(f"{command.name}: {finding.measured}")
    if ratio.measure is Measure.TIME:
        return value["us"]
    if ratio.measure is Measure.MEMORY:
        seen["floor"] = max(seen["floor"], value["floor_kib"])
        return value["peak_kib"]
    return value["results"][0]["value"]
