"""Ways into a promotion that an attacker found from inside a project; each is closed, and stays closed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

GOOD = "import pytest\n\ndef test_good():\n    assert True\n\n"
BAD = "def test_bad():\n    assert False\n"
RAISED = "test_bad: the test raised an exception, but its report says otherwise"
NOT_ITS_OWN = "test_bad: no frame of the test's own function ran"
PLAN_OF_A_NETWORK = '\nnetwork = "dev"\n\n[networks.dev]\nkind = "tester"\nchain_id = 5\n'
CRITERION = '\ncriteria = [{ name = "settles", metric = "settled", promote = ">= 99 %" }]'


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A suite that was promoted once, what is added to its stage, and what the judgement must say."""

    files: dict[str, str]
    says: str
    stage: str = ""
    workers: tuple[str, ...] = ("0",)
    statuses: frozenset[int] = frozenset({10})


def suite(body: str = BAD, conftest: str = "", **more: str) -> dict[str, str]:
    files = {"suites/test_gate.py": GOOD + body} | more
    return files | ({"conftest.py": conftest} if conftest else {})


SWALLOWED = {
    "a decorator swallows": Attack(
        files=suite(
            """
import functools

def quiet(function):
    @functools.wraps(function)
    def wrapper():
        try:
            function()
        except AssertionError:
            pass
    return wrapper

@quiet
"""
            + BAD
        ),
        says=RAISED,
    ),
    "a decorator without wraps swallows": Attack(
        files=suite(
            """
def quiet(function):
    def wrapper():
        try:
            function()
        except AssertionError:
            pass
    return wrapper

@quiet
"""
            + BAD
        ),
        says=RAISED,
    ),
    "a decorator tries again": Attack(
        files=suite(
            """
import functools

TRIES = []

def patient(function):
    @functools.wraps(function)
    def wrapper():
        for _ in range(5):
            try:
                return function()
            except AssertionError:
                pass
    return wrapper

@patient
def test_bad():
    TRIES.append(1)
    assert len(TRIES) > 2
"""
        ),
        says=RAISED,
    ),
    "a hook inside the recorder's swallows": Attack(
        files=suite(
            conftest="""
                import pytest
                @pytest.hookimpl(wrapper=True, trylast=True)
                def pytest_runtest_call(item):
                    try:
                        yield
                    except AssertionError:
                        pass
                """
        ),
        says=RAISED,
        workers=("0", "2"),
    ),
    "a hook calls the function itself and swallows": Attack(
        files=suite(
            conftest="""
                import pytest
                @pytest.hookimpl(tryfirst=True)
                def pytest_pyfunc_call(pyfuncitem):
                    try:
                        pyfuncitem.obj()
                    except AssertionError:
                        pass
                    return True
                """
        ),
        says=RAISED,
    ),
    "a test case swallows": Attack(
        files=suite(
            """
import unittest

class TestUnit(unittest.TestCase):
    def _callTestMethod(self, method):
        try:
            method()
        except AssertionError:
            pass

    def test_bad(self):
        assert False
"""
        ),
        says=RAISED,
    ),
    "a test case that runs nothing": Attack(
        files=suite(
            "import unittest\n\nclass TestUnit(unittest.TestCase):\n"
            "    def run(self, result=None):\n        pass\n\n    def test_bad(self):\n        assert False\n"
        ),
        says=NOT_ITS_OWN,
    ),
}

