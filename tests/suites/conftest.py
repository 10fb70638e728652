"""The reference suites, each copied into a repository of its own and judged as a user would."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import operations
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.judging import judge
from pytest_rollout.ledger.canonical import parse, seal
from pytest_rollout.ledger.opening import open_ledger
from pytest_rollout.runner.record import unpack

SUITES = Path(__file__).parents[2] / "suites"
SETTINGS = """
[tool.pytest]
addopts = ["-ra", "--import-mode=importlib"]
"""
NOBODY = "http://127.0.0.1:1"
_PLATFORM = re.compile(r'^\[\[stages\.[a-z-]+\.criteria\]\]\nname = "platform: (?:.+\n)+', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A gate's exit status, verdict and findings."""

    status: int
    verdict: str
    findings: list[dict[str, Any]]

    @property
    def outcomes(self) -> dict[str, str]:
        """Each finding's outcome by its item."""
        return {each["item"]: each["outcome"] for each in self.findings}

    @property
    def in_the_way(self) -> set[str]:
        """The kinds of the findings that keep the gate from promoting."""
        return {each["kind"] for each in self.findings if each["required"] and each["outcome"] != "pass"}

    @property
    def measured(self) -> dict[str, str]:
        """What each criterion was judged on, by its name."""
        return {each["title"]: each["measured"] for each in self.findings if each["kind"] == "criteria"}

    def finding(self, title: str) -> dict[str, Any]:
        """The one finding of that title."""
        (found,) = (each for each in self.findings if each["title"] == title)
        return found


class Copy:
    """One suite in a committed repository with a ledger. ``project`` runs commands in it."""

    def __init__(self, project: Any, name: str) -> None:
        self.project = project
        self.name = name

    def judge(self, stage: str, *arguments: str) -> Judged:
        """Judge one gate. Allure and the brief are tested elsewhere, so they are not written."""
        ran = self.project.pytest(f"--stage={self.name}:{stage}", "--rollout-formats=junit", *arguments)
        judgement = ran.judgement
        self._is_judged_again_from_the_record_alone()
        return Judged(status=ran.status, verdict=judgement["verdict"], findings=judgement["findings"])

    def _is_judged_again_from_the_record_alone(self) -> None:
        """The evidence encloses what is needed of the plan: a stranger's judgement has the same bytes."""
        ledger = open_ledger("sqlite:///.rollout/ledger.db", self.project.folder)
        (entry,) = (each for each in ledger.entries(ledger.head().sequence) if each.kind is EntryKind.JUDGEMENT)
        digest = parse(entry.payload)["evidence_digest"]
        assert seal(judge(unpack(ledger.attachment(digest), None, digest))).payload == entry.payload

    def tick_all(self, stage: str) -> None:
        """Tick every entry of the stage's checklist, with a letter where one is asked for."""
        letter = self.project.folder / "reports" / "letter.txt"
        letter.parent.mkdir(exist_ok=True)
        letter.write_text("We have looked, and agree.\n")
        workspace = operations.Workspace.at(self.project.folder, environment={})
        place = f"{self.name}:{stage}"
        for entry in workspace.gate(place)[1].checklist:
            evidence = letter if entry.evidence else None
            now = datetime.now(UTC)
            operations.tick(workspace, place, entry.number, person="A Tester", now=now, evidence=evidence)

    def promote(self, stage: str) -> None:
        """Record the move out of a stage; raises ``Refused``."""
        workspace = operations.Workspace.at(self.project.folder, environment=self.project.environment)
        operations.promote(workspace, f"{self.name}:{stage}", person="A Tester", now=datetime.now(UTC))

    def without_platform(self) -> None:
        """Drop the criteria on the running platform, which look back on days that a test does not have."""
        path = self.project.folder / "suites" / self.name / "rollout.toml"
        text, count = _PLATFORM.subn("", path.read_text(encoding="utf-8"))
        assert count, "the plan has no criterion on the platform"
        path.write_text(text, encoding="utf-8")
        self.project.commit()

    def change(self, *edits: tuple[str, str, str]) -> None:
        """Replace text in files of the suite, wherever it occurs, and commit: (file, old, new)."""
        for file, old, new in edits:
            path = self.project.folder / "suites" / self.name / file
            text = path.read_text(encoding="utf-8")
            assert old in text, f"{file} has no {old!r}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        self.project.commit()


@pytest.fixture(scope="session")
def copy_below(make_bare: Callable[[Path], Any]) -> Callable[[Path, str], Copy]:
    """``copy_below(folder, "takumi")`` makes a repository with that suite alone below a folder."""

    def copy(below: Path, name: str) -> Copy:
        bare = make_bare(below)
        folder = bare.folder / "suites" / name
        shutil.copytree(SUITES / name, folder, ignore=shutil.ignore_patterns("__pycache__", "reports"))
        bare.write({"pyproject.toml": SETTINGS})
        bare.environment["PROMETHEUS_URL"] = NOBODY
        bare.commit()
        made = bare.rollout("init")
        assert made.status == 0, made.err
        return Copy(bare, name)

    return copy


@pytest.fixture
def copied(tmp_path: Path, copy_below: Callable[[Path, str], Copy]) -> Callable[[str], Copy]:
    """``copied("takumi")`` is a repository with that suite alone."""
    return lambda name: copy_below(tmp_path, name)


@pytest.fixture
def plans() -> Mapping[str, Path]:
    """The plan of each suite by the suite's name."""
    return {path.parent.name: path for path in sorted(SUITES.glob("*/rollout.toml"))}
