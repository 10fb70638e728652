"""The tests a gate owes, read from files that are never run."""

from __future__ import annotations

import pytest

from pytest_rollout.runner import tree
from pytest_rollout.runner.scan import scan


@pytest.fixture
def scanned(planned):
    """``scanned({...}, stage="alpha")``: the ids owed with their advisory marks, and the doubts."""

    def read(files, stage="alpha"):
        rollout = planned(files)
        wanted = rollout.stage(stage)
        functions, doubts = scan(
            rollout, wanted, rollout.folder, list(tree.gate_files(rollout, wanted, rollout.folder))
        )
        return {f.id.partition("::")[2]: f.advisory for f in functions}, [f"{d.place}: {d.text}" for d in doubts]

    return read


OWED = {
    "plain": ("def test_a(): assert True", {"test_a"}),
    "without an underscore": ("def testa(): assert True", {"testa"}),
    "async": ("async def test_a(): assert True", {"test_a"}),
    "not a test": ("def helper(): ...\ndef test_a(): assert True", {"test_a"}),
    "in a class": ("class TestX:\n    def test_a(self): assert True\n    def helper(self): ...", {"TestX::test_a"}),
    "in a class in a class": (
        "class TestX:\n    class TestY:\n        def test_a(self): assert True",
        {"TestX::TestY::test_a"},
    ),
    "in another class": ("class Helper:\n    def test_a(self): assert True\ndef test_b(): assert True", {"test_b"}),
    "in unittest": (
        "import unittest\nclass Checks(unittest.TestCase):\n    def test_a(self): assert True",
        {"Checks::test_a"},
    ),
    "static and of the class": (
        "class TestX:\n    @staticmethod\n    def test_a(): assert True\n    @classmethod\n    def test_b(cls): assert True",
        {"TestX::test_a", "TestX::test_b"},
    ),
    "under if, try and with": (
        "if 1:\n    if 2:\n        def test_a(): assert True\n    else:\n        def test_b(): assert True\n"
        "try:\n    def test_c(): assert True\nexcept ImportError:\n    def test_d(): assert True\nfinally:\n    def test_e(): assert True\n"
        "with open('x'):\n    def test_f(): assert True",
        {"test_a", "test_b", "test_c", "test_d", "test_e", "test_f"},
    ),
    "a fixture": (
        "import pytest\n@pytest.fixture\ndef test_data(): ...\n@pytest.fixture(scope='module')\ndef test_more(): ...\n"
        "def test_a(test_data, test_more): assert True",
        {"test_a"},
    ),
    "a fixture of another library": (
        "import pytest_asyncio\n@pytest_asyncio.fixture\nasync def test_data(): assert True\ndef test_a(test_data): assert True",
        {"test_a"},
    ),
    "usefixtures": ("import pytest\n@pytest.mark.usefixtures('db')\ndef test_a(): assert True", {"test_a"}),
    "a decorator of one's own": ("@fixtures_of('x')\ndef test_a(): assert True", {"test_a"}),
    "parametrized": ("import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_a(x): assert True", {"test_a"}),
    "this stage's marker": ("import pytest\n@pytest.mark.stage('alpha')\ndef test_a(): assert True", {"test_a"}),
    "both stages' marker": (
        "import pytest\n@pytest.mark.stage('alpha', 'beta')\ndef test_a(): assert True",
        {"test_a"},
    ),
    "another stage's marker": (
        "import pytest\n@pytest.mark.stage('beta')\ndef test_a(): assert True\ndef test_b(): assert True",
        {"test_b"},
    ),
    "the nearest marker counts": (
        "import pytest\npytestmark = pytest.mark.stage('beta')\n"
        "@pytest.mark.stage('alpha')\nclass TestX:\n    def test_a(self): assert True\n"
        "    @pytest.mark.stage('beta')\n    def test_b(self): assert True\ndef test_c(): assert True",
        {"TestX::test_a"},
    ),
    "a list of marks": (
        "import pytest\npytestmark = [pytest.mark.slow, pytest.mark.stage('beta')]\ndef test_a(): assert True",
        set(),
    ),
    "a mark imported by itself": ("from pytest import mark\n@mark.stage('beta')\ndef test_a(): assert True", set()),
    "a fixture named like a test": (
        "@pytest.fixture\ndef test_client(): assert True\ndef test_a(test_client): ...\n"
        "@pytest.fixture\ndef test_store(): assert True\n@pytest.mark.usefixtures('test_store')\ndef test_b(): assert True",
        {"test_a", "test_b"},
    ),
    "what looks like an oversight": (
        "def look(): yield\nasync def ask(): ...\n@pytest.fixture\ndef ready(): yield\n"
        "def test_a(ready):\n    assert [] == list(look())\n    asyncio.run(ask())\n"
        "    assert not (x for x in ()) or all(x for x in ())\n    self.assertTrue(1, 'the text')\n"
        "    pytest.raises(ValueError, int, 'x')\n    self.assertRaises(ValueError, int, 'x')\n"
        "    with pytest.raises(ValueError):\n        assert ready.broken\n"
        "    with pytest.raises(TypeError):\n        f()\n        ready < 'x'\n"
        "    with self.assertRaises(TypeError):\n        contracts.X.functions.pause(1)\n"
        "    assert ready == list(ready), f'{ready == 1}'\n    assert ready == ready\n    assert len(ready) >= 1 and ready() == ready()\n"
        "    assert contracts.X.functions.paused().call() == 1\n    contracts.X.functions.pause().transact()\n"
        "    ready == 1 or fail()\n    list(map(look, []))\n    assert ready or None or 0\n    assert mock.called",
        {"test_a"},
    ),
    "latin-1": ("# -*- coding: latin-1 -*-\ndef test_a(): assert True", {"test_a"}),
    "a byte order mark": ("\ufeffdef test_a(): assert True", {"test_a"}),
}