REPLACED = {
    "the function replaced when collected": Attack(
        files=suite(
            conftest="def pytest_itemcollected(item):\n    if 'bad' in item.name:\n        item.obj = lambda: None\n"
        ),
        says=NOT_ITS_OWN,
        workers=("0", "2"),
    ),
    "the code replaced": Attack(
        files=suite(
            conftest="""
                def pytest_itemcollected(item):
                    if 'bad' in item.name:
                        item.obj.__code__ = (lambda: None).__code__
                """
        ),
        says=NOT_ITS_OWN,
    ),
    "the name bound to another test": Attack(files=suite(BAD + "\ntest_bad = test_good\n"), says=NOT_ITS_OWN),
    "a method bound to another one": Attack(
        files=suite(
            "class TestA:\n    def test_bad(self):\n        assert False\n\nclass TestB:\n"
            "    def test_bad(self):\n        assert True\n\nTestA.test_bad = TestB.test_bad\n"
        ),
        says="TestA::test_bad: no frame of the test's own function ran",
    ),
    "another kind of item of the same name": Attack(
        files=suite(
            conftest="""
                import pytest

                class Mine(pytest.Item):
                    def runtest(self):
                        pass

                def pytest_pycollect_makeitem(collector, name, obj):
                    return Mine.from_parent(collector, name=name) if name == "test_bad" else None
                """
        ),
        says=NOT_ITS_OWN,
    ),
    "another module of the same name": Attack(
        files=suite(
            conftest="""
                import pytest

                class Mine(pytest.Item):
                    def runtest(self):
                        pass

                class File(pytest.File):
                    def collect(self):
                        yield Mine.from_parent(self, name="test_good")
                        yield Mine.from_parent(self, name="test_bad")

                @pytest.hookimpl(tryfirst=True)
                def pytest_pycollect_makemodule(module_path, parent):
                    return File.from_parent(parent, path=module_path)
                """
        ),
        says=NOT_ITS_OWN,
    ),
    "a test changed for the run and put back": Attack(
        files=suite(
            conftest="""
                from pathlib import Path

                PLACE = Path(__file__).parent / "suites/test_gate.py"
                BEFORE = PLACE.read_bytes()
                PLACE.write_bytes(BEFORE.replace(b"False", b"True"))

                def pytest_collection_finish(session):
                    PLACE.write_bytes(BEFORE)
                """
        ),
        says="touched during the run and put back, such as suites/test_gate.py",
    ),
    "a branch that no one takes": Attack(
        files=suite(
            "match 1:\n    case 1:\n        pass\n    case _:\n        def test_bad():\n            assert False\n"
        ),
        says="test_bad: its file defines it, but pytest never made an item of it",
    ),
    "tests in a would-be virtual environment": Attack(
        files=suite("", **{"suites/critical/test_bad.py": BAD, "suites/critical/pyvenv.cfg": "\n"}),
        says="suites/critical: passed over as a virtual environment",
    ),
}

FORGED = {
    "a worker that was never started": Attack(
        files=suite(
            conftest="""
                import json, os, socket
                from pathlib import Path

                ITEM = "suites/test_gate.py::test_bad"
                PHASES = [[when, "passed", False] for when in ("setup", "call", "teardown")]
                KEPT = []

                def pytest_collection_modifyitems(items):
                    items[:] = [item for item in items if "bad" not in item.name]
                    if os.environ.get("PYTEST_XDIST_WORKER") != "gw0":
                        return
                    began_with = Path("/proc/self/environ").read_text().split("\\0")
                    path = next(line.partition("=")[2] for line in began_with if "ROLLOUT_REC" in line)
                    said = [
                        {"e": "hello", "pid": 1},
                        {"e": "collected", "made": [ITEM], "selected": [ITEM], "excluded": [], "errors": {},
                         "skipped": {}, "conftests": ["conftest.py"]},
                        {"e": "begin", "id": ITEM},
                        {"e": "item", "id": ITEM, "phases": PHASES, "ran": True},
                        {"e": "seen", "id": ITEM, "phases": PHASES},
                        {"e": "end", "count": 6, "exit": 0},
                    ]
                    KEPT.append(socket.socket(socket.AF_UNIX))
                    KEPT[0].connect(path)
                    for number, event in enumerate(said):
                        KEPT[0].sendall(json.dumps(event | {"p": "gw2", "n": number}).encode() + b"\\n")
                """
        ),
        says="process gw2 has gaps in its record",
        workers=("2",),
    ),
    "the looks of declared checks patched": Attack(
        files=suite("", conftest="import pytest_rollout.contracts.checks as c\n\nc.observe = lambda *_: None\n"),
        says="conftest.py:1: reaches into the recorder (pytest_rollout.contracts.checks)",
    ),
    "the looks of declared checks patched by name": Attack(
        files=suite(
            "def test_patch(monkeypatch):\n"
            "    monkeypatch.setattr('pytest_rollout.flags.checks.observe_flag', lambda *_: {})\n"
        ),
        says="reaches into the recorder (pytest_rollout.flags.checks.observe_flag)",
    ),
    "a hook hands out another network": Attack(
        files=suite(
            "",
            conftest="""
                import pytest

                class Head:
                    number, hash, timestamp, client_version = 1, "0x", 0, "x"

                class Fake:
                    chain_id, name = 5, "dev"
                    def head(self):
                        return Head

                @pytest.hookimpl(tryfirst=True)
                def pytest_fixture_setup(fixturedef, request):
                    if fixturedef.argname == "network":
                        fixturedef.cached_result = (Fake(), fixturedef.cache_key(request), None)
                        return fixturedef.cached_result[0]
                """,
        ),
        stage=PLAN_OF_A_NETWORK,
        says="a fixture of this check gave something else than the gate opened",
    ),
    "measured by an advisory test that failed": Attack(
        files=suite(
            "@pytest.mark.advisory\ndef test_bad(measure):\n    measure('settled', good=9, total=9)\n    assert False\n"
        ),
        stage=CRITERION,
        says="error: settles: 1 unusable measurements",
    ),
    "measured by a known failure": Attack(
        files=suite("def test_bad(measure):\n    measure('settled', good=9, total=9)\n    assert False\n"),
        stage=CRITERION
        + '\nknown_failures = [{ test = "suites/test_gate.py::test_bad", owner = "x", reason = "y", '
        + "expires = 2999-01-01T00:00:00Z }]",
        says="error: settles: 1 unusable measurements",
    ),
}
CASES = [
    pytest.param(attack, workers, id=f"{name} -n {workers}")
    for name, attack in (SWALLOWED | REPLACED | FORGED).items()
    for workers in attack.workers
]


