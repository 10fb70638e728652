"""What a plan may declare about commands, observed; judging is the rules' business."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.services import commands


def observe(check: Command, _rollout: Rollout, _stage: Stage) -> tuple[dict[str, Any], str]:
    """What was seen of one declared check, as JSON, and who said so."""
    return commands.observe(check)
