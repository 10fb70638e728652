"""Family S: ways to let a gate look at less, each named in the judgement, with and without workers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

TWO = """
def test_good():
    assert True

def test_bad():
    assert False, "the gate must not be promoted"
"""
ONE = """
def test_good():
    assert True
"""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Files and arguments that would make plain pytest green, and what the judgement must say."""

    says: str
    args: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=lambda: {"suites/test_gate.py": TWO})
    env: dict[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({10})


HELD = {
    "S01 -k": Attack(args=("-k", "good"), says="narrowed by -k good"),
    "S02 -m": Attack(args=("-m", "not advisory"), says="narrowed by -m not advisory"),
    "S03 --deselect": Attack(args=("--deselect", "suites/test_gate.py::test_bad"), says="narrowed by --deselect"),
    "S04 --ignore": Attack(
        args=("--ignore", "suites/test_b.py"),
        files={"suites/test_a.py": ONE, "suites/test_b.py": TWO},
        says="narrowed by --ignore",
    ),
    "S04 --ignore-glob": Attack(
        args=("--ignore-glob=*_b.py",),
        files={"suites/test_a.py": ONE, "suites/test_b.py": TWO},
        says="narrowed by --ignore-glob",
    ),
    "S05 --lf": Attack(args=("--lf",), says="narrowed by --lf"),
    "S05 --sw": Attack(args=("--sw",), says="narrowed by --sw", statuses=frozenset({10, 2})),
    "S06 poisoned cache in addopts": Attack(
        files={
            "suites/test_gate.py": TWO,
            "pytest.ini": "[pytest]\naddopts = --lf\n",
            ".pytest_cache/v/cache/lastfailed": '{"suites/test_gate.py::test_good": true}',
        },
        says="narrowed by --lf",
    ),
    "S07 -x": Attack(args=("-x",), says="narrowed by -x", statuses=frozenset({10, 2})),
    "S07 --maxfail": Attack(args=("--maxfail=3",), says="narrowed by --maxfail 3"),
    "S08 path": Attack(
        args=("suites/test_a.py",),
        files={"suites/test_a.py": ONE, "suites/test_b.py": TWO},
        says="narrowed by suites/test_a.py",
    ),
    "S08 node id": Attack(args=("suites/test_gate.py::test_good",), says="narrowed by suites/test_gate.py::test_good"),
    "S09 @file": Attack(
        args=("@options.txt",),
        files={"suites/test_gate.py": TWO, "options.txt": "-k\ngood\n"},
        says="narrowed by -k good",
    ),
    "S13 --collect-only": Attack(args=("--collect-only",), says="narrowed by --co"),
    "S13 --setup-plan": Attack(args=("--setup-plan",), says="narrowed by --setup-plan"),
    "S18 PYTEST_ADDOPTS": Attack(env={"PYTEST_ADDOPTS": "-k good"}, says="narrowed by -k good"),
    "S18 PYTEST_ADDOPTS collect": Attack(env={"PYTEST_ADDOPTS": "--co -q"}, says="narrowed by --co"),
    "S19 -o python_functions": Attack(args=("-o", "python_functions=test_go*"), says="narrowed by -o python_functions"),
    "S19 python_functions in the settings": Attack(
        files={"suites/test_gate.py": TWO, "pytest.ini": "[pytest]\npython_functions = test_go*\n"},
        says="fail: suites/test_gate.py::test_bad",
    ),
    "S19 usefixtures and testpaths in the settings": Attack(
        files={"suites/test_gate.py": TWO, "pytest.ini": "[pytest]\ntestpaths = nowhere\n"},
        says="fail: suites/test_gate.py::test_bad",
    ),
    "S21 collection error": Attack(
        files={"suites/test_a.py": ONE, "suites/test_b.py": "import nowhere_to_be_found\n\ndef test_b():\n    pass\n"},
        says="collection error in suites/test_b.py",
        statuses=frozenset({2, 10}),
    ),
    "S21 continued": Attack(
        args=("--continue-on-collection-errors",),
        files={"suites/test_a.py": ONE, "suites/test_b.py": "import nowhere_to_be_found\n\ndef test_b():\n    pass\n"},
        says="collection error in suites/test_b.py",
        statuses=frozenset({2, 10}),
    ),
    "S22 conftest drops items": Attack(
        files={
            "suites/test_gate.py": TWO,
            "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'bad' not in i.name]\n",
        },
        says="not_run: suites/test_gate.py::test_bad",
    ),
    "S22 conftest drops items last": Attack(
        files={
            "suites/test_gate.py": TWO,
            "conftest.py": """
                import pytest
                @pytest.hookimpl(wrapper=True, tryfirst=True)
                def pytest_collection_modifyitems(items):
                    yield
                    items[:] = [i for i in items if 'bad' not in i.name]
                """,
        },
        says="not_run: suites/test_gate.py::test_bad",
    ),
    "S22 conftest renames its stage away": Attack(
        files={
            "suites/test_gate.py": TWO,
            "conftest.py": """
                import pytest
                @pytest.hookimpl(tryfirst=True)
                def pytest_itemcollected(item):
                    if 'bad' in item.name:
                        item.add_marker(pytest.mark.stage("beta"))
                """,
        },
        says="not_run: suites/test_gate.py::test_bad",
    ),
    "S24 collect_ignore": Attack(
        files={
            "suites/test_a.py": ONE,
            "suites/test_b.py": TWO,
            "suites/conftest.py": "collect_ignore = ['test_b.py']\n",
        },
        says="not_run: suites/test_b.py::test_bad",
    ),
    "S24 pytest_ignore_collect": Attack(
        files={
            "suites/test_a.py": ONE,
            "suites/test_b.py": TWO,
            "conftest.py": "def pytest_ignore_collect(collection_path):\n    return collection_path.name == 'test_b.py' or None\n",
        },
        says="not_run: suites/test_b.py::test_bad",
    ),
    "S25 class with a constructor": Attack(
        files={
            "suites/test_a.py": ONE
            + "\nclass TestX:\n    def __init__(self):\n        pass\n    def test_x(self):\n        assert False\n"
        },
        says="class TestX has a constructor",
    ),
    "S25 __test__ = False": Attack(
        files={"suites/test_a.py": ONE, "suites/test_b.py": "__test__ = False\n\ndef test_bad():\n    assert False\n"},
        says="not_run: suites/test_b.py::test_bad",
    ),
    "S25 wrong file name": Attack(
        files={"suites/test_a.py": ONE, "suites/checks.py": "def test_bad():\n    assert False\n"},
        says="test_bad is in a file pytest does not collect",
    ),
    "S25 a lambda": Attack(
        files={
            "suites/test_a.py": ONE
            + "\nimport pytest\n\npytestmark = pytest.mark.filterwarnings('ignore')\n\ntest_x = lambda: 1 == 2\n"
        },
        says="a lambda as a test asserts nothing",
    ),
    "S27 a name twice": Attack(
        files={"suites/test_a.py": "def test_x():\n    assert False\n\ndef test_x():\n    assert True\n"},
        says="test_x is defined again",
    ),
    "S28 pytestmark twice": Attack(
        files={
            "suites/test_a.py": "import pytest\npytestmark = pytest.mark.stage('alpha')\npytestmark = pytest.mark.stage('beta')\n\ndef test_x():\n    assert False\n",
            "suites/test_b.py": ONE,
        },
        says="pytestmark is assigned twice",
    ),
    "S29 a misspelt marker": Attack(
        files={"suites/test_a.py": "import pytest\n\n@pytest.mark.advisry\ndef test_x():\n    assert True\n"},
        says="collection error in suites/test_a.py",
        statuses=frozenset({2, 10}),
    ),
    "S29 a misspelt stage": Attack(
        files={
            "suites/test_a.py": ONE,
            "suites/test_b.py": "import pytest\n\n@pytest.mark.stage('alhpa')\ndef test_x():\n    assert False\n",
        },
        says="no stage 'alhpa'",
    ),
    "S30 empty parametrize": Attack(
        files={
            "suites/test_a.py": ONE,
            "suites/test_b.py": "import pytest\n\n@pytest.mark.parametrize('x', [])\ndef test_x(x):\n    assert x\n",
        },
        says="collection error in suites/test_b.py",
        statuses=frozenset({2, 10}),
    ),
    "S32 --noconftest": Attack(
        args=("--noconftest",),
        files={
            "suites/test_a.py": ONE,
            "conftest.py": "import pytest\n\n@pytest.fixture(autouse=True)\ndef strict():\n    assert False\n",
        },
        says="conftest.py was not loaded",
    ),
    "S32 --confcutdir": Attack(
        args=("--confcutdir=suites",),
        files={
            "suites/test_a.py": ONE,
            "conftest.py": "import pytest\n\n@pytest.fixture(autouse=True)\ndef strict():\n    assert False\n",
        },
        says="narrowed by --confcutdir",
    ),
    "S37 --rootdir": Attack(args=("--rootdir=suites",), says="narrowed by --rootdir"),
    "S42 unittest": Attack(
        files={
            "suites/test_u.py": """
                import unittest
                class TestU(unittest.TestCase):
                    @unittest.expectedFailure
                    def test_expected(self):
                        self.fail()
                    def test_good(self):
                        pass
                """
        },
        says="marked as an expected failure",
    ),
    "-p no:plugin": Attack(args=("-p", "no:threadexception"), says="narrowed by -p no:threadexception"),
    "-c another file": Attack(
        args=("-c", "other.ini"),
        files={"suites/test_gate.py": TWO, "other.ini": "[pytest]\n"},
        says="narrowed by -c other.ini",
    ),
    "--runxfail": Attack(args=("--runxfail",), says="narrowed by --runxfail"),
    "-W ignore": Attack(args=("-W", "ignore"), says="narrowed by -W ignore"),
    "a planted bytecode": Attack(
        files={"suites/test_gate.py": TWO, "suites/__pycache__/test_gate.cpython-311-pytest-9.2.0.pyc": "x"},
        says="fail: suites/test_gate.py::test_bad",
    ),
    "PYTHONOPTIMIZE": Attack(env={"PYTHONOPTIMIZE": "1"}, says="fail: suites/test_gate.py::test_bad"),
    "PYTEST_PLUGINS": Attack(
        env={"PYTEST_PLUGINS": "dropper"},
        files={
            "suites/test_gate.py": TWO,
            "dropper.py": "def pytest_collection_modifyitems(items):\n    del items[1:]\n",
        },
        says="fail: suites/test_gate.py::test_bad",
    ),
}


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in HELD.items()])
def test_a_narrowed_gate_holds_and_says_by_what(project, attack: Attack, workers: str) -> None:
    """Rule 29: what was left out is named; the exit status never says promote."""
    project.write(attack.files)
    environment = {"PYTHONPATH": str(project.folder)} | attack.env if attack.env else attack.env

    ran = project.pytest("--stage=alpha", *attack.args, "-n", workers, env=environment)

    assert ran.judgement["verdict"] == "hold"
    assert attack.says in ran.says
    assert ran.status in attack.statuses


