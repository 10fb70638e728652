"""Fields of what a ledger holds are read by their type, or refused in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.records import Record

READ: dict[str, tuple[str, Any, Any]] = {
    "a text": ("text", "", ""),
    "a number": ("number", -3, -3),
    "a count": ("count", "9" * 78, int("9" * 78)),
    "a truth": ("truth", False, False),
    "a moment": ("moment", "2026-11-02T10:00:00+00:00", datetime(2026, 11, 2, 10, tzinfo=UTC)),
    "texts": ("texts", ["a", ""], ("a", "")),
    "no texts": ("texts", [], ()),
    "numbers": ("numbers", [1, 2], (1, 2)),
    "a table": ("table", {"a": 1}, Record({"a": 1}, "entry 7: k")),
    "tables": ("tables", [{"a": 1}, {}], (Record({"a": 1}, "entry 7: k[0]"), Record({}, "entry 7: k[1]"))),
}


@pytest.mark.parametrize(("reader", "given", "value"), READ.values(), ids=READ)
def test_a_field_is_read_by_its_type(reader, given, value) -> None:
    assert getattr(Record({"k": given}, "entry 7"), reader)("k") == value


REFUSED: dict[str, tuple[str, Any, str, str]] = {
    "no text": ("text", 1, "1", "a string"),
    "no number": ("number", True, "True", "an integer"),
    "a count below zero": ("count", "-1", "-1", "a natural number in digits"),
    "digits of another script": ("count", "\u0661", "\u0661", "a natural number in digits"),
    "a count without end": ("count", "9" * 79, "9" * 60, "a natural number in digits"),
    "no digits": ("count", "", "", "a natural number in digits"),
    "a truth as a number": ("truth", 1, "1", "true or false"),
    "no moment": ("moment", "soon", "soon", "a time such as 2026-11-02T10:00:00+00:00"),
    "a moment anywhere": ("moment", "2026-11-02T10:00:00", "2026-11-02T10:00:00", "a time with its offset from UTC"),
    "texts as a text": ("texts", "ab", "ab", "a list of strings"),
    "texts with a number": ("texts", ["a", 1], "['a', 1]", "a list of strings"),
    "numbers as a number": ("numbers", 1, "1", "a list of integers"),
    "numbers with a truth": ("numbers", [1, True], "[1, True]", "a list of integers"),
    "no table": ("table", [], "[]", "a table"),
    "tables as a table": ("tables", {}, "{}", "a list of tables"),
    "tables with a text": ("tables", [{}, "a"], "[{}, 'a']", "a list of tables"),
    "a long value": ("number", "x" * 80, "x" * 60, "an integer"),
}


@pytest.mark.parametrize(("reader", "given", "shown", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_field_of_another_type_is_refused(reader, given, shown, expected) -> None:
    with pytest.raises(LedgerError) as refused:
        getattr(Record({"k": given}, "entry 7"), reader)("k")

    assert str(refused.value) == (
        f"entry 7: 'k' is {shown!r} where {expected} belongs; read it with the version of pytest-rollout that wrote it."
    )


def test_a_field_that_is_missing_is_refused() -> None:
    with pytest.raises(LedgerError) as refused:
        Record({}, "entry 7").text("k")

    assert str(refused.value) == (
        "entry 7: no 'k'; it was not written by this version of pytest-rollout. Read it with the version that wrote it."
    )
