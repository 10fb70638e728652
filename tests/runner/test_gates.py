"""Gates as a pipeline runs them: several rollouts, rehearsals, reports that cannot be written, a ledger that fails."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLAN = (
    '[rollout]\nname = "{name}"\ntitle = "T"\n{more}\n[stages.alpha]\ntitle = "Alpha"\n[stages.beta]\ntitle = "Beta"\n'
)
TRIGGER = """
[metrics.settled]
unit = "ratio"
"""
CRITERION = """
[[stages.beta.criteria]]
name = "settles"
metric = "settled"
promote = "> 99 %"
rollback = [{ when = "< 90 %" }]
"""
GOOD = "def test_good():\n    assert True\n"
BAD = "def test_bad():\n    assert False\n"
QUIET = "--rollout-formats="


@pytest.fixture(scope="module")
def three(make_project, tmp_path_factory):
    """Three rollouts of one repository, one inside another's folder."""
    project = make_project(tmp_path_factory.mktemp("three"))
    (project.folder / "rollout.toml").unlink()
    return project.write(
        {
            "pyproject.toml": "[tool.pytest]\n",
            "suites/good/rollout.toml": PLAN.format(name="good", more=""),
            "suites/good/suites/test_g.py": GOOD,
            "suites/bad/rollout.toml": PLAN.format(name="bad", more=""),
            "suites/bad/suites/test_b.py": BAD,
            "suites/good/inner/rollout.toml": PLAN.format(name="inner", more=TRIGGER) + CRITERION,
            "suites/good/inner/suites/test_i.py": GOOD,
            "suites/good/inner/suites/beta/test_m.py": (
                "def test_m(measure):\n    measure('settled', good=8, total=10)\n"
            ),
            "tests/test_unit.py": BAD,
        }
    )


def verdicts(project, stage: str) -> dict[str, str]:
    paths = (project.folder / "reports").glob(f"*/{stage}/verdict.json")
    return {path.parts[-3]: json.loads(path.read_text())["judgement"]["verdict"] for path in paths}


@pytest.fixture
def fresh(three):
    shutil.rmtree(three.folder / "reports", ignore_errors=True)
    return three


SELECTED = {
    "every rollout that has it": (("--stage=beta",), {"good": "promote", "bad": "hold", "inner": "rollback"}, 20),
    "one by its name": (("--stage=good:alpha",), {"good": "promote"}, 0),
    "one by its folder": (("--stage=alpha", "suites/bad"), {"bad": "hold"}, 10),
    "one inside another": (("--stage=alpha", "suites/good/inner"), {"inner": "promote"}, 0),
    "a folder and what is inside": (("--stage=alpha", "suites/good"), {"good": "promote", "inner": "promote"}, 0),
    "two folders": (("--stage=alpha", "suites/bad", "suites/good/inner"), {"bad": "hold", "inner": "promote"}, 10),
}


@pytest.mark.parametrize(("arguments", "judged", "status"), [pytest.param(*case, id=n) for n, case in SELECTED.items()])
def test_a_stage_is_judged_in_each_rollout_that_is_meant(fresh, arguments, judged, status) -> None:
    """Each with a verdict of its own; the status is the gravest. A folder is no narrowed gate."""
    ran = fresh.pytest(*arguments, QUIET)

    assert ran.status == status, ran.err
    assert verdicts(fresh, arguments[0].rpartition(":")[2].removeprefix("--stage=")) == judged
    assert "narrowed" not in ran.out


REFUSED = {
    "a stage nobody has": (("--stage=bta",), "no stage 'bta'; the stages are bad: alpha, beta; "),
    "the nearest": (("--stage=bta",), "Did you mean 'beta'?"),
    "a rollout nobody has": (("--stage=godo:beta",), "no rollout 'godo'"),
    "a folder without a rollout": (("--stage=beta", "tests"), "tests: no rollout lies there"),
    "a misspelt folder among others": (
        ("--stage=beta", "suites/good", "suites/bda"),
        "suites/bda: no rollout lies there",
    ),
    "one JUnit file for several": (("--stage=beta", "--junitxml=reports/x.xml"), "3 gates would write one file"),
    "a JUnit file in the gate": (
        ("--stage=good:beta", "--junitxml=suites/good/x.xml"),
        "suites/good/x.xml: lies among the files of good:beta, which may not change while they are judged",
    ),
    "reports in the gate": (
        ("--stage=bad:beta", "--rollout-reports=suites/bad/out"),
        "lies among the files of bad:beta",
    ),
    "a ledger in the gate": (
        ("--stage=bad:beta", "--rollout-ledger=sqlite:///suites/bad/x.db"),
        "lies among the files of bad:beta",
    ),
}


