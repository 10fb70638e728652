"""Projects to judge: a folder of its own with a plan, a suite and a ledger, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("no stopwatch", deadline=None)
settings.load_profile("no stopwatch")

PLAN = """
[rollout]
name = "toy"
title = "Toy"

[metrics.settled]
unit = "ratio"

[metrics.gas]
unit = "gas"

[stages.alpha]
title = "Alpha"

[stages.beta]
title = "Beta"
"""

GOOD = """
def test_good():
    assert 1 + 1 == 2
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one command left: its status, its output, and the verdict it wrote (None if none)."""

    status: int
    out: str
    err: str
    verdict: dict | None

    @property
    def judgement(self) -> dict:
        assert self.verdict is not None, f"no verdict was written:\n{self.out}\n{self.err}"
        return self.verdict["judgement"]

    @property
    def says(self) -> str:
        """Everything the judgement's findings say, for `in`."""
        standing = [f for f in self.judgement["findings"] if f["outcome"] != "pass"]
        return "\n".join(
            f"{f['outcome']}: {f['title']}: {f.get('measured', '')} {f.get('detail', '')}" for f in standing
        )


class Project:
    """A project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "PYTHON", "COV_", "GIT_"))
        }
        self.environment |= {"HOME": str(folder / ".home"), "COLUMNS": "100", "NO_COLOR": "1"}
        (folder / ".home").mkdir()

    def write(self, files: Mapping[str, str]) -> Project:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return self

    def command(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: str = ".", timeout: float = 600
    ) -> Ran:
        done = subprocess.run(
            arguments,
            cwd=self.folder / cwd,
            env=self.environment | dict(env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(status=done.returncode, out=done.stdout, err=done.stderr, verdict=None)

    def pytest(self, *arguments: str, env: Mapping[str, str] | None = None, cwd: str = ".") -> Ran:
        before = self._verdict_digests()
        ran = self.command(sys.executable, "-m", "pytest", *arguments, env=env, cwd=cwd)
        return Ran(status=ran.status, out=ran.out, err=ran.err, verdict=self._new_verdict(before))

    def rollout(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return self.command(sys.executable, "-m", "pytest_rollout", *arguments, env=env)

    def git(self, *arguments: str) -> None:
        about = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(
            ["git", *about, *arguments], cwd=self.folder, check=True, capture_output=True, env=self.environment
        )

    def commit(self) -> Project:
        if not (self.folder / ".git").exists():
            self.git("init", "-q")
            (self.folder / ".gitignore").write_text(".home/\n.rollout/\nreports/\n__pycache__/\n.pytest_cache/\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "state")
        return self

    def _verdict_digests(self) -> dict[Path, str]:
        return {path: path.read_text() for path in (self.folder / "reports").rglob("verdict.json")}

    def _new_verdict(self, before: Mapping[Path, str]) -> dict | None:
        new = [text for path, text in self._verdict_digests().items() if before.get(path) != text]
        return json.loads(new[-1]) if new else None


@pytest.fixture(scope="session")
def make_project() -> Callable[[Path], Project]:
    """Makes a project with a two-stage plan and a ledger below a folder."""

    def make(folder: Path) -> Project:
        place = folder / "project"
        place.mkdir()
        project = Project(place).write({"rollout.toml": PLAN})
        made = project.rollout("init")
        assert made.status == 0, made.err
        return project

    return make


@pytest.fixture(scope="session")
def make_bare() -> Callable[[Path], Project]:
    """Makes a project with nothing in it below a folder."""

    def make(below: Path) -> Project:
        folder = below / "project"
        folder.mkdir()
        return Project(folder)

    return make


@pytest.fixture
def bare(tmp_path: Path, make_bare: Callable[[Path], Project]) -> Project:
    """A project with nothing in it."""
    return make_bare(tmp_path)


@pytest.fixture
def project(tmp_path: Path, make_project: Callable[[Path], Project]) -> Project:
    """A project with a two-stage plan and a ledger, and no test yet."""
    return make_project(tmp_path)