def staged(project, more: str) -> None:
    plan = project.folder / "rollout.toml"
    plan.write_text(plan.read_text().replace('title = "Alpha"', f'title = "Alpha"{more}'))


@pytest.mark.parametrize(("attack", "workers"), CASES)
def test_what_once_promoted_holds(project, attack: Attack, workers: str) -> None:
    """Rules 8 and 30: cause and report agree, and the proof is that of this function in this file."""
    project.write(attack.files)
    staged(project, attack.stage)

    ran = project.pytest("--stage=alpha", "-n", workers)

    assert ran.judgement["verdict"] == "hold", ran.out
    assert attack.says in ran.says
    assert ran.status in attack.statuses


@pytest.mark.parametrize(
    "arguments", [("-n", "0"), ("-n", "2", "--dist=loadgroup"), ("-n", "0", "--import-mode=importlib")]
)
def test_honest_decorators_and_classes_promote(project, arguments: tuple[str, ...]) -> None:
    """C01 for the proof of the frame: what leaves a decorated, inherited or linked test as it is still passes."""
    project.write(
        {
            "suites/test_gate.py": """
                import asyncio
                import functools
                import unittest
                from unittest import mock

                import pytest
                from hypothesis import assume, given, settings, strategies as st

                def plain(function):
                    def wrapper():
                        function()
                    return wrapper

                def wrapped(function):
                    @functools.wraps(function)
                    def wrapper(*args, **kwargs):
                        return function(*args, **kwargs)
                    return wrapper

                @plain
                def test_plain():
                    assert True

                @wrapped
                @pytest.mark.parametrize("x", ["a::b", "c[d]", "e@f"])
                def test_wrapped(x):
                    assert x

                @mock.patch("os.getcwd", return_value="/")
                def test_patched(getcwd):
                    assert getcwd() == "/"

                def test_caught():
                    with pytest.raises(ValueError):
                        raise ValueError

                def test_coroutine():
                    async def work():
                        await asyncio.sleep(0)
                    asyncio.run(work())

                @settings(max_examples=5)
                @given(st.integers())
                def test_assuming(x):
                    assume(x % 2 == 0)

                class Base:
                    def test_inherited(self):
                        assert True

                class TestChild(Base):
                    class TestInner:
                        @pytest.mark.xdist_group("g")
                        def test_inner(self):
                            assert True

                class TestAsync(unittest.IsolatedAsyncioTestCase):
                    async def test_awaited(self):
                        await asyncio.sleep(0)

                if True:
                    def test_in_a_branch():
                        assert True
                """,
            "library/shared.py": "def test_linked():\n    assert True\n",
        }
    )
    (project.folder / "suites/test_linked.py").symlink_to("../library/shared.py")
    project.commit()

    ran = project.pytest("--stage=alpha", *arguments)

    assert ran.judgement["verdict"] == "promote", ran.says
    assert project.rollout("promote", "alpha").status == 0


