"""A ledger's server that goes away while a gate runs, machines that promote at once, a machine that sleeps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers import PostgresServer, postgres_server

WAITS = """
import time
from pathlib import Path

def test_waits():
    here = Path(__file__).parents[1] / ".home"
    (here / "running").touch()
    until = time.monotonic() + 60
    while not (here / "go on").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
"""


@dataclass(frozen=True)
class Running:
    """A gate whose only test waits; ``meanwhile`` happens while it does."""

    project: Any
    server: PostgresServer

    def gate(self, meanwhile: Callable[[subprocess.Popen[str]], None]) -> tuple[int, str]:
        home = self.project.folder / ".home"
        for name in ("running", "go on"):
            (home / name).unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--stage=alpha"],
            cwd=self.project.folder,
            env=self.project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        until = time.monotonic() + 60
        while not (home / "running").exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.02)
        meanwhile(process)
        (home / "go on").touch()
        return process.wait(timeout=120), process.communicate()[0]

    @property
    def kinds(self) -> list[str]:
        shown = self.project.rollout("ledger", "show", "--json")
        return [each["kind"] for each in json.loads(shown.out)]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server(durable=True) as server:
        yield server


@pytest.fixture
def running(bare, server: PostgresServer) -> Running:
    """A project whose ledger is in a database of its own."""
    name = f"d{bare.folder.stat().st_ino}"
    driver = server.url.replace("+psycopg", "")
    with psycopg.connect(driver, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    bare.environment["ROLLOUT_LEDGER"] = driver.replace("/postgres", f"/{name}")
    plan = '[rollout]\nname = "toy"\n[stages.alpha]\n[stages.beta]\n'
    bare.write({"rollout.toml": plan, "suites/test_a.py": WAITS}).commit()
    assert bare.rollout("init").status == 0
    return Running(bare, server)


def test_a_server_that_is_gone_at_the_judgement_holds_and_a_rerun_recovers(running: Running) -> None:
    """Nothing is judged, the start that was written stands in the way, and the next run needs nobody's help."""
    status, out = running.gate(lambda _: running.server.stop())
    asked = running.project.rollout("promote", "alpha")
    running.server.start()
    refused = running.project.rollout("promote", "alpha")
    kept = running.kinds

    assert (status, asked.status, refused.status) == (10, 10, 10), out + asked.err + refused.err
    assert "HOLD: toy:alpha: ledger postgresql://127.0.0.1/" in out
    assert "the server cannot be reached, or went away; nothing counts as recorded. Start it, then try again." in out
    assert "kept-secret" not in out + asked.out + asked.err
    assert not list(running.project.folder.glob("reports/*/*/verdict.json"))
    assert kept == ["ledger_created", "run_started"]

    again, out = running.gate(lambda _: None)
    promoted = running.project.rollout("promote", "alpha")

    assert (again, promoted.status) == (0, 0), out + promoted.err
    assert "attempt 2" in out
    assert running.kinds == [*kept, "run_started", "judgement", "promotion"]


@pytest.mark.parametrize("how", ["restarted", "sessions ended"])
def test_a_server_that_was_away_for_a_while_is_found_again(running: Running, how: str) -> None:
    """The connection of the start is dead at the judgement; nobody has to run the gate again for that."""

    def away(_: subprocess.Popen[str]) -> None:
        if how == "restarted":
            running.server.stop()
            running.server.start()
        else:
            with psycopg.connect(running.server.url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pytest-rollout'"
                )

    status, out = running.gate(away)

    assert status == 0, out
    assert running.kinds == ["ledger_created", "run_started", "judgement"]


def test_a_server_that_is_gone_at_the_promotion_moves_nothing(running: Running) -> None:
    assert running.gate(lambda _: None)[0] == 0
    running.server.stop()
    refused = running.project.rollout("promote", "alpha")
    running.server.start()

    assert refused.status == 10
    assert "the server cannot be reached" in refused.err
    assert "Traceback" not in refused.err
    assert running.project.rollout("promote", "alpha").status == 0
    assert running.kinds[-1] == "promotion"


PROMOTING = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.operations.moving import promote
from pytest_rollout.operations.workspace import Workspace

workspace = Workspace.at(Path.cwd())
print("ready", flush=True)
sys.stdin.readline()
try:
    promote(workspace, "alpha", person=sys.argv[1], now=datetime.now(UTC) + timedelta(minutes=int(sys.argv[2])))
except RolloutError as error:
    print(f"{type(error).__name__}: {error}")
else:
    print("promoted")
"""


def test_two_machines_that_promote_at_once_make_one_entry(running: Running, tmp_path: Path) -> None:
    """Two clones of one repository, two processes, one ledger, and clocks that are forty minutes apart."""
    assert running.gate(lambda _: None)[0] == 0
    clone = tmp_path / "clone"
    shutil.copytree(running.project.folder, clone, ignore=shutil.ignore_patterns(".home", "reports"))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTING, name, minutes],
            cwd=folder,
            env=running.project.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder, name, minutes in ((running.project.folder, "ann", "0"), (clone, "bob", "40"))
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    answers = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, _ = racer.communicate(timeout=60)
        answers.append(out.strip())

    refused, promoted = sorted(answers)
    assert promoted == "promoted"
    assert "moved meanwhile" in refused or "toy stands at 'beta'" in refused, refused
    assert running.kinds == ["ledger_created", "run_started", "judgement", "promotion"]
    assert running.project.rollout("ledger", "verify").status == 0


def test_a_machine_that_sleeps_past_the_deadline_holds(project) -> None:
    """Nobody looked meanwhile; what ran before and after the sleep is no gate in time."""
    plan = (project.folder / "rollout.toml").read_text()
    project.write(
        {"rollout.toml": plan.replace('title = "Alpha"', 'title = "Alpha"\ndeadline = "4s"'), "suites/test_a.py": WAITS}
    )

    status, out = Running(project, None).gate(lambda process: asleep(process, 5))  # type: ignore[arg-type]

    assert status == 10, out
    assert "deadline" in out
    assert "alpha: HOLD" in out


def test_a_machine_that_sleeps_for_a_while_spoils_no_honest_gate(project) -> None:
    project.write({"suites/test_a.py": WAITS})

    status, out = Running(project, None).gate(lambda process: asleep(process, 1))  # type: ignore[arg-type]

    assert status == 0, out


def asleep(process: subprocess.Popen[str], seconds: float) -> None:
    """Stop a whole run, supervisor, recorder and all, and let it go on later."""
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGCONT)
