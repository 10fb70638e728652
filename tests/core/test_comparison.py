"""What counts as the same answer, and where two answers first differ."""

from __future__ import annotations

import enum
import json
from array import array
from collections import namedtuple
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.answer import AGREED, Answer, Refusal, Relation, compare, refusal_of
from pytest_rollout.core.comparison import Uncomparable, canonical, differences, is_below, same


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
