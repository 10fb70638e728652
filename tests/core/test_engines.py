"""An engine is told by what reaches it."""

from __future__ import annotations

from pytest_rollout.core.engines import EngineKind, EngineSpec


def test_an_engine_is_told_by_its_command_or_its_target() -> None:
    command = EngineSpec(kind=EngineKind.COMMAND, target="unused", command=("evm", "--json"))

    assert str(command) == "evm --json"
    assert str(EngineSpec(kind=EngineKind.URL, target="http://127.0.0.1:1", command=("a",))) == "http://127.0.0.1:1"