@pytest.mark.parametrize(("source", "owed"), [pytest.param(*case, id=name) for name, case in OWED.items()])
def test_what_a_file_owes_is_read_from_its_syntax_tree(scanned, source, owed) -> None:
    """Rule 31: what must run is declared by the file, whatever its conftests do to the collection."""
    functions, doubts = scanned({"suites/test_x.py": source})

    assert set(functions) == owed
    assert doubts == []


DOUBTED = {
    "a test twice": (
        "def test_a(): assert True\ndef test_a(): ...",
        "test_x.py:2: test_a is defined again; the one in line 1",
    ),
    "twice in one branch": (
        "if 1:\n    def test_a(): assert True\n    def test_a(): assert True",
        "test_a is defined again",
    ),
    "before and in a branch": (
        "def test_a(): assert True\nif 1:\n    def test_a(): assert True",
        "test_a is defined again",
    ),
    "a class twice": (
        "class TestX:\n    def test_a(self): assert True\nclass TestX:\n    def test_b(self): assert True",
        "TestX is defined",
    ),
    "a constructor": (
        "class TestX:\n    def __init__(self): ...\n    def test_a(self): assert True",
        "TestX has a constructor",
    ),
    "__test__": ("def test_a(): assert True\n__test__ = False", "__test__ hides tests"),
    "collect_ignore": ("def test_a(): assert True\ncollect_ignore = ['x']", "collect_ignore hides tests"),
    "pytestmark twice": (
        "import pytest\npytestmark = []\npytestmark = []\ndef test_a(): ...",
        "pytestmark is assigned twice",
    ),
    "no test": ("x = 1", "a test file without a single test"),
    "no Python": ("def test_a(:", "cannot be read as Python: SyntaxError"),
    "a null byte": ("def test_a(): assert True\0", "cannot be read as Python"),
    "a returned value": ("def test_a():\n    return 1 == 2", "test_a returns a value"),
    "a tuple": ("def test_a():\n    assert (1 == 2, 'x')", "assert of a tuple is always true"),
    "a list": ("def test_a():\n    assert [1 == 2]", "assert of a list that holds something is always true"),
    "a set": ("def test_a():\n    assert {1 == 2}", "assert of a set that holds something is always true"),
    "a table": ("def test_a():\n    assert {'ok': 1 == 2}", "assert of a table that holds something is always true"),
    "a text": ("def test_a():\n    assert f'{1 == 2}'", "assert of a text is always true"),
    "a generator": ("def test_a():\n    assert (x > 1 for x in ())", "write all(…) or any(…)"),
    "a lambda in an assert": (
        "def test_a():\n    assert lambda: False",
        "assert of a function is always true; call it",
    ),
    "a comparison": ("def test_a():\n    1 == 2", "test_x.py:2: `1 == 2` is compared, and nobody looks at the answer"),
    "a negation": ("def test_a(x):\n    not x.paused", "`not x.paused` is compared, and nobody looks"),
    "two comparisons": ("def test_a():\n    1 == 2 and 2 == 3", "`1 == 2 and 2 == 3` is compared, and nobody looks"),
    "an answer nobody looks at": (
        "def test_a(x):\n    all(each.paused for each in x)",
        "is compared, and nobody looks",
    ),
    "a map": ("def test_a(x):\n    map(look, x)", "`map(look, x)` runs nothing of what stands in it"),
    "a generator for a loop": ("def test_a(x):\n    (look(each) for each in x)", "runs nothing of what stands in it"),
    "a lambda for a call": ("def test_a():\n    lambda: look()", "runs nothing of what stands in it"),
    "a function not called": ("def test_a():\n    look", "test_x.py:2: `look` is named and not called"),
    "one or another text": (
        "def test_a(x):\n    assert x.status == 'new' or 'open'",
        "test_x.py:2: assert of `… or 'open'` is always true; compare with each, or write `in (…)`",
    ),
    "one or a tuple": ("def test_a(x):\n    assert x or (1, 2)", "`… or (1, 2)` is always true"),
    "a thing and itself": (
        "def test_a(x):\n    assert x.owner == x.owner",
        "`x.owner == x.owner` compares a thing with",
    ),
    "a length that is never less": ("def test_a(x):\n    assert len(x) >= 0", "no length is below 0"),
    "a comparison for a message": (
        "def test_a(x):\n    assert x.status == 200, x.text == 'ok'",
        "test_x.py:2: `, x.text == 'ok'` is but the message of this assert",
    ),
    "a number for a message": ("def test_a(x):\n    assert x.status, 200", "`, 200` is but the message of this assert"),
    "a contract's function not called": (
        "def test_a(contracts):\n    assert contracts.Escrow.functions.paused()",
        "`contracts.Escrow.functions.paused()` asks no chain, and is never false or equal to anything; write .call()",
    ),
    "a contract's function compared": (
        "def test_a(contracts):\n    assert x and not contracts.Escrow.functions.owner() != ZERO",
        "`contracts.Escrow.functions.owner()` asks no chain",
    ),
    "a contract's function named": (
        "def test_a(contracts):\n    assert contracts.Escrow.functions.paused",
        "`contracts.Escrow.functions.paused` asks no chain",
    ),
    "a transaction not sent": (
        "def test_a(contracts):\n    contracts.Escrow.functions.pause()",
        "`contracts.Escrow.functions.pause()` asks no chain and sends nothing; write .call() or .transact()",
    ),
    "raises not entered": (
        "def test_a():\n    pytest.raises(ValueError)",
        "`pytest.raises(ValueError)` is not entered",
    ),
    "a case's raises not entered": (
        "class TestX(unittest.TestCase):\n    def test_a(self):\n        self.assertRaisesRegex(ValueError, 'x')",
        "is not entered, so nothing is awaited; write with before it",
    ),
    "an assertion behind what raises": (
        "def test_a():\n    with pytest.raises(ValueError) as info:\n        f()\n        assert 'x' in str(info)",
        "test_x.py:4: is not reached once pytest.raises sees what it waits for",
    ),
    "a mock's word": (
        "def test_a(mock):\n    assert mock.pay.called_once_with(1)",
        "`mock.pay.called_once_with` is no assertion of a mock's and always true; write assert_called_once_with",
    ),
    "an assertion not called": ("def test_a(mock):\n    mock.assert_called_once", "is named and not called"),
    "a message for a value": (
        "class TestX(unittest.TestCase):\n    def test_a(self):\n        self.assertTrue(404, 200)",
        "assertTrue looks at its first value alone",
    ),
    "a coroutine not awaited": (
        "async def look(): assert False\ndef test_a():\n    look()",
        "test_x.py:3: look is a coroutine or a generator: a call alone runs none of it",
    ),
    "a generator not exhausted": ("def look():\n    yield\ndef test_a():\n    look()", "look is a coroutine or a"),
    "a context not entered": (
        "@contextlib.contextmanager\ndef look():\n    yield\ndef test_a():\n    look()",
        "look is a coroutine or a generator",
    ),
    "a test inside a test": (
        "def test_a():\n    f()\n    def test_b():\n        assert False",
        "test_x.py:3: test_b stands inside test_a, so pytest never collects it",
    ),
    "a test of nothing": ("def test_a():\n    '''Checks the treasury.'''", "test_a does nothing"),
    "a fixture for a test": ("import pytest\n@pytest.fixture\ndef test_a(): f()\ndef test_b(): f()", "no one asks for"),
    "no rewriting": ("'''PYTEST_DONT_REWRITE'''\ndef test_a(): f()", "keeps assertions from being counted"),
    "a stage that is none": ("import pytest\n@pytest.mark.stage('aplha')\ndef test_a(): ...", "no stage 'aplha'"),
    "a computed stage": ("import pytest\n@pytest.mark.stage(NAME)\ndef test_a(): ...", "takes literal stage names"),
    "no stage": ("import pytest\n@pytest.mark.stage\ndef test_a(): ...", "takes literal stage names"),
    "a named stage": (
        "import pytest\n@pytest.mark.stage(name='alpha')\ndef test_a(): ...",
        "takes literal stage names",
    ),
}


