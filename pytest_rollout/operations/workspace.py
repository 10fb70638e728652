"""A project: its root, its rollouts, its ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import UsageError, listed, suggestion
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.plan import check_together, discover, load, of_rollout, project_root
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.tree import is_of_any_gate

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A project: its root, its rollouts, and where its ledger is."""

    root: Path
    rollouts: tuple[Rollout, ...]
    ledger_url: str | None = None

    @classmethod
    def at(
        cls,
        start: Path,
        ledger_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        place: str | None = None,
    ) -> Workspace:
        """The project around ``start``, every plan in it read; with ``ROLLOUT:STAGE``, only that one."""
        root = project_root(start)
        given = os.environ if environment is None else environment
        plans = discover(root)
        name, colon, _ = (place or "").rpartition(":")
        chosen = of_rollout(plans, name) if colon else plans
        rollouts = [load(path, environment=given, root=root) for path in chosen]
        if not rollouts:
            raise UsageError("no rollout.toml in this project; create one with `rollout init`.")
        check_together(rollouts, root=root)
        return cls(root=root, rollouts=tuple(rollouts), ledger_url=ledger_url)

    def rollout(self, name: str) -> Rollout:
        """The rollout of that name."""
        for rollout in self.rollouts:
            if rollout.name == name:
                return rollout
        names = [each.name for each in self.rollouts]
        raise UsageError(f"no rollout '{name}'; this project has {listed(names)}.{suggestion(name, names)}")

    def gate(self, place: str) -> tuple[Rollout, Stage]:
        """The one gate that ``STAGE`` or ``ROLLOUT:STAGE`` names, as the record may see it: without secrets."""
        name, colon, stage = place.rpartition(":")
        candidates = [kept_plan(each) for each in ([self.rollout(name)] if colon else self.rollouts)]
        found = [(r, s) for r in candidates for s in r.stages if s.name == stage]
        if len(found) == 1:
            return found[0]
        if not found:
            names = [s.name for r in candidates for s in r.stages]
            raise UsageError(f"no stage '{stage}'; there are {listed(dict.fromkeys(names))}.{suggestion(stage, names)}")
        raise UsageError(
            f"'{stage}' is a stage of {len(found)} rollouts; name one of "
            f"{listed(f'{r.name}:{s.name}' for r, s in found)}."
        )

    def open(self) -> Ledger:
        """The project's ledger, which must exist."""
        from pytest_rollout.ledger.opening import open_ledger  # noqa: PLC0415 - for those who need it

        return open_ledger(self.ledger_url, self.root)


def keep_off_gates(root: Path, option: str, path: Path) -> None:
    """Refuse to write among the files of a gate: it would be another one than was judged, and uncommitted.

    The plans below ``root`` are found and not read, so none needs its variables.
    """
    place, root = (Path.cwd() / path).resolve(), root.resolve()
    for plan in discover(root):
        if is_of_any_gate(place, plan.parent, root):
            raise UsageError(
                f"{option} {path.name}: lies among the files of the gates of {plan.relative_to(root)}, which would not "
                f"be the judged ones any more; choose a place outside of them, such as .rollout/{path.name}."
            )
