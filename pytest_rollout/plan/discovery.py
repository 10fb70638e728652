"""Where the plans of a project are, and which of their gates a name on the command line means."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_rollout.core.errors import PlanError, UsageError, suggestion
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.plan.reading import parse, read
from pytest_rollout.plan.sentence import quoted, some

PLAN = "rollout.toml"
_SKIPPED = {"node_modules", "reports", "__pycache__", "build", "dist", "venv", ".venv"}
_MARKS = (PLAN, "pytest.ini", "pyproject.toml", ".rollout")


def project_root(start: Path) -> Path:
    """The folder that sentences and node ids are relative to.

    The nearest ancestor of ``start``, or itself, with ``.git`` in it; else the nearest with a
    plan, ``pytest.ini``, ``pyproject.toml`` or ``.rollout``; else ``start``.
    """
    start = Path(start).absolute()
    if start.is_file():
        start = start.parent
    ancestors = [start, *start.parents]
    for marks in ((".git",), _MARKS):
        for folder in ancestors:
            if any(os.path.lexists(folder / mark) for mark in marks):
                return folder
    return start


def discover(root: Path) -> list[Path]:
    """Every ``rollout.toml`` below ``root``, sorted; links to folders are not followed.

    Hidden folders, virtual environments and what tools produce are left out. A plan that is a
    link or a folder is listed all the same, so that loading it says what is wrong with it.
    """
    found = []
    for folder, below, files in os.walk(Path(root).absolute()):
        if PLAN in files or PLAN in below:
            found.append(Path(folder, PLAN))
        below[:] = [name for name in below if not _is_skipped(folder, name)]
    return sorted(found)


def of_rollout(plans: Sequence[Path], name: str) -> list[Path]:
    """Those of ``plans`` that call their rollout ``name``; all of them where none does.

    So a plan that cannot be loaded, for want of a variable, does not stand in another's way.
    """
    return [path for path in plans if _name(path) == name] or list(plans)


def _name(path: Path) -> str | None:
    try:
        table = parse(read(path, path.name), path.name).get("rollout")
    except PlanError:
        return None
    return str(table.get("name")) if isinstance(table, Mapping) else None


def _is_skipped(folder: str, name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED or os.path.lexists(f"{folder}/{name}/pyvenv.cfg")


def check_together(rollouts: Sequence[Rollout], *, root: Path | None = None) -> None:
    """Refuse two rollouts of one name in one repository; raises ``PlanError``."""
    seen: dict[str, Rollout] = {}
    for rollout in rollouts:
        if (first := seen.setdefault(rollout.name, rollout)) is not rollout:
            here, there = (_named(each.plan, root) for each in (rollout, first))
            raise PlanError(
                f"{here}: rollout.name: '{rollout.name}' is the name of {there} already; "
                "give each rollout of a repository its own."
            )


def _named(path: Path, root: Path | None) -> str:
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.as_posix()


def find_gates(rollouts: Sequence[Rollout], stage: str) -> list[tuple[Rollout, Stage]]:
    """The gates that ``beta`` (of every rollout that has it) or ``takumi:beta`` means.

    Names match exactly. Raises ``UsageError`` that lists what there is, with the nearest.
    """
    if not rollouts:
        raise UsageError(f"no stage {quoted(stage)}; there is no {PLAN} here, `rollout init` writes a first one.")
    name, colon, of = stage.partition(":")
    wanted, among = (of, [each for each in rollouts if each.name == name]) if colon else (stage, list(rollouts))
    if not among:
        names = [each.name for each in rollouts]
        raise UsageError(f"no rollout {quoted(name)}; there is {some(names)}.{suggestion(name, names)}")
    found = [(rollout, each) for rollout in among for each in rollout.stages if each.name == wanted]
    if found:
        return found
    names = list(dict.fromkeys(each.name for rollout in among for each in rollout.stages))
    there = "; ".join(f"{r.name}: {some(each.name for each in r.stages)}" for r in among)
    raise UsageError(f"no stage {quoted(wanted)}; the stages are {there}.{suggestion(wanted, names)}")
