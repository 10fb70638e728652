"""Family O: ways to turn what happened into something better, with and without workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HOLDS = frozenset({10, 2, 3})


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A suite that plain pytest may call green, and what the judgement must say of it."""

    files: dict[str, str]
    says: str
    args: tuple[str, ...] = ()
    plan: str = ""
    statuses: frozenset[int] = HOLDS
    workers: tuple[str, ...] = ("0", "2")
    also: dict[str, str] = field(default_factory=dict)


def suite(body: str, **more: str) -> dict[str, str]:
    return {"suites/test_gate.py": "import pytest\n\ndef test_good():\n    assert True\n\n" + body} | more


BAD = "def test_bad():\n    assert False\n"

HELD = {
    "O01 all skipped": Attack(
        files={
            "suites/test_gate.py": "import pytest\npytestmark = pytest.mark.skip('no url')\n\ndef test_a():\n    assert False\n"
        },
        says="not_run: suites/test_gate.py::test_a",
    ),
    "O02 skip mark": Attack(
        files=suite("@pytest.mark.skip\ndef test_bad():\n    assert False\n"), says="skipped in setup"
    ),
    "O02 skip()": Attack(files=suite("def test_bad():\n    pytest.skip('later')\n"), says="skipped in call"),
    "O02 importorskip": Attack(
        files=suite("def test_bad():\n    pytest.importorskip('nowhere')\n"), says="skipped in call"
    ),
    "O02 module skip": Attack(
        files=suite(
            "",
            **{
                "suites/test_b.py": "import pytest\npytest.skip('x', allow_module_level=True)\n\ndef test_b():\n    assert False\n"
            },
        ),
        says="suites/test_b.py was skipped whole",
    ),
    "O02 skip in a fixture": Attack(
        files=suite(
            "@pytest.fixture\ndef chain():\n    pytest.skip('down')\n\ndef test_bad(chain):\n    assert False\n"
        ),
        says="skipped in setup",
    ),
    "O02 except: skip": Attack(
        files=suite(
            "def test_bad():\n    try:\n        assert False\n    except AssertionError:\n        pytest.skip('flaky')\n"
        ),
        says="skipped in call",
    ),
    "O03 xfail": Attack(files=suite("@pytest.mark.xfail\n" + BAD), says="marked as an expected failure (xfail)"),
    "O03 xfail not run": Attack(files=suite("@pytest.mark.xfail(run=False)\n" + BAD), says="expected failure"),
    "O03 pytest.xfail()": Attack(files=suite("def test_bad():\n    pytest.xfail('known')\n"), says="expected failure"),
    "O03 xpass": Attack(
        files=suite("@pytest.mark.xfail(strict=False)\ndef test_bad():\n    assert True\n"), says="xpass"
    ),
    "O05 assert tuple": Attack(
        files=suite("def test_bad():\n    assert (1 == 2, 'x')\n"), says="assert of a tuple is always true"
    ),
    "O07 return": Attack(files=suite("def test_bad():\n    return False\n"), says="returns a value"),
    "O07 a generator": Attack(
        files=suite("def test_bad():\n    yield 1\n"), says="collection error", statuses=frozenset({2, 10})
    ),
    "O08 rerunfailures": Attack(
        files=suite(
            "TRIES = []\n\n@pytest.mark.flaky(reruns=3)\ndef test_bad():\n    TRIES.append(1)\n    assert len(TRIES) > 2\n"
        ),
        plan='plugins = ["pytest_rerunfailures"]',
        says="test_bad",
    ),
    "O08 flaky": Attack(
        files=suite(
            "from flaky import flaky\nTRIES = []\n\n@flaky(max_runs=3)\ndef test_bad():\n    TRIES.append(1)\n    assert len(TRIES) > 2\n"
        ),
        plan='plugins = ["flaky.flaky_pytest_plugin"]',
        says="test_bad",
    ),
    "O09 report rewritten": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                import pytest
                @pytest.hookimpl(wrapper=True, tryfirst=True)
                def pytest_runtest_makereport(item, call):
                    report = yield
                    report.outcome = "passed"
                    report.longrepr = None
                    return report
                """
            },
        ),
        says="the test raised AssertionError, but its report says otherwise",
    ),
    "O09 published report rewritten": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                import pytest
                @pytest.hookimpl(tryfirst=True)
                def pytest_runtest_logreport(report):
                    report.outcome = "passed"
                """
            },
        ),
        says="test_bad",
    ),
    "the call swallowed": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                import pytest
                @pytest.hookimpl(tryfirst=True)
                def pytest_pyfunc_call(pyfuncitem):
                    return True
                """
            },
        ),
        says="no frame of the test's own function ran",
    ),
    "the exception swallowed": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                import pytest
                @pytest.hookimpl(wrapper=True)
                def pytest_runtest_call(item):
                    try:
                        yield
                    except AssertionError:
                        pass
                """
            },
        ),
        says="the test raised AssertionError, but its report says otherwise",
    ),
    "the function replaced": Attack(
        files=suite(
            BAD,
            **{"conftest.py": "def pytest_runtest_setup(item):\n    item.obj = lambda: None\n"},
        ),
        says="no frame of the test's own function ran",
    ),
    "the protocol replaced": Attack(
        files=suite(
            BAD,
            **{"conftest.py": "def pytest_runtest_protocol(item, nextitem):\n    return 'bad' in item.name or None\n"},
        ),
        says="test_bad: no clean setup, call and teardown",
    ),
    "the recorder unregistered": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                def pytest_collection_finish(session):
                    manager = session.config.pluginmanager
                    manager.unregister(name="rollout-recorder")
                """
            },
        ),
        says="reaches into the recorder (rollout-recorder)",
    ),
    "the recorder unregistered by what it is": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                def pytest_collection_finish(session):
                    manager = session.config.pluginmanager
                    for plugin in list(manager.get_plugins()):
                        if type(plugin).__name__ == "Recorder":
                            manager.unregister(plugin)
                """
            },
        ),
        says="never ended its record",
    ),
    "the recorder patched": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": """
                import pytest
                from pytest_rollout.plugin import recorder
                recorder._Running.raised = lambda self, error: None

                @pytest.hookimpl(wrapper=True, tryfirst=True)
                def pytest_runtest_makereport(item, call):
                    report = yield
                    report.outcome = "passed"
                    report.longrepr = None
                    return report
                """
            },
        ),
        says="reaches into the recorder (pytest_rollout.plugin",
        statuses=frozenset({2, 3, 4, 10}),
    ),
    "O12 exit status rewritten": Attack(
        files=suite(BAD, **{"conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"}),
        says="fail: suites/test_gate.py::test_bad",
    ),
    "O13 teardown fails": Attack(
        files=suite(
            "@pytest.fixture\ndef chain():\n    yield\n    assert False\n\ndef test_bad(chain):\n    assert True\n"
        ),
        says="could not look: teardown failed",
    ),
    "O13 teardown skips": Attack(
        files=suite(
            "@pytest.fixture\ndef chain():\n    yield\n    pytest.skip('x')\n\ndef test_bad(chain):\n    assert True\n"
        ),
        says="skipped in teardown",
    ),
    "O14 a failing subtest": Attack(
        files=suite("def test_bad(subtests):\n    with subtests.test():\n        assert False\n"),
        says="fail: suites/test_gate.py::test_bad",
    ),
    "O14 skipped subtests": Attack(
        files=suite("def test_bad(subtests):\n    with subtests.test():\n        pytest.skip('x')\n"),
        says="test_bad: skipped in subtest",
    ),
    "O15 a thread": Attack(
        files=suite(
            "import threading\n\ndef boom():\n    assert False\n\n"
            "@pytest.mark.filterwarnings('ignore')\ndef test_bad():\n    t = threading.Thread(target=boom)\n    t.start()\n    t.join()\n"
        ),
        says="exception in a thread",
    ),
    "O15 __del__": Attack(
        files=suite(
            "class Boom:\n    def __del__(self):\n        raise ValueError('x')\n\ndef test_bad():\n    Boom()\n"
        ),
        says="test_bad",
    ),
    "O18 os._exit(0)": Attack(
        files=suite("import os\n\ndef test_bad():\n    os._exit(0)\n"), says="the process ended while this test ran"
    ),
    "O18 os._exit(0) at the end": Attack(
        files=suite("", **{"conftest.py": "import os\n\ndef pytest_sessionfinish():\n    os._exit(0)\n"}),
        says="never ended its record",
    ),
    "O19 pytest.exit": Attack(
        files=suite("def test_bad():\n    pytest.exit('done', returncode=0)\n"),
        says="pytest.exit was called",
        workers=("0",),
    ),
    "O19 pytest.exit in a worker": Attack(
        files=suite("def test_bad():\n    pytest.exit('done', returncode=0)\n"), says="test_bad", workers=("2",)
    ),
    "O19 sys.exit in a test": Attack(files=suite("import sys\n\ndef test_bad():\n    sys.exit(0)\n"), says="test_bad"),
    "O19 sys.exit at import": Attack(
        files=suite("", **{"suites/test_b.py": "import sys\nsys.exit(0)\n\ndef test_b():\n    assert False\n"}),
        says="test_b",
    ),
    "O19 sys.exit in a conftest": Attack(
        files=suite(BAD, **{"conftest.py": "import sys\nsys.exit(0)\n"}), says="test_bad"
    ),
    "O21 a segfault": Attack(
        files=suite("import ctypes\n\ndef test_bad():\n    ctypes.string_at(0)\n"),
        says="the process ended while this test ran",
    ),
    "O30 a test twice": Attack(
        files=suite("", **{"conftest.py": "def pytest_collection_modifyitems(items):\n    items.append(items[0])\n"}),
        says="was selected twice",
        workers=("0",),
    ),
    "O33 a trusted fixture overridden": Attack(
        files=suite(
            "def test_network(rollout):\n    assert rollout\n",
            **{"conftest.py": "import pytest\n\n@pytest.fixture\ndef rollout():\n    return 'fake'\n"},
        ),
        says="fixture 'rollout' is overridden",
    ),
    "O33 a trusted fixture parametrized": Attack(
        files=suite("@pytest.mark.parametrize('stage', ['fake'])\ndef test_stage(stage):\n    assert stage\n"),
        says="fixture 'stage' is overridden",
    ),
    "O36 a plugin raises at the end": Attack(
        files=suite("", **{"conftest.py": "def pytest_sessionfinish():\n    raise ValueError('x')\n"}),
        says="ended",
    ),
    "O36 a plugin raises in the summary": Attack(
        files=suite("", **{"conftest.py": "def pytest_terminal_summary():\n    raise ValueError('x')\n"}),
        says="the recorder ended with status 1",
    ),
    "O36 a plugin raises after the end": Attack(
        files=suite("", **{"conftest.py": "def pytest_unconfigure():\n    raise ValueError('x')\n"}),
        says="ended",
    ),
    "O25 os._exit(0) after the end": Attack(
        files=suite("", **{"conftest.py": "import atexit, os\n\natexit.register(os._exit, 0)\n"}),
        says="the recorder ended with status 0",
    ),
    "O37 a plugin raises while reporting": Attack(
        files=suite("", **{"conftest.py": "def pytest_runtest_logreport(report):\n    raise ValueError('x')\n"}),
        says="internal error",
    ),
    "advisory by a conftest": Attack(
        files=suite(
            BAD,
            **{
                "conftest.py": "import pytest\n\ndef pytest_itemcollected(item):\n    item.add_marker(pytest.mark.advisory)\n"
            },
        ),
        says="fail: suites/test_gate.py::test_bad",
    ),
    "a file changed while running": Attack(
        files=suite(
            "from pathlib import Path\n\ndef test_bad():\n    with Path(__file__).open('a') as f:\n        f.write('#')\n"
        ),
        says="narrowed by files that changed during the run",
    ),
}
CASES = [
    pytest.param(attack, workers, id=f"{name} -n {workers}")
    for name, attack in HELD.items()
    for workers in attack.workers
]


@pytest.mark.parametrize(("attack", "workers"), CASES)
def test_nothing_a_suite_does_to_its_own_process_promotes(project, attack: Attack, workers: str) -> None:
    """Rule 30 and family O of docs/security.md: the worst that was seen stands."""
    project.write(attack.files)
    if attack.plan:
        plan = project.folder / "rollout.toml"
        plan.write_text(plan.read_text().replace('title = "Toy"', f'title = "Toy"\n{attack.plan}'))

    ran = project.pytest("--stage=alpha", "-n", workers, *attack.args)

    assert ran.judgement["verdict"] == "hold", ran.out
    assert attack.says in ran.says
    assert ran.status in attack.statuses


@pytest.mark.parametrize("workers", ["0", "2", "4"])
def test_an_honest_green_suite_promotes(project, workers: str) -> None:
    """C01: classes, parameters, fixtures, subtests, unittest, hypothesis; a judge that always holds is no judge."""
    project.write(
        {
            "suites/conftest.py": "import pytest\n\n@pytest.fixture(scope='module')\ndef shared():\n    yield 1\n",
            "suites/test_gate.py": """
                import unittest
                import pytest
                from hypothesis import given, settings, strategies as st

                def test_plain():
                    assert True

                @pytest.mark.parametrize("x", [1, 2, 3])
                def test_parameters(x, shared):
                    assert x >= shared

                class TestClass:
                    @staticmethod
                    def test_static():
                        assert True

                    @classmethod
                    def test_class(cls):
                        assert cls

                    def test_method(self, tmp_path):
                        assert tmp_path

                class TestUnit(unittest.TestCase):
                    def test_unit(self):
                        self.assertTrue(True)

                def test_subtests(subtests):
                    for i in range(3):
                        with subtests.test(i=i):
                            assert i < 3

                @settings(max_examples=5)
                @given(st.integers())
                def test_property(x):
                    assert x == x

                @pytest.mark.stage("beta")
                def test_of_another_stage():
                    assert False

                @pytest.mark.advisory
                def test_advisory():
                    assert False, "shown, never counted"
                """,
            "suites/beta/test_beta.py": "def test_beta():\n    assert False\n",
        }
    )

    ran = project.pytest("--stage=alpha", "-n", workers)

    assert ran.judgement["verdict"] == "promote", ran.out
    assert ran.status == 0


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_honest_red_suite_holds(project, workers: str) -> None:
    """C02."""
    project.write({"suites/test_gate.py": "def test_good():\n    assert True\n\n" + BAD})

    ran = project.pytest("--stage=alpha", "-n", workers)

    assert ran.judgement["verdict"] == "hold"
    assert ran.status == 10


@pytest.mark.parametrize("distribution", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_every_distribution_gives_the_same_verdict(project, distribution: str) -> None:
    """O43: groups change node ids inside workers, not in the record."""
    project.write(
        {
            "suites/test_a.py": "import pytest\n\n@pytest.mark.xdist_group('g')\ndef test_a():\n    assert True\n",
            "suites/test_b.py": "def test_b():\n    assert True\n",
        }
    )

    ran = project.pytest("--stage=alpha", "-n", "2", "--dist", distribution)

    assert ran.judgement["verdict"] == "promote", ran.says


def test_a_hanging_test_ends_at_the_deadline(project) -> None:
    """O23, O24: the deadline is kept from outside, whatever the test catches."""
    plan = project.folder / "rollout.toml"
    plan.write_text(plan.read_text().replace('title = "Alpha"', 'title = "Alpha"\ndeadline = "4s"'))
    project.write(
        {
            "suites/test_gate.py": """
                import signal, time
                def test_hangs():
                    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
                        signal.signal(number, signal.SIG_IGN)
                    while True:
                        try:
                            time.sleep(60)
                        except BaseException:
                            pass
                """
        }
    )

    ran = project.pytest("--stage=alpha")

    assert ran.judgement["verdict"] == "hold"
    assert "the deadline passed" in ran.says
    assert ran.status == 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_gate_holds(project, number: int) -> None:
    """Rule 29: an interrupt is named, and its status is pytest's own 2."""
    project.write(
        {"suites/test_gate.py": "import time\n\ndef test_slow():\n    print('slow', flush=True)\n    time.sleep(30)\n"}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "--stage=alpha"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while "slow" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    out = process.communicate(timeout=60)[0]

    assert process.returncode == 2
    assert "HOLD" in out
    assert "interrupted" in out


def test_a_killed_supervisor_leaves_an_unfinished_run_behind(project) -> None:
    """Written ahead: a run that was started and never judged is a failed one."""
    project.write({"suites/test_gate.py": "def test_good():\n    assert True\n"}).commit()
    assert project.pytest("--stage=alpha").status == 0
    project.write(
        {"suites/test_gate.py": "import time\n\ndef test_slow():\n    print('slow', flush=True)\n    time.sleep(30)\n"}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "--stage=alpha"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "slow" not in process.stdout.readline():
        assert process.poll() is None
    process.kill()
    process.communicate(timeout=60)
    project.write({"suites/test_gate.py": "def test_good():\n    assert True\n"})

    promoted = project.rollout("promote", "alpha")

    assert promoted.status == 10
    assert "has no judgement" in promoted.err


def test_a_faked_recorder_never_exits_0(project, tmp_path) -> None:
    """Somebody who sets the recorder's variable gets pytest's output, and never its green status."""
    project.write({"suites/test_gate.py": "def test_good():\n    assert True\n"})

    ran = project.pytest("--stage=alpha", env={"PYTEST_ROLLOUT_RECORD": str(tmp_path / "nothing")})

    assert ran.status != 0
    assert ran.verdict is None


def test_the_recorder_is_ended_with_its_supervisor(project) -> None:
    """A killed supervisor leaves no recorder running behind the terminal."""
    project.write(
        {
            "suites/test_gate.py": "import os, time\n\ndef test_slow():\n    print('pid', os.getpid(), flush=True)\n    time.sleep(60)\n"
        }
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "--stage=alpha"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while not (line := process.stdout.readline()).startswith("pid") and "pid" not in line:
        assert process.poll() is None
    recorder = int(line.split("pid")[1])
    process.kill()
    process.communicate(timeout=20)
    latest = time.monotonic() + 20
    while _is_alive(recorder) and time.monotonic() < latest:
        time.sleep(0.1)

    assert not _is_alive(recorder)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False
