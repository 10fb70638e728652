"""`rollout rules`: files that Prometheus and Alertmanager take, and nobody else reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.cli.commands import run

PLAN = """
[rollout]
name = "toy"

[metrics.gas]
unit = "gas"

[[stages.alpha.criteria]]
name = "stays cheap"
metric = "gas"
promote = "< 200k gas"

[notifications.critical]
urls = ["jsons://hooks.example/${HOOK_TOKEN}"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "rollout.toml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_TOKEN", "t0ken-of-the-hook")
    return tmp_path


def test_files_are_written_and_what_no_rule_watches_is_told(project: Path, capsys: Any) -> None:
    """The routes hold addresses: nobody else may read them, and nothing prints them."""
    assert run(["rules", "--output", "monitoring"]) == 0

    told = capsys.readouterr().out
    rules, routes = project / "monitoring" / "toy.rules.yml", project / "monitoring" / "toy.alertmanager.yml"
    assert json.loads(rules.read_text()) == {"groups": []}
    assert stat.S_IMODE(routes.stat().st_mode) == 0o600
    assert "hooks.example/t0ken-of-the-hook" in routes.read_text()
    assert "1 criteria have no rule, their metrics come from elsewhere:\n  alpha: stays cheap (tests)" in told
    assert "t0ken" not in told


def test_without_a_folder_the_rules_are_printed(project: Path, capsys: Any) -> None:
    assert run(["rules", "toy"]) == 0
    assert json.loads(capsys.readouterr().out) == {"groups": []}


def test_a_folder_that_cannot_be_written_is_told(project: Path, capsys: Any) -> None:
    (project / "taken").write_text("a file")

    assert run(["rules", "--output", "taken"]) == 4
    assert "rollout: rollout rules: toy.rules.yml cannot be written" in capsys.readouterr().err
