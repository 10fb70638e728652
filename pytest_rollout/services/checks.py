"""What a plan may declare about commands and endpoints, observed; judging is the rules' business."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Drill
from pytest_rollout.core.endpoint import Endpoint
from pytest_rollout.core.ratio import Ratio
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.services import commands, endpoints


def observe(
    check: Command | Endpoint | Drill | Ratio, rollout: Rollout, _stage: Stage, *fixtures: Any
) -> tuple[dict[str, Any], str]:
    """What was seen of one declared check, as JSON, and who said so; a drill is handed the stores."""
    if isinstance(check, Endpoint):
        return endpoints.observe(check, rollout.secrets)
    if isinstance(check, Drill):
        from pytest_rollout.services import drills  # noqa: PLC0415 - for those who drill

        (stores,) = fixtures
        return drills.observe(check, rollout.folder, stores.look)
    if isinstance(check, Ratio):
        from pytest_rollout.services import ratios  # noqa: PLC0415 - for those who compare

        return ratios.observe(check)
    return commands.observe(check)
