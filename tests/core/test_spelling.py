"""A column of values is read as each of them would be by itself, whatever way is the quicker one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_rollout.core.record import Identity
from pytest_rollout.core.spelling import instants, integers, lower

AT = int(datetime(2025, 8, 12, 10, tzinfo=UTC).timestamp()) * 10**9
LONG = "9" * 1001
INTEGERS: dict[str, tuple[list[Any], list[Any]]] = {
    "integers": ([1, 2], [1, 2]),
    "digits": (["1", "02"], [1, 2]),
    "digits and others": (["1", "5n", "0x10", "-3", "x"], [1, 5, 16, -3, "x"]),
    "an empty text among digits": (["", "1"], ["", 1]),
    "digits of another script": (["٣"], ["٣"]),
    "too many digits": (["1", LONG], [1, LONG]),
    "as many digits as may be": (["1" * 1000], [int("1" * 1000)]),
    "a number beside a text": ([1, "2"], [1, 2]),
    "lists": ([["1"], [2]], [[1], [2]]),
}


@pytest.mark.parametrize(("column", "meant"), INTEGERS.values(), ids=INTEGERS)
def test_integers_are_read_in_whatever_spelling(column: list[Any], meant: list[Any]) -> None:
    assert list(integers(column)) == meant
    assert [integers([each])[0] for each in column] == meant


LOWERED: dict[str, tuple[list[Any], list[Any]]] = {
    "hex": (["0xAB", "0xcd"], ["0xab", "0xcd"]),
    "no hex": (["Look", "ab"], ["Look", "ab"]),
    "lists": ([["0xAB"], ["x"]], [["0xab"], ["x"]]),
    "lists of numbers": ([[1], ["0xAB"]], [[1], ["0xab"]]),
    "lists and texts": ([["0xAB"], "0xCD"], [["0xab"], "0xcd"]),
    "tables": ([{"to": "0xAB"}, 5], [{"to": "0xab"}, 5]),
}


@pytest.mark.parametrize(("column", "meant"), LOWERED.values(), ids=LOWERED)
def test_hex_is_read_in_lower_case(column: list[Any], meant: list[Any]) -> None:
    assert list(lower(column)) == meant
    assert [lower([each])[0] for each in column] == meant


def test_instants_are_nanoseconds_and_integers_stay_as_they_are() -> None:
    column = ["2025-08-12T10:00:00Z", "2025-08-12T12:00:00.5+02:00", "5", 7, "noon"]

    assert list(instants(column)) == [("instant", AT), ("instant", AT + 5 * 10**8), 5, 7, "noon"]
    assert list(instants([1, 2])) == [1, 2]


def test_a_stroke_within_a_part_of_an_identity_is_no_end_of_it() -> None:
    """Else two records would be taken for one."""
    identity = Identity(key=("chain", "name"))
    values = [{"chain": chain, "name": "c"} for chain in ("a", "a/b", "a\\", "a\\/b")]

    names = [identity.of(each) for each in values]

    assert names == ["a/c", "a\\/b/c", "a\\\\/c", "a\\\\\\/b/c"]
    assert identity.names([[each[field] for each in values] for field in ("chain", "name")]) == names
    assert identity.names([["a", ""], ["b", "c"]]) is None
