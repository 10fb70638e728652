"""What proves a flag's value, and what does not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pytest_rollout.core.flag_rule import is_same, judge_flag
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import FlagState

SOUND = {
    "value": True,
    "again": True,
    "type": "bool",
    "reason": "STATIC",
    "variant": "on",
    "error": "",
    "default": False,
    "probes": 100,
    "others": 0,
}


def judged(expected=True, **changes):
    return judge_flag("i", FlagState(key="profiles", expected=expected), {**SOUND, **changes})


def test_an_evaluated_flag_with_the_declared_value_passes():
    finding = judge_flag(
        "rollout.toml::beta::flags::profiles",
        FlagState(key="profiles", expected=True),
        SOUND,
        source="memory",
    )

    assert finding.document() == {
        "item": "rollout.toml::beta::flags::profiles",
        "kind": Kind.FLAG.value,
        "title": "flag profiles is true",
        "outcome": "pass",
        "required": True,
        "measured": "true (STATIC, variant on)",
        "needed": "true",
        "source": "memory",
    }


def test_all_that_a_reader_needs_of_a_flag_is_told():
    """What could not be read, what differs and for how many."""
    assert judged(error="gone").remedy == "correct the flag or the provider"
    lacking = judge_flag("i", FlagState(key="f", expected=True), {"value": True, "again": True, "type": "bool"})
    assert (lacking.detail, lacking.remedy) == ("the observation lacks default, probes, others", "run the gate again")
    assert (judged(expected=False).detail, judged(expected=1).detail) == ("", "a value of type bool, not int")
    assert judged(reason="", variant="").measured == "true (no reason, no variant)"
    odd = judged(probes=1, others=2)
    assert (odd.outcome, odd.detail, odd.remedy) == (
        Outcome.ERROR, "no reading: 2 of 1 users differ", "run the gate again",
    )  # fmt: skip
    assert judged().source == ""


@pytest.mark.parametrize(
    ("probes", "others", "outcome"), [(1, 0, Outcome.PASS), (1, 1, Outcome.FAIL), (9, 9, Outcome.FAIL)]
)
def test_one_user_is_enough_and_all_may_differ(probes, others, outcome):
    assert judged(probes=probes, others=others).outcome is outcome


def test_tables_are_the_same_if_all_of_their_values_are():
    assert not is_same({"a": 1, "b": 2}, {"a": 1, "b": 3})
    assert is_same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_a_value_that_json_lacks_is_written_as_its_text():
    assert judged(value=Fraction(1, 3)).measured == '"1/3" (STATIC, variant on)'


@pytest.mark.parametrize(
    ("expected", "title"),
    [(False, "is false"), (25, "is 25"), ("shadow", 'is "shadow"'), (["ä"], 'is ["ä"]'), ("1", 'is "1"')],
)
def test_the_title_tells_the_value_with_its_type(expected, title):
    assert judged(expected).title == f"flag profiles {title}"


def test_another_value_fails_and_says_what_to_change():
    finding = judged(expected=False)

    assert (finding.outcome, finding.measured, finding.needed) == (
        Outcome.FAIL,
        "true (STATIC, variant on)",
        "false",
    )
    assert finding.remedy == "set flag profiles to false for this stage, or correct the plan"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        pytest.param(1, True, id="true-for-1"),
        pytest.param(True, 1, id="1-for-true"),
        pytest.param(1, 1.0, id="1.0-for-1"),
        pytest.param("1", 1, id="1-for-text"),
        pytest.param(0, "", id="empty-text-for-0"),
        pytest.param([1], [True], id="in-a-list"),
        pytest.param({"a": 0}, {"a": False}, id="in-a-table"),
        pytest.param({"a": 0}, {}, id="a-key-less"),
        pytest.param([], [1], id="longer-list"),
    ],
)
def test_a_value_of_another_type_fails(expected, value):
    assert judged(expected, value=value, again=value, type=type(value).__name__).outcome is Outcome.FAIL


def test_the_type_that_was_seen_counts_even_where_transport_changed_the_value():
    """An integer beyond 2**53 may travel as text, and must not pass for that text."""
    finding = judged(str(2**60), value=str(2**60), again=str(2**60), type="int")

    assert (finding.outcome, finding.detail) == (Outcome.FAIL, "a value of type int, not str")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        pytest.param(
            {"error": "FLAG_NOT_FOUND: no flag"},
            "could not be evaluated: FLAG_NOT_FOUND: no flag",
            id="error",
        ),
        pytest.param(
            {"default": True, "reason": "DISABLED"},
            "merely the caller's own default came back (reason DISABLED)",
            id="caller's-default",
        ),
        pytest.param(
            {"default": None, "reason": ""},
            "merely the caller's own default came back (reason none given)",
            id="unknown-whether-default",
        ),
        pytest.param({"probes": 0}, "no reading: 0 of 0 users differ", id="no-user-asked"),
        pytest.param({"probes": True}, "no reading: 0 of True users differ", id="probes-no-number"),
        pytest.param({"others": -1}, "no reading: -1 of 100 users differ", id="negative"),
        pytest.param({"others": None}, "no reading: None of 100 users differ", id="null"),
    ],
)
def test_what_is_no_evidence_is_an_error(changes, detail):
    finding = judged(**changes)

    assert (finding.outcome, finding.detail) == (Outcome.ERROR, detail)


def test_an_error_shows_no_value():
    """The value beside an error is the caller's own; printing it would look like a measurement."""
    assert judged(error="TYPE_MISMATCH").measured == "no value"


@pytest.mark.parametrize("key", ["value", "again", "type", "default", "probes", "others"])
def test_an_absent_key_is_missing_and_not_a_good_sign(key):
    observation = {name: value for name, value in SOUND.items() if name != key}

    finding = judge_flag("i", FlagState(key="profiles", expected=True), observation)

    assert (finding.outcome, finding.detail) == (Outcome.ERROR, f"the observation lacks {key}")


def test_nothing_observed_is_an_error():
    finding = judge_flag("i", FlagState(key="profiles", expected=False), {})

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "no value")


@pytest.mark.parametrize("observation", [None, [], "true", True], ids=str)
def test_an_observation_that_is_no_table_is_an_error(observation):
    assert judge_flag("i", FlagState(key="profiles", expected=True), observation).outcome is Outcome.ERROR


def test_a_flag_that_changes_its_mind_fails():
    finding = judged(again=False)

    assert (finding.outcome, finding.detail) == (Outcome.FAIL, "asked twice, it gave true, then false")


def test_a_flag_with_another_value_for_some_users_fails():
    finding = judged(others=9)

    assert (finding.outcome, finding.detail) == (
        Outcome.FAIL,
        "9 of 100 users of this stage get another value",
    )
    assert finding.remedy == "declare the share as exposure, not flag profiles as one value"


@pytest.mark.parametrize("value", [True, 0, "", "on", [1, [2]], {"a": {"b": []}}])
def test_a_value_is_the_same_as_itself(value):
    assert is_same(value, value)