@pytest.mark.parametrize(("source", "says"), [pytest.param(*case, id=name) for name, case in DOUBTED.items()])
def test_what_makes_a_test_vanish_is_doubted(scanned, source, says) -> None:
    """Each doubt holds the gate, with the line it stands in."""
    _, doubts = scanned({"suites/test_x.py": source})

    assert any(says in doubt for doubt in doubts), doubts


@pytest.mark.parametrize(
    "source",
    [
        "if 1:\n    def test_a(): assert True\nelse:\n    def test_a(): assert True",
        "if 1:\n    def test_a(): assert True\nelif 2:\n    def test_a(): assert True\nelse:\n    def test_a(): assert True",
        "try:\n    def test_a(): assert True\nexcept ImportError:\n    def test_a(): assert True",
        "from typing import overload\n@overload\ndef test_a(x: int): ...\n@overload\ndef test_a(x: str): ...\ndef test_a(x): ...",
        "class TestX:\n    def test_a(self): assert True\nclass TestY:\n    def test_a(self): assert True",
        "def test_a():\n    return None",
        "def test_a():\n    def inner():\n        return 1\n    assert inner()",
    ],
    ids=["if", "elif", "try", "overload", "two classes", "return None", "an inner function"],
)
def test_what_is_honest_is_not_doubted(scanned, source) -> None:
    """C01: a doubt without reason would hold a gate for ever."""
    assert scanned({"suites/test_x.py": source})[1] == []


