"""``pytest --stage`` and ``rollout gate`` become the same supervisor: statuses, colours, and whose modules count."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "def test_good():\n    assert True\n"
QUIET = "--rollout-formats="
TRIGGERED = """
[[stages.alpha.criteria]]
name = "settles"
metric = "settled"
promote = "> 99 %"
rollback = [{ when = "< 90 %" }]
"""


def command(how: str) -> list[str]:
    script = shutil.which("pytest", path=str(Path(sys.executable).parent))
    assert script is not None
    return {
        "python -m pytest": [sys.executable, "-m", "pytest", "--stage=alpha"],
        "pytest": [script, "--stage", "alpha"],
        "rollout gate": [str(Path(sys.executable).parent / "rollout"), "gate", "alpha"],
        "python -m pytest_rollout": [sys.executable, "-m", "pytest_rollout", "gate", "toy:alpha"],
    }[how]


@pytest.mark.parametrize("how", ["python -m pytest", "pytest", "rollout gate", "python -m pytest_rollout"])
def test_each_way_to_ask_for_a_gate_is_the_same_supervisor(project, how: str) -> None:
    """The folder one stands in and ``PYTHONPATH`` hold nothing that it would import."""
    trap = "import os\n\nos.write(2, b'TRAPPED')\nos._exit(0)\n"
    names = [f"{name}.py" for name in ("rfc8785", "psutil", "pydantic", "sqlite3")]
    project.write({"suites/test_a.py": "def test_bad():\n    assert False\n"})
    project.write({f"{folder}{name}": trap for name in names for folder in ("", ".home/path/")})

    ran = project.command(*command(how), QUIET, env={"PYTHONPATH": str(project.folder / ".home/path")})

    assert "TRAPPED" not in ran.out + ran.err
    assert ran.status == 10, ran.err
    assert "toy · alpha: HOLD" in ran.out


STATUSES = {
    "promote": (GOOD, (), 0),
    "hold": ("def test_bad():\n    assert False\n", (), 10),
    "rollback": ("def test_m(measure):\n    measure('settled', good=1, total=2)\n", (), 20),
    "cannot be collected": ("import nowhere_to_be_found\n" + GOOD, (), 2),
    "an internal error": (GOOD, ("-p", "breaker"), 3),
    "pytest's usage error": (GOOD, ("suites/nowhere.py",), 4),
    "our usage error": (GOOD, ("--gatling",), 4),
}


@pytest.mark.parametrize(("suite", "arguments", "status"), [pytest.param(*case, id=n) for n, case in STATUSES.items()])
def test_the_exit_status_tells_the_verdict_or_pytests_own_trouble(project, suite, arguments, status) -> None:
    """0, 10, 20 are the verdict; 2, 3 and 4 pass through where it holds."""
    plan = project.folder / "rollout.toml"
    if status == 20:
        plan.write_text(plan.read_text().replace("[stages.beta]", f"{TRIGGERED}[stages.beta]"))
    project.write({"suites/test_a.py": suite, "conftest.py": ""})
    if "breaker" in arguments:
        project.write({"conftest.py": "def pytest_runtestloop():\n    raise RuntimeError('broken')\n"})
        arguments = ()

    ran = project.pytest("--stage=alpha", QUIET, *arguments)

    assert ran.status == status, ran.out + ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_terminal_keeps_its_colours(project, workers: str) -> None:
    """pytest's own and the verdict's, as without a gate."""
    project.write({"suites/test_a.py": GOOD})
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in project.environment.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--stage=alpha", QUIET, "-n", workers],
        cwd=project.folder,
        env=environment | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)

    assert process.wait(60) == 0
    assert b"\x1b[32m" in shown.partition(b"PROMOTE")[0]
    assert b"\x1b[1;32mPROMOTE\x1b[0m" in shown


def test_a_debugger_in_a_gate_is_told(project) -> None:
    """What follows is not what the test saw."""
    project.write({"suites/test_a.py": "def test_a():\n    breakpoint()\n"})

    ran = project.pytest("--stage=alpha", QUIET, "-s")

    assert ran.status in {2, 10}
    assert "a debugger was entered" in ran.says


@pytest.mark.parametrize("where", [".", "suites/alpha"])
def test_a_junit_file_of_pytests_own_is_written_where_one_stands(project, where: str) -> None:
    """The recorder stands at the root; the path was typed elsewhere."""
    project.write({"suites/alpha/test_a.py": GOOD, "suites/test_b.py": GOOD})
    given = os.path.relpath(project.folder / "reports" / "own.xml", project.folder / where)

    ran = project.pytest("--stage=alpha", QUIET, f"--junitxml={given}", cwd=where)

    assert ran.status == 0, ran.err
    assert (project.folder / "reports" / "own.xml").is_file()
