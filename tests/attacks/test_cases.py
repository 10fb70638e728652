"""The table of known ways to fool a gate: each case names the tests that close it, and they are there."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CASES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text(encoding="utf-8"))
HUNTED = tomllib.loads((Path(__file__).parent / "hunted.toml").read_text(encoding="utf-8"))
FAMILIES = "SOEMRAPLIVGC"


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_closed_by_tests_that_are_there(case: str) -> None:
    about = CASES[case]

    assert about["what"]
    assert about["tests"]
    for test in about["tests"]:
        file, _, name = test.partition("::")
        assert name in functions(file), f"{case}: tests/{file} has no {name}"


def test_every_known_case_is_in_the_table() -> None:
    """165 were known when this began, in twelve families and two controls; none may go missing."""
    assert len(CASES) == 165
    assert {case[0] for case in CASES} == set(FAMILIES)


@pytest.mark.parametrize(("family", "what"), [(family, what) for family, ways in HUNTED.items() for what in ways])
def test_a_way_that_was_hunted_stays_closed(family: str, what: str) -> None:
    file, _, name = HUNTED[family][what].partition("::")

    assert name in functions(file), f"{what}: tests/{file} has no {name}"


def test_at_least_as_many_were_hunted_as_were_known() -> None:
    """Each under one name: nothing is counted twice."""
    whats = [what for ways in HUNTED.values() for what in ways]

    assert len(whats) == len(set(whats))
    assert len(whats) >= len(CASES)


def test_the_page_on_security_claims_no_more_than_were_tried() -> None:
    """Its numbers may lag behind the tables, never run ahead of them."""
    page = " ".join((TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8").split())
    hunted, all_of_them = re.search(r"(\d+) more were hunted .*? of these (\d+), none promotes", page).groups()

    assert len(CASES) <= int(hunted) <= sum(len(ways) for ways in HUNTED.values())
    assert int(all_of_them) == len(CASES) + int(hunted)
