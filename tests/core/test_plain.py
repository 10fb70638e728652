"""A plan as plain JSON: back exactly, and nothing else made on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.plain import _is_default, plain, read
from pytest_rollout.core.rollout import ChecklistEntry, ContractState, Exposure, Stage

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.fractions(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
    st.floats(allow_nan=False),
    st.binary(max_size=8),
    st.sampled_from(Kind),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=3) | st.integers() | st.just("="), inner, max_size=4),
        st.builds(ContractState, contract=st.text(), what=st.text(), expected=inner, arguments=st.tuples(inner)),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = read(json.loads(json.dumps(plain(value))))

    assert back == value
    assert type(back) is type(value)


def test_a_whole_stage_comes_back() -> None:
    stage = Stage(
        name="alpha",
        title="Alpha",
        exposure=Exposure(share=Fraction(1, 4), flag="swap"),
        checklist=(ChecklistEntry(number=1, text="letter"),),
        deadline=timedelta(days=400, microseconds=1),
    )

    assert read(json.loads(json.dumps(plain(stage)))) == stage


def test_a_value_is_written_as_shortly_as_it_can_be() -> None:
    """What is as its default is left out, and a table of texts is one."""
    stage = Stage(name="alpha", title="Alpha", checklist=(ChecklistEntry(number=1, text="letter"),))

    assert plain({"a": 1, "b": [True, None]}) == {"a": 1, "b": [True, None]}
    assert plain({1: "a"}) == {"=": ["table", [[1, "a"]]]}
    assert plain({"=": "a"}) == {"=": ["table", [["=", "a"]]]}
    entry = {"=": ["value", "rollout:ChecklistEntry", {"number": 1, "text": "letter"}]}
    assert plain(stage) == {
        "=": ["value", "rollout:Stage", {"name": "alpha", "title": "Alpha", "checklist": {"=": ["tuple", [entry]]}}]
    }
    assert read({"a": [1, {"b": 2}]}) == {"a": [1, {"b": 2}]}


@dataclass(frozen=True)
class Odd:
    """A value of fields that are no plain ones."""

    made: int = field(default=0, init=False)
    several: tuple[int, ...] = field(default_factory=tuple)
    given: object = 1


def test_a_default_is_left_out_only_where_it_is_the_same_in_type_too() -> None:
    """And what a constructor does not take is never written."""
    by_name = {each.name: each for each in fields(Odd)}

    def is_default(value: Odd, name: str) -> bool:
        return _is_default(value, by_name[name])

    odd = Odd()
    object.__setattr__(odd, "made", 5)
    assert (is_default(Odd(), "made"), is_default(odd, "made")) == (True, True)
    assert (is_default(Odd(), "several"), is_default(Odd(several=(1,)), "several")) == (True, False)
    assert [is_default(Odd(given=each), "given") for each in (1, True, 1.0, 2)] == [True, False, False, False]
    with pytest.raises(EvidenceError, match=r"^a plan holds a Odd, which cannot be written down\.$"):
        plain(Odd())


REFUSED = {
    "a class that is no value": {"=": ["value", "redaction:Redactor", {"secrets": {}}]},
    "a value of another module": {"=": ["value", "judging:Finding", {}]},
    "no module": {"=": ["value", "../os:system", {}]},
}


@pytest.mark.parametrize("told", REFUSED.values(), ids=REFUSED)
def test_what_is_no_value_of_a_plan_is_told_by_its_name(told: Any) -> None:
    name = told["="][1]
    with pytest.raises(EvidenceError) as caught:
        read(told)

    assert str(caught.value) == f"the enclosed plan cannot be read (ValueError: {name!r} is no value of a plan)."


@pytest.mark.parametrize("value", [object(), Path, print, {1, 2}, datetime, complex(1)], ids=range(6))
def test_what_no_plan_holds_is_refused(value: object) -> None:
    with pytest.raises(EvidenceError, match=r"^a plan holds a \w+, which cannot be written down\.$"):
        plain(value)


@pytest.mark.parametrize(
    "told",
    [
        {"=": ["value", "subprocess:Popen", {"args": ["true"]}]},
        {"=": ["value", "../os:system", {}]},
        {"=": ["value", "rollout:re.compile", {}]},
        {"=": ["value", "rollout:import_module", {}]},
        {"=": ["value", "evidence:Evidence.of", {}]},
        {"=": ["value", "rollout:Path", {}]},
        {"=": ["value", "no_such_module:X", {}]},
        {"=": ["value", "rollout:Stage", {"name": "x", "title": "x", "sudo": True}]},
        {"=": ["value", "rollout:Stage", {}]},
        {"=": ["enum", "outcome:Kind", "no such kind"]},
        {"=": ["enum", "rollout:Stage", "x"]},
        {"=": ["Fraction", "1/0"]},
        {"=": ["table", [[[], 1]]]},
        {"=": ["nothing", 1]},
        {"=": []},
        {"=": 1},
    ],
    ids=lambda told: json.dumps(told["="])[:40],
)
def test_what_plain_did_not_write_is_refused(told: Any) -> None:
    """Nothing but values of plans is ever made, whatever the file says."""
    with pytest.raises(EvidenceError, match="the enclosed plan cannot be read"):
        read(told)


def test_nesting_without_end_is_refused() -> None:
    told: Any = 1
    for _ in range(100_000):
        told = [told]

    with pytest.raises(EvidenceError, match="RecursionError"):
        read(told)
