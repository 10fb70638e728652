"""The engines a plan declares, opened: both are loaded in every mode, or none is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.kept import keep
from pytest_rollout.consensus.likeness import refuse_one
from pytest_rollout.consensus.loading import import_with_tokens
from pytest_rollout.consensus.remote import CommandEngine, HttpEngine, ProcessEngine
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError
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
    return _open(spec, folder, seconds=seconds, isolation=isolation, memory=memory)[0]


def open_both(settings: EngineSettings, folder: Path) -> tuple[Any, Any]:
    """Reference and candidate, loaded; raises ``EngineError`` where one cannot be, or both turn out to be one."""
    seconds = settings.limit.total_seconds()
    reference, ours = _open(settings.reference, folder, seconds=seconds)
    candidate, theirs = _open(
        settings.candidate, folder, seconds=seconds, isolation=settings.isolation, memory=settings.memory
    )
    try:
        refuse_one(ours, theirs, (settings.reference.target, settings.candidate.target))
    except EngineError:
        if isinstance(candidate, ProcessEngine):
            candidate.close()
        raise
    return reference, candidate


def _open(
    spec: EngineSpec,
    folder: Path,
    *,
    seconds: float,
    isolation: Isolation = Isolation.THREAD,
    memory: int | None = None,
) -> tuple[Any, Collection[str]]:
    """An engine and its tokens; a command or a server has none, for nobody can look into it."""
    if spec.kind is EngineKind.COMMAND:
        return CommandEngine(spec.command, folder=folder, seconds=seconds, memory=memory), ()
    if spec.kind is EngineKind.URL:
        return HttpEngine(spec.target, seconds=seconds), ()
    if isolation is Isolation.PROCESS:
        engine = ProcessEngine(spec.target, folder=folder, seconds=seconds, memory=memory)
        return engine, engine.tokens
    return import_with_tokens(spec.target, folder)


def open_dual(settings: EngineSettings, folder: Path, *, mode: Mode = Mode.SHADOW, keeps: bool = True) -> DualRun:
    """The dual run a plan declares; ``folder`` is the plan's own."""
    reference, candidate = open_both(settings, folder)
    return DualRun(
        reference,
        candidate,
        mode=mode,
        limit=settings.limit.total_seconds(),
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
