"""Commands of these tests: small programs, run for real."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.services.commands import observe


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Finding]:
    """Runs Python code as a declared command and judges what was seen."""

    def run(code: str | None = None, /, **about: Any) -> Finding:
        environment = dict(os.environ) | about.pop("given", {})
        about.setdefault("limit", timedelta(seconds=20))
        if code is not None:
            about["run"] = (sys.executable, "-c", code)
        command = Command(name="it", folder=about.pop("folder", tmp_path), **about)
        value, source = observe(command, environment)
        return command.judge("rollout.toml::beta::commands::it", Observation(item="it", value=value, source=source))

    return run
