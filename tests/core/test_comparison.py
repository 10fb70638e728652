"""What counts as the same answer, and where two answers first differ."""

from __future__ import annotations

import enum
import json
from array import array
from collections import abc, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.answer import AGREED, Answer, Refusal, Relation, compare, refusal_of
from pytest_rollout.core.comparison import (
    ABSENT,
    DEEPEST,
    Difference,
    Uncomparable,
    canonical,
    differences,
    is_below,
    same,
    shown,
)


@dataclass
class Result:
    valid: bool
    root: bytes


Pair = namedtuple("Pair", ["valid", "root"])  # noqa: PYI024 - what projects write


class Plain:
    def __init__(self) -> None:
        self.valid, self.root, self._cache = True, b"\xab", object()


class Colour(enum.Enum):
    RED = "0xAB"


SAME = {
    "map order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "hex case": ("0xABcd", "0xabCD"),
    "hex case of keys": ({"0xAB": 1}, {"0xab": 1}),
    "bytes and their hex": (b"\xab\xcd", "0xABCD"),
    "tuple and list": ((1, 2), [1, 2]),
    "sets": ({3, 1, 2}, frozenset({1, 2, 3})),
    "dataclass and map": (Result(True, b"\xab"), {"valid": True, "root": "0xab"}),
    "named tuple and map": (Pair(True, b"\xab"), {"root": "0xab", "valid": True}),
    "object and map": (Plain(), {"valid": True, "root": "0xAB"}),
    "enum and value": (Colour.RED, "0xab"),
    "large integers": (2**255 + 1, 2**255 + 1),
}
DIFFERENT = {
    "off by one beyond a float": (2**53, 2**53 + 1, ""),
    "true and 1": (True, 1, ""),
    "1 and 1.0": (1, 1.0, ""),
    "0 and nothing": ({"a": 0}, {}, "a"),
    "nothing and null": ({}, {"a": None}, "a"),
    "list order": ([1, 2], [2, 1], "[0]"),
    "a longer list": ({"logs": [1]}, {"logs": [1, 2]}, "logs[1]"),
    "text case": ("Valid", "valid", ""),
    "a quantity and its hex": (255, "0xff", ""),
    "leading zeros": ("0x01", "0x1", ""),
    "deep": ({"r": [{"gas": 1}, {"gas": 21000}]}, {"r": [{"gas": 1}, {"gas": 21001}]}, "r[1].gas"),
    "the first in order of keys": ({"b": 1, "a": 1}, {"a": 2, "b": 2}, "a"),
    "not a number": (float("nan"), float("nan"), ""),
}


@pytest.mark.parametrize(("left", "right"), SAME.values(), ids=SAME)
def test_these_are_the_same_answer(left, right) -> None:
    assert compare(Answer(value=left), Answer(value=right)) == AGREED
    assert compare(Answer(value=right), Answer(value=left)) == AGREED


@pytest.mark.parametrize(("left", "right", "path"), DIFFERENT.values(), ids=DIFFERENT)
def test_these_differ_and_the_first_field_is_told(left, right, path) -> None:
    comparison = compare(Answer(value=left), Answer(value=right))

    assert comparison.relation is Relation.DIFFERING
    assert comparison.first is not None
    assert comparison.first.path == path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_the_short_way_never_says_same_where_fields_differ(left, right) -> None:
    """It is paid on every block, and may only ever be too careful."""
    try:
        differing = list(differences(canonical(left), canonical(right)))
    except Uncomparable:
        return
    if same(left, right):
        assert differing == []


@given(JSON)
def test_canonical_values_are_json_and_stay_as_they_are(value) -> None:
    try:
        once = canonical(value)
    except Uncomparable:
        return
    assert json.dumps(canonical(once)) == json.dumps(once)


class Endless(dict):
    pass


