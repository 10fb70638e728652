"""The engines and nodes of a plan as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

CLOCKS = ("system", "rehearsed")
"""By whose time a node counts: the machine's, or one that it was given, under which weeks may be seconds."""


class EngineKind(StrEnum):
    """How an engine is reached."""

    IMPORT = "import"
    COMMAND = "command"
    URL = "url"


class Isolation(StrEnum):
    """Where the candidate runs: in a thread of the caller's process, or in a process of its own."""

    THREAD = "thread"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One engine: ``package.module:Name`` or ``file.py:Name``, a command, or a URL."""

    kind: EngineKind
    target: str = ""
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.command) if self.kind is EngineKind.COMMAND else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Both engines and how they are compared.

    ``limit`` bounds the candidate's time on a block, ``memory`` its address space in bytes (own
    process only), ``ignore`` names fields left out, ``reasons`` renames classes of reasons,
    ``kept`` is the folder of divergences relative to the plan.
    """

    reference: EngineSpec
    candidate: EngineSpec
    isolation: Isolation = Isolation.THREAD
    limit: timedelta = timedelta(seconds=2)
    memory: int | None = None
    ignore: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    kept: str = "divergences"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """One live node: where its stats are read, which node it follows from rung to rung, and whose time it may tell."""

    name: str
    stats: str
    max_age: timedelta = timedelta(minutes=1)
    after: str | None = None
    clock: str = "system"
