"""Gates that passed although nobody looked: by an oversight in a suite, or by what lies around it."""

from __future__ import annotations

import pytest

SWALLOWED = """
    import asyncio
    import contextlib
    import multiprocessing
    import os
    import threading
    import unittest
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from unittest import mock

    import pytest
    from helper import look, look_quietly

    FORK = multiprocessing.get_context("fork")
    SPAWN = multiprocessing.get_context("spawn")

    TRIES = []

    def fails():
        assert 1 == 2

    async def fails_later():
        assert 1 == 2

    class Quiet:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return True

    def test_except():
        try:
            assert 1 == 2
        except Exception as error:
            print(error)

    def test_suppress():
        with contextlib.suppress(AssertionError):
            assert 1 == 2

    def test_context():
        with Quiet():
            assert 1 == 2

    def test_too_wide():
        with pytest.raises(Exception):
            assert 1 == 2

    def test_finally():
        while True:
            try:
                assert 1 == 2
            finally:
                break

    def test_tries_again():
        for _ in range(5):
            with contextlib.suppress(AssertionError):
                TRIES.append(1)
                assert len(TRIES) > 3
                break

    def test_future():
        with ThreadPoolExecutor() as pool:
            pool.submit(fails)

    def test_gathered():
        async def all_of_them():
            await asyncio.gather(fails_later(), return_exceptions=True)
        asyncio.run(all_of_them())

    def test_silenced_thread(monkeypatch):
        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()

    def test_another_module():
        try:
            look()
        except Exception:
            pass

    def test_bare_except():
        try:
            int("1")
            pytest.fail("was not refused")
        except:
            pass

    def test_process():
        child = FORK.Process(target=fails)
        child.start()
        child.join()

    def test_process_pool():
        with ProcessPoolExecutor(1, mp_context=FORK) as pool:
            pool.submit(fails)

    def test_fork():
        child = os.fork()
        if not child:
            with contextlib.suppress(AssertionError):
                assert 1 == 2
            os._exit(0)
        os.waitpid(child, 0)

    def test_spawned():
        child = SPAWN.Process(target=look_quietly)
        child.start()
        child.join()

    def test_spawned_pool():
        with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
            pool.submit(fails)

    def test_raised():
        with contextlib.suppress(AssertionError):
            raise AssertionError("1 is not 2")

    def test_raised_class():
        with pytest.raises(Exception):
            if 1 != 2:
                raise AssertionError

    def test_mock():
        bridge = mock.Mock()
        with contextlib.suppress(AssertionError):
            bridge.withdraw.assert_called_once_with(1)

    def test_specified_mock():
        with contextlib.suppress(AssertionError):
            mock.create_autospec(look).assert_called_once()

    class TestOldStyle(unittest.TestCase):
        def test_except(self):
            try:
                self.assertEqual(1, 2)
            except Exception as error:
                print(error)

        def test_fail(self):
            with contextlib.suppress(AssertionError):
                self.fail("was not refused")

        def test_too_wide(self):
            with self.assertRaises(Exception):
                self.assertTrue(False)

        def test_raised(self):
            with contextlib.suppress(AssertionError):
                raise self.failureException("1 is not 2")

    class TestLater(unittest.IsolatedAsyncioTestCase):
        async def test_gathered(self):
            async def fails():
                self.assertIn(1, [])
            await asyncio.gather(fails(), return_exceptions=True)
    """

HELPER = """
    def look():
        assert 1 == 2

    def look_quietly():
        try:
            look()
        except AssertionError:
            pass
    """