def _endless() -> dict:
    endless: dict = {}
    endless["self"] = endless
    return endless


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(_endless(), id="contains itself"),
        pytest.param({"0xAB": 1, "0xab": 2}, id="one key in two spellings"),
        pytest.param({1: 1, "1": 2}, id="a number and its text as keys"),
        pytest.param(object(), id="no fields"),
        pytest.param(len, id="a function"),
        pytest.param(Plain, id="a class"),
    ],
)
def test_an_answer_that_cannot_be_compared_is_an_error_of_who_gave_it(value) -> None:
    """Nothing is ever equal because neither side could be read."""
    assert compare(Answer(value=1), Answer(value=value)).relation is Relation.CANDIDATE_ERROR
    assert compare(Answer(value=value), Answer(value=1)).relation is Relation.REFERENCE_ERROR


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(array("i", [1, 0]), array("q", [1]), id="items of other sizes"),
        pytest.param(array("f", [1.0]), array("I", [0x3F800000]), id="a float and its bits"),
        pytest.param([b"\1\0\0\0"], [array("i", [1])], id="bytes and an array of numbers"),
    ],
)
def test_arrays_of_the_same_bytes_are_not_the_same_numbers(left, right) -> None:
    """The short way writes any array as its bytes, whatever its items are."""
    assert compare(Answer(value=left), Answer(value=right)).relation.is_divergence


class Broken(dict):
    def items(self):
        raise RuntimeError("not today")


def test_an_answer_that_raises_when_it_is_read_is_an_error_of_who_gave_it() -> None:
    assert (
        compare(Answer(value=1), Answer(value=Broken())).text
        == "the candidate's answer: reading it raised RuntimeError."
    )
    assert compare(Answer(value=Broken()), Answer(value=1)).relation is Relation.REFERENCE_ERROR
    assert Answer(value=Broken()).document() == {"raised": "Uncomparable", "text": "reading it raised RuntimeError."}


def test_two_objects_without_fields_are_not_the_same() -> None:
    """Not even if they are one object: nothing was read of it."""
    nothing = Answer(value=object())

    assert compare(nothing, nothing).relation is Relation.REFERENCE_ERROR


def refusal(reason: str) -> Answer:
    return Answer(refusal=Refusal(reason=reason, text="no"))


@pytest.mark.parametrize(
    ("reference", "candidate", "relation"),
    [
        (refusal("BadMerkleRoot"), refusal("BadMerkleRoot"), Relation.AGREED_REFUSAL),
        (refusal("BadMerkleRoot"), refusal("BadTimestamp"), Relation.DIFFERING),
        (Answer(value=True), refusal("BadMerkleRoot"), Relation.CANDIDATE_ERROR),
        (Answer(value=None), refusal("BadMerkleRoot"), Relation.CANDIDATE_ERROR),
        (refusal("BadMerkleRoot"), Answer(value=True), Relation.REFERENCE_ERROR),
        (refusal("BadMerkleRoot"), refusal("TypeError"), Relation.CANDIDATE_ERROR),
        (refusal("TypeError"), refusal("TypeError"), Relation.REFERENCE_ERROR),
        (refusal("MemoryError"), refusal("BadMerkleRoot"), Relation.REFERENCE_ERROR),
    ],
)
def test_two_that_raise_agree_only_if_they_refuse_for_the_same_class_of_reason(reference, candidate, relation) -> None:
    """Two broken engines are no agreement (rule 24)."""
    comparison = compare(reference, candidate)

    assert comparison.relation is relation
    assert comparison.relation.is_divergence is (relation is not Relation.AGREED_REFUSAL)


def test_reasons_are_renamed_and_may_be_the_engines_own_word() -> None:
    class InvalidBlock(Exception):  # noqa: N818 - what projects write
        refusal = "BadMerkleRoot"

    class MerkleError(Exception):
        pass

    assert refusal_of(InvalidBlock("x"), {}).reason == "BadMerkleRoot"
    assert refusal_of(MerkleError("x"), {"MerkleError": "BadMerkleRoot"}).reason == "BadMerkleRoot"
    assert refusal_of(ConnectionResetError(), {}).is_crash


