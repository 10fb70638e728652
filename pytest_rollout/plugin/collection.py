"""What belongs to a gate: declared checks become items, other stages' tests are left aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plugin.context import Context
from pytest_rollout.plugin.declared import PlanFile
from pytest_rollout.runner.channel import Briefing


class GateCollection:
    """Collection hooks of one gate."""

    def __init__(self, briefing: Briefing, context: Context) -> None:
        self._briefing = briefing
        self._context = context
        self._rollout: Rollout = briefing.rollout
        self._others = {
            self._rollout.suite / stage.name for stage in self._rollout.stages if stage.name != briefing.stage
        }
        self.excluded: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave aside the folders of other stages and of rollouts inside this one."""
        if collection_path in self._others:
            return True
        is_other = collection_path != self._rollout.folder and (collection_path / "rollout.toml").is_file()
        return True if is_other and collection_path.is_relative_to(self._rollout.folder) else None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The plan itself is a file of items."""
        if file_path == self._rollout.plan:
            return PlanFile.of(parent, file_path, self._briefing, self._context)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave aside tests whose nearest stage marker names other stages."""
        kept: list[pytest.Item] = []
        excluded: list[pytest.Item] = []
        for item in items:
            marker = item.get_closest_marker("stage")
            (kept if marker is None or self._briefing.stage in marker.args else excluded).append(item)
        if excluded:
            self.excluded = [item.nodeid for item in excluded]
            config.hook.pytest_deselected(items=excluded)
            items[:] = kept
