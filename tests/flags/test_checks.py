"""Declared flags, observed through real providers and judged."""

from __future__ import annotations

import json

import pytest

from pytest_rollout.core.flag_rule import judge_flag
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import FlagState
from pytest_rollout.flags.checks import observe_flag

VALUES = {
    "on": True,
    "off": False,
    "limit": 25,
    "mode": "shadow",
    "empty": "",
    "zero": 0,
    "cohort": ["0xab", 1, True],
    "caps": {"daily": 10, "deep": {"x": [1]}},
}


@pytest.fixture(params=["memory", "flagd"])
def flags(request, write_flags, opened, boolean):
    """The same flags from both providers: what holds for one must hold for the other."""
    if request.param == "memory":
        return opened(**VALUES)
    write_flags(**{key: boolean(variants={"v": value}, defaultVariant="v") for key, value in VALUES.items()})
    return opened()


def judged(flags, key, expected):
    """Through JSON, as an event carries it from the recorder to the judge."""
    observation = json.loads(json.dumps(observe_flag(flags, key, expected)))
    return judge_flag("i", FlagState(key=key, expected=expected), observation, source=flags.source)


class TestEveryProvider:
    @pytest.mark.parametrize("key", VALUES)
    def test_a_flag_with_the_declared_value_passes(self, flags, key):
        finding = judged(flags, key, VALUES[key])

        assert (finding.outcome, finding.detail) == (Outcome.PASS, "")

    @pytest.mark.parametrize(
        ("key", "expected"),
        [("on", False), ("off", True), ("limit", 26), ("mode", "rust"), ("cohort", []), ("caps", {})],
    )
    def test_a_flag_with_another_value_fails(self, flags, key, expected):
        assert judged(flags, key, expected).outcome is Outcome.FAIL

    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            pytest.param("on", 1, id="true-is-not-1"),
            pytest.param("zero", False, id="0-is-not-false"),
            pytest.param("limit", "25", id="25-is-not-text"),
            pytest.param("empty", False, id="empty-text-is-not-false"),
            pytest.param("cohort", ["0xab", 1, 1], id="true-in-a-list-is-not-1"),
        ],
    )
    def test_a_value_of_another_type_never_passes(self, flags, key, expected):
        assert judged(flags, key, expected).outcome in {Outcome.FAIL, Outcome.ERROR}

    def test_an_unknown_flag_is_an_error_that_names_the_nearest(self, flags):
        finding = judged(flags, "limits", 25)

        assert finding.outcome is Outcome.ERROR
        assert finding.detail == (
            f"could not be evaluated: FLAG_NOT_FOUND: no flag 'limits'; {flags.source} has "
            "caps, cohort, empty, limit, mode, off, on, zero. Did you mean 'limit'?"
        )

    def test_closed_flags_are_an_error(self, flags):
        flags.close()

        finding = judged(flags, "on", True)

        assert finding.outcome is Outcome.ERROR
        assert finding.detail == "could not be evaluated: PROVIDER_NOT_READY: closed"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        pytest.param(
            {"state": "DISABLED", "defaultVariant": "on"},
            "merely the caller's own default came back (reason DISABLED)",
            id="disabled",
        ),
        pytest.param(
            {"defaultVariant": None},
            "merely the caller's own default came back (reason DEFAULT)",
            id="no-default-variant",
        ),
        pytest.param(
            {"defaultVariant": None, "targeting": {"if": [False, "on"]}},
            "merely the caller's own default came back (reason DEFAULT)",
            id="no-rule-matches",
        ),
        pytest.param(
            {"variants": {"on": "true"}, "defaultVariant": "on"},
            "could not be evaluated: TYPE_MISMATCH: Expected type bool but got str",
            id="another-type",
        ),
        pytest.param(
            {"targeting": {"in_cohort": [1]}},
            "could not be evaluated: PARSE_ERROR: Invalid targeting {'in_cohort': [1]}",
            id="unknown-operator",
        ),
        pytest.param(
            {"targeting": {"if": [{"/": [1, 0]}, "on"]}},
            "could not be evaluated: GENERAL: division by zero",
            id="targeting-raises",
        ),
        pytest.param(
            {"targeting": {"if": [True, "onn"]}},
            "could not be evaluated: GENERAL: Resolved variant onn not in variants config.",
            id="unknown-variant",
        ),
        pytest.param(
            {"targeting": [1]},
            "could not be evaluated: PARSE_ERROR: Invalid 'targeting' value in flag: [1]",
            id="targeting-a-list",
        ),
    ],
)
@pytest.mark.parametrize("expected", [True, False])
def test_a_flag_that_nobody_decided_is_no_evidence(write_flags, opened, boolean, changes, detail, expected):
    """Whatever the plan expects: the caller's own default would satisfy one of the two."""
    write_flags(profiles=boolean(**changes))

    finding = judged(opened(), "profiles", expected)

    assert (finding.outcome, finding.detail) == (Outcome.ERROR, detail)


def test_a_default_variant_that_the_file_names_is_evidence(write_flags, opened, boolean):
    """No rule matches, so the flag's own default variant stands: the file decided that."""
    write_flags(profiles=boolean(targeting={"if": [False, "on"]}))

    finding = judged(opened(), "profiles", False)

    assert (finding.outcome, finding.measured) == (Outcome.PASS, "false (DEFAULT, variant off)")


def test_a_share_declared_as_one_value_fails(write_flags, opened, by_stage):
    """One hash decides what the audience's own key gets; a tenth of the users would get the other."""
    write_flags(profiles=by_stage(beta=10))

    outcomes = {expected: judged(opened("beta"), "profiles", expected) for expected in (True, False)}

    assert {finding.outcome for finding in outcomes.values()} == {Outcome.FAIL}
    assert any("users of this stage get another value" in f.detail for f in outcomes.values())


def test_a_rule_that_fails_for_some_users_only_is_an_error(write_flags, opened, boolean):
    rule = {"if": [{"starts_with": [{"var": "targetingKey"}, "0x"]}, "nowhere", "on"]}
    write_flags(profiles=boolean(targeting=rule))

    finding = judged(opened(), "profiles", True)

    assert finding.outcome is Outcome.ERROR
    assert finding.detail.endswith("GENERAL: Resolved variant nowhere not in variants config.")


def test_a_file_that_broke_after_opening_is_an_error(write_flags, opened, boolean):
    """The value read before is still served, and must not be judged."""
    path = write_flags(profiles=boolean(defaultVariant="on"))
    flags = opened()
    path.write_text("{")

    finding = judged(flags, "profiles", True)

    assert finding.outcome is Outcome.ERROR
    assert finding.detail == ("could not be evaluated: PROVIDER_ERROR: Could not parse JSON flag data from file")


def test_a_flag_removed_after_opening_is_an_error(write_flags, opened, boolean):
    write_flags(profiles=boolean(defaultVariant="on"))
    flags = opened()
    write_flags(profile=boolean(defaultVariant="on"))

    assert judged(flags, "profiles", True).detail == (
        "could not be evaluated: FLAG_NOT_FOUND: no flag 'profiles'; flagd:flags.json has profile. "
        "Did you mean 'profile'?"
    )
