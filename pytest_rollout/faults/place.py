"""What a drill is done to, and what a fault hands to it: the altered world and the items that must notice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_rollout.core.faults import Came, Fault, Tried
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.rollout import Network, Rollout, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An item that must notice a fault: its id as it is told, and the findings of which one must not pass.

    ``looks`` is whether something must have been observed for it; else it may fail before it looks.
    """

    item: str
    findings: tuple[str, ...]
    looks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The rollout in the altered world, who must notice, and what could not be done.

    ``chain_fault`` is what the recorder does to its chain; ``is_alone`` says that other items would suffer as well.
    """

    rollout: Rollout
    targets: tuple[Target, ...]
    out_of_reach: tuple[Tried, ...] = ()
    chain_fault: str = ""
    is_alone: bool = False
    left_out: tuple[str, ...] = ()
    runs_tests: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is drilled: the rollout as it is, the stage and its network, the prefix of its items, a folder to spoil."""

    rollout: Rollout
    stage: Stage
    network: Network | None
    prefix: str
    folder: Path

    def item(self, kind: Kind, name: str) -> str:
        """The id of a declared item."""
        return f"{self.prefix}::{self.stage.name}::{kind.value}::{name}"

    def target(self, kind: Kind, name: str, *, looks: bool = True) -> Target:
        """A declared item that notices by itself."""
        item = self.item(kind, name)
        return Target(item=item, findings=(item,), looks=looks)

    def far(self, fault: Fault, kind: Kind, name: str, why: str) -> Tried:
        """A declared item whose fault a drill cannot do."""
        return Tried(fault=fault, item=self.item(kind, name), came=Came.OUT_OF_REACH, why=why)

    def with_stage(self, **changes: Any) -> Rollout:
        """The rollout with another stage of that name."""
        other = replace(self.stage, **changes)
        return replace(self.rollout, stages=tuple(other if s.name == other.name else s for s in self.rollout.stages))

    def checks(self, *kinds: Kind) -> tuple[Any, ...]:
        """The declared checks of these kinds; those of others, commands above all, need not run again."""
        return tuple(check for check in self.stage.checks if check.kind in kinds)

    def private(self, name: str) -> Path:
        """A folder of that name to spoil files in."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


Scene = Callable[[Place], AbstractContextManager[Staged | None]]
"""One fault, for as long as it is entered; None where the gate declares nothing that it is about."""
