"""Shares of users: which are accepted, and what a share alone does not prove."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.exposure import accepted, judge_exposure
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Exposure

CONFIDENCE = Fraction(999, 1000)
QUARTER = Exposure(share=Fraction(1, 4), flag="checkout")
TENTH = Exposure(share=Fraction(1, 10), flag="checkout")
SOUND = {"sample": 20_000, "enabled": 5_010, "unsticky": 0, "errors": 0, "left": 0, "joined": 0}
COMPARED = {**SOUND, "previous": 2_004, "joined": 3_006}


def judged(exposure=QUARTER, *, earlier=None, **changes):
    return judge_exposure("i", exposure, {**SOUND, **changes}, earlier=earlier)


def by_enumeration(share, sample, confidence):
    """The definition itself, in exact fractions."""
    mass = [math.comb(sample, k) * share**k * (1 - share) ** (sample - k) for k in range(sample + 1)]
    tail = (1 - confidence) / 2
    inside = [k for k in range(sample + 1) if sum(mass[: k + 1]) > tail and sum(mass[k:]) > tail]
    return inside[0], inside[-1]


@pytest.mark.parametrize(
    "confidence", [Fraction(1, 100), Fraction(1, 2), Fraction(9, 10), Fraction(19, 20), CONFIDENCE]
)
@pytest.mark.parametrize(
    "share", [Fraction(*each) for each in ((1, 100), (1, 10), (1, 4), (3, 10), (1, 2), (2, 3), (9, 10))], ids=str
)
@pytest.mark.parametrize("sample", [0, 1, 2, 7, 30, 101])
def test_the_bounds_are_those_of_the_exact_binomial_test(share, sample, confidence):
    assert accepted(share, sample, confidence) == by_enumeration(share, sample, confidence)


def test_the_bounds_of_a_large_sample_are_those_of_the_normal_approximation_within_a_user():
    """25 % of 20,000 at 99.9 %: 5,000 +- 3.2905 x sqrt(20,000 x 1/4 x 3/4)."""
    spread = 3.2905 * math.sqrt(20_000 * 0.25 * 0.75)
    low, high = accepted(Fraction(1, 4), 20_000, CONFIDENCE)

    assert abs(low - (5_000 - spread)) <= 1.5
    assert abs(high - (5_000 + spread)) <= 1.5


@pytest.mark.parametrize(("share", "users"), [(Fraction(0), 0), (Fraction(1), 500)])
def test_nobody_and_everybody_leave_no_room(share, users):
    assert accepted(share, 500, CONFIDENCE) == (users, users)


def test_a_higher_confidence_accepts_more():
    narrow = accepted(Fraction(1, 4), 20_000, Fraction(9, 10))
    wide = accepted(Fraction(1, 4), 20_000, CONFIDENCE)

    assert wide[0] < narrow[0] <= narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("share", "sample", "confidence"),
    [
        pytest.param(Fraction(-1, 4), 10, CONFIDENCE, id="negative-share"),
        pytest.param(Fraction(5, 4), 10, CONFIDENCE, id="share-above-one"),
        pytest.param(Fraction(1, 4), -1, CONFIDENCE, id="negative-sample"),
        pytest.param(Fraction(1, 4), 10, Fraction(1), id="certainty"),
        pytest.param(Fraction(1, 4), 10, Fraction(0), id="no-confidence"),
    ],
)
def test_bounds_of_nonsense_are_refused(share, sample, confidence):
    with pytest.raises(EvidenceError, match="no acceptance bounds for share"):
        accepted(share, sample, confidence)


def test_the_declared_share_passes_with_its_figures():
    finding = judge_exposure("rollout.toml::beta::exposure", QUARTER, SOUND, source="flagd:flags.json")

    assert finding.document() == {
        "item": "rollout.toml::beta::exposure",
        "kind": Kind.EXPOSURE.value,
        "title": "exposure 25 % by flag checkout",
        "outcome": "pass",
        "required": True,
        "measured": "25.05 % of 20,000 (accepted 23.995 % … 26.01 %)",
        "needed": "25 % at 99.9 % confidence, sticky, none lost",
        "source": "flagd:flags.json",
    }


@pytest.mark.parametrize(
    ("enabled", "outcome"),
    [(4_798, Outcome.FAIL), (4_799, Outcome.PASS), (5_202, Outcome.PASS), (5_203, Outcome.FAIL)],
)
def test_the_bounds_themselves_are_accepted_and_the_next_user_is_not(enabled, outcome):
    finding = judged(enabled=enabled)

    assert finding.outcome is outcome
    if outcome is Outcome.FAIL:
        assert finding.detail == f"{enabled:,} users are inside, 4,799 to 5,202 are accepted"


@pytest.mark.parametrize(
    ("share", "enabled", "outcome"),
    [(0, 0, Outcome.PASS), (0, 1, Outcome.FAIL), (1, 20_000, Outcome.PASS), (1, 19_999, Outcome.FAIL)],
)
def test_0_and_100_per_cent_are_exact(share, enabled, outcome):
    assert judged(Exposure(share=Fraction(share), flag="checkout"), enabled=enabled).outcome is outcome


def test_one_user_with_two_answers_fails():
    finding = judged(unsticky=1, examples={"unsticky": ["0xab"]})

    assert (finding.outcome, finding.detail) == (
        Outcome.FAIL,
        "1 user got another answer when asked again (0xab, …)",
    )


def test_one_user_who_left_when_the_share_rose_fails():
    finding = judged(earlier=TENTH, **{**COMPARED, "left": 1})

    assert (finding.outcome, finding.detail) == (
        Outcome.FAIL,
        "1 user inside at the stage before left again",
    )


def test_a_share_that_rose_and_lost_nobody_passes():
    assert judged(earlier=TENTH, **COMPARED).outcome is Outcome.PASS


def test_users_who_left_fail_where_nothing_says_that_the_share_was_to_fall():
    assert judged(**{**COMPARED, "left": 1}).outcome is Outcome.FAIL


def test_the_same_share_again_must_be_the_same_users():
    finding = judged(earlier=QUARTER, **{**COMPARED, "previous": 5_010, "left": 900, "joined": 900})

    assert (finding.outcome, finding.detail) == (Outcome.FAIL, "900 users inside at the stage before left again")


def test_a_share_that_falls_lets_users_go_but_takes_none_in():
    half = Exposure(share=Fraction(1, 2), flag="checkout")
    fallen = {"previous": 10_003, "left": 4_993}

    assert judged(earlier=half, **fallen).outcome is Outcome.PASS
    finding = judged(earlier=half, **fallen, joined=2)
    assert (finding.outcome, finding.detail) == (Outcome.FAIL, "2 users entered although the share fell")


def test_a_comparison_that_was_not_made_is_an_error():
    """The stage before declares a share, so whether its users stayed has to be known."""
    finding = judged(earlier=TENTH, previous=None)

    assert (finding.outcome, finding.detail) == (Outcome.ERROR, "not compared with the stage before")


def test_a_stage_before_without_a_share_asks_no_comparison():
    assert judged(earlier=Exposure(users=(10, 20)), previous=None).outcome is Outcome.PASS


def test_several_broken_promises_are_all_told():
    finding = judged(**{**COMPARED, "left": 2, "unsticky": 3})

    assert finding.detail == (
        "3 users got another answer when asked again; 2 users inside at the stage before left again"
    )


def test_users_without_an_answer_are_an_error():
    finding = judged(errors=20, error="FLAG_NOT_FOUND: no flag 'checkout'")

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "no reading")
    assert finding.detail == "20 users got no answer: FLAG_NOT_FOUND: no flag 'checkout'"


def test_a_broken_promise_that_was_seen_is_not_hidden_by_errors():
    assert judged(errors=1, error="GENERAL", unsticky=1).outcome is Outcome.FAIL


def test_trouble_without_a_failed_user_is_an_error():
    finding = judged(error="PROVIDER_ERROR: gone")

    assert (finding.outcome, finding.detail) == (Outcome.ERROR, "PROVIDER_ERROR: gone")


def test_nobody_asked_is_inconclusive():
    finding = judged(sample=0, enabled=0)

    assert (finding.outcome, finding.measured, finding.detail) == (
        Outcome.INCONCLUSIVE,
        "0 users asked",
        "20,000 users have to be asked",
    )


def test_nobody_asked_is_inconclusive_for_a_share_of_zero_as_well():
    assert judged(Exposure(share=Fraction(0), flag="f"), sample=0, enabled=0).outcome is Outcome.INCONCLUSIVE


def test_fewer_users_than_declared_are_inconclusive():
    finding = judged(sample=19_999, enabled=5_000)

    assert (finding.outcome, finding.detail) == (Outcome.INCONCLUSIVE, "1 more users have to be asked")


@pytest.mark.parametrize(
    ("percent", "enabled", "detail"),
    [
        (25, 2, "10 users cannot tell 25 % from nobody; at least 27 are needed"),
        (75, 8, "10 users cannot tell 75 % from everybody; at least 27 are needed"),
    ],
)
def test_a_sample_too_small_to_tell_is_inconclusive(percent, enabled, detail):
    """Ten users fit 25 % and 0 % alike: it would pass whatever the flag does."""
    exposure = Exposure(share=Fraction(percent, 100), flag="checkout", sample=10)

    finding = judged(exposure, sample=10, enabled=enabled)

    assert (finding.outcome, finding.detail) == (Outcome.INCONCLUSIVE, detail)


@pytest.mark.parametrize("percent", [25, 75])
def test_the_sample_that_is_asked_for_is_enough(percent):
    exposure = Exposure(share=Fraction(percent, 100), flag="checkout", sample=27)

    assert judged(exposure, sample=27, enabled=27 * percent // 100).outcome is Outcome.PASS


def test_a_small_sample_far_off_fails_all_the_same():
    exposure = Exposure(share=Fraction(1, 4), flag="checkout", sample=10)

    assert judged(exposure, sample=10, enabled=10).outcome is Outcome.FAIL


@pytest.mark.parametrize("key", ["sample", "enabled", "unsticky", "errors", "left", "joined"])
def test_an_absent_count_is_not_zero(key):
    observation = {name: value for name, value in SOUND.items() if name != key}

    finding = judge_exposure("i", QUARTER, observation)

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "no reading")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"enabled": 20_001}, id="more-than-asked"),
        pytest.param({"enabled": -1}, id="negative"),
        pytest.param({"unsticky": False}, id="boolean"),
        pytest.param({"left": "0"}, id="text"),
        pytest.param({"errors": None}, id="null"),
        pytest.param({"sample": 2e4}, id="float"),
        pytest.param({"sample": 0, "enabled": 1}, id="one-of-nobody"),
        pytest.param({"sample": math.nan}, id="nan"),
        pytest.param({"previous": 20_001}, id="previous-more-than-asked"),
        pytest.param({"previous": "2004"}, id="previous-text"),
    ],
)
def test_counts_that_cannot_be_are_an_error(changes):
    finding = judged(**changes)

    assert finding.outcome is Outcome.ERROR
    assert finding.detail == "the observation is incomplete or contradicts itself"


@pytest.mark.parametrize("observation", [None, [], "25 %", 5_010], ids=str)
def test_an_observation_that_is_no_table_is_an_error(observation):
    assert judge_exposure("i", QUARTER, observation).outcome is Outcome.ERROR


@pytest.mark.parametrize("examples", [None, 3, {"unsticky": 3}, {"unsticky": {"a": 1}}], ids=str)
def test_examples_that_are_no_list_are_left_out(examples):
    finding = judged(unsticky=2, examples=examples)

    assert finding.detail == "2 users got another answer when asked again"


def test_an_exposure_without_a_share_is_not_judged_here():
    with pytest.raises(EvidenceError, match="an exposure without a share has nothing to compare"):
        judge_exposure("i", Exposure(users=(10, 20)), SOUND)


def test_an_exposure_without_a_flag_names_none():
    assert judge_exposure("i", replace(QUARTER, flag=""), SOUND).title == "exposure 25 %"
    assert judge_exposure("i", QUARTER, SOUND).source == ""


def test_each_outcome_of_an_exposure_has_its_remedy():
    assert judged(unsticky=1).remedy == "correct the flag's targeting or the plan's share"
    assert judged(errors=1).remedy == "correct the flag or the provider"
    assert judged(sample=19, enabled=5).remedy == "raise the exposure's sample"
    assert judged().remedy == ""


def test_what_an_exposure_could_not_read_is_told():
    assert judge_exposure("i", QUARTER, {"error": "no provider"}).detail == "no provider"
    assert judge_exposure("i", QUARTER, {}).detail == "the observation is incomplete or contradicts itself"
    assert judged(errors=2).detail == "2 users got no answer: no reason given"


def test_broken_promises_name_a_few_users():
    examples = {"left": ["ann", "ben"], "joined": ["eve"], "unsticky": ["joe"]}
    rose = judged(previous=2_004, joined=3_008, left=2, earlier=TENTH, examples=examples)
    fell = judge_exposure(
        "i", TENTH, {**SOUND, "enabled": 2_000, "previous": 5_000, "left": 3_001, "joined": 1, "examples": examples},
        earlier=QUARTER,
    )  # fmt: skip

    assert rose.detail == "2 users inside at the stage before left again (ann, ben, …)"
    assert fell.detail == "1 user entered although the share fell (eve, …)"
    assert judged(unsticky=1, examples=examples).detail == "1 user got another answer when asked again (joe, …)"


def test_nobody_asked_is_told_with_how_many_have_to_be():
    finding = judged(sample=0, enabled=0)

    assert (finding.measured, finding.detail) == ("0 users asked", f"{QUARTER.sample:,} users have to be asked")
