"""A ratio is said to hold or not where chance is ruled out; a coin that fell well is neither."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.ratio import Measure, Ratio, limits

SIDE = Command(name="side", run=("true",), folder=Path())


RATIO = Ratio(name="reads", reference=SIDE, candidate=SIDE, measure=Measure.TIME, at_most=Fraction(2))


def judged(pairs: Any, *, asked: int | None = None, **seen: Any) -> Finding:
    ratio = replace(RATIO, pairs=len(pairs) if asked is None else asked)
    value = {"pairs": pairs, "floor": 0, "error": ""} | seen
    return ratio.judge("item", Observation(item="item", value=value, source="here"))


def of(*ratios: float) -> list[list[int]]:
    return [[1000, round(1000 * each)] for each in ratios]


RATIOS: dict[str, tuple[list[Any], Outcome, str]] = {
    "clearly less": (of(*[1.2, 1.3, 1.4] * 5), Outcome.PASS, "1.30x (1.20x to 1.40x at 95 %) in 15 pairs"),
    "exactly the bound": (of(*[2] * 5), Outcome.PASS, "2.00x (2.00x to 2.00x at 95 %) in 5 pairs"),
    "clearly more": (of(*[2.5, 2.6, 2.7] * 5), Outcome.FAIL, "2.60x (2.50x to 2.70x at 95 %) in 15 pairs"),
    "about the bound": (of(*[1.9, 2.0, 2.1] * 5), Outcome.INCONCLUSIVE, "on neither side for sure"),
    "one slow run among many": (of(*[1.2] * 14, 90), Outcome.PASS, "1.20x"),
    "one good run among five": (of(1.2, 2.5, 2.5, 2.5, 2.5), Outcome.INCONCLUSIVE, "2.50x (1.20x to 2.50x"),
    "not less than the bound": (
        of(2, 2.5, 2.5, 2.5, 2.5),
        Outcome.INCONCLUSIVE,
        "2.50x (2.00x to 2.50x at 95 %) in 5 pairs: on",
    ),
    "not more than the bound": (of(1, 1, 1, 1, 2), Outcome.PASS, "1.00x (1.00x to 2.00x at 95 %) in 5 pairs"),
    "a candidate that takes nothing": ([[{"decimal": "0.5"}, {"decimal": "0.50"}]] * 5, Outcome.PASS, "1.00x"),
    "an even number": (of(1.1, 1.2, 1.3, 1.4, 1.5, 1.6), Outcome.PASS, "1.35x (1.10x to 1.60x at 95 %) in 6 pairs"),
    "decimals": ([[{"decimal": "0.5"}, {"decimal": "0.75"}]] * 5, Outcome.PASS, "1.50x"),
}


@pytest.mark.parametrize(("pairs", "outcome", "says"), RATIOS.values(), ids=RATIOS)
def test_the_median_is_judged_with_its_limits(pairs: list[Any], outcome: Outcome, says: str) -> None:
    finding = judged(pairs)

    assert (finding.outcome, finding.kind) == (outcome, Kind.RATIO)
    assert says in finding.measured
    assert finding.needed == f"time at most 2.00x the reference's, {len(pairs)} pairs"


@pytest.mark.parametrize(
    ("pairs", "seen", "outcome", "says"),
    [
        (of(1, 1, 1, 1), {"asked": 5}, Outcome.NOT_RUN, "4 of 5 pairs were measured"),
        (of(1, 1, 1, 1), {}, Outcome.ERROR, "5 pairs are needed"),
        ([[0, 5]] * 5, {}, Outcome.INCONCLUSIVE, "took no more than starting one does"),
        ([[9000, 9000]] * 5, {"floor": 9000}, Outcome.INCONCLUSIVE, "took no more than starting one does"),
        ([[1, True]] * 5, {}, Outcome.ERROR, "True is no amount"),
        ([[1, -5]] * 5, {}, Outcome.ERROR, "-5 is no amount"),
        ([[1, {"decimal": "NaN"}]] * 5, {}, Outcome.ERROR, "is no amount"),
        ([[1, {"decimal": "-1"}]] * 5, {}, Outcome.ERROR, "{'decimal': '-1'} is no amount"),
        ([[1, 2], [1, 2], [1, 2], [1, 2], [0, 2]], {}, Outcome.INCONCLUSIVE, "a command took no more than starting one does; let it do more"),
        ([[1]] * 5, {}, Outcome.ERROR, "not understood"),
        ([], {"error": "candidate: ended with status 1"}, Outcome.ERROR, "candidate: ended with status 1"),
    ],
    ids=["too few", "fewer than tell", "nothing", "as little as starting", "a truth value", "negative", "NaN", "a negative decimal", "one as little as starting", "half", "failed"],
)  # fmt: skip
def test_what_tells_nothing_is_no_pass(pairs: Any, seen: Any, outcome: Outcome, says: str) -> None:
    finding = judged(pairs, **seen)

    assert finding.outcome is outcome
    assert says in finding.measured


def test_a_finding_says_all_that_a_reader_needs() -> None:
    told = {
        "item": "item",
        "kind": Kind.RATIO,
        "title": "reads",
        "needed": "time at most 2.00x the reference's, 5 pairs",
        "source": "here",
    }

    assert judged(of(*[1] * 5)) == Finding(
        **told, outcome=Outcome.PASS, measured="1.00x (1.00x to 1.00x at 95 %) in 5 pairs"
    )
    assert judged(None, asked=5) == Finding(
        **told,
        outcome=Outcome.ERROR,
        measured="not understood (TypeError: 'NoneType' object is not iterable)",
        remedy="run both commands by hand, run the gate again",
    )
    assert judged(of(*[9] * 5)).remedy == "see what the candidate spends it on"
    assert judged(of(*[1, 9] * 5)).remedy == "declare more pairs, or let the commands do more"


def test_what_is_no_observation_of_pairs_is_an_error() -> None:
    finding = RATIO.judge("item", Observation(item="item", value="fine", source="here"))

    assert finding.outcome is Outcome.ERROR
    assert finding.measured == "not understood (TypeError: no pairs were recorded)"


def test_an_advisory_ratio_never_counts() -> None:
    seen = Observation(item="item", value=None, source="here")

    assert RATIO.judge("item", seen).required
    assert not replace(RATIO, required=False).judge("item", seen).required


def test_both_commands_are_cleaned_of_secrets() -> None:
    secret = replace(SIDE, run=("cast", "hunter2"))
    cleaned = replace(RATIO, reference=secret, candidate=secret).redacted(lambda text: text.replace("hunter2", "***"))

    assert cleaned.reference.run == cleaned.candidate.run == ("cast", "***")
    assert replace(cleaned, reference=SIDE, candidate=SIDE) == RATIO


@pytest.mark.parametrize(("count", "outside"), [(5, 1), (7, 1), (8, 2), (10, 2), (15, 4), (20, 6), (100, 42)])
def test_the_limits_are_those_of_the_sign_test(count: int, outside: int) -> None:
    """Tables of one-sided 95 % confidence limits of a median: the rank of the lower one."""
    low, _, high = limits([Fraction(number) for number in range(1, count + 1)])

    assert (low, high) == (outside, count + 1 - outside)