def _broken_link(folder: Path) -> None:
    (folder / "suites/test_bad.py").unlink()
    (folder / "suites/test_bad.py").symlink_to("nowhere")


def _link_out(folder: Path) -> None:
    (folder.parent / "outside.py").write_text("def test_bad():\n    assert True\n")
    (folder / "suites/test_bad.py").unlink()
    (folder / "suites/test_bad.py").symlink_to(folder.parent / "outside.py")


def _apart(folder: Path) -> None:
    (folder / "suites/critical/rollout.toml").write_text(
        '[rollout]\nname = "other"\n\n[stages.omega]\ntitle = "Omega"\n'
    )


@pytest.mark.parametrize(
    ("change", "commits"),
    [
        pytest.param(_broken_link, False, id="a broken link for a committed test"),
        pytest.param(_link_out, True, id="a committed link out of the project"),
        pytest.param(_apart, False, id="an untracked plan that takes committed tests away"),
    ],
)
def test_what_ran_must_be_what_the_commit_has(project, change, commits: bool) -> None:
    """Rule 35: bytes and kinds of files are compared with the commit's tree; no link and no mark hides one."""
    project.write(suite("", **{"suites/test_bad.py": BAD, "suites/critical/test_more.py": GOOD})).commit()
    change(project.folder)
    if commits:
        project.commit()
    if change is _apart:
        (project.folder / "suites/test_bad.py").write_text(BAD.replace("False", "True"))
        project.git("add", "suites/test_bad.py")
        project.git("commit", "-q", "-m", "good")

    ran = project.pytest("--stage=toy:alpha")
    promoted = project.rollout("promote", "toy:alpha")

    assert ran.judgement["verdict"] == "promote", ran.says
    assert promoted.status == 10
    assert "with changes that commit" in promoted.err


def test_planted_bytecode_beside_a_conftest_above_is_not_run(bare) -> None:
    """The root's conftest counts, so the bytecode cached for it must be made of its source."""
    check = "\nimport pytest\n\n@pytest.fixture(autouse=True)\ndef strict():\n    assert LAX\n"
    bare.write(
        {
            "pyproject.toml": "[project]\nname = 'x'\n",
            "gates/rollout.toml": '[rollout]\nname = "toy"\n\n[stages.alpha]\ntitle = "Alpha"\n',
            "gates/test_gate.py": "def test_good():\n    assert True\n",
            "conftest.py": "LAX = True\n" + check,
        }
    )
    assert bare.rollout("init").status == 0
    assert bare.pytest("gates").status == 0
    (cached,) = (bare.folder / "__pycache__").glob("conftest.*.pyc")
    strict = "LAX = False\n" + check
    (bare.folder / "conftest.py").write_text(strict)
    header = importlib.util.source_hash(strict.encode())
    cached.write_bytes(cached.read_bytes()[:8] + header + cached.read_bytes()[16:])
    is_planted = bare.pytest("gates").status == 0

    ran = bare.pytest("--stage=alpha")

    assert is_planted
    assert ran.judgement["verdict"] == "hold"


def test_the_project_has_no_modules_in_a_promotion(project) -> None:
    """A PYTHONPATH that pipelines often set would let the project's own files judge it."""
    project.write(suite("", **{f"{name}.py": "import os\nos._exit(0)\n" for name in ("typer", "rfc8785", "pydantic")}))
    path = {"PYTHONPATH": str(project.folder)}

    promoted = project.rollout("promote", "alpha", env=path)

    assert promoted.status == 10
    assert "not judged yet" in promoted.err


@pytest.mark.parametrize("does", ["os.remove(PLACE)", "shutil.copy(OLD, PLACE + '2'); os.replace(PLACE + '2', PLACE)"])
def test_a_ledger_taken_away_during_the_run_promotes_nothing(project, does: str) -> None:
    """The start of a run was durable, or there is no judgement of it to promote on."""
    project.write(
        suite(f"import os, shutil\nPLACE, OLD = '.rollout/ledger.db', '.home/old.db'\n\ndef test_bad():\n    {does}\n")
    )
    (project.folder / ".home/old.db").write_bytes((project.folder / ".rollout/ledger.db").read_bytes())
    project.commit()

    ran = project.pytest("--stage=alpha")
    promoted = project.rollout("promote", "alpha")

    assert ran.status == 10
    assert promoted.status == 10
