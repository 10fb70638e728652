"""Engines and nodes as a session opens them, and closes them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.errors import RolloutError
from pytest_rollout.plugin.context import Context


def open_engines(context: Context) -> Any:
    """The plan's engines on the stage's rung; one that cannot be loaded is an error, in every mode."""
    from pytest_rollout.consensus.engines import Engines  # noqa: PLC0415 - only where an engine is used
    from pytest_rollout.core.mode import Mode  # noqa: PLC0415 - as above

    rollout = context.rollout
    if rollout.engines is None:
        raise RolloutError(f"{rollout.name}: the plan has no [engines]; declare reference and candidate.")
    mode = context.stage.mode or Mode.SHADOW
    context.engines = opened = Engines(rollout.engines, rollout.folder, mode=mode)
    context.resources.callback(opened.close)
    return opened


def open_nodes(context: Context) -> Mapping[str, Any]:
    """The plan's nodes."""
    from pytest_rollout.consensus.nodes import Nodes  # noqa: PLC0415 - only where a node is asked

    context.nodes = opened = Nodes(context.rollout.nodes)
    return opened
