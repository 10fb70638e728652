"""Ways of all families that need a gate of their own; what can be tried together is one run."""

from __future__ import annotations

import shutil

import pytest

from pytest_rollout.core.errors import ConfigurationError, RolloutError
from pytest_rollout.formats.plain_yaml import documents
from pytest_rollout.runner.recorder import scrubbed

GOOD = "def test_good():\n    assert True\n"
BAD = "def test_bad():\n    assert False, 'the gate must not be promoted'\n"


def test_several_odd_things_at_once_hide_no_failure(project) -> None:
    """O17, O45, S38: assertions compiled away, a property no worker can send, one file name in two folders."""
    project.write(
        {
            "suites/test_x.py": BAD,
            "suites/alpha/test_x.py": GOOD,
            "suites/test_property.py": "def test_property(record_property):\n    record_property('a', object())\n",
        }
    )

    ran = project.pytest("--stage=alpha", "-n", "2", env={"PYTHONOPTIMIZE": "1"})

    assert ran.judgement["verdict"] == "hold"
    assert "suites/test_x.py::test_bad" in ran.says
    assert "suites/test_property.py::test_property" in ran.says
    assert "suites/alpha/test_x.py::test_good" not in ran.says
    assert ran.status != 0


def test_workers_that_collect_otherwise_hold(project) -> None:
    """S40: xdist ends the run; whatever it does, what one worker made and another left out is owed."""
    body = "import os, pytest\n\nNAMES = ['a', os.environ['PYTEST_XDIST_WORKER']]\n\n"
    body += "@pytest.mark.parametrize('name', NAMES)\ndef test_named(name):\n    assert name\n"
    project.write({"suites/test_gate.py": GOOD + body})

    ran = project.pytest("--stage=alpha", "-n", "2")

    assert ran.judgement["verdict"] == "hold"
    assert "test_named" in ran.says
    assert ran.status != 0


def test_a_worker_killed_between_two_tests_holds(project) -> None:
    """O51: no report is missing, and still nobody knows what the worker had to say."""
    conftest = """
        import os, signal

        def pytest_runtest_logfinish(nodeid):
            if "PYTEST_XDIST_WORKER" in os.environ and "first" in nodeid:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    tests = "".join(f"def test_{name}():\n    assert True\n\n" for name in ("first", "second", "third"))
    project.write({"conftest.py": conftest, "suites/test_gate.py": tests})

    ran = project.pytest("--stage=alpha", "-n", "2")

    assert ran.judgement["verdict"] == "hold"
    assert ran.status != 0


def test_a_plan_edited_in_the_run_and_put_back_is_told(project) -> None:
    """E13: the plan was read once, before; whoever touches it while it is judged says so in the judgement."""
    body = """
        from pathlib import Path

        PLAN = Path(__file__).parents[1] / "rollout.toml"

        def test_edits():
            before = PLAN.read_bytes()
            PLAN.write_bytes(before.replace(b"Alpha", b"Omega"))
            PLAN.write_bytes(before)
        """
    project.write({"suites/test_gate.py": body})

    ran = project.pytest("--stage=alpha")

    assert ran.judgement["verdict"] == "hold"
    assert "touched during the run and put back, such as rollout.toml" in ran.says
    assert ran.judgement["stage"]["title"] == "Alpha"


def test_a_commit_made_during_the_run_is_told(project) -> None:
    """What ran was that of the commit before; the judgement is not about the one after."""
    body = """
        import subprocess
        from pathlib import Path

        ROOT = Path(__file__).parents[1]

        def test_commits():
            about = ("-c", "user.name=A", "-c", "user.email=a@example.org")
            subprocess.run(["git", *about, "commit", "-q", "--allow-empty", "-m", "other"], cwd=ROOT, check=True)
            assert True
        """
    project.write({"suites/test_gate.py": body}).commit()

    ran = project.pytest("--stage=alpha")

    assert ran.judgement["verdict"] == "hold", ran.says
    assert "another commit than at the start, " in ran.says
    assert "test_commits: " not in ran.says


NESTED = """
    import subprocess, sys
    from pathlib import Path

    ROOT = Path(__file__).parents[1]

    def test_slow():
        assert ROOT.is_dir()
        if not (mark := ROOT.parent / "mark").exists():
            mark.touch()
            for command in {commands}:
                subprocess.run([sys.executable, "-m", "pytest_rollout", *command.split()], cwd=ROOT)
            assert {ends}
    """


def test_an_older_run_that_passes_puts_no_green_in_the_place_of_the_newest(project) -> None:
    """The newest started run decides: its reports stand, and the older one's status is that of a hold."""
    project.write({"suites/test_gate.py": NESTED.format(commands=["gate alpha --rollout-formats="], ends=True)})
    project.commit()

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 10
    assert ran.judgement["run"]["attempt"] == 2
    assert "a newer run (" in ran.err
    assert "alpha: PROMOTE" in ran.out


def test_an_older_run_that_ends_red_after_the_promotion_is_told(project) -> None:
    """Nothing undoes the move; whoever ran it hears it, and so does whoever asks where the rollout stands."""
    commands = ["gate alpha --rollout-formats=", "promote alpha --by Ann"]
    project.write({"suites/test_gate.py": NESTED.format(commands=commands, ends=False)}).commit()

    ran = project.pytest("--stage=alpha", "--rollout-formats=")
    status = project.rollout("status").out

    assert ran.status == 10
    assert "toy:alpha was left, by ledger entry 4, while this run was under way" in ran.err
    assert "at beta, stage 2 of 2" in status
    assert "a run of alpha that was under way when it was left ended after it and says HOLD (ledger entry 5)" in status


