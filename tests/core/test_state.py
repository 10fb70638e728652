"""When two values agree: by type and value, nothing coerced."""

from __future__ import annotations

import pytest

from pytest_rollout.core.state import agree

HUGE = 2**256 - 1

SAME: dict[str, object] = {
    "true": True,
    "zero": 0,
    "uint256": HUGE,
    "text": "admin",
    "empty text": "",
    "list": [1, "a", [True]],
    "empty list": [],
    "table": {"a": 1, "b": [2]},
}

DIFFERENT: dict[str, tuple[object, object]] = {
    "true and 1": (True, 1),
    "1 and true": (1, True),
    "false and 0": (False, 0),
    "0 and null": (0, None),
    "a number and its text": (7, "7"),
    "a number and a float": (7, 7.0),
    "one apart at 2**256": (HUGE, HUGE - 1),
    "text in another case": ("Admin", "admin"),
    "text with a space": ("admin", "admin "),
    "another order": ([1, 2], [2, 1]),
    "fewer elements": ([1, 2], [1]),
    "more elements": ([1], [1, 2]),
    "true within a list": ([1], [True]),
    "empty list and empty text": ([], ""),
    "empty list and empty table": ([], {}),
    "another key": ({"a": 1}, {"b": 1}),
    "a key more": ({"a": 1}, {"a": 1, "b": 2}),
    "another value beside the same": ({"a": 1, "b": 2}, {"a": 1, "b": 3}),
    "1 within a table": ({"a": True}, {"a": 1}),
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_a_value_agrees_with_itself(value: object) -> None:
    assert agree(value, value)


@pytest.mark.parametrize(("expected", "observed"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_values_disagree(expected: object, observed: object) -> None:
    assert not agree(expected, observed)


def test_the_order_of_keys_does_not_matter() -> None:
    assert agree({"a": 1, "b": 2}, {"b": 2, "a": 1})
