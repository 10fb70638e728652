"""A judgement in, files out: verdict, brief, JUnit, Allure, and the block that ends a run."""

from __future__ import annotations

from pytest_rollout.reporting.terminal import render
from pytest_rollout.reporting.writing import Format, Report, Written, clear, write

__all__ = ["Format", "Report", "Written", "clear", "render", "write"]
