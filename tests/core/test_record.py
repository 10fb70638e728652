"""Records: who they are in every spelling, and in what they really differ."""

from __future__ import annotations

import pytest

from pytest_rollout.core.record import FieldKind, Identity, are_addresses, differences, placeholder, readings

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
READINGS = readings(Identity(key=("id",)), KINDS)
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
    "hex in tables": ("a", {"to": UPPER, "n": 1}, {"to": LOWER, "n": 1}),
    "hashes": ("h", UPPER, LOWER),
    "a tagged integer of another tag": ("i", 5, {"__type": "bigint", "value": "5"}),
    "a tagged value": ("i", 5, {"type": "bigint", "value": "5"}),
    "integers in a list": ("i", [5, "6"], ["5", 6]),
    "a negative integer": ("i", -5, "-5"),
    "hex in capitals": ("i", 255, "0xFF"),
    "an instant a day later in another zone": ("t", "2025-08-12T23:30:00Z", "2025-08-13T00:30:00+01:00"),
    "an instant with a blank": ("t", "2025-08-12 10:00:00Z", "2025-08-12T10:00:00Z"),
    "an instant with zeros": ("t", "2025-08-12T10:00:00Z", "2025-08-12T10:00:00.000Z"),
    "seconds as text": ("t", 5, "5"),
    "no decimals that are the same": ("x", {"decimal": "a"}, {"decimal": "a"}),
    "what is no instant": ("t", "2025-99-12T10:00:00Z", "2025-99-12T10:00:00Z"),
    "a thousand digits": ("i", 10**999, {"decimal": "1e999"}),
}
OTHER = {
    "a truth in a list": ("x", [1], [True]),
    "text that is no hex": ("i", 255, "ff"),
    "a word and a number": ("i", 171, "ab"),
    "half a second": ("t", "2025-08-12T10:00:00.5Z", "2025-08-12T10:00:05Z"),
    "ninety nanoseconds": ("t", "2025-08-12T10:00:00.000000090Z", "2025-08-12T10:00:01Z"),
    "a second, at half past": ("t", "2025-08-12T10:00:00.5Z", "2025-08-12T10:00:01.5Z"),
    "part of a second, and four weeks less a day": ("t", "2025-08-12T10:00:00.000312500Z", "2025-09-08T10:00:00Z"),
    "a nanosecond": ("t", "2025-08-12T10:00:00.000000001Z", "2025-08-12T10:00:00Z"),
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
    "text in another case": ("a", "Look", "look"),
    "text in another case in a list": ("a", ["Look"], ["look"]),
    "texts of a table": ("a", {"n": "A"}, {"n": "B"}),
    "lists of texts": ("a", ["A"], ["B"]),
    "numbers of an address": ("a", 1, 2),
    "no integers": ("i", "a", "b"),
    "lists of integers": ("i", [5], [6]),
    "a table of more than a tag": ("i", 5, {"type": "b", "value": "5", "more": 1}),
    "an instant and its nanoseconds": ("t", "1970-01-01T00:00:01Z", 10**9),
    "an hour": ("t", "2025-08-12T10:00:00Z", "2025-08-12T11:00:00Z"),
    "a day": ("t", "2025-08-12T10:00:00Z", "2025-08-13T10:00:00Z"),
    "a day and its seconds": ("t", "2025-08-12T00:00:01Z", "2025-08-11T23:59:59Z"),
    "a tenth and a hundredth": ("t", "2025-08-12T10:00:00.1Z", "2025-08-12T10:00:00.01Z"),
    "two that are no instant": ("t", "2025-99-12T10:00:00Z", "2025-98-12T10:00:00Z"),
    "no decimals": ("x", {"decimal": "a"}, {"decimal": "b"}),
    "one field of two": ("x", {"a": 1, "b": 2}, {"a": 1, "b": 3}),
    "a list and its text": ("x", [], ""),
    "ten thousand digits": ("i", 10**1000, {"decimal": "1e1000"}),
}