def test_advisory_is_believed_where_the_file_says_so(scanned) -> None:
    """On a function, its class or the module; a conftest's word is not heard here."""
    functions, _ = scanned(
        {
            "suites/test_x.py": """
                import pytest

                @pytest.mark.advisory
                def test_a(): assert True

                @pytest.mark.advisory
                class TestX:
                    def test_b(self): assert True

                def test_c(): assert True
                """,
            "suites/test_y.py": "import pytest\npytestmark = pytest.mark.advisory\n\ndef test_d(): ...\n",
        }
    )

    assert functions == {"test_a": True, "TestX::test_b": True, "test_c": False, "test_d": True}


def test_a_folder_named_like_a_stage_belongs_to_it(scanned) -> None:
    """Folder and marker must both agree."""
    files = {
        "suites/test_all.py": "def test_all(): assert True",
        "suites/alpha/test_a.py": "import pytest\ndef test_a(): ...\n@pytest.mark.stage('beta')\ndef test_never(): ...",
        "suites/beta/test_b.py": "def test_b(): assert True",
        "suites/alpha/beta/test_deep.py": "def test_deep(): assert True",
    }

    assert set(scanned(files, "alpha")[0]) == {"test_all", "test_a", "test_deep"}
    assert set(scanned(files, "beta")[0]) == {"test_all", "test_b"}


def test_tests_in_files_pytest_does_not_collect_are_doubted(scanned) -> None:
    """S25: ``checks.py`` looks like a suite and is none; helpers without tests are fine."""
    _, doubts = scanned(
        {
            "suites/test_a.py": "def test_a(): assert True",
            "suites/checks.py": "def test_b(): assert True",
            "suites/helpers.py": "import pytest\n\n@pytest.fixture\ndef test_data(): ...\n\ndef helper(): ...",
        }
    )

    assert [doubt.partition(" ")[0] for doubt in doubts] == ["suites/checks.py:1:"]
