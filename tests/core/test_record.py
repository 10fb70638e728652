"""Records: who they are in every spelling, and in what they really differ."""

from __future__ import annotations

import pytest

from pytest_rollout.core.record import FieldKind, Identity, differences, placeholder

LOWER = "0x" + "ab" * 20
UPPER = "0x" + "AB" * 20

IDENTITY = Identity(
    key=("chainId", "contractName"), aliases={"chainId": {"bsc": "56", "bsc-mainnet": "56"}}, short_names=True
)
NAMES = {
    "plain": ({"chainId": 56, "contractName": "Look"}, "56/Look"),
    "chain as text": ({"chainId": "56", "contractName": "Look"}, "56/Look"),
    "chain by a name": ({"chainId": "bsc-mainnet", "contractName": "Look"}, "56/Look"),
    "fully qualified": ({"chainId": 56, "contractName": "contracts/Look.sol:Look"}, "56/Look"),
    "in hex": ({"chainId": 56, "contractName": UPPER}, f"56/{LOWER}"),
    "no chain": ({"contractName": "Look"}, None),
    "an empty name": ({"chainId": 56, "contractName": ""}, None),
    "a chain of true": ({"chainId": True, "contractName": "Look"}, None),
    "no table": (["56", "Look"], None),
}


@pytest.mark.parametrize(("value", "name"), NAMES.values(), ids=NAMES)
def test_a_record_says_who_it_is(value, name) -> None:
    assert IDENTITY.of(value) == name


KINDS = {
    "a": FieldKind.ADDRESS,
    "h": FieldKind.HASH,
    "i": FieldKind.INTEGER,
    "t": FieldKind.TIME,
    "x": FieldKind.EXACT,
}
SAME = {
    "an address in another case": ("a", LOWER, UPPER),
    "addresses in a list": ("a", [LOWER], [UPPER]),
    "an integer as text": ("i", 2**53 + 1, str(2**53 + 1)),
    "a big integer of JavaScript": ("i", 5, "5n"),
    "an integer in hex": ("i", 255, "0xff"),
    "an integer with decimals of zero": ("i", 5, {"decimal": "5.00"}),
    "an integer with an exponent": ("i", 10**18, {"decimal": "1e18"}),
    "not a number twice": ("x", {"decimal": "NaN"}, {"decimal": "NaN"}),
    "a tagged integer": ("i", 5, {"type": "BigNumber", "hex": "0x05"}),
    "an instant in another zone": ("t", "2025-08-12T10:00:00.5Z", "2025-08-12T12:00:00.500+02:00"),
    "a decimal with a zero more": ("x", {"decimal": "1.50"}, {"decimal": "1.5"}),
    "tables in another order": ("x", {"a": 1, "b": [2]}, {"b": [2], "a": 1}),
}
OTHER = {
    "one digit": ("a", LOWER, LOWER[:-1] + "c"),
    "case of what is no kind of hex": ("x", LOWER, UPPER),
    "an integer and its text": ("x", 1, "1"),
    "an integer and its decimal": ("x", 5, {"decimal": "5.0"}),
    "an integer and a half more": ("i", 5, {"decimal": "5.5"}),
    "more digits than anybody writes": ("i", 5, {"decimal": "5e999999999"}),
    "true and one": ("x", True, 1),
    "true and one, as integers": ("i", True, 1),
    "the last digit beyond 2^53": ("i", 2**53 + 1, str(2**53)),
    "one nanosecond": ("t", "2025-08-12T10:00:00.000000001Z", "2025-08-12T10:00:00.000000002Z"),
    "nanoseconds that were cut": ("t", 1723456789123456789, 1723456789123456000),
    "an instant and seconds": ("t", "1970-01-01T00:00:01Z", 1),
    "null and nothing": ("x", None, ...),
    "null and zero": ("x", None, 0),
    "arguments in another order": ("x", [1, 2], [2, 1]),
    "an argument more": ("x", [1], [1, 0]),
    "inside a list": ("x", [[1], {"a": "1"}], [[1], {"a": 1}]),
}


def found(name, one, other) -> list:
    left, right = ({} if each is ... else {name: each} for each in (one, other))
    return [field for field, *_ in differences(left, right, (), KINDS)]


@pytest.mark.parametrize(("name", "one", "other"), SAME.values(), ids=SAME)
def test_two_spellings_of_one_value_are_the_same(name, one, other) -> None:
    assert found(name, one, other) == []
    assert found(name, other, one) == []


@pytest.mark.parametrize(("name", "one", "other"), OTHER.values(), ids=OTHER)
def test_values_that_differ_are_told(name, one, other) -> None:
    assert found(name, one, other) == [name]
    assert found(name, other, one) == [name]


def test_only_the_declared_fields_are_compared() -> None:
    left, right = {"a": LOWER, "note": "old"}, {"a": LOWER, "note": "new"}

    assert differences(left, right, ("a",), KINDS) == []
    assert differences(left, right, (), KINDS) == [("note", "old", "new")]
    assert differences(left, {}, ("a", "b"), KINDS) == [("a", LOWER, "nothing")]


PLACEHOLDERS = {
    "zero": ("0x" + "0" * 40, "the zero address"),
    "all ones": ("0x" + "1" * 40, "a placeholder"),
    "dead": ("0x" + "0" * 36 + "dEaD", "a placeholder"),
    "counted": ("0x" + "1234567890" * 4, "a placeholder"),
    "text": ("TODO", "no address"),
    "too short": ("0x1234", "no address"),
    "a number": (0, "no address"),
    "null": (None, "no address"),
    "an address": ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", ""),
}


@pytest.mark.parametrize(("value", "why"), PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_a_placeholder_is_no_address(value, why) -> None:
    assert placeholder(value) == why