def test_an_exception_whose_text_raises_is_still_a_refusal() -> None:
    class Broken(Exception):  # noqa: N818 - as above
        def __str__(self) -> str:
            raise RuntimeError

    assert refusal_of(Broken(), {}).text == "<its text raised RuntimeError>"


def test_fields_left_out_are_counted_as_ignored_and_not_as_agreed() -> None:
    """Three different things: agreed, ignored, diverged (rule 24)."""
    reference = Answer(value={"valid": True, "ms": 12, "parts": [{"ms": 1}]})
    near = Answer(value={"valid": True, "ms": 3, "parts": [{"ms": 2}]})
    far = Answer(value={"valid": False, "ms": 3, "parts": [{"ms": 2}]})

    assert compare(reference, near, ("ms", "parts[].ms")).relation is Relation.IGNORED
    assert compare(reference, near, ("ms",)).relation is Relation.DIFFERING
    assert [each.path for each in compare(reference, far, ("ms", "parts[].ms")).differences] == ["valid"]


@pytest.mark.parametrize(
    ("path", "left_out", "below"),
    [
        ("ms", "ms", True),
        ("ms.wall", "ms", True),
        ("msx", "ms", False),
        ("a[3].ms", "a[].ms", True),
        ("a[3].ms", "a[3]", True),
        ("a[3].ms", "a[2]", False),
        ("a[3].ms", "a", True),
    ],
)
def test_a_field_left_out_is_that_field_and_what_is_below(path, left_out, below) -> None:
    assert is_below(path, left_out) is below


def test_what_is_plainly_the_same_needs_no_walk() -> None:
    """Only True is an answer; not-a-number and what cannot be written have to be looked at."""
    value = {"root": "0xab", "gas": [1, 2.5, None, True]}

    assert same(value, json.loads(json.dumps(value))) is True
    assert same(value, {}) is False
    assert same(float("nan"), float("nan")) is False
    assert same(object(), object()) is False


def test_a_difference_is_one_line_and_one_table() -> None:
    left = {"b": 1, "a": "\u00fc"}
    found = Difference(path="", reference=left, candidate=ABSENT)

    assert str(found) == 'the answer: reference {"a": "\u00fc", "b": 1}, candidate nothing'
    assert str(Difference(path="r[1].gas", reference=1, candidate=2)) == "r[1].gas: reference 1, candidate 2"
    assert found.document() == {"path": "", "reference": left}
    assert Difference(path="a", reference=ABSENT, candidate=None).document() == {"path": "a", "candidate": None}


def test_long_values_are_cut_where_they_are_shown() -> None:
    assert shown("x" * 198) == f'"{"x" * 198}"'
    assert shown("x" * 199) == f'"{"x" * 198}\u2026'