VACUOUS = """
    import contextlib
    import unittest

    import pytest

    NOTHING = []

    @contextlib.contextmanager
    def nothing():
        yield NOTHING

    def test_loop():
        for contract in NOTHING:
            assert contract.paused

    def test_all():
        assert all(contract.paused for contract in NOTHING)

    def test_all_of_an_iterator():
        assert all([contract.paused for contract in iter(NOTHING)])

    def test_left_early():
        if not NOTHING:
            return
        assert False

    def test_subtests(subtests):
        for contract in NOTHING:
            with subtests.test():
                assert False

    def test_inner():
        def look():
            assert False
        assert_later = look
        if NOTHING:
            assert assert_later() is None

    def test_fail():
        for contract in NOTHING:
            if not contract.paused:
                pytest.fail("is not paused")

    def test_raise():
        if not NOTHING:
            return
        try:
            NOTHING[0].pause()
        except ValueError:
            raise AssertionError("cannot be paused")

    class TestOldStyle(unittest.TestCase):
        def test_fail(self):
            for contract in NOTHING:
                if not contract.paused:
                    self.fail("is not paused")

        def test_cases(self):
            for contract in NOTHING:
                with self.subTest():
                    assert contract

        def test_its_own_assertions(self):
            for contract in NOTHING:
                with self.subTest():
                    self.assertTrue(contract)
    """


def required(project, says: str, *arguments: str, count: int) -> None:
    """Every test of the gate is told with this, whatever pytest said."""
    ran = project.pytest("--stage=alpha", *arguments)

    told = [each for each in ran.says.splitlines() if says in each]
    assert len(told) == count, ran.says + ran.out
    assert ran.status == 10


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_assertion_that_failed_is_no_pass_whoever_caught_it(project, workers: str) -> None:
    """Counted where it fails, before an except, a context, a future, a loop or another process can make it good again."""
    project.write({"suites/test_gate.py": SWALLOWED, "suites/helper.py": HELPER})

    required(project, "one of its assertions failed, and what it raised was caught", "-n", workers, count=25)


def test_a_test_none_of_whose_assertions_was_reached_is_no_pass(project) -> None:
    """Zero is unknown: an empty list, a guard that returns, subtests of nothing."""
    project.write({"suites/test_gate.py": VACUOUS})

    required(project, "none of its assertions was reached: it looked at nothing", count=11)


def test_no_filter_silences_the_warnings_behind_which_nothing_is_looked_at(project) -> None:
    """The project's settings and a test's own marker may hide what they like, and not these."""
    project.write(
        {
            "pytest.ini": "[pytest]\nfilterwarnings = ignore\n",
            "suites/helper.py": "class Checks:\n    def __init__(self): ...\n    def test_a(self):\n        assert False\n",
            "suites/test_gate.py": """
                import pytest
                from helper import Checks

                class Engine:
                    async def check(self):
                        assert False

                class TestInherited(Checks):
                    pass

                def test_forgotten():
                    Engine().check()

                @pytest.mark.filterwarnings("ignore")
                def test_silenced():
                    Engine().check()
                """,
        }
    )

    ran = project.pytest("--stage=alpha")

    assert ran.status == 10
    for each in ("test_forgotten", "test_silenced"):
        assert f"RuntimeWarning in suites/test_gate.py::{each}: coroutine 'Engine.check' was never awaited" in ran.says
    assert "cannot collect test class 'TestInherited'" in ran.says


UNSEEN = """
    import asyncio
    import warnings
    from concurrent.futures import ThreadPoolExecutor, wait

    class Engine:
        async def check(self):
            assert False

    def breaks(*_):
        raise ConnectionError("no node")

    async def breaks_later():
        raise ConnectionError("no node")

    def test_ignored_coroutine():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Engine().check()

    def test_recorded_coroutine(recwarn):
        Engine().check()

    def test_pool_map():
        with ThreadPoolExecutor() as pool:
            pool.map(breaks, [1, 2])

    def test_waited_for():
        with ThreadPoolExecutor() as pool:
            wait([pool.submit(breaks)])

    def test_task():
        async def work():
            asyncio.ensure_future(breaks_later())
            await asyncio.sleep(0)
        asyncio.run(work())

    def test_tasks_waited_for():
        async def work():
            await asyncio.wait([asyncio.ensure_future(breaks_later())])
        asyncio.run(work())

    def test_callback():
        async def work():
            asyncio.get_running_loop().call_soon(breaks)
            await asyncio.sleep(0)
        asyncio.run(work())
    """


