"""Which engines a plan names, told without running them."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_rollout.consensus.identity import identities
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec

BOMB = "raise SystemExit('it was run')\n"


def told(spec: EngineSpec, folder: Path) -> str:
    return identities(EngineSettings(reference=spec, candidate=spec), folder)["candidate"]


@pytest.mark.parametrize("target", ["bomb.py:Engine", "bomb:Engine"])
def test_a_file_of_the_plans_folder_is_hashed_and_not_run(tmp_path: Path, target: str) -> None:
    (tmp_path / "bomb.py").write_text(BOMB)
    inner = hashlib.sha256(BOMB.encode()).digest()

    said = told(EngineSpec(kind=EngineKind.IMPORT, target=target), tmp_path)

    assert said == f"sha256 {hashlib.sha256(inner).hexdigest()}"


def test_an_installed_engine_has_its_version(tmp_path: Path) -> None:
    assert told(EngineSpec(kind=EngineKind.IMPORT, target="coincurve.keys:PublicKey"), tmp_path) == (
        f"coincurve=={version('coincurve')}"
    )


def test_a_command_is_its_program_and_the_files_it_names(tmp_path: Path) -> None:
    command = EngineSpec(kind=EngineKind.COMMAND, command=("sh", "engine.sh"))
    (tmp_path / "engine.sh").write_text("exit 0")
    before = told(command, tmp_path)
    (tmp_path / "engine.sh").write_text("exit 1")

    assert before.startswith("sha256 ")
    assert told(command, tmp_path) != before


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (EngineSpec(kind=EngineKind.URL, target="https://user:pass@engine.example"), "elsewhere"),
        (EngineSpec(kind=EngineKind.IMPORT, target="no_such_package:X"), "unknown"),
        (EngineSpec(kind=EngineKind.IMPORT, target="gone.py:X"), "absent"),
        (EngineSpec(kind=EngineKind.COMMAND, command=("no-such-program",)), "absent"),
    ],
    ids=["url", "no package", "no file", "no program"],
)
def test_what_cannot_be_told_is_said(tmp_path: Path, spec: EngineSpec, said: str) -> None:
    assert told(spec, tmp_path) == said


def test_a_plan_without_engines_has_none(tmp_path: Path) -> None:
    assert identities(None, tmp_path) == {}
