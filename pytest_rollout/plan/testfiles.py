"""Which test files a stage's gate has, by their names alone."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

from pytest_rollout.core.rollout import Rollout, Stage

PATTERNS = ("test_*.py", "*_test.py")
_NO_TESTS = {"__pycache__", "node_modules", "reports"}


def has_tests(rollout: Rollout, stage: Stage) -> bool:
    """Whether there is a test file in the stage's folder, or outside every stage's folder."""
    others = {each.name for each in rollout.stages if each.name != stage.name}
    for folder, below, files in os.walk(rollout.suite):
        is_top = Path(folder) == rollout.suite
        skipped = others | _NO_TESTS if is_top else _NO_TESTS
        below[:] = [name for name in below if name not in skipped and not _is_apart(Path(folder, name))]
        if any(fnmatch(file, pattern) for file in files for pattern in PATTERNS):
            return True
    return False


def _is_apart(folder: Path) -> bool:
    """Whether a folder is hidden, a virtual environment or another rollout's."""
    return folder.name.startswith(".") or any(os.path.lexists(folder / mark) for mark in ("pyvenv.cfg", "rollout.toml"))