def test_what_nobody_could_see_is_told(project) -> None:
    """A pool's, a task's and a loop's exceptions reach nobody who does not ask; a test may silence every warning."""
    project.write({"suites/test_gate.py": UNSEEN})

    ran = project.pytest("--stage=alpha")

    assert ran.status == 10
    warned = "inconclusive: RuntimeWarning in suites/test_gate.py::{}: coroutine 'Engine.check' was never awaited"
    for each in ("test_ignored_coroutine", "test_recorded_coroutine"):
        assert warned.format(each) in ran.says
    for what, tests in (
        ("an exception that nobody asked its future for", ("test_pool_map", "test_waited_for")),
        ("an exception of asyncio that nobody saw", ("test_task", "test_tasks_waited_for", "test_callback")),
    ):
        for each in tests:
            assert f"error: {what} in suites/test_gate.py::{each}: ConnectionError: no node" in ran.says


def test_what_only_a_search_for_garbage_brings_to_light_is_told(project) -> None:
    """What holds itself outlives its test, and may outlive every report."""
    project.write(
        {
            "suites/test_gate.py": """
    class Engine:
        async def check(self):
            assert False

    def test_cycle():
        engine = Engine()
        engine.itself, engine.waiting = engine, engine.check()
        assert engine.waiting is not None
    """
        }
    )

    ran = project.pytest("--stage=alpha")

    assert ran.status == 10
    assert "coroutine 'Engine.check' was never awaited" in ran.says


def test_settings_from_above_the_project_are_none_of_the_gate(project) -> None:
    """Pytest looks for them up to the root of the disk; no commit of the project holds them."""
    project.write({"suites/test_gate.py": "def test_good():\n    assert True\n"})
    (project.folder.parent / "pytest.ini").write_text("[pytest]\nfilterwarnings = ignore\n")

    ran = project.pytest("--stage=alpha")

    assert ran.status == 10
    assert "the settings of ../pytest.ini were used: they are no part of this gate" in ran.says


def test_what_leaves_no_test_behind_is_told(project) -> None:
    """A skip while a package, a conftest or a class is set up, hypothesis without phases, a log into the suite."""
    skip = "import pytest\n\npytest.skip('no node', allow_module_level=True)\n"
    bad = "def test_bad():\n    assert False\n"
    project.write(
        {
            "suites/test_gate.py": """
                import unittest

                from hypothesis import given, settings, strategies as st

                class TestSkipped(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls):
                        raise unittest.SkipTest("no node")

                    def test_bad(self):
                        assert False

                @settings(phases=())
                @given(st.integers())
                def test_no_phases(x):
                    assert False
                """,
            "suites/package/__init__.py": skip,
            "suites/package/test_a.py": bad,
            "suites/folder/conftest.py": skip,
            "suites/folder/test_b.py": bad,
        }
    )

    ran = project.pytest("--stage=alpha")

    assert ran.status == 10
    for each in (
        "test_gate.py::TestSkipped::test_bad: skipped in setup",
        "test_gate.py::test_no_phases: skipped in call",
        "suites/package/test_a.py::test_bad: its file defines it, but pytest never made an item of it",
        "suites/folder/conftest.py was not loaded",
        "suites/folder/test_b.py::test_bad: its file defines it, but pytest never made an item of it",
    ):
        assert each in ran.says, ran.says


