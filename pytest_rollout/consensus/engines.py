"""What the ``engines`` fixture hands out: the dual run of the plan's engines, and replay through them."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.corpus import Corpus
from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.opening import open_dual
from pytest_rollout.consensus.replay import Replay, replay
from pytest_rollout.core.engines import EngineSettings
from pytest_rollout.core.mode import Mode


class Engines:
    """Reference, candidate and the dual run around them, loaded at once: an engine that cannot load fails here."""

    def __init__(self, settings: EngineSettings, folder: Path, *, mode: Mode = Mode.SHADOW) -> None:
        self.settings = settings
        self.folder = folder
        self.dual: DualRun = open_dual(settings, folder, mode=mode)

    @property
    def reference(self) -> Any:
        """The trusted engine."""
        return self.dual.reference

    @property
    def candidate(self) -> Any:
        """The engine on trial."""
        return self.dual.candidate

    @property
    def mode(self) -> Mode:
        """The rung the dual run is on."""
        return self.dual.mode

    def set_mode(self, mode: Mode | str) -> Mode:
        """Switch; see ``DualRun.set_mode``."""
        return self.dual.set_mode(mode)

    def verify_block(self, block: Any) -> Any:
        """What the engine that decides in this mode says."""
        return self.dual.verify_block(block)

    def stats(self) -> dict[str, Any]:
        """What was counted so far."""
        return self.dual.stats()

    def replay(
        self,
        blocks: str | Path,
        *,
        executor: Executor | None = None,
        workers: int = 0,
        part: tuple[int, int] = (1, 1),
        stop: bool = False,
    ) -> Replay:
        """A corpus, relative to the plan, through both engines; in this process unless told otherwise."""
        return replay(
            Corpus(self.folder / blocks),
            self.settings,
            self.folder,
            executor=executor,
            workers=workers,
            part=part,
            stop=stop,
            keep_in=self.folder / self.settings.kept,
        )

    def close(self) -> None:
        """End threads and processes."""
        self.dual.close()