@pytest.mark.parametrize(("arguments", "says"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_cannot_be_meant_is_refused_before_anything_runs(fresh, arguments, says) -> None:
    ran = fresh.pytest(*arguments)

    assert ran.status == 4
    assert says in ran.err
    assert ran.out == ""
    assert verdicts(fresh, "beta") == {}


def test_a_trouble_of_one_gate_hides_no_other_verdict(three, tmp_path: Path) -> None:
    """A rollback stays the gravest, although another rollout's ledger is not the one its plan names."""
    three.folder.rename(tmp_path / "project")
    project = type(three)(_homeless(tmp_path / "project"))
    try:
        plan = project.folder / "suites/bad/rollout.toml"
        plan.write_text(plan.read_text().replace('title = "T"', 'title = "T"\nledger = "0123456789abcdef"', 1))

        ran = project.pytest("--stage=beta", QUIET)

        assert ran.status == 20
        assert "HOLD: bad:beta: ledger .rollout/ledger.db: its id is" in ran.err
        assert {name: verdict for name, verdict in verdicts(project, "beta").items() if name != "bad"} == {
            "good": "promote",
            "inner": "rollback",
        }
    finally:
        plan.write_text(plan.read_text().replace('ledger = "0123456789abcdef"\n', ""))
        project.folder.rename(three.folder)


def _homeless(folder: Path) -> Path:
    shutil.rmtree(folder / ".home", ignore_errors=True)
    return folder


@pytest.fixture
def one(project):
    """One rollout with a promoting gate, committed."""
    return project.write({"suites/test_a.py": GOOD}).commit()


def test_reports_that_cannot_be_written_hold_although_the_verdict_is_promote(one) -> None:
    """The ledger has the judgement; the sentence says where it is, and no earlier report is left standing."""
    assert one.pytest("--stage=alpha").status == 0
    stale = one.folder / "reports/toy/alpha"
    assert (stale / "verdict.json").exists()
    shutil.rmtree(stale.parent)
    (one.folder / "reports/toy").write_text("in the way")

    blocked = one.pytest("--stage=alpha")
    elsewhere = one.pytest("--stage=alpha", "--rollout-reports=/proc/nowhere")

    for ran in (blocked, elsewhere):
        assert ran.status == 10
        assert "PROMOTE" in ran.out
        assert ran.err.startswith("HOLD: ")
        assert "the ledger has the judgement" in ran.err
        assert "Traceback" not in ran.err
    assert one.rollout("promote", "alpha").status == 0


def test_an_earlier_verdict_does_not_stand_while_another_is_made(one) -> None:
    """A run that never came to its end must not be taken for the promote before it."""
    assert one.pytest("--stage=alpha").status == 0
    one.write({"suites/test_a.py": "import os, signal\n\ndef test_a():\n    os.kill(os.getppid(), signal.SIGKILL)\n"})

    ran = one.pytest("--stage=alpha", "-p", "no:faulthandler")

    assert ran.status == -9
    assert list((one.folder / "reports/toy/alpha").iterdir()) == []


def test_only_another_network_makes_a_rehearsal(bare) -> None:
    """Naming the stage's own changes nothing; a stage without one is rehearsed on any."""
    networks = '[networks.local]\nkind = "tester"\n'
    plan = PLAN.format(name="toy", more=networks).replace('title = "Alpha"', 'title = "Alpha"\nnetwork = "local"')
    bare.write({"rollout.toml": plan, "suites/test_a.py": GOOD})
    bare.rollout("init")

    own = bare.pytest("--stage=alpha", "--network=local", QUIET)
    none = bare.pytest("--stage=beta", "--network=local", QUIET)

    assert (own.status, none.status) == (0, 10)
    assert "pending: rehearsal: ran on network local" in none.says


def limited(size: int):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("room", ["nothing", "one page", "the start of a run"])
def test_a_full_disk_is_one_sentence_and_a_hold(one, room: str) -> None:
    """Before the run or after it: what cannot be recorded is not judged."""
    noisy = "import os\n\ndef test_a(evidence):\n    evidence.text('noise', os.urandom(100_000).hex())\n"
    one.write({"suites/test_a.py": noisy})
    ledger = (one.folder / ".rollout/ledger.db").stat().st_size
    size = {"nothing": 0, "one page": 4096, "the start of a run": ledger + 16_384}[room]

    done = subprocess.run(
        [sys.executable, "-m", "pytest_rollout", "gate", "alpha", "-s"],
        cwd=one.folder,
        env=one.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited(size),
        timeout=60,
    )

    assert done.returncode == 10, done.stdout + done.stderr
    assert "HOLD: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert ("1 passed" in done.stdout) is (room == "the start of a run")


LEDGERS = {
    "missing": (lambda path: path.unlink(), "rollout init"),
    "not a database": (lambda path: path.write_bytes(b"hello" * 1000), "ledger .rollout/ledger.db"),
    "empty": (lambda path: path.write_bytes(b""), "ledger .rollout/ledger.db"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "ledger .rollout/ledger.db"),
    "a broken link": (lambda path: (path.unlink(), path.symlink_to("nowhere")), "no ledger at .rollout/ledger.db"),
    "cut short": (lambda path: os.truncate(path, 9000), "ledger"),
}


@pytest.mark.parametrize(("spoil", "says"), [pytest.param(*case, id=name) for name, case in LEDGERS.items()])
def test_without_a_sound_ledger_nothing_is_judged(project, spoil, says) -> None:
    """No project code runs before "run started" is durable."""
    project.write({"suites/test_a.py": "print('RAN', flush=True)\n\ndef test_a():\n    assert True\n"})
    spoil(project.folder / ".rollout/ledger.db")

    ran = project.pytest("--stage=alpha", "-s")
    status = project.rollout("status")

    for each in (ran, status):
        assert each.status == 10, each.err
        assert says in each.err
        assert "Traceback" not in each.err
        assert len(each.err.strip().splitlines()) == 1
    assert "RAN" not in ran.out
    assert ran.verdict is None


def test_a_locked_ledger_is_waited_for_and_then_told(project) -> None:
    import sqlite3

    project.write({"suites/test_a.py": GOOD})
    with sqlite3.connect(project.folder / ".rollout/ledger.db", isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        ran = project.pytest("--stage=alpha")
        database.execute("ROLLBACK")
    database.close()

    assert ran.status == 10
    assert "ledger .rollout/ledger.db" in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_for_temporary_files_may_lie_deep(project) -> None:
    """A socket's address has room for some hundred bytes."""
    deep = project.folder / ".home" / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    project.write({"suites/test_a.py": GOOD})

    ran = project.pytest("--stage=alpha", QUIET, env={"TMPDIR": str(deep)})

    assert ran.status == 0, ran.err


def test_a_clock_that_a_test_stops_does_not_spoil_the_record(project) -> None:
    """freezegun replaces the clock of every module it finds; the recorder keeps its own."""
    project.write(
        {
            "suites/test_a.py": """
                import freezegun
                import pytest

                @pytest.fixture(scope="session", autouse=True)
                def frozen():
                    freezegun.freeze_time("2001-01-01").start()

                def test_a():
                    assert True

                def test_b():
                    assert True
                """
        }
    )

    ran = project.pytest("--stage=alpha", QUIET)

    assert ran.says == ""
    assert ran.status == 0


def test_a_virtual_environment_beside_the_plan_is_left_alone(one) -> None:
    """A plan at the root shares its folder with everything; only the gate's own files count."""
    (one.folder / "env/lib/__pycache__").mkdir(parents=True)
    one.write(
        {
            "env/pyvenv.cfg": "",
            "env/lib/x.py": "",
            "env/lib/__pycache__/x.pyc": "",
            ".gitignore": "env/\n.*\nreports/\n",
        }
    )
    one.commit()

    ran = one.pytest("--stage=alpha", QUIET)

    assert ran.status == 0, ran.says
    assert (one.folder / "env/lib/__pycache__/x.pyc").exists()
    assert one.rollout("promote", "alpha").status == 0


@pytest.mark.parametrize("name", ["build", "dist", "reports"])
def test_a_folder_of_the_suite_is_collected_whatever_it_is_called(project, name: str) -> None:
    """pytest passes over ``build`` by itself; in ``suites/`` people wrote it."""
    project.write({"suites/test_a.py": GOOD, f"suites/{name}/test_b.py": BAD})

    ran = project.pytest("--stage=alpha", QUIET)

    assert ran.status == 10
    assert f"fail: suites/{name}/test_b.py::test_bad" in ran.says


def test_a_test_that_only_uses_fixtures_is_owed(project) -> None:
    """S22 with ``usefixtures``: a conftest that drops it is found out at the first run."""
    project.write(
        {
            "suites/test_a.py": GOOD + "\nimport pytest\n\n@pytest.mark.usefixtures('tmp_path')\n" + BAD,
            "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'bad' not in i.name]\n",
        }
    )

    ran = project.pytest("--stage=alpha", QUIET)

    assert ran.status == 10
    assert "not_run: suites/test_a.py::test_bad" in ran.says