@pytest.mark.parametrize("declared", [True, False], ids=["something declared", "tests alone"])
def test_a_gate_whose_folder_is_gone_holds_or_is_refused(project, declared: bool) -> None:
    """S12: with what it owed last time, or with nothing at all; pytest would go on elsewhere."""
    project.write({"suites/test_gate.py": GOOD, "elsewhere/test_other.py": GOOD})
    plan = project.folder / "rollout.toml"
    more = "[flags.values]\nf = true\n[stages.alpha]\nflags = { f = true }\n"
    plan.write_text(plan.read_text().replace("[stages.alpha]\n", more) if declared else plan.read_text())
    assert project.pytest("--stage=alpha", "--rollout-formats=").judgement["verdict"] == "promote"
    shutil.rmtree(project.folder / "suites")

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status != 0
    if ran.verdict is not None:
        assert ran.judgement["verdict"] == "hold"
        assert "suites/test_gate.py::test_good" in ran.says


def test_strict_settings_are_forced_behind_the_projects(project) -> None:
    """S45: the project's own settings say otherwise, in every file that pytest reads, and change nothing."""
    settings = (
        "[pytest]\nstrict = false\nxfail_strict = false\nempty_parameter_set_mark = skip\naddopts = -p no:randomly\n"
    )
    tests = """
        import pytest

        def test_good():
            assert True

        @pytest.mark.xfail
        def test_passes_though_it_should_not():
            assert True

        @pytest.mark.parametrize("x", ["a", "a"])
        def test_twice(x):
            assert x
        """
    project.write({"pytest.ini": settings, "suites/test_gate.py": tests})

    ran = project.pytest("--stage=alpha")

    assert ran.judgement["verdict"] == "hold"
    assert "test_twice" in ran.says
    assert ran.status != 0


def test_what_is_done_beside_the_tests_is_told(project) -> None:
    """A plan edited in memory, assertions that fail while modules are imported or the session ends, a renamed report."""
    flag = '{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "%s"}'
    conftest = """
        import contextlib, dataclasses, pytest

        @pytest.fixture(autouse=True, scope="session")
        def lax(rollout):
            object.__setattr__(rollout.flags, "provider", "flagd:on.json")

        def pytest_collection_modifyitems(config):
            for plugin in config.pluginmanager.get_plugins():
                plan = getattr(plugin, "rollout", None)
                if dataclasses.is_dataclass(plan):
                    object.__setattr__(plan, "title", "Another")

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            report.nodeid = report.nodeid.replace("renamed", "good")
            return report

        def pytest_sessionfinish():
            with contextlib.suppress(AssertionError):
                assert 1 == 2
        """
    tests = "def test_good():\n    assert True\n\ndef test_renamed():\n    assert True\n"
    project.write(
        {
            "off.json": f'{{"flags": {{"open": {flag % "off"}}}}}',
            "on.json": f'{{"flags": {{"open": {flag % "on"}}}}}',
            "conftest.py": conftest,
            "suites/test_gate.py": tests,
        }
    )
    plan = project.folder / "rollout.toml"
    more = '[flags]\nprovider = "flagd:off.json"\n\n[stages.alpha]\nflags = { open = true }\n'
    plan.write_text(plan.read_text().replace("[stages.alpha]\n", more))

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 10
    assert "fail: flag open is true: false" in ran.says
    assert "error: the plan was changed in memory: " in ran.says
    assert "error: an assertion failed outside of every test: " in ran.says
    assert "error: a report of another test: suites/test_gate.py::test_good call passed" in ran.says
    assert "suites/test_gate.py::test_renamed: no clean setup, call and teardown, but nothing" in ran.says


def test_a_recorder_has_no_packages_of_the_users_own() -> None:
    """The supervisor has none (`-I`), so no judgement would name them: a `usercustomize` would run unseen."""
    assert scrubbed({"HOME": "/home/ann"})["PYTHONNOUSERSITE"] == "1"


def test_a_recorder_loads_no_plugin_by_itself() -> None:
    """O35: what is installed beside pytest loads itself by an entry point; a recorder's environment forbids it."""
    names = ("PYTEST_PLUGINS", "PYTEST_ADDOPTS", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONBREAKPOINT")
    others = ("COVERAGE_PROCESS_START", "COV_CORE_CONFIG", "LD_PRELOAD", "GIT_DIR", "PYTEST_XDIST_WORKER")

    found = scrubbed({"PATH": "/bin"} | dict.fromkeys((*names, *others), "evil"))

    assert found["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "1"
    assert "evil" not in "".join(found.values())


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    "text",
    [BOMB, "a: !!python/object/apply:os.system ['true']\n", "a: 1\na: 2\n", "[" * 5000],
    ids=["aliases", "an object", "a key twice", "too deep"],
)
def test_no_yaml_makes_objects_or_bombs(text: str) -> None:
    """I10: records and configuration may be YAML, plans never; both readers are as strict."""
    with pytest.raises(RolloutError):
        documents("a.yml", text, refusal=ConfigurationError)
