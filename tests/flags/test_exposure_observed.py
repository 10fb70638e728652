"""Shares of users, observed through real providers and judged."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

import pytest

from pytest_rollout.core.errors import FlagError
from pytest_rollout.core.exposure import judge_exposure
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Exposure
from pytest_rollout.flags.checks import observe_exposure

SAMPLE = 1_000


def exposure(percent, sample=SAMPLE):
    return Exposure(share=Fraction(percent, 100), flag="checkout", sample=sample)


def judged(flags, declared, *, earlier=None, before=None):
    observation = observe_exposure(flags, declared, stage=flags.stage, earlier=earlier)
    return judge_exposure("i", declared, json.loads(json.dumps(observation)), earlier=before)


def test_a_quarter_of_20_000_users_is_measured_and_accepted(write_flags, opened, by_stage):
    write_flags(checkout=by_stage(beta=25))

    finding = judged(opened("beta"), exposure(25, 20_000))

    assert (finding.outcome, finding.detail) == (Outcome.PASS, "")
    assert finding.measured == "24.76 % of 20,000 (accepted 23.995 % … 26.01 %)"


@pytest.mark.parametrize("actual", [15, 35])
def test_another_share_than_the_declared_one_fails(write_flags, opened, by_stage, actual):
    write_flags(checkout=by_stage(beta=actual))

    assert judged(opened("beta"), exposure(25)).outcome is Outcome.FAIL


@pytest.mark.parametrize(("share", "value"), [(0, False), (100, True)])
def test_nobody_and_everybody_are_exact(opened, share, value):
    flags = opened(checkout=value)

    assert judged(flags, exposure(share)).outcome is Outcome.PASS
    assert judged(flags, exposure(100 - share)).outcome is Outcome.FAIL


def test_one_user_too_many_fails_a_dark_launch(write_flags, opened, boolean):
    from pytest_rollout.flags.users import synthetic_users

    rule = {"if": [{"in": [{"var": "targetingKey"}, [synthetic_users(7)[6]]]}, "on", "off"]}
    write_flags(checkout=boolean(targeting=rule))

    assert judged(opened(), exposure(0)).outcome is Outcome.FAIL


def test_a_share_that_rises_keeps_everybody_who_was_inside(write_flags, opened, by_stage):
    write_flags(checkout=by_stage(alpha=10, beta=25))

    finding = judged(opened("beta"), exposure(25), earlier=opened("alpha"), before=exposure(10))

    assert finding.outcome is Outcome.PASS


def test_a_share_that_rises_by_another_bucketing_loses_users(write_flags, opened, boolean, by_stage):
    """Both shares are right; the users of alpha are thrown out all the same."""
    swapped = {"fractional": [["off", 75], ["on", 25]]}
    alpha = by_stage(alpha=10)["targeting"]
    rule = {"if": [{"==": [{"var": "stage"}, "beta"]}, swapped, alpha]}
    write_flags(checkout=boolean(targeting=rule))

    finding = judged(opened("beta"), exposure(25), earlier=opened("alpha"), before=exposure(10))

    assert finding.outcome is Outcome.FAIL
    assert "users inside at the stage before left again (0x" in finding.detail


def test_a_share_that_the_plan_lowers_may_let_users_go(write_flags, opened, by_stage):
    write_flags(checkout=by_stage(alpha=50, beta=25))

    finding = judged(opened("beta"), exposure(25), earlier=opened("alpha"), before=exposure(50))

    assert finding.outcome is Outcome.PASS


def test_a_rule_by_the_clock_is_not_sticky(write_flags, opened, boolean):
    """It lets in about the right share, but not the same users when asked again."""
    seed = {"cat": [{"var": "targetingKey"}, {"var": "$flagd.timestamp"}]}
    write_flags(checkout=boolean(targeting={"fractional": [seed, ["on", 50], ["off", 50]]}))

    finding = judged(opened(), exposure(50, 20_000))

    assert finding.outcome is Outcome.FAIL
    assert "users got another answer when asked again" in finding.detail


def test_the_clocks_second_of_the_first_answers_is_over_before_anybody_is_asked_again(opened, monkeypatch):
    """However fast the machine: flagd's clock counts whole seconds, and within one of them it stands still."""
    from pytest_rollout.flags import checks

    now, slept = [1_800_000_000.25], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(checks.time, "time", lambda: now[0])
    monkeypatch.setattr(checks.time, "sleep", sleep)

    judged(opened(checkout=True), exposure(100))

    assert slept == [0.75]


