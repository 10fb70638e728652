"""A plan that wants a drill before a promotion: refused without a good, recent one of these very files."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import operations
from pytest_rollout.core.errors import Refused
from pytest_rollout.operations import Workspace

PLAN = """
[rollout]
name = "toy"

[flags.values]
transfers = true

[stages.alpha]
drilled = { score = "100 %", valid_for = "1h" }

[stages.alpha.flags]
transfers = true

[stages.beta]
"""
SUITE = "def test_transfers(flags):\n    assert flags.client.get_boolean_value('transfers', False) is True\n"
ANN = "Ann <ann@example.org>"


@pytest.fixture(scope="module")
def judged(make_bare: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Committed and judged once: but for the drill, alpha may be promoted."""
    project = make_bare(tmp_path_factory.mktemp("judged"))
    project.write({"rollout.toml": PLAN, "suites/test_gate.py": SUITE})
    assert project.rollout("init").status == 0
    project.commit()
    assert project.pytest("--stage=alpha", "--rollout-formats=").judgement["verdict"] == "promote"
    return project


@pytest.fixture(scope="module")
def drilled(judged: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same, drilled."""
    project = copied(judged, tmp_path_factory.mktemp("drilled") / "project")
    ran = project.rollout("drill", "alpha")
    assert ran.status == 0, ran.out
    return project


@pytest.fixture
def project(drilled: Any, tmp_path: Path) -> Any:
    """A copy of it, for one test."""
    return copied(drilled, tmp_path / "project")


def copied(project: Any, folder: Path) -> Any:
    shutil.copytree(project.folder, folder, symlinks=True)
    shutil.rmtree(folder / ".home")
    return type(project)(folder)


def promote(project: Any, later: timedelta = timedelta(0)) -> None:
    workspace = Workspace.at(project.folder, environment={})
    operations.promote(workspace, "alpha", person=ANN, now=datetime.now(UTC) + later)


def test_without_a_drill_nothing_is_promoted(judged: Any) -> None:
    with pytest.raises(Refused, match=r"none is recorded\. Run `rollout drill toy:alpha`"):
        promote(judged)


def test_a_part_of_a_drill_is_none(judged: Any, tmp_path: Path) -> None:
    """Who chooses the faults chooses the score."""
    project = copied(judged, tmp_path / "project")

    part = project.rollout("drill", "alpha", "--fault=flag-flipped", "--no-tests")

    assert part.status == 0
    assert "a part of a drill, not recorded" in part.out
    with pytest.raises(Refused, match="none is recorded"):
        promote(project)


def test_with_a_good_drill_it_is(project: Any) -> None:
    promote(project)

    assert "promotion" in project.rollout("ledger", "show").out


def test_an_old_drill_is_none(project: Any) -> None:
    with pytest.raises(Refused, match=r"the last drill was at .*, the plan allows 1:00:00"):
        promote(project, later=timedelta(hours=1, minutes=5))


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("suites/test_gate.py", "is True", "== True", "commit, suite changed since the last drill"),
        ("rollout.toml", "[stages.beta]", "[stages.gamma]", "commit, plan, suite changed since the last drill"),
        ("suites/test_gate.py", "is True", "is True", "alpha: commit changed since the last drill"),
    ],
)
def test_a_drill_of_other_files_is_none(project: Any, file: str, old: str, new: str, says: str) -> None:
    """Judged again and promoted by nobody: what was drilled is not what is there."""
    path = project.folder / file
    path.write_text(path.read_text().replace(old, new))
    project.git("commit", "--all", "--quiet", "--allow-empty", "--message=more")
    assert project.pytest("--stage=alpha", "--rollout-formats=").judgement["verdict"] == "promote"

    with pytest.raises(Refused, match=says):
        promote(project)
