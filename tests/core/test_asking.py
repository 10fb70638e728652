"""What a stage's sources are asked for, and what comes of answers and of none (rules 14, 15, 17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.asking import Sampled, asks, evaluations, soak_of, unanswered
from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.criterion import Baseline, Bound, Criterion, Relation, Span, Statistic
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Metric, Rollout, SourceKind, SourceSettings, Stage
from pytest_rollout.core.sampled import Asked, evaluate_samples, lookback
from pytest_rollout.core.series import SECOND, Samples, moment, values
from pytest_rollout.core.series_form import packed
from pytest_rollout.core.soak import Soak
from pytest_rollout.core.units import UNITS

MINUTE, HOUR, STEP = 60 * SECOND, 3600 * SECOND, 15 * SECOND
JUDGED_AT = datetime(2031, 5, 4, 2, 0, tzinfo=UTC)
NOW = int(JUDGED_AT.timestamp()) * SECOND
COUNT = UNITS["count"]
SOURCE = SourceSettings(kind=SourceKind.PROMETHEUS, query="q", interval=timedelta(seconds=15))
UP = Metric(name="up", unit=COUNT, source=SOURCE)
METRICS = {"up": UP, "load": replace(UP, name="load"), "measured": Metric(name="measured", unit=COUNT)}
LOW = Criterion(
    name="low",
    metric="load",
    unit=COUNT,
    promote=Bound(relation=Relation.LESS, limit=Fraction(10), unit=COUNT),
    statistic=Statistic.MAX,
    span=Span(over=HOUR),
)
SOAK = Soak(period=HOUR, coverage=Fraction(95, 100), max_gap=5 * MINUTE, metrics=("up", "measured"))
BACK = SOAK.period + SOAK.max_gap + 2 * STEP


def stage(*criteria: Criterion, soak: Soak | None = None) -> Stage:
    return Stage(name="beta", title="Beta", criteria=criteria, soak=soak)


def rollout(asked: Stage) -> Rollout:
    return Rollout(name="toy", title="Toy", folder=Path("toy"), plan_digest="1" * 64, stages=(asked,), metrics=METRICS)


LONG = replace(LOW, name="long", span=Span(over=2 * HOUR))
ASKED: dict[str, tuple[Stage, dict[str, int]]] = {
    "nothing": (stage(), {}),
    "a criterion": (stage(LOW), {"load": NOW - lookback(LOW, SOURCE)}),
    "the longest of two": (stage(LOW, LONG), {"load": NOW - lookback(LONG, SOURCE)}),
    "the longest of two, told first": (stage(LONG, LOW), {"load": NOW - lookback(LONG, SOURCE)}),
    "what tests measure": (stage(replace(LOW, metric="measured", span=None)), {}),
    "a soak": (stage(soak=SOAK), {"up": NOW - BACK}),
    "a soak of what a criterion asks": (
        stage(LOW, soak=replace(SOAK, metrics=("load",), period=9 * HOUR)), {"load": NOW - BACK - 8 * HOUR},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "since"), ASKED.values(), ids=ASKED)
def test_each_source_is_asked_as_far_back_as_anything_needs(asked, since) -> None:
    assert asks(rollout(asked), asked, NOW) == since


def test_a_source_that_nobody_asked_answered_nothing() -> None:
    assert unanswered(UP, NOW) == Samples(
        metric="up", source="nobody", query="never asked", since=NOW, until=NOW, attempts=0
    )


def answered(name: str, since: int = 3 * HOUR) -> Samples:
    times = [*range(NOW - since, NOW + 1, STEP)]
    given: dict[str, Any] = {"metric": name, "source": "prometheus", "query": "q", "since": NOW - since, "until": NOW}
    return Samples(**given, series=(values(times, [1] * len(times)),))


LOAD = answered("load")


def evaluated(sampled: Sampled) -> Any:
    return evaluations(LOW, "item", METRICS["load"], sampled, JUDGED_AT)


@pytest.mark.parametrize("entered", [None, JUDGED_AT - timedelta(minutes=10)], ids=["any time", "of this visit"])
def test_a_criterion_is_judged_on_what_was_answered_since_the_stage_was_entered(entered) -> None:
    not_before = None if entered is None else NOW - 10 * MINUTE
    asked = Asked(metric=METRICS["load"], samples=LOAD, now=NOW, not_before=not_before)

    found = evaluated(Sampled(lines={"load": packed(LOAD)}, entered=entered))

    assert found == evaluate_samples(LOW, "item", asked)
    assert found[0].finding.outcome is (Outcome.PASS if entered is None else Outcome.PENDING)


def test_a_criterion_is_compared_with_what_was_captured() -> None:
    """Else it would lack its baseline, whatever the ledger has."""
    worse = Baseline(worse=Fraction(1, 5), max_age=timedelta(days=30))
    known = Captured(value=Fraction(1), at=JUDGED_AT - timedelta(days=1), judgement="ab" * 32)
    sampled = Sampled(lines={"load": packed(LOAD)}, captured={"low": known})

    (found,) = evaluations(replace(LOW, baseline=worse), "item", METRICS["load"], sampled, JUDGED_AT)

    assert found.finding.outcome is Outcome.PASS
    assert "than the baseline 1" in found.finding.detail


def test_a_criterion_that_nobody_asked_for_is_no_pass() -> None:
    (found,) = evaluated(Sampled())

    assert (
        found
        == evaluate_samples(
            LOW, "item", Asked(metric=METRICS["load"], samples=unanswered(METRICS["load"], NOW), now=NOW)
        )[0]
    )
    assert found.finding.outcome is Outcome.INCONCLUSIVE
    assert found.finding.facts == {"query": "never asked", "attempts": "0"}


SOAKED = replace(SOAK, metrics=("up",))


@pytest.mark.parametrize(
    ("entered", "unchanged", "outcome"),
    [
        (None, None, Outcome.PASS),
        (2 * HOUR, 2 * HOUR, Outcome.PASS),
        (10 * MINUTE, 2 * HOUR, Outcome.PENDING),
        (2 * HOUR, 10 * MINUTE, Outcome.PENDING),
        (None, 10 * MINUTE, Outcome.PENDING),
    ],
)
def test_a_soak_counts_since_the_stage_was_entered_and_its_subject_is_the_same(entered, unchanged, outcome) -> None:
    since = [None if each is None else moment(NOW - each) for each in (entered, unchanged)]
    sampled = Sampled(lines={"up": packed(answered("up"))}, entered=since[0], unchanged=since[1])
    asked = stage(soak=SOAKED)

    (finding,) = soak_of(rollout(asked), asked, sampled, JUDGED_AT, "plan::")

    assert (finding.item, finding.outcome) == ("plan::up", outcome)


def test_a_soak_is_judged_at_the_moment_of_the_judgement() -> None:
    asked = stage(soak=SOAKED)
    sampled = Sampled(lines={"up": packed(answered("up"))})

    (finding,) = soak_of(rollout(asked), asked, sampled, JUDGED_AT + timedelta(hours=1), "plan::")

    assert finding.outcome is Outcome.INCONCLUSIVE
    assert [*soak_of(rollout(stage()), stage(), sampled, JUDGED_AT, "plan::")] == []
