"""What two records mean is the same bytes only where they differ in nothing that is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core import meaning
from pytest_rollout.core.meaning import Meaning
from pytest_rollout.core.record import FieldKind, Identity, differences, readings

IDENTITY = Identity(key=("net",), aliases={"net": {"bsc": "bscmainnet"}})
KINDS = {"a": FieldKind.ADDRESS, "h": FieldKind.HASH, "i": FieldKind.INTEGER, "t": FieldKind.TIME}
READINGS = readings(IDENTITY, KINDS)
LOWER, UPPER = "0x" + "ab" * 20, "0x" + "AB" * 20

SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fields in another order": ({"x": 1, "y": "z"}, {"y": "z", "x": 1}),
    "an address in another case": ({"a": LOWER}, {"a": UPPER}),
    "addresses in a list": ({"h": [LOWER]}, {"h": [UPPER]}),
    "an integer as text": ({"i": 5}, {"i": "5n"}),
    "a big integer": ({"i": 2**70}, {"i": hex(2**70)}),
    "an instant in another zone": ({"t": "2025-01-01T00:00:00Z"}, {"t": "2025-01-01T01:00:00.000+01:00"}),
    "an alias": ({"net": "bsc"}, {"net": "bscmainnet"}),
    "no fields": ({}, {}),
}
OTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one and true": ({"x": 1}, {"x": True}),
    "one and its text": ({"x": 1}, {"x": "1"}),
    "one and its float": ({"x": 1}, {"x": 1.0}),
    "one and its decimal": ({"x": 1}, {"x": {"decimal": "1"}}),
    "the last digit beyond 2^53": ({"x": 2**53}, {"x": 2**53 + 1}),
    "integers of one hash": ({"x": 1}, {"x": 2**61}),
    "null and nothing": ({"x": None}, {}),
    "null and its text": ({"x": None}, {"x": "None"}),
    "another field of the same value": ({"x": 1}, {"y": 1}),
    "values that changed places": ({"x": 1, "y": 2}, {"x": 2, "y": 1}),
    "text in another case": ({"a": "Look"}, {"a": "look"}),
    "exact hex in another case": ({"x": LOWER}, {"x": UPPER}),
    "a list and a text of it": ({"x": ["a", "b"]}, {"x": "['a', 'b']"}),
    "an instant and a list that looks like it": ({"t": "1970-01-01T00:00:00Z"}, {"t": ["instant", 0]}),
    "an instant and its nanoseconds": ({"t": "1970-01-01T00:00:01Z"}, {"t": 10**9}),
    "an alias in another field": ({"x": "bsc"}, {"x": "bscmainnet"}),
    "a field more": ({"x": 1}, {"x": 1, "y": None}),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_two_spellings_mean_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    means = Meaning((), READINGS)

    assert means.of(one) == means.of(other)


@pytest.mark.parametrize("most", [0, 1000])
@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_what_differs_does_not_mean_the_same(monkeypatch: Any, one: Any, other: Any, most: int) -> None:
    monkeypatch.setattr(meaning, "_MOST_FORMS", most)
    means = Meaning((), READINGS)

    assert means.of(one) != means.of(other)


def test_only_the_declared_fields_are_meant() -> None:
    means = Meaning(("x", "y"), {})

    assert means.of({"x": 1, "note": "old"}) == means.of({"note": "new", "x": 1})
    assert means.of({"x": 1}) != means.of({"x": 1, "y": 1})
    assert means.of({"note": "old"}) == means.of({})


def test_null_means_nothing_where_the_plan_says_so() -> None:
    means, strict = Meaning((), {}, null_is_absent=True), Meaning((), {})

    assert means.of({"x": 1, "y": None}) == means.of({"x": 1})
    assert means.all([{"x": None, "y": 1}, {"x": 1, "y": 1}]) == [means.of({"y": 1}), means.of({"x": 1, "y": 1})]
    assert strict.of({"x": 1, "y": None}) != strict.of({"x": 1})


def test_what_no_json_holds_means_nothing() -> None:
    with pytest.raises(ValueError, match="unmarshallable"):
        Meaning((), {}).of({"x": object()})


VALUES = st.one_of(
    st.sampled_from([0, 1, True, None, "1", "5n", LOWER, UPPER, "bsc", "bscmainnet", 2**53, 2**53 + 1, 1.0]),
    st.sampled_from([{"decimal": "1.0"}, {"decimal": "1"}, ["1"], [1], ["instant", 0], "1970-01-01T00:00:00Z", {}]),
)
RECORDS = st.dictionaries(st.sampled_from(["net", "a", "i", "t", "x", "y"]), VALUES)


@given(one=RECORDS, other=RECORDS, fields=st.sampled_from([(), ("a",), ("x", "t")]), is_absent=st.booleans())
def test_records_of_one_meaning_differ_in_nothing(one: Any, other: Any, fields: Any, is_absent: bool) -> None:
    means = Meaning(fields, READINGS, null_is_absent=is_absent)

    if means.of(one) == means.of(other):
        if is_absent:
            one, other = ({key: each for key, each in side.items() if each is not None} for side in (one, other))
        assert differences(one, other, fields, READINGS) == []
