"""The engines a plan declares, opened: both are loaded in every mode, or none is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.kept import keep
from pytest_rollout.consensus.loading import import_engine
from pytest_rollout.consensus.remote import CommandEngine, HttpEngine, ProcessEngine
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.mode import Mode


def open_engine(
    spec: EngineSpec,
    folder: Path,
    *,
    seconds: float,
    isolation: Isolation = Isolation.THREAD,
    memory: int | None = None,
) -> Any:
    """One engine, loaded; raises ``EngineError`` where it cannot be."""
    if spec.kind is EngineKind.COMMAND:
        return CommandEngine(spec.command, folder=folder, seconds=seconds, memory=memory)
    if spec.kind is EngineKind.URL:
        return HttpEngine(spec.target, seconds=seconds)
    if isolation is Isolation.PROCESS:
        return ProcessEngine(spec.target, folder=folder, seconds=seconds, memory=memory)
    return import_engine(spec.target, folder)


def open_dual(settings: EngineSettings, folder: Path, *, mode: Mode = Mode.SHADOW, keeps: bool = True) -> DualRun:
    """The dual run a plan declares; ``folder`` is the plan's own."""
    seconds = settings.limit.total_seconds()
    reference = open_engine(settings.reference, folder, seconds=seconds)
    candidate = open_engine(
        settings.candidate, folder, seconds=seconds, isolation=settings.isolation, memory=settings.memory
    )
    return DualRun(
        reference,
        candidate,
        mode=mode,
        limit=seconds,
        ignore=settings.ignore,
        reasons=settings.reasons,
        keep=keeper(folder / settings.kept) if keeps else None,
        deferred=False,  # a test looks at what came of a block at once
    )


def keeper(folder: Path) -> Callable[[Any, Divergence], object]:
    """What keeps divergences in a folder."""

    def keep_here(block: Any, divergence: Divergence) -> Path:
        return keep(folder, block, divergence)

    return keep_here