def found(name, one, other) -> list:
    left, right = ({} if each is ... else {name: each} for each in (one, other))
    return [field for field, *_ in differences(left, right, (), READINGS)]


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

    assert differences(left, right, ("a",), READINGS) == []
    assert differences(left, right, (), READINGS) == [("note", "old", "new")]
    assert differences(left, {}, ("a", "b"), READINGS) == [("a", LOWER, "nothing")]


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


ODD = (
    *("0x" + "ab" * 19 + "  ", "0x" + "ab" * 19 + " a", "1x" + "ab" * 20, "00" + "ab" * 20, "0x" + "zz" * 20, ""),
    *("0x" + "ab" * 18 + "0x0x", "x0" + "ab" * 20, "0x" + "ab" * 19 + "\u0661\u0662", "0x" + "ab" * 20 + "ab", b"0x"),
)


@pytest.mark.parametrize("first", [value for value, _ in PLACEHOLDERS.values()] + [*ODD], ids=ascii)
def test_many_values_are_addresses_if_each_is(first) -> None:
    for others in ([], ["0x" + "ab" * 20], ["0x" + "ab" * 20, "0x" + "CD" * 20], [first], ["TODO"]):
        for column in ([first, *others], [*others, first]):
            assert are_addresses(column) == (not any(map(placeholder, column))), column


PLAIN = Identity(key=("chain", "name"))
READERS: dict[str, tuple[Identity, object, str | None]] = {
    "plain": (PLAIN, {"chain": 56, "name": "Look"}, "56/Look"),
    "hex in capitals": (PLAIN, {"chain": "1", "name": UPPER}, f"1/{LOWER}"),
    "no hex behind its sign": (PLAIN, {"chain": "1", "name": "0xYZ"}, "1/0xYZ"),
    "a zero that begins no hex": (PLAIN, {"chain": "01", "name": "A"}, "01/A"),
    "a name with a colon": (PLAIN, {"chain": "1", "name": "a:B"}, "1/a:B"),
    "one part": (Identity(key=("name",)), {"name": "Look"}, "Look"),
    "one number": (Identity(key=("name",)), {"name": 7}, "7"),
    "three parts": (Identity(key=("a", "b", "c")), {"a": "x", "b": 2, "c": "z"}, "x/2/z"),
    "an empty part": (PLAIN, {"chain": 1, "name": ""}, None),
    "a part that is missing": (PLAIN, {"chain": 1}, None),
    "a part that is null": (PLAIN, {"chain": 1, "name": None}, None),
    "a part that is true": (PLAIN, {"chain": True, "name": "A"}, None),
    "no table": (PLAIN, "Look", None),
    "a list of one": (Identity(key=("name",)), ["Look"], None),
    "an alias": (IDENTITY, {"chainId": "bsc", "contractName": "Look"}, "56/Look"),
    "an alias alone": (Identity(key=("a",), aliases={"a": {"b": "c"}}), {"a": "b"}, "c"),
    "a name with two colons": (Identity(key=("a",), short_names=True), {"a": "a:b:C"}, "C"),
    "a short name alone": (Identity(key=("a",), short_names=True), {"a": "Look"}, "Look"),
    "a short name that is empty": (Identity(key=("a",), short_names=True), {"a": "Look:"}, None),
    "a stroke before the last part": (PLAIN, {"chain": "a/b", "name": "c/d"}, "a\\/b/c/d"),
    "an alias of what begins with no sign": (Identity(key=("a",), aliases={"b": {"x": "y"}}), {"a": "0xAB"}, "0xab"),
}


@pytest.mark.parametrize(("identity", "value", "name"), READERS.values(), ids=READERS)
def test_identities_read_at_once_are_those_read_one_by_one(identity, value, name) -> None:
    assert identity.of(value) == name
    if isinstance(value, dict):
        assert identity.names([[value.get(each)] * 2 for each in identity.key]) == (name and [name, name])


def test_texts_and_numbers_of_one_field_are_read_at_once() -> None:
    assert PLAIN.names([[1, "1", "bsc"], ["A", "0xAB", "0xZ"]]) == ["1/A", "1/0xab", "bsc/0xZ"]


