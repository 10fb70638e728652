"""The ``rollout`` command as it is typed: what it prints, its statuses, its documents."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from pytest_rollout.cli import main

PLAN = """
[rollout]
name = "toy"
title = "Toy"

[stages.alpha]
title = "Alpha"

[[stages.alpha.checklist]]
text = "Team ready"

[[stages.alpha.checklist]]
text = "Audit letter"
evidence = true

[stages.beta]
title = "Beta"
"""
GOOD = "def test_good():\n    assert True\n"


@pytest.fixture(scope="module")
def template(make_project, tmp_path_factory):
    """Committed, not judged, nothing ticked."""
    project = make_project(tmp_path_factory.mktemp("commands"))
    return project.write({"rollout.toml": PLAN, "suites/test_a.py": GOOD, "letter.txt": "signed"}).commit()


@pytest.fixture
def toy(template: Any, tmp_path: Any) -> Any:
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True, ignore=shutil.ignore_patterns(".home"))
    return type(template)(tmp_path / "project")


def test_a_rollout_from_its_first_tick_to_its_end(toy) -> None:
    """Each command says what it did in one or two lines and names the next one."""
    first = toy.rollout("status")
    ticked = toy.rollout("check", "alpha", "1", "--by", "Ann <ann@example.org>", "--note", "all here")
    letter = toy.rollout("check", "toy:alpha", "2", "--evidence", "letter.txt", "--by", "Ann")
    undone = toy.rollout("check", "alpha", "1", "--undo", "--by", "Ann")
    again = toy.rollout("check", "alpha", "1", "--by", "Ann")
    judged = toy.rollout("gate", "alpha", "--rollout-formats=")
    ready = toy.rollout("status", "toy")
    promoted = toy.rollout("promote", "alpha", "--by", "Ann")
    back = toy.rollout("rollback", "beta", "--reason", "gas doubled", "--by", "Ben")
    shown = toy.rollout("ledger", "show")
    verified = toy.rollout("ledger", "verify")

    assert first.out == (
        "toy (Toy): at alpha, stage 1 of 2\n  not judged in this visit, 0 attempts\n  [ ] 1 Team ready\n"
        "  [ ] 2 Audit letter\n  toy:alpha: not judged yet; run `pytest --stage=toy:alpha`.\n"
        "  next: rollout check toy:alpha 1\n"
    )
    assert ticked.out == "toy:alpha 1 'Team ready' ticked by Ann <ann@example.org>\n"
    assert letter.out.startswith("toy:alpha 2 'Audit letter' ticked by Ann, evidence letter.txt sha256 ")
    assert undone.out == "toy:alpha 1 'Team ready' tick taken back by Ann\n"
    assert (again.status, judged.status) == (0, 0), judged.out
    assert ready.out.endswith("  next: rollout promote toy:alpha\n")
    assert promoted.out.startswith("toy: alpha promoted by Ann, now at beta\nledger entry 7, head ")
    assert back.out.startswith("toy: beta rolled back by Ben, now at alpha: gas doubled\nledger entry 8, head ")
    head = back.out.split()[-1]
    assert verified.out.splitlines()[1] == f"head {head}"
    lines = shown.out.splitlines()
    assert [line.split()[2] for line in lines] == [
        *("ledger_created", "tick", "tick", "tick", "tick", "run_started", "judgement", "promotion", "rollback"),
    ]
    assert "toy:alpha Ann took back 1 (Team ready)" in lines[3]
    assert "toy:alpha PROMOTE (attempt 1)" in lines[6]
    assert "toy: alpha -> beta, Ann" in lines[7]


def test_every_command_prints_one_document(toy) -> None:
    """``--json`` is what other programs parse."""
    documents = {
        name: json.loads(toy.rollout(*arguments, "--json").out)
        for name, arguments in {
            "init": ("init",),
            "lint": ("lint",),
            "status": ("status",),
            "check": ("check", "alpha", "1", "--by", "Ann"),
            "letter": ("check", "alpha", "2", "--by", "Ann", "--evidence", "letter.txt"),
            "show": ("ledger", "show"),
            "one": ("ledger", "show", "1"),
            "verify": ("ledger", "verify"),
        }.items()
    }
    toy.rollout("gate", "alpha", "--rollout-formats=")
    promoted = json.loads(toy.rollout("promote", "alpha", "--json").out)
    back = json.loads(toy.rollout("rollback", "beta", "--reason", "x", "--json").out)
    schema = json.loads(toy.rollout("schema").out)

    assert documents["init"] == {"done": ["the ledger is there; nothing to do"]}
    assert documents["lint"] == []
    assert documents["status"][0]["next"] == "rollout check toy:alpha 1"
    assert documents["check"]["ticked"] is True
    assert [entry["sequence"] for entry in documents["show"]] == [0, 1, 2]
    assert documents["one"] == documents["show"][1]
    assert documents["verify"]["is_sound"] is True
    assert (promoted["to"], back["to"]) == ("beta", "alpha")
    assert back["head"] != promoted["head"]
    assert "properties" in schema


MISTAKES = {
    "no such command": (("promot", "alpha"), 4, "promot"),
    "no stage": (("promote",), 4, "STAGE"),
    "an unknown option": (("promote", "alpha", "--force"), 4, "--force"),
    "an unknown stage": (("promote", "gamma"), 4, "no stage 'gamma'; there are alpha, beta"),
    "an unknown rollout": (("status", "tyo"), 4, "no rollout 'tyo'; this project has toy. Did you mean 'toy'?"),
    "no number": (("check", "alpha", "one"), 4, "Invalid value for 'number'"),
    "an unknown number": (("check", "alpha", "9"), 4, "no checklist entry 9"),
    "evidence missing": (("check", "alpha", "2"), 10, "asks for an evidence file"),
    "evidence that is not there": (
        ("check", "alpha", "2", "--evidence", "nowhere.txt"),
        4,
        "nowhere.txt: cannot be read",
    ),
    "not the current stage": (("check", "beta", "1"), 4, "no checklist entry 1; it has none"),
    "a promotion out of turn": (("promote", "beta"), 10, "toy stands at 'alpha'"),
    "not judged": (("promote", "alpha"), 10, "not judged yet; run `pytest --stage=toy:alpha`"),
    "a rollback from the first stage": (
        ("rollback", "alpha", "--reason", "x"),
        10,
        "the first stage has none before it",
    ),
    "a rollback without a reason": (("rollback", "alpha"), 10, "--reason"),
    "no such entry": (("ledger", "show", "99"), 4, "no ledger entry 99; the newest is 0"),
    "a negative entry": (("ledger", "show", "--", "-1"), 4, "no ledger entry -1"),
    "another head": (("ledger", "verify", "--head", "f" * 64), 10, "its end was cut off, or it is another ledger"),
    "another ledger": (("status", "--rollout-ledger", "sqlite:///nowhere.db"), 10, "no ledger at nowhere.db"),
    "no ledger's address": (("status", "--rollout-ledger", "nowhere.db"), 10, "write sqlite:///"),
    "a password in an address": (
        ("status", "--rollout-ledger", "postgresql://u:s3cr3t@127.0.0.1:1/d"),
        10,
        "the server cannot be reached",
    ),
    "no report yet": (("report", "alpha"), 4, "allure-results"),
}


@pytest.mark.parametrize(
    ("arguments", "status", "says"), [pytest.param(*case, id=name) for name, case in MISTAKES.items()]
)
def test_a_mistake_is_one_sentence_on_standard_error(toy, arguments, status, says) -> None:
    """10 where the record refuses, 4 where the command is wrong; never a traceback."""
    ran = toy.rollout(*arguments)

    assert ran.status == status, ran.err
    assert says in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "s3cr3t" not in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_head_that_was_noted_finds_a_cut_tail(toy) -> None:
    """What a chain alone cannot show: its end is gone, and what is left verifies."""
    before = (toy.folder / ".rollout/ledger.db").read_bytes()
    toy.rollout("check", "alpha", "1", "--by", "Ann")
    head = json.loads(toy.rollout("ledger", "verify", "--json").out)["head"]

    kept = toy.rollout("ledger", "verify", "--head", head)
    (toy.folder / ".rollout/ledger.db").write_bytes(before)
    cut = toy.rollout("ledger", "verify", "--head", head)
    blind = toy.rollout("ledger", "verify")

    assert (kept.status, cut.status, blind.status) == (0, 10, 0)
    assert "the ledger verifies up to entry 0, but the head" in cut.err


def test_two_promotions_at_once_are_one_move_and_one_refusal(toy) -> None:
    """Two people at two keyboards."""
    toy.rollout("check", "alpha", "1", "--by", "Ann")
    toy.rollout("check", "alpha", "2", "--by", "Ann", "--evidence", "letter.txt")
    assert toy.rollout("gate", "alpha", "--rollout-formats=").status == 0
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest_rollout", "promote", "alpha", "--by", name],
            cwd=toy.folder,
            env=toy.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("Ann", "Ben")
    ]
    texts = [command.communicate(timeout=60) for command in commands]

    assert sorted(command.returncode for command in commands) == [0, 10], texts
    entries = json.loads(toy.rollout("ledger", "show", "--json").out)
    assert [entry["kind"] for entry in entries].count("promotion") == 1
    refusal = "".join(err for _, err in texts)
    assert "moved meanwhile" in refusal or "toy stands at 'beta'" in refusal


def test_a_reader_that_has_seen_enough_is_no_trouble(toy) -> None:
    """``rollout ledger show | head -1``."""
    readable, writable = os.pipe()
    os.close(readable)
    done = subprocess.run(
        [sys.executable, "-m", "pytest_rollout", "ledger", "show"],
        cwd=toy.folder,
        env=toy.environment,
        stdout=writable,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writable)

    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_types_is_gits_user_or_the_account(toy) -> None:
    """A claim, not a proof; ``--by`` says another one."""
    toy.git("config", "user.name", "Git User")
    toy.git("config", "user.email", "git@example.org")

    ran = toy.rollout("check", "alpha", "1")

    assert ran.out.endswith("ticked by Git User <git@example.org>\n")


COMMANDS = ["", "init", "lint", "schema", "gate", "status", "check", "promote", "rollback", "report", "ledger"]


@pytest.mark.parametrize("command", [*COMMANDS, "ledger show", "ledger verify"])
def test_help_is_there_for_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_without_a_command_the_commands_are_shown(toy) -> None:
    ran = toy.rollout()

    assert "promote" in ran.out
    assert "Traceback" not in ran.err


def test_lint_reads_plans_alone(toy) -> None:
    """No network, no ledger; a plan that cannot be read is a mistake with its place."""
    shutil.rmtree(toy.folder / ".rollout")
    sound = toy.rollout("lint")
    toy.write({"rollout.toml": "[rollout"})
    broken = toy.rollout("lint")

    assert (sound.status, sound.out) == (0, "1 plans with 2 stages read, 0 remarks\n")
    assert broken.status == 4
    assert broken.err.startswith("rollout: rollout.toml: ")
