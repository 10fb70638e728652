"""A judgement in, files out: verdict, brief, JUnit, Allure, and the block that ends a run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_rollout.reporting.clearing import Format, clear
    from pytest_rollout.reporting.pictures import Drawn
    from pytest_rollout.reporting.terminal import render
    from pytest_rollout.reporting.writing import Report, Written, write

__all__ = ["Drawn", "Format", "Report", "Written", "clear", "render", "write"]

_PLACES = {"Drawn": "pictures", "Format": "clearing", "clear": "clearing", "render": "terminal"}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a gate clears reports before it runs, and writes after."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(name, 'writing')}"), name)