REFUSED = {
    "S11 misspelt": (("--stage=alhpa",), "Did you mean 'alpha'?"),
    "S11 other case": (("--stage=Alpha",), "no stage 'Alpha'"),
    "S11 padded": (("--stage= alpha",), "no stage"),
    "S11 look-alike": (("--stage=\u0430lpha",), "no stage"),
    "S11 empty": (("--stage=",), "no stage"),
    "S11 comma": (("--stage=alpha,",), "no stage"),
    "S15 --help": (("--stage=alpha", "--help"), "nothing would be judged"),
    "S15 --fixtures": (("--stage=alpha", "--fixtures"), "nothing would be judged"),
    "S15 --markers": (("--stage=alpha", "--markers"), "nothing would be judged"),
    "S15 --cache-show": (("--stage=alpha", "--cache-show"), "nothing would be judged"),
    "S16 twice": (("--stage=alpha", "--stage=beta"), "--stage is given 2 times"),
    "S17 -p no:rollout": (("--stage=alpha", "-p", "no:rollout"), "unrecognized arguments"),
    "another folder": (("--stage=alpha", "/nowhere"), "no rollout lies there"),
    "an unknown option": (("--stage=alpha", "--reruns-delay=1"), "a gate does not know the option '--reruns-delay'"),
    "an unknown network": (("--stage=alpha", "--network=mainnet"), "no such network"),
    "an unknown report": (("--stage=alpha", "--rollout-formats=pdf"), "no report 'pdf'"),
}