def test_a_provider_that_counts_is_not_sticky():
    """Every other user inside, whoever asks: the share is exact and nobody keeps an answer."""
    from openfeature.flag_evaluation import FlagResolutionDetails
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    from pytest_rollout.flags.client import StageFlags
    from pytest_rollout.flags.memory import MemorySource

    class Counting(MemorySource):
        def provider(self):
            turn = itertools.cycle([True, False])

            def decide(flag, context):
                return FlagResolutionDetails(value=next(turn), variant="turn", reason="SPLIT")

            flag = InMemoryFlag(default_variant="turn", variants={"turn": True}, context_evaluator=decide)
            return InMemoryProvider({"checkout": flag})

    flags = StageFlags(Counting({}), rollout="takumi", stage="beta", audience="all")

    finding = judged(flags, exposure(50))

    assert finding.outcome is Outcome.FAIL
    assert finding.detail.startswith("1,000 users got another answer when asked again (0x")


@pytest.mark.parametrize("share", [0, 25, 100])
@pytest.mark.parametrize(
    ("flag", "detail"),
    [
        pytest.param(
            {"state": "DISABLED"},
            "40 users got no answer: merely the caller's own default came back (reason DISABLED)",
            id="disabled",
        ),
        pytest.param(
            {"defaultVariant": None},
            "40 users got no answer: merely the caller's own default came back (reason DEFAULT)",
            id="caller's-default",
        ),
        pytest.param(
            {"variants": {"off": "no"}},
            "40 users got no answer: TYPE_MISMATCH: Expected type bool but got str",
            id="another-type",
        ),
        pytest.param(
            {"targeting": {"bucket": []}},
            "40 users got no answer: PARSE_ERROR: Invalid targeting {'bucket': []}",
            id="unknown-operator",
        ),
    ],
)
def test_a_flag_that_nobody_decided_shows_no_share(write_flags, opened, boolean, share, flag, detail):
    """A disabled flag would look like a perfect 0 %, or with the other default like 100 %."""
    write_flags(checkout=boolean(**flag))

    finding = judged(opened(), exposure(share))

    assert (finding.outcome, finding.measured, finding.detail) == (Outcome.ERROR, "no reading", detail)


def test_a_misspelt_fraction_lets_nobody_in_and_fails(write_flags, opened, boolean):
    """Flagd drops a rule whose weights are no integers without a word and serves the default."""
    write_flags(checkout=boolean(targeting={"fractional": [["on", "25"], ["off", "75"]]}))

    finding = judged(opened(), exposure(25))

    assert (finding.outcome, finding.measured.split(" of ")[0]) == (Outcome.FAIL, "0 %")


def test_a_share_by_an_attribute_that_is_missing_fails(write_flags, opened, boolean):
    """All users fall into one bucket: everybody or nobody."""
    rule = {"fractional": [{"cat": ["x", {"var": "email"}]}, ["on", 25], ["off", 75]]}
    write_flags(checkout=boolean(targeting=rule))

    assert judged(opened(), exposure(25)).outcome is Outcome.FAIL


def test_an_unknown_flag_is_told_with_the_nearest(write_flags, opened, boolean):
    write_flags(checkouts=boolean())

    assert judged(opened(), exposure(0)).detail == (
        "40 users got no answer: FLAG_NOT_FOUND: no flag 'checkout'; flagd:flags.json has checkouts. "
        "Did you mean 'checkouts'?"
    )


def test_a_file_that_broke_shows_no_share(write_flags, opened, boolean):
    path = write_flags(checkout=boolean())
    flags = opened()
    path.write_text("{")

    finding = judged(flags, exposure(0))

    assert finding.outcome is Outcome.ERROR
    assert finding.detail == "PROVIDER_ERROR: Could not parse JSON flag data from file"


def test_trouble_at_the_stage_before_is_named(write_flags, opened, by_stage):
    write_flags(checkout=by_stage(alpha=10, beta=25))
    alpha = opened("alpha")
    alpha.close()

    finding = judged(opened("beta"), exposure(25), earlier=alpha, before=exposure(10))

    assert finding.outcome is Outcome.ERROR
    assert finding.detail == "at the stage before: PROVIDER_NOT_READY: closed"


@pytest.mark.parametrize(
    ("declared", "stage", "sentence"),
    [
        (
            Exposure(share=Fraction(1, 4)),
            "beta",
            "stages.beta.exposure: a share without a flag cannot be observed; name its flag.",
        ),
        (exposure(25), "public", "stages.public.exposure: the flags at hand are those of stage 'beta'."),
    ],
    ids=["no-flag", "another-stage"],
)
def test_what_cannot_be_observed_is_refused(opened, declared, stage, sentence):
    with pytest.raises(FlagError) as refused:
        observe_exposure(opened("beta", checkout=True), declared, stage=stage)

    assert str(refused.value) == sentence
