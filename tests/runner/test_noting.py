"""What is written into the syntax trees of gate files, and what it tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from pytest_rollout.runner.noting import LOOKED, noted, tell


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What was told, in its order."""
    said: list[str] = []
    tell(lambda held: said.append("held" if held else "failed"), lambda: said.append("nothing"))
    yield said
    tell(lambda _: None)


def run(body: str, *, asserts: bool = False) -> dict[str, object]:
    """A module of this text, run; what it raises is in it as ``error``."""
    tree = ast.parse(body)
    noted(tree, asserts=asserts)
    names: dict[str, object] = {}
    try:
        exec(compile(tree, "test_x.py", "exec"), names)
    except Exception as error:  # noqa: BLE001 - whatever it is
        names["error"] = error
    return names


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise AssertionError('x')", ["failed"]),
        ("raise AssertionError", ["failed"]),
        ("raise type('Mine', (AssertionError,), {})", ["failed"]),
        ("raise ValueError('x') from None", []),
        ("try:\n    raise AssertionError('x')\nexcept AssertionError:\n    raise", ["held", "failed"]),
        ("if 0:\n    raise AssertionError", ["held"]),
        ("if 1:\n    pass\nelif 1:\n    raise AssertionError", []),
        ("if 0:\n    pass\nelif 0:\n    raise AssertionError", ["held"]),
        ("for x in ():\n    if x:\n        pytest.fail('x')", []),
        ("for x in (1, 2):\n    if not x:\n        pytest.fail('x')", ["held", "held"]),
        ("for x in ():\n    pytest.fail(x)", ["held"]),
        ("for x in ():\n    break\nelse:\n    y = 1\nwhile 0:\n    self.fail()", ["held"]),
        ("try:\n    int('1')\nexcept ValueError:\n    pytest.fail('x')", ["held"]),
        ("try:\n    int('1')\nexcept ValueError as error:\n    if error:\n        pytest.fail('x')", ["held"]),
        ("while 1:\n    if 1:\n        break\n    if 1:\n        pytest.fail('late')", ["held"]),
        ("for _ in range(5):\n    if 1:\n        break\n    if 1:\n        pytest.fail('late')", ["held"]),
        ("for _ in [1]:\n    if 1:\n        break\n    if 1:\n        pytest.fail('bad')", []),
        ("for _ in ():\n    try:\n        int('1')\n    except ValueError:\n        pytest.fail('bad')", []),
        ("try:\n    for _ in ():\n        if 1:\n            pytest.fail('bad')\nexcept ValueError:\n    raise", []),
        ("while 0:\n    for _ in ():\n        if 1:\n            pytest.fail('bad')", []),
        ("match 1:\n    case 2:\n        pytest.fail('x')", ["held"]),
        ("def f():\n    if 0:\n        pytest.fail('x')", []),
        ("if 0:\n    def f():\n        pytest.fail('x')", []),
        ("assert all(x for x in ())", ["nothing"]),
        ("assert all([x for x in iter(())]) and all(x for x in {})", ["nothing", "nothing"]),
        ("assert all(x for x in (1,)) and all([x for x in iter('a')])", []),
        ("assert not all(x for x in (0,)) and any(x for x in (1,)) and all([])", []),
        ("assert 1", []),
    ],
)
def test_what_is_told(told: list[str], body: str, said: list[str]) -> None:
    names = run(body)

    assert told == said
    assert not isinstance(names.get("error"), NameError)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("assert 1 == 1", ["held"]),
        ("assert [], 'nothing'", ["failed"]),
        ("class pytest:\n    fail = print\npytest.fail('x')", ["failed"]),
    ],
)
def test_where_nobody_rewrites_assertions_are_told_as_well(told: list[str], body: str, said: list[str]) -> None:
    run(body, asserts=True)

    assert told == said


def test_what_is_raised_and_answered_stays_as_it_is(told: list[str]) -> None:
    """Messages, causes, documentation and imports that must stand first."""
    body = (
        "'''Its documentation.'''\nfrom __future__ import annotations\n"
        "def f(x: Unknown):\n    assert all(y > 1 for y in x), 'small'\n    raise KeyError('k') from ValueError('v')\n"
        "f([2])"
    )

    names = run(body)

    error = names["error"]
    assert names["__doc__"] == "Its documentation."
    assert isinstance(error, KeyError)
    assert isinstance(error.__cause__, ValueError)
    assert "small" in str(run(body.replace("f([2])", "f([1])"))["error"])
    assert told == []


def test_a_file_with_nothing_to_tell_is_left_alone() -> None:
    tree = ast.parse("def f():\n    assert 1\n    raise\n")
    before = ast.dump(tree)

    noted(tree)

    assert ast.dump(tree) == before


def test_a_function_with_a_place_to_tell_of_names_it() -> None:
    """By which its test is known to look by itself."""
    names = run("def f(x):\n    if x:\n        pytest.fail('x')\ndef g(x):\n    raise ValueError(x)")

    assert LOOKED in names["f"].__code__.co_names
    assert LOOKED not in names["g"].__code__.co_names