def nested(depth: int, within: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = within(value)
    return value


class Wraps:
    def __init__(self, value: Any) -> None:
        self.value = value


@dataclass(frozen=True)
class Held:
    value: Any


WITHIN = {
    "lists": lambda value: [value],
    "maps": lambda value: {"a": value},
    "named tuples": lambda value: Pair(value, 1),
    "objects": Wraps,
    "dataclasses": Held,
    "sets": lambda value: frozenset({value}),
}


@pytest.mark.parametrize("within", WITHIN.values(), ids=WITHIN)
def test_an_answer_may_be_nested_so_deep_and_no_deeper(within: Any) -> None:
    canonical(nested(DEEPEST, within))
    with pytest.raises(Uncomparable, match=r"^an answer is nested more than 200 deep, or contains itself\.$"):
        canonical(nested(DEEPEST + 1, within))


def test_sets_are_in_the_order_of_what_they_hold() -> None:
    """Of maps as well, whose keys have no order of their own."""
    pairs = [Held({"b": 1, "a": 2}), Held({"a": 1, "b": 2})]

    class OnlySet(abc.Set):
        def __init__(self, given: list[Any]) -> None:
            self.given = given

        def __iter__(self) -> Any:
            return iter(self.given)

        def __len__(self) -> int:
            return len(self.given)

        def __contains__(self, each: object) -> bool:
            return each in self.given

    assert canonical(OnlySet([3, 10, 2])) == [10, 2, 3]
    assert canonical(OnlySet([each.value for each in pairs])) == canonical(
        OnlySet([each.value for each in pairs[::-1]])
    )
    assert canonical(OnlySet([{"b": 1, "a": 2}, {"a": 1, "b": 3}])) == [{"a": 1, "b": 3}, {"a": 2, "b": 1}]


class Amount(int):
    """A library's own number."""


class Word(str):
    """A library's own text."""

    __slots__ = ()


def test_a_librarys_own_numbers_and_texts_are_what_they_hold() -> None:
    assert canonical({Word("0xAB"): [Amount(7), Word("0xCD")]}) == {"0xab": [7, "0xcd"]}
    assert type(canonical(Amount(7))) is int
    assert canonical("0XAB") == "0xab"
    assert canonical("0Xyz") == "0Xyz"
    assert canonical({1: "a", None: "b"}) == {"1": "a", "null": "b"}


def test_what_has_no_fields_is_refused_by_its_type() -> None:
    with pytest.raises(
        Uncomparable, match=r"^a value of type function has no fields to compare; answer plain values\.$"
    ):
        canonical(nested)
    with pytest.raises(Uncomparable, match=r"^a value of type type has no fields"):
        canonical(Held)


def test_a_key_in_two_spellings_is_refused_by_name() -> None:
    with pytest.raises(Uncomparable) as caught:
        canonical({f"0x{'ab' * 50}": 1, f"0x{'AB' * 50}": 2})

    assert str(caught.value) == f"an answer has the key '0x{'ab' * 39}' twice, in two spellings."


def test_each_side_of_a_difference_is_told() -> None:
    assert list(differences({"a": 1, "b": [1]}, {"b": [1, 2], "c": None})) == [
        Difference(path="a", reference=1, candidate=ABSENT),
        Difference(path="b[1]", reference=ABSENT, candidate=2),
        Difference(path="c", reference=ABSENT, candidate=None),
    ]
    assert list(differences({"a": None}, {})) == [Difference(path="a", reference=None, candidate=ABSENT)]


def in_lists(depth: int, inside: Any = 1) -> Any:
    for _ in range(depth):
        inside = [inside]
    return inside


def within(value: Any) -> Any:
    return enum.Enum("Within", {"VALUE": value}).VALUE  # type: ignore[attr-defined]


def of_pairs(depth: int) -> Any:
    """A key of a map, so many deep."""
    key: Any = ()
    for _ in range(depth):
        key = (key,)
    return {key: 1}


DEEP: dict[str, tuple[Any, Any]] = {
    "lists": (in_lists(DEEPEST), in_lists(DEEPEST + 1)),
    "an enum": (within(in_lists(DEEPEST - 1)), within(in_lists(DEEPEST))),
    "a key": (of_pairs(DEEPEST - 1), of_pairs(DEEPEST)),
    "a list of a library's own text": (
        in_lists(DEEPEST - 1, type("Text", (str,), {})("a")), in_lists(DEEPEST, type("Text", (str,), {})("a")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("deepest", "deeper"), DEEP.values(), ids=DEEP)
def test_an_answer_may_be_so_deep_and_no_deeper(deepest: Any, deeper: Any) -> None:
    canonical(deepest)

    with pytest.raises(Uncomparable, match=f"^an answer is nested more than {DEEPEST} deep, or contains itself"):
        canonical(deeper)


@dataclass(slots=True)
class Slotted:
    gas: int


class Callable:
    def __init__(self) -> None:
        self.gas = 1

    def __call__(self) -> None:
        """An answer that was not asked for yet."""


def test_fields_in_slots_are_compared() -> None:
    assert canonical(Slotted(gas=1)) == {"gas": 1}


def test_what_can_be_called_is_no_answer() -> None:
    with pytest.raises(Uncomparable, match="^a value of type Callable has no fields to compare; answer plain values"):
        canonical(Callable())
