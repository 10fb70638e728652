"""Rollouts on disk without a ledger, for the parts of the supervisor that only read."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import load

PLAN = """
[rollout]
name = "toy"
title = "Toy"

[metrics.settled]
unit = "ratio"

[stages.alpha]
title = "Alpha"

[stages.beta]
title = "Beta"
"""


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Rollout]:
    """``planned({"suites/test_a.py": "…"})`` writes files beside a two-stage plan and reads it."""

    def make(files: Mapping[str, str], *, plan: str = PLAN, environment: Mapping[str, str] | None = None) -> Rollout:
        root = tmp_path / "project"
        for name, text in {"rollout.toml": plan, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return load(root / "rollout.toml", environment=environment or {}, root=root)

    return make
