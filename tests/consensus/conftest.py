"""Engines that misbehave in one way each, and dual runs that are closed after a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_rollout.consensus.dual import DualRun


class Sound:
    """Answers with the block's number doubled; refuses odd negatives."""

    version = "sound 1"

    def verify_block(self, block: Any) -> Any:
        if block["index"] < 0:
            raise InvalidBlock("negative")
        return {"valid": True, "index": block["index"], "weight": sum(block.get("transactions", []))}


class InvalidBlock(Exception):  # noqa: N818 - what projects write
    pass


class Doing:
    """An engine that is given what to do."""

    version = "doing 1"

    def __init__(self, do: Callable[[Any], Any]) -> None:
        self.verify_block = do


@pytest.fixture
def sound() -> Sound:
    return Sound()


@pytest.fixture
def doing() -> type[Doing]:
    return Doing


@pytest.fixture(params=[False, True], ids=["waiting", "deferred"])
def deferred(request: pytest.FixtureRequest) -> bool:
    """Whether callers in shadow go on before the candidate is compared; what is promised holds both ways."""
    return bool(request.param)


@pytest.fixture
def dual(deferred: bool) -> Iterator[Callable[..., DualRun]]:
    """Open a dual run of a sound reference and the given candidate; closed after the test."""
    opened: list[DualRun] = []

    def make(candidate: Any = None, reference: Any = None, **settings: Any) -> DualRun:
        settings = {"deferred": deferred} | settings
        opened.append(DualRun(reference or Sound(), candidate or Sound(), **settings))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
