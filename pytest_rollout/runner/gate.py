"""What one gate is: its stage, its place, its command line, and what keeps it from being judged."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_rollout.core.errors import UsageError, listed, suggestion
from pytest_rollout.core.narrowing import Narrowing
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.runner import tree
from pytest_rollout.runner.arguments import Request
from pytest_rollout.runner.orders import pytest_arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is to be judged, and how it was asked for.

    ``below`` are paths inside the gate, ``fault`` what a drill does to the chain while it runs.
    """

    rollout: Rollout
    stage: Stage
    root: Path
    request: Request
    below: tuple[str, ...] = ()
    fault: str = ""

    @property
    def name(self) -> str:
        """``takumi:alpha``."""
        return f"{self.rollout.name}:{self.stage.name}"

    @property
    def network(self) -> str | None:
        """The network of this run: the stage's, or the one of a rehearsal."""
        asked = self.request.network
        if asked is not None and asked not in self.rollout.networks:
            raise UsageError(
                f"--network={asked}: {self.rollout.name} has no such network; it has "
                f"{listed(self.rollout.networks)}.{suggestion(asked, self.rollout.networks)}"
            )
        return asked or self.stage.network

    @property
    def reports(self) -> Path:
        """Where this gate's reports are written."""
        return self.root / (self.request.reports or "reports") / self.rollout.name / self.stage.name

    @property
    def narrowings(self) -> tuple[Narrowing, ...]:
        """What the command line narrows, paths included."""
        clean = Redactor(self.rollout.secrets).text
        below = (
            Narrowing(what=self._shown(path), why="a path selects a part of the gate", selects=True)
            for path in self.below
        )
        return tuple(replace(each, what=clean(each.what)) for each in (*self.request.narrowings, *below))

    def check(self) -> None:
        """Refuse what cannot be judged: an unknown network, and output among the gate's own files."""
        _ = self.network
        for option, path in self.request.outputs(self.root):
            if tree.is_of_gate(path, self.rollout, self.stage, self.root):
                raise UsageError(
                    f"{option}: lies among the files of {self.name}, which may not change "
                    "while they are judged; choose a place below reports/ or outside of the project."
                )

    def pytest_arguments(self) -> list[str]:
        """What the recorder's pytest is called with."""
        return pytest_arguments(self.request, self.rollout, stage=self.stage.name, root=self.root, below=self.below)

    def _shown(self, path: str) -> str:
        return path.removeprefix(f"{self.root}{os.sep}")
