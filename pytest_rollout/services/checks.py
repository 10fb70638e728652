"""What a plan may declare about commands and endpoints, observed; judging is the rules' business."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.endpoint import Endpoint
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.services import commands, endpoints


def observe(check: Command | Endpoint, rollout: Rollout, _stage: Stage) -> tuple[dict[str, Any], str]:
    """What was seen of one declared check, as JSON, and who said so."""
    if isinstance(check, Endpoint):
        return endpoints.observe(check, rollout.secrets)
    return commands.observe(check)
