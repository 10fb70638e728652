"""What a recorder imports while it waits for its orders; see ``pytest_rollout.recording``."""

from __future__ import annotations

import importlib

from _pytest.config import default_plugins

from pytest_rollout.plugin import context, declared, fixtures, isolation, recorder

__all__ = ["context", "declared", "fixtures", "isolation", "recorder"]

for _name in default_plugins:
    importlib.import_module(f"_pytest.{_name}")