def test_neither_the_environment_nor_a_fork_nor_a_namesake_of_a_library_helps(project) -> None:
    """Variables that change Python or git do not reach the gate; what a fork records is a gap, a namesake an error."""
    plan = project.folder / "rollout.toml"
    plan.write_text(plan.read_text().replace('title = "Alpha"', 'title = "Alpha"\nnetwork = "dev"'))
    plan.write_text(plan.read_text() + '\n[networks.dev]\nkind = "tester"\n')
    project.write(
        {
            "suites/eth_tester.py": "raise SystemError('not the library')\n",
            "suites/test_gate.py": """
                import os

                def test_bad():
                    assert False

                def test_fork():
                    if os.fork() == 0:
                        assert False
                """,
        }
    )
    odd = {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati"}

    ran = project.pytest("--stage=alpha", env=odd | {"GIT_DIR": "/nowhere", "LC_ALL": "tr_TR.UTF-8"})

    assert ran.status == 10
    assert "suites/test_gate.py::test_bad: failed in call" in ran.says
    assert "process main has gaps in its record" in ran.says
    assert "error: dev: could not look: setup failed" in ran.says


@pytest.mark.parametrize("arguments", [("-n", "0"), ("-n", "2")])
def test_honest_assertions_promote(project, arguments: tuple[str, ...]) -> None:
    """C01 for counting: hooks that are told of assertions, exact raises, helpers that assert, tests without assert."""
    project.write(
        {
            "pytest.ini": "[pytest]\nenable_assertion_pass_hook = true\n",
            "conftest.py": "def pytest_assertion_pass(item, lineno, orig, expl):\n    print(f'held: {orig}')\n",
            "suites/helper.py": "def look(value):\n    assert value == 1\n",
            "suites/test_gate.py": """
                import asyncio
                import multiprocessing
                import unittest
                from concurrent.futures import ThreadPoolExecutor
                from unittest import mock

                import pytest
                from helper import look

                def holds():
                    assert True

                @pytest.mark.parametrize("method", ["fork", "spawn"])
                def test_process(method):
                    child = multiprocessing.get_context(method).Process(target=holds)
                    child.start()
                    child.join()

                def test_mock():
                    bridge = mock.Mock()
                    bridge.withdraw(1)
                    bridge.withdraw.assert_called_once_with(1)

                def test_refused():
                    try:
                        int("x")
                    except ValueError:
                        return
                    pytest.fail("was not refused")

                def test_another_exception():
                    with pytest.raises(KeyError):
                        raise KeyError("x") from None

                def test_nothing_to_complain_of():
                    if int("1") != 1:
                        pytest.fail("another number")

                @pytest.fixture
                def test_client():
                    return 1

                def test_by_a_helper(test_client):
                    look(test_client)

                def test_raises():
                    with pytest.raises(ValueError):
                        int("x")

                def test_all():
                    assert all(value for value in (1, 2)) and all([value for value in iter("ab")])

                def test_asked():
                    async def breaks():
                        raise ValueError("x")
                    async def work():
                        (error,) = await asyncio.gather(breaks(), return_exceptions=True)
                        assert isinstance(error, ValueError)
                        with pytest.raises(ValueError):
                            await asyncio.ensure_future(breaks())
                        with pytest.raises(ValueError):
                            await asyncio.get_running_loop().run_in_executor(None, int, "x")
                    asyncio.run(work())
                    with ThreadPoolExecutor() as pool:
                        assert isinstance(pool.submit(int, "x").exception(), ValueError)
                        assert list(pool.map(int, ["1"])) == [1]
                        with pytest.raises(ValueError):
                            list(pool.map(int, ["x"]))

                def test_some_of_them():
                    if [] != []:
                        assert False
                    assert True

                @pytest.mark.parametrize("value", [1, 2])
                def test_parameters(value, subtests):
                    with subtests.test():
                        assert value

                class TestOldStyle(unittest.TestCase):
                    def test_cases(self):
                        self.assertTrue(1, "the message")
                        assert 1

                    def test_its_own_assertions(self):
                        self.assertEqual([1], [1])
                        with self.assertRaises(ValueError):
                            int("x")

                    def test_nothing_to_complain_of(self):
                        if int("1") != 1:
                            self.fail("another number")
                """,
        }
    ).commit()

    ran = project.pytest("--stage=alpha", *arguments)

    assert ran.judgement["verdict"] == "promote", ran.says