@pytest.mark.parametrize(("arguments", "says"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_does_not_go_together_is_refused_before_anything_runs(project, arguments, says) -> None:
    """A usage error has status 4, one sentence, and leaves no verdict."""
    project.write({"suites/test_gate.py": ONE})

    ran = project.pytest(*arguments)

    assert ran.status == 4
    assert says in ran.out + ran.err
    assert ran.verdict is None
    assert "Traceback" not in ran.out + ran.err


def test_an_empty_gate_is_refused_with_the_plan(project) -> None:
    """S10: a gate without an item can never be more than a mistake."""
    project.write({"suites/beta/test_b.py": ONE})

    ran = project.pytest("--stage=alpha")

    assert ran.status == 4
    assert "the gate has nothing to look at" in ran.err
    assert ran.verdict is None


def test_a_gate_whose_tests_all_belong_elsewhere_holds(project) -> None:
    """S10: files with tests, none of them for this stage."""
    project.write({"suites/test_a.py": "import pytest\n\n@pytest.mark.stage('beta')\ndef test_b():\n    assert True\n"})

    ran = project.pytest("--stage=alpha")

    assert ran.judgement["verdict"] == "hold"
    assert "the gate is empty" in ran.says


def test_version_is_answered_by_pytest_and_leaves_no_verdict(project) -> None:
    """S15: pytest answers --version before any plugin is asked; only the absence of a verdict can tell."""
    project.write({"suites/test_gate.py": ONE})

    ran = project.pytest("--stage=alpha", "--version")
    gate = project.rollout("gate", "alpha", "--version")

    assert ran.verdict is None
    assert gate.status == 4


def test_without_autoload_there_is_no_such_option(project) -> None:
    """S17: without the plugin the option is unknown; a green status is impossible."""
    project.write({"suites/test_gate.py": ONE})

    ran = project.pytest("--stage=alpha", env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})

    assert ran.status == 4
    assert ran.verdict is None


def test_a_forgotten_stage_judges_nothing(project) -> None:
    """S43: an ordinary green run leaves no verdict, and promote does not take it for one."""
    project.write({"suites/test_gate.py": ONE}).commit()

    ran = project.pytest()
    promoted = project.rollout("promote", "alpha")

    assert ran.status == 0
    assert ran.verdict is None
    assert promoted.status == 10
    assert "not judged yet" in promoted.err


def test_the_second_stage_of_PYTEST_ADDOPTS_is_counted(project) -> None:  # noqa: N802
    """S16: argparse would keep the last one without a word."""
    project.write({"suites/test_gate.py": ONE})

    ran = project.pytest("--stage=alpha", env={"PYTEST_ADDOPTS": "--stage=beta"})

    assert ran.status == 4
    assert "counting addopts and PYTEST_ADDOPTS" in ran.err


def test_a_vanished_test_holds_until_its_removal_is_accepted(project) -> None:
    """Rule 31: what must run is declared by what ran; a second shrunk run changes nothing."""
    project.write({"suites/test_a.py": ONE, "suites/test_b.py": ONE.replace("good", "other")})
    first = project.pytest("--stage=alpha")
    (project.folder / "suites/test_b.py").unlink()

    second = project.pytest("--stage=alpha")
    third = project.pytest("--stage=alpha")
    plan = project.folder / "rollout.toml"
    plan.write_text(
        plan.read_text().replace('title = "Alpha"', 'title = "Alpha"\nremoved = ["suites/test_b.py::test_other"]')
    )
    fourth = project.pytest("--stage=alpha")

    assert [first.judgement["verdict"], fourth.judgement["verdict"]] == ["promote", "promote"]
    assert "not_run: suites/test_b.py::test_other" in second.says
    assert "not_run: suites/test_b.py::test_other" in third.says


def test_a_run_from_another_folder_is_the_same_gate(project) -> None:
    """S32: the gate is found from the project's root, wherever one stands."""
    project.write({"suites/test_gate.py": TWO}).commit()

    ran = project.pytest("--stage=alpha", cwd="suites")

    assert ran.judgement["verdict"] == "hold"
    assert "fail: suites/test_gate.py::test_bad" in ran.says
