"""Flag files, and flags that are closed after each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.rollout import FlagSettings
from pytest_rollout.flags.opening import open_flags
from pytest_rollout.flags.port import Flags

Maker = Callable[..., dict[str, Any]]


@pytest.fixture
def boolean() -> Maker:
    """Make a boolean flag of a flagd file, off by default."""
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return lambda **changes: {**flag, **changes}


@pytest.fixture
def by_stage(boolean: Maker) -> Maker:
    """Make a boolean flag whose share of 100 users is given by stage, nobody elsewhere."""

    def make(**shares: int) -> dict[str, Any]:
        rule: Any = "off"
        for stage, share in shares.items():
            split = {"fractional": [["on", share], ["off", 100 - share]]}
            rule = {"if": [{"==": [{"var": "stage"}, stage]}, split, rule]}
        return boolean(targeting=rule)

    return make


@pytest.fixture
def write_flags(tmp_path: Path) -> Callable[..., Path]:
    """Write ``flags.json`` with these flags."""

    def write(**flags: Any) -> Path:
        path = tmp_path / "flags.json"
        path.write_text(json.dumps({"flags": flags}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Flags]]:
    """Open flags of ``flags.json`` or, with ``values``, of the plan; closed after the test."""
    open_ones: list[Flags] = []

    def open_one(stage: str = "beta", **values: Any) -> Flags:
        provider = "memory" if values else "flagd:flags.json"
        settings = FlagSettings(provider=provider, values=values)
        open_ones.append(open_flags(settings, tmp_path, rollout="takumi", stage=stage))
        return open_ones[-1]

    yield open_one
    for each in open_ones:
        each.close()