@pytest.mark.parametrize("parts", [("a/b", "c"), ("a\\", "/b/c"), ("a\\/b", "c"), ("a", "\\/b/c")])
def test_no_two_records_are_one_by_where_their_strokes_are(parts) -> None:
    """A stroke stands between the parts of a name and may stand in them."""
    other = ("a", "b/c")

    names = PLAIN.names([[one, another] for one, another in zip(parts, other, strict=True)])

    assert names == [PLAIN.of({"chain": each[0], "name": each[1]}) for each in (parts, other)]
    assert len(set(names)) == 2


DECLARED = Identity(
    key=("net", "name"), aliases={"net": {"bsc": "bscmainnet", "bsc-mainnet": "bscmainnet"}}, short_names=True
)
SPELT = {
    "an alias": ("net", "bsc", "bscmainnet", []),
    "two aliases": ("net", "bsc", "bsc-mainnet", []),
    "a short name": ("name", "contracts/Look.sol:Look", "Look", []),
    "what is no alias": ("net", "bsc", "bsctestnet", ["net"]),
    "another case": ("net", "BSC", "bsc", ["net"]),
    "an alias in another field": ("other", "bsc", "bscmainnet", ["other"]),
    "a short name in another field": ("other", "a:Look", "Look", ["other"]),
    "a number and its text": ("net", 56, "56", ["net"]),
    "a list of an alias": ("net", ["bsc"], ["bscmainnet"], ["net"]),
}


@pytest.mark.parametrize(("field", "one", "other", "told"), SPELT.values(), ids=SPELT)
def test_declared_spellings_of_the_key_mean_the_same_and_no_others(field, one, other, told) -> None:
    found = differences({field: one}, {field: other}, (), readings(DECLARED, {}))

    assert [name for name, *_ in found] == told


def test_an_alias_is_read_before_its_kind() -> None:
    identity = Identity(key=("chain",), aliases={"chain": {"bsc": "56"}})

    assert differences({"chain": 56}, {"chain": "bsc"}, (), readings(identity, {"chain": FieldKind.INTEGER})) == []


LONG = "x" * 121
SHOWN = {
    "a text": ("a", "b", "a", "b"),
    "truths": (True, False, "true", "false"),
    "null": (None, 0, "None", "0"),
    "a text of the longest": ("x" * 120, "y", "x" * 120, "y"),
    "a longer text": (LONG, "y", "x" * 119 + "…", "y"),
    "a list": ([1], [2], "[1]", "[2]"),
}


@pytest.mark.parametrize(("one", "other", "left", "right"), SHOWN.values(), ids=SHOWN)
def test_both_values_of_a_difference_are_shown(one, other, left, right) -> None:
    assert differences({"x": one}, {"x": other}, (), {}) == [("x", left, right)]


def test_what_is_compared_exactly_is_read_as_it_is() -> None:
    assert readings(Identity(key=("name",)), {"x": FieldKind.EXACT}) == {}
    assert list(readings(IDENTITY, {"x": FieldKind.EXACT, "i": FieldKind.INTEGER})) == ["i", "chainId", "contractName"]


def test_both_values_of_a_difference_are_cleaned_of_secrets() -> None:
    def clean(text: str) -> str:
        return text.replace("hunter2", "<X>")

    told = differences({"a": "hunter2", "b": ["hunter2"]}, {"a": "x hunter2", "b": "hunter2"}, (), {}, clean)

    assert told == [("a", "<X>", "x <X>"), ("b", "['<X>']", "<X>")]


def test_nothing_is_shown_by_its_name() -> None:
    assert differences({}, {"x": None}, (), {}) == [("x", "nothing", "None")]
    assert differences({"x": [1]}, {}, (), {}) == [("x", "[1]", "nothing")]


def test_a_name_with_a_colon_stays_whole_where_names_are_not_short() -> None:
    """Else two records would be taken for one."""
    named = Identity(key=("name",), aliases={"name": {"x": "y"}})

    assert [named.of({"name": name}) for name in ("a:b", "b", "x")] == ["a:b", "b", "y"]


def test_an_address_with_blanks_is_no_address() -> None:
    assert placeholder("0x" + "ab" * 19 + "  ") == "no address"
    assert placeholder("1x" + "ab" * 20) == "no address"
    assert placeholder("0x" + "zz" * 20) == "no address"
