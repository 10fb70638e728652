"""Criteria over what a source answered: windows, freshness, outages, things, triggers (rules 2, 6 to 16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.baseline import Captured
from pytest_rollout.core.criterion import Baseline, Bound, Criterion, Relation, Span, Statistic, Trigger
from pytest_rollout.core.evaluating import Evaluation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome, Severity
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.sampled import Asked, evaluate_samples, lookback
from pytest_rollout.core.series import (
    SECOND,
    Outage,
    Samples,
    Series,
    duration_text,
    moment,
    moment_text,
    ratios,
    values,
)
from pytest_rollout.core.series_form import digest, packed
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.window import Window, WindowKind

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
NOW = 1_800_000_000 * SECOND
STEP = 15 * SECOND


def bound(relation: str, limit: Fraction | int, unit: str) -> Bound:
    return Bound(relation=Relation(relation), limit=Fraction(limit) * UNITS[unit].scale, unit=UNITS[unit])


SUCCESS = Criterion(
    name="succeeds",
    metric="success",
    unit=UNITS["ratio"],
    promote=bound(">", 99, "%"),
    alert=bound("<", 97, "%"),
    rollback=(
        Trigger(when=bound("<", 90, "%"), window=Window(kind=WindowKind.EVERY, over=15 * MINUTE)),
        Trigger(
            when=bound("<", 95, "%"),
            window=Window(kind=WindowKind.AGGREGATE, over=30 * MINUTE),
            severity=Severity.PLANNED,
        ),
    ),
    min_samples=299,
    span=Span(over=HOUR),
)
LATENCY = Criterion(
    name="answers",
    metric="latency",
    unit=UNITS["ms"],
    promote=bound("<", 200, "ms"),
    statistic=Statistic.P95,
    span=Span(over=HOUR),
)


def metric(criterion: Criterion, **more: Any) -> Metric:
    given = {"kind": SourceKind.PROMETHEUS, "query": "q", "interval": timedelta(seconds=15)} | more
    unit = UNITS["ratio"] if criterion.unit.dimension == "ratio" else UNITS["ms"]
    return Metric(name=criterion.metric, unit=unit, source=SourceSettings(**given))


def times(since: int = HOUR, until: int = 0, step: int = STEP) -> list[int]:
    return list(range(NOW - since, NOW - until + 1, step))


def success(good: int, *, of: int = 1000, since: int = 2 * HOUR, until: int = 0, **labels: str) -> Series:
    at = times(since, until)
    return ratios(at, [good] * len(at), [of] * len(at), labels=labels)


def joined(*parts: Series) -> Series:
    good = [each for part in parts for each in part.good or ()]
    of = [each for part in parts for each in part.total or ()]
    return ratios([time for part in parts for time in part.times], good, of)


def evaluate_all(criterion: Criterion, *series: Series, **more: Any) -> list[Evaluation]:
    settings = {key: more.pop(key) for key in ("per", "things", "histogram") if key in more}
    answer: dict[str, Any] = {
        "source": "prometheus <URL>",
        "query": "good / total",
        "since": NOW - 3 * HOUR,
        "until": NOW,
    }
    answer |= {key: more.pop(key) for key in ("outages", "warnings", "attempts", "step") if key in more}
    samples = Samples(metric=criterion.metric, series=series, **answer)
    return evaluate_samples(
        criterion, "c", Asked(metric=metric(criterion, **settings), samples=samples, now=NOW, **more)
    )


def evaluate(criterion: Criterion, *series: Series, **more: Any) -> Evaluation:
    [evaluation] = evaluate_all(criterion, *series, **more)
    return evaluation


def test_a_partial_answer_holds() -> None:
    """Two of five stores answered; the others would have been worse."""
    found = evaluate(SUCCESS, success(995), warnings=("store 3 did not answer",)).finding

    assert found.outcome is Outcome.INCONCLUSIVE
    assert "the answer may be partial, for its source warns: store 3 did not answer" in found.detail


def test_a_healthy_hour_passes_and_shows_its_evidence() -> None:
    series = success(995)
    evaluation = evaluate(SUCCESS, series, attempts=2)
    found = evaluation.finding

    assert (found.outcome, evaluation.fired) == (Outcome.PASS, ())
    assert found.measured == "99.5 % of 240000 over 1h"
    assert found.needed == "> 99 %, 299 samples"
    assert found.source == "prometheus <URL>: good / total"
    assert "240 samples from 2027-01-15 07:00:15Z to 2027-01-15 08:00:00Z; 2 requests" in found.detail
    assert dict(found.facts) == {
        "window": "1h",
        "samples": "240",
        "first": "2027-01-15 07:00:15Z",
        "last": "2027-01-15 08:00:00Z",
        "query": "good / total",
        "attempts": "2",
        "samples_digest": found.facts["samples_digest"],
        "value": "199/200",
        "unit": "ratio",
        "good": "238800",
        "total": "240000",
    }


def test_the_digest_is_of_every_raw_sample() -> None:
    samples = Samples(metric="success", source="s", query="q", since=0, until=NOW, series=(success(995),))
    evaluation = evaluate_samples(SUCCESS, "c", Asked(metric=metric(SUCCESS), samples=samples, now=NOW))[0]

    assert evaluation.finding.facts["samples_digest"] == digest(samples)


@pytest.mark.parametrize(
    ("good", "outcome", "word"),
    [
        (991, Outcome.PASS, ""),
        (990, Outcome.FAIL, "gray band"),
        (970, Outcome.FAIL, "gray band"),
        (969, Outcome.FAIL, "alert threshold < 97 % reached"),
        (950, Outcome.FAIL, "alert threshold"),
        (949, Outcome.FAIL, "planned rollback trigger < 95 %, in aggregate for more than 30m fired"),
        (899, Outcome.FAIL, "immediate rollback trigger < 90 %, every sample for more than 15m fired"),
    ],
)
def test_bounds_are_as_strict_as_written(good: int, outcome: Outcome, word: str) -> None:
    """Rules 7 and 10: exactly 99 % is not "> 99 %", and between promotion and rollback lies a gray band."""
    found = evaluate(SUCCESS, success(good)).finding

    assert found.outcome is outcome
    assert word in found.detail


@pytest.mark.parametrize(
    ("bad", "fired"),
    [(14 * MINUTE + 59 * SECOND, 0), (15 * MINUTE, 0), (15 * MINUTE + SECOND, 1)],
    ids=["14:59", "15:00", "15:01"],
)
@pytest.mark.parametrize("ago", [0, 40 * MINUTE], ids=["now", "earlier in the hour"])
def test_a_trigger_fires_wherever_in_the_hour_it_was_met(bad: int, fired: int, ago: int) -> None:
    """Bad minutes that nobody watched are bad minutes: the gate sees them in its window."""
    start, end = ago + bad, ago
    series = [success(999, since=2 * HOUR, until=start + SECOND)]
    at = [*range(NOW - start, NOW - end, STEP), NOW - end]
    series.append(ratios(at, [890] * len(at), [1000] * len(at)))
    if ago:
        series.append(success(999, since=ago - SECOND, until=0))
    immediate = replace(SUCCESS, rollback=SUCCESS.rollback[:1])

    assert len(evaluate(immediate, joined(*series)).fired) == fired


def test_bad_minutes_of_an_earlier_visit_do_not_count() -> None:
    series = joined(success(800, since=2 * HOUR, until=61 * MINUTE), success(999, since=HOUR))

    assert evaluate(SUCCESS, series).fired != ()
    evaluation = evaluate(SUCCESS, series, not_before=NOW - HOUR)
    assert (evaluation.fired, evaluation.finding.outcome) == ((), Outcome.PASS)


def test_a_stage_younger_than_its_window_waits() -> None:
    found = evaluate(SUCCESS, success(999), not_before=NOW - 20 * MINUTE).finding

    assert found.outcome is Outcome.PENDING
    assert found.detail.startswith("the stage has lasted 20m of 1h")


def test_too_few_samples_are_inconclusive_with_the_number_that_is_missing() -> None:
    found = evaluate(SUCCESS, success(1, of=1)).finding

    assert found.outcome is Outcome.INCONCLUSIVE
    assert "59 more samples are needed" in found.detail
    assert "240 clean samples support at most 98.75 % at 95 % confidence" in found.detail


@pytest.mark.parametrize(
    "series",
    [(), (ratios([], [], []),), (success(0, of=0),), (ratios(times(), [None] * 241, [5] * 241),)],
    ids=["no series", "no sample", "no traffic", "only NaN"],
)
def test_no_data_is_neither_zero_nor_a_pass(series: Sequence[Series]) -> None:
    """Rule 6: and no trigger fires on it either."""
    evaluation = evaluate(SUCCESS, *series)

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.INCONCLUSIVE, ())


def test_an_old_sample_is_missing() -> None:
    """Rule 14: by the time it was observed, not the time it was asked for."""
    criterion = replace(SUCCESS, span=Span(over=HOUR, max_blind=HOUR))

    assert evaluate(criterion, success(999, until=5 * MINUTE)).finding.outcome is Outcome.PASS
    found = evaluate(criterion, success(999, until=5 * MINUTE + STEP)).finding
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.detail.startswith("the newest sample is 5m 15s old, more than 5m")


def test_a_window_that_was_hardly_seen_is_inconclusive() -> None:
    """A Prometheus that was started ten minutes ago knows nothing of the hour."""
    found = evaluate(SUCCESS, success(999, since=10 * MINUTE)).finding

    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.detail.startswith("49m 45s of 1h have no samples, at most 3m may")


def test_a_source_that_is_down_is_an_error_that_names_it() -> None:
    """Rule 13: neither success nor failure."""
    down = Outage(since=NOW - 3 * HOUR, until=NOW, why="connection refused")
    found = evaluate(SUCCESS, outages=(down,)).finding

    assert found.outcome is Outcome.ERROR
    assert found.measured == "prometheus <URL> could not be asked for 1h: connection refused"


@pytest.mark.parametrize(
    ("minutes", "outcome"), [(3, Outcome.PASS), (4, Outcome.ERROR)], ids=["within its budget", "beyond its budget"]
)
def test_a_source_has_a_budget_of_its_own(minutes: int, outcome: Outcome) -> None:
    down = Outage(since=NOW - 30 * MINUTE, until=NOW - (30 - minutes) * MINUTE, why="502")
    gone = [time for time in times(2 * HOUR) if not down.since < time <= down.until]
    series = ratios(gone, [999] * len(gone), [1000] * len(gone))

    assert evaluate(SUCCESS, series, outages=(down,)).finding.outcome is outcome


def test_a_data_problem_hides_no_regression() -> None:
    """Rule 2: the trigger is asked of the samples that are there."""
    down = Outage(since=NOW - 30 * MINUTE, until=NOW, why="502")
    evaluation = evaluate(SUCCESS, success(800, until=30 * MINUTE), outages=(down,))

    assert evaluation.finding.outcome is Outcome.FAIL
    assert len(evaluation.fired) == 2


def test_two_series_where_one_is_expected_are_an_error() -> None:
    evaluation = evaluate(SUCCESS, success(999, pod="a"), success(500, pod="b"))

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.ERROR, ())
    assert evaluation.finding.measured == "2 series where one is expected, {pod=a} and {pod=b}"


@pytest.mark.parametrize(
    ("series", "more", "outcome", "measured"),
    [
        pytest.param(
            [success(999, until=30 * MINUTE, pod="a"), success(500, since=30 * MINUTE, pod="b")],
            {},
            Outcome.ERROR,
            "2 series where one is expected, {pod=a} and {pod=b}",
            id="it has another label since",
        ),
        pytest.param(
            [success(999, until=30 * MINUTE)],
            {},
            Outcome.INCONCLUSIVE,
            "the newest sample is 30m old, more than 5m",
            id="it has another name since",
        ),
        pytest.param(
            [success(999, until=30 * MINUTE, node="a"), success(500, since=30 * MINUTE, node="A")],
            {"per": "node", "things": ("a",)},
            Outcome.ERROR,
            "node 'A' answered, which the plan does not name",
            id="its thing has another name since",
        ),
    ],
)
def test_a_series_that_was_renamed_midway_is_no_good_half(
    series: list[Series], more: dict[str, Any], outcome: Outcome, measured: str
) -> None:
    """Half an hour under a good name is not the hour that is asked for."""
    found = [each.finding for each in evaluate_all(SUCCESS, *series, **more)]

    assert [(each.outcome, each.measured) for each in found if each.outcome is Outcome.PASS] == []
    assert any(each.outcome is outcome and measured in f"{each.measured} {each.detail}" for each in found), found


def test_each_thing_is_judged_by_itself() -> None:
    """Rules 17 and 21: nobody borrows, and a missing one is no smaller total."""
    a, b, c = evaluate_all(SUCCESS, success(999, node="a"), success(800, node="b"), per="node", things=("a", "b", "c"))

    assert [each.finding.item for each in (a, b, c)] == ["c[a]", "c[b]", "c[c]"]
    assert [each.finding.outcome for each in (a, b, c)] == [Outcome.PASS, Outcome.FAIL, Outcome.NOT_RUN]
    assert (a.fired, len(b.fired)) == ((), 2)
    assert b.finding.title == "succeeds [b]"


def test_samples_too_seldom_for_a_trigger_are_an_error() -> None:
    """A trigger that could never fire must not look like one that did not."""
    at = times(2 * HOUR, step=10 * MINUTE)
    series = ratios(at, [999] * len(at), [1000] * len(at))
    found = evaluate(SUCCESS, series, step=10 * MINUTE).finding

    assert found.outcome is Outcome.ERROR
    assert found.measured.startswith("samples come every 10m, too seldom for the trigger")
    narrow = replace(SUCCESS, span=Span(over=HOUR, max_gap=10 * SECOND))
    assert "no time would ever be seen" in evaluate(narrow, success(999)).finding.measured


def latency(*numbers: float, at: Sequence[int] | None = None) -> Series:
    return values(times()[-len(numbers) :] if at is None else at, list(numbers))


def test_percentiles_are_nearest_rank_on_raw_samples() -> None:
    numbers = [100.0] * 228 + [199.0] + [900.0] * 12
    found = evaluate(LATENCY, latency(*numbers)).finding

    assert (found.outcome, found.measured) == (Outcome.PASS, "199 ms (p95 of 240) over 1h")
    assert evaluate(LATENCY, latency(*[100.0] * 228, *[200.0] * 13)).finding.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("statistic", "measured"),
    [
        (Statistic.EVERY, "300 ms (worst of 240) over 1h"),
        (Statistic.MAX, "300 ms (max of 240) over 1h"),
        (Statistic.MIN, "100 ms (min of 240) over 1h"),
        (Statistic.MEAN, "100.8333… ms (mean of 240) over 1h"),
        (Statistic.SUM, "24200 ms (sum of 240) over 1h"),
    ],
    ids=str,
)
def test_statistics_are_exact(statistic: Statistic, measured: str) -> None:
    series = latency(*[100.0] * 240, 300.0)

    assert evaluate(replace(LATENCY, statistic=statistic), series).finding.measured == measured


def test_a_value_that_prints_as_the_limit_stands_on_it() -> None:
    """0.3 is 3/10: in binary it would be a little less, and "< 0.3 s" would pass by rounding."""
    criterion = replace(LATENCY, statistic=Statistic.MAX, promote=bound("<", Fraction(3, 10), "ms"))

    assert evaluate(criterion, latency(*[0.3] * 241)).finding.outcome is Outcome.FAIL
    assert evaluate(criterion, latency(*[0.29999999999999993] * 241)).finding.outcome is Outcome.PASS


def test_one_bad_value_suffices_for_a_trigger_without_a_window() -> None:
    criterion = replace(LATENCY, statistic=Statistic.EVERY, rollback=(Trigger(when=bound(">", 1000, "ms")),))

    assert len(evaluate(criterion, latency(*[100.0] * 240, 1001.0)).fired) == 1
    assert evaluate(criterion, latency(*[100.0] * 240, 1000.0)).fired == ()


def test_counts_where_values_are_declared_are_an_error() -> None:
    found = evaluate(LATENCY, ratios(times(), [1] * 241, [1] * 241)).finding

    assert found.outcome is Outcome.ERROR


def buckets(**counts: int) -> list[Series]:
    """A histogram whose buckets rose from 0 to these counts; ``le_100`` ends at 100."""
    at = times()
    return [
        values(
            at, [0.0] * (len(at) - 1) + [float(count)], labels={"le": name.removeprefix("le_").replace("inf", "+Inf")}
        )
        for name, count in counts.items()
    ]


@pytest.mark.parametrize(
    ("promote", "outcome"),
    [
        (("<=", 250), Outcome.PASS),
        (("<", 300), Outcome.PASS),
        (("<", 200), Outcome.INCONCLUSIVE),
        (("<", 100), Outcome.FAIL),
    ],
    ids=str,
)
def test_a_histogram_holds_a_bound_only_with_its_error(promote: tuple[str, int], outcome: Outcome) -> None:
    criterion = replace(LATENCY, promote=bound(promote[0], promote[1], "ms"))
    found = evaluate(criterion, *buckets(le_100=900, le_250=960, le_inf=1000), histogram=True).finding

    assert found.outcome is outcome
    assert "p95 lies between 100 ms and 250 ms" in found.measured + found.detail


def test_the_slowest_of_a_histogram_have_no_upper_end() -> None:
    found = evaluate(LATENCY, *buckets(le_100=900, le_250=940, le_inf=1000), histogram=True).finding

    assert (found.outcome, found.measured) == (Outcome.FAIL, "at most no end (p95 of 1000) over 1h")


@pytest.mark.parametrize(
    ("series", "sentence"),
    [
        (buckets(le_100=900, le_250=1000), "no bucket le"),
        (buckets(le_100=900, le_250=800, le_inf=1000), "cumulative"),
        (buckets(le_x=900, le_inf=1000), "no number"),
    ],
    ids=["without +Inf", "falling", "no edge"],
)
def test_a_histogram_that_is_none_is_an_error(series: list[Series], sentence: str) -> None:
    found = evaluate(LATENCY, *series, histogram=True).finding

    assert found.outcome is Outcome.ERROR
    assert sentence in found.measured


BASELINE = Baseline(worse=Fraction(1, 5), max_age=timedelta(days=30))
COMPARED = replace(LATENCY, promote=bound("<", 1000, "ms"), baseline=BASELINE)


def captured(value: Fraction, *, days: int = 1, samples: bytes = b"") -> Captured:
    return Captured(value=value, at=moment(NOW) - timedelta(days=days), judgement="ab" * 32, samples=samples)


@pytest.mark.parametrize(
    ("before", "outcome", "word"),
    [
        (captured(Fraction(1, 10)), Outcome.PASS, "20 % worse than the baseline 100 ms of 2027-01-14 (abababababab)"),
        (captured(Fraction(99, 1000)), Outcome.FAIL, "at most 20 % is allowed"),
        (captured(Fraction(1, 10), days=31), Outcome.INCONCLUSIVE, "is 31d old; 30d are allowed"),
        (captured(Fraction(1, 10), days=-1), Outcome.INCONCLUSIVE, "is of the future"),
        (captured(Fraction(0)), Outcome.INCONCLUSIVE, "nothing is a share of zero"),
        (None, Outcome.INCONCLUSIVE, "no baseline"),
        (captured(Fraction(1, 10), samples=b"not asked for"), Outcome.PASS, "20 % worse than the baseline 100 ms"),
    ],
    ids=[
        "on the limit",
        "beyond",
        "too old",
        "from the future",
        "zero",
        "none",
        "with samples that no test of ranks needs",
    ],
)
def test_at_most_a_fifth_worse_than_before(before: Captured | None, outcome: Outcome, word: str) -> None:
    found = evaluate(COMPARED, latency(*[120.0] * 241), captured={} if before is None else {"answers": before}).finding

    assert found.outcome is outcome
    assert word in found.detail


def test_a_ratio_is_worse_when_it_is_lower() -> None:
    criterion = replace(SUCCESS, baseline=Baseline(worse=Fraction(1, 100), max_age=timedelta(days=30)))

    assert (
        evaluate(criterion, success(999), captured={"succeeds": captured(Fraction(1))}).finding.outcome is Outcome.PASS
    )
    strict = replace(criterion, baseline=Baseline(worse=Fraction(1, 10_000), max_age=timedelta(days=30)))
    assert evaluate(strict, success(999), captured={"succeeds": captured(Fraction(1))}).finding.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("shift", "count", "outcome"),
    [(0.0, 240, Outcome.PASS), (8.0, 240, Outcome.FAIL), (-8.0, 240, Outcome.PASS), (8.0, 49, Outcome.INCONCLUSIVE)],
    ids=["the same", "slower", "faster", "too few"],
)
def test_a_rank_test_tells_worse_from_chance(shift: float, count: int, outcome: Outcome) -> None:
    """The values are 8 % slower, within the fifth that is allowed, but plainly slower."""
    criterion = replace(COMPARED, baseline=replace(BASELINE, significance=Fraction(1, 100)))
    then = [100.0 + index % 10 for index in range(count)]
    before = Samples(metric="latency", source="s", query="q", since=0, until=NOW, series=(latency(*then),))
    now = [each + shift for each in [100.0 + index % 10 for index in range(241)]]
    found = evaluate(
        criterion, latency(*now), captured={"answers": captured(Fraction(109, 1000), samples=packed(before))}
    ).finding

    assert found.outcome is outcome


def test_a_rank_test_without_the_values_of_then_tells_nothing() -> None:
    """No baseline, none with samples, and none with samples of this thing."""
    criterion = replace(COMPARED, baseline=replace(BASELINE, significance=Fraction(1, 100)))
    other = replace(latency(*[100.0] * 241), labels={"node": "b"})
    before = Samples(metric="latency", source="s", query="q", since=0, until=NOW, series=(other,))
    now = replace(latency(*[100.0] * 241), labels={"node": "a"})

    def told(known: Captured | None = None) -> tuple[Outcome, str]:
        given = {} if known is None else {"answers [a]": known}
        [found] = evaluate_all(criterion, now, per="node", captured=given)
        return found.finding.outcome, found.finding.detail

    outcome, detail = told()
    assert (outcome, "no baseline" in detail) == (Outcome.INCONCLUSIVE, True)
    for samples in (b"", packed(before)):
        outcome, detail = told(captured(Fraction(1, 10), samples=samples))
        assert outcome is Outcome.INCONCLUSIVE
        assert "there were 0 then and are" in detail


def test_a_rank_test_asks_the_same_thing_over_the_same_window() -> None:
    """Another node's values then, and those of before the window, would make this node look slower."""
    criterion = replace(COMPARED, baseline=replace(BASELINE, significance=Fraction(1, 100)))
    usual = [100.0 + index % 10 for index in range(241)]
    long_ago = latency(*[50.0] * 240, *usual, at=times(since=2 * HOUR))
    then = (replace(long_ago, labels={"node": "a"}), replace(latency(*[50.0] * 241), labels={"node": "b"}))
    before = Samples(metric="latency", source="s", query="q", since=0, until=NOW, series=then)
    known = {"answers [a]": captured(Fraction(109, 1000), samples=packed(before))}
    now = replace(latency(*usual), labels={"node": "a"})

    [evaluation] = evaluate_all(criterion, now, per="node", captured=known)

    assert evaluation.finding.outcome is Outcome.PASS
    assert "on 240 and 240 values: p = 1.0000" in evaluation.finding.detail


def test_the_samples_asked_for_make_every_window_whole() -> None:
    assert lookback(SUCCESS, metric(SUCCESS).source or SourceSettings(kind=SourceKind.LOG)) == 90 * MINUTE + 2 * MINUTE


# Told whole


TROUBLE = Finding(
    item="c",
    kind=Kind.CRITERION,
    title="answers",
    outcome=Outcome.ERROR,
    needed="< 200 ms",
    source="prometheus <URL>: good / total",
    detail="no data is missing data, not zero and not a pass",
    remedy="bring the source back",
    facts={"query": "good / total", "attempts": "1"},
)
DOWN = Outage(since=NOW - HOUR, until=NOW, why="refused")
TWO = {"per": "node", "things": ("a", "b")}
MIXED = "the source answers counts where values are declared, or values where counts are"
TROUBLES: dict[str, tuple[list[Series], dict[str, Any], dict[str, Any]]] = {
    "nothing": (
        [], {}, {
            "outcome": Outcome.INCONCLUSIVE, "measured": "no sample", "remedy": "see why the source has no samples",
        },
    ),
    "a source that is down": (
        [], {"outages": (DOWN,)}, {"measured": "prometheus <URL> could not be asked for 1h: refused"},
    ),
    "two series of one thing": (
        [latency(1, at=[NOW]), replace(latency(1, at=[NOW]), labels={"x": "y"})], {}, {
            "measured": "2 series where one is expected, {} and {x=y}",
        },
    ),
    "counts for values": ([success(1000)], {}, {"measured": MIXED}),
    "samples that come too seldom": (
        [latency(1, at=[NOW])], {"step": HOUR, "gap": HOUR - 1}, {
            "measured": "samples come every 1h, but max_gap is 59m 59s: no time would ever be seen",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("series", "more", "told"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_told_whole(series: list[Series], more: dict[str, Any], told: dict[str, Any]) -> None:
    given = dict(more)
    criterion = replace(LATENCY, span=Span(over=HOUR, max_gap=given.pop("gap", None)))

    finding = evaluate(criterion, *series, **given).finding

    assert finding == replace(TROUBLE, **told)
    assert not evaluate(replace(criterion, required=False), *series, **given).finding.required


def test_a_thing_that_nobody_answered_for_is_told_by_its_name() -> None:
    """Down is an error, silent was not run; the other thing is judged by itself."""
    here = replace(latency(*[1] * 241), labels={"node": "a"})
    silent = evaluate_all(LATENCY, here, **TWO)[1]
    down = evaluate_all(LATENCY, here, outages=(replace(DOWN, since=NOW - HOUR // 2),), **TWO)[1]

    assert silent == Evaluation(
        finding=replace(
            TROUBLE,
            item="c[b]",
            title="answers [b]",
            outcome=Outcome.NOT_RUN,
            measured="nobody answered for node 'b'",
            remedy="see why the source has no samples",
        )
    )
    assert down.finding == replace(
        TROUBLE,
        item="c[b]",
        title="answers [b]",
        measured="prometheus <URL> could not be asked for 30m: refused",
    )


def test_a_trigger_that_fired_is_told_although_there_is_no_value() -> None:
    """Bad for longer than its window, then silent for more than the criterion looks back (rule 2)."""
    slow = Trigger(when=bound(">", 200, "ms"), window=Window(kind=WindowKind.EVERY, over=15 * MINUTE))
    once = Trigger(
        when=bound(">", 100, "ms"), window=Window(kind=WindowKind.K_OF_N, k=1, n=1), severity=Severity.PLANNED
    )
    criterion = replace(LATENCY, rollback=(slow, once), span=Span(over=MINUTE))
    bad = latency(*[300] * 81, at=times(25 * MINUTE, 5 * MINUTE))

    evaluation = evaluate(criterion, bad)

    assert evaluation == Evaluation(
        finding=replace(
            TROUBLE,
            outcome=Outcome.FAIL,
            measured="no sample",
            detail="immediate rollback trigger > 200 ms, every sample for more than 15m fired; "
            "planned rollback trigger > 100 ms, 1 of 1 samples fired",
            remedy="rollout rollback",
        ),
        fired=(slow, once),
    )


DOUBTS: dict[str, tuple[dict[str, Any], dict[str, Any], Outcome, str, str]] = {
    "old": (
        {}, {"until": 5 * MINUTE + STEP}, Outcome.INCONCLUSIVE, "the newest sample is 5m 15s old, more than 5m",
        "see why the source has no samples",
    ),
    "thin": (
        {"max_blind": MINUTE}, {"since": 57 * MINUTE}, Outcome.INCONCLUSIVE,
        "2m 45s of 1h have no samples, at most 1m may", "see why the source has no samples",
    ),
    "young": (
        {}, {"not_before": NOW - 50 * MINUTE}, Outcome.PENDING, "the stage has lasted 50m of 1h", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("about", "more", "outcome", "says", "remedy"), DOUBTS.values(), ids=DOUBTS)
def test_what_is_behind_a_pass_is_doubted_in_a_sentence(about, more, outcome, says, remedy) -> None:
    given = dict(more)
    at = times(given.pop("since", HOUR), given.pop("until", 0))
    criterion = replace(LATENCY, span=Span(over=HOUR, **about))

    finding = evaluate(criterion, latency(*[1] * len(at), at=at), **given).finding

    assert (finding.outcome, finding.remedy) == (outcome, remedy)
    assert finding.detail.startswith(f"{says}; ")


def test_what_failed_is_not_doubted_but_for_a_source_that_is_down() -> None:
    """A breach on old samples stays one; nothing is told of a source that could not be asked."""
    at = times(HOUR, 10 * MINUTE)
    slow = latency(*[300] * len(at), at=at)

    assert evaluate(LATENCY, slow).finding.outcome is Outcome.FAIL
    assert evaluate(LATENCY, slow, outages=(DOWN,)).finding.outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("numbers", "attempts", "says"),
    [
        ([1], 1, "1 sample from 2027-01-15 08:00:00Z to 2027-01-15 08:00:00Z; 1 request"),
        ([None, 1], 2, "1 sample from 2027-01-15 08:00:00Z to 2027-01-15 08:00:00Z; 2 requests; 1 was no number"),
        ([None, None, 1, 2], 1, "2 samples from 2027-01-15 07:59:45Z to 2027-01-15 08:00:00Z; 1 request; 2 were no number"),
    ],
)  # fmt: skip
def test_the_samples_behind_a_value_are_counted(numbers: list[Any], attempts: int, says: str) -> None:
    at = [NOW - STEP * index for index in range(len(numbers))][::-1]

    assert evaluate(LATENCY, values(at, numbers), attempts=attempts).finding.detail.endswith(says)


@pytest.mark.parametrize(
    ("minutes", "unseen"),
    [([60, 0], "59m 44s"), ([59, 40, 1], "59m"), ([30], "59m 30s"), ([4, 3, 2, 1], "58m 45s")],
    ids=["at both ends", "three", "one in the middle", "young"],
)
def test_each_gap_is_unseen_but_for_what_its_sample_stands_for(minutes: list[int], unseen: str) -> None:
    """Before the first sample, between two, and after the last one."""
    at = [NOW - each * MINUTE + (1 if each == 60 else 0) for each in minutes]
    criterion = replace(LATENCY, span=Span(over=HOUR, max_blind=MINUTE, max_age=HOUR))

    detail = evaluate(criterion, latency(*[1] * len(at), at=at)).finding.detail

    assert detail.startswith(f"{unseen} of 1h have no samples, at most 1m may")


def test_samples_before_this_visit_are_not_counted() -> None:
    """The first moment of the visit is its own."""
    at = times()
    finding = evaluate(LATENCY, latency(*range(len(at)), at=at), not_before=at[100]).finding

    assert finding.facts["samples"] == "141"
    assert finding.facts["first"] == moment_text(at[100])
    at[99] = at[100] - 1
    finding = evaluate(LATENCY, latency(*range(len(at)), at=at), not_before=at[100]).finding
    assert finding.facts["samples"] == "141"


def test_a_thing_that_changed_is_looked_at_from_its_first_series_to_its_last() -> None:
    early, late = times(HOUR - STEP, 30 * MINUTE), times(30 * MINUTE - STEP)
    series = [replace(latency(*[1] * len(at), at=at), labels={"v": str(at[0])}) for at in (early, late)]

    finding = evaluate(LATENCY, *series).finding

    assert finding.outcome is Outcome.PASS
    assert (finding.facts["first"], finding.facts["last"]) == (moment_text(early[0]), moment_text(late[-1]))


def test_a_series_that_ended_before_the_window_makes_no_source_down() -> None:
    """An outage within its budget, and an earlier version's series, of which nothing is asked any more."""
    ago = [times(3 * HOUR, 2 * HOUR), times(2 * HOUR - STEP)]
    series = [replace(latency(*[1] * len(at), at=at), labels={"v": str(at[0])}) for at in ago]
    short = Outage(since=NOW - 3 * MINUTE, until=NOW, why="refused")

    assert evaluate(LATENCY, *series, outages=(short,)).finding.outcome is Outcome.PASS


def test_an_outage_before_the_window_is_neither_told_nor_pays_for_another() -> None:
    """Its time would be taken from that of the outage which counts."""
    long_ago = Outage(since=NOW - 3 * HOUR, until=NOW - 2 * HOUR, why="long ago")
    now = Outage(since=NOW - 10 * MINUTE, until=NOW, why="refused")
    until_then = replace(long_ago, until=NOW - HOUR)
    series = latency(*[1] * 241)

    found = evaluate(LATENCY, series, outages=(long_ago, now)).finding
    assert (found.outcome, found.detail.partition(";")[0]) == (
        Outcome.ERROR, "prometheus <URL> could not be asked for 10m: refused",
    )  # fmt: skip
    silent = evaluate(LATENCY, outages=(until_then,)).finding
    assert (silent.outcome, silent.measured) == (Outcome.INCONCLUSIVE, "no sample")


def test_events_may_be_rare_but_not_older_than_the_plan_says() -> None:
    """What is told only when it happens leaves gaps; an age that the plan writes is meant."""
    at = [NOW - 40 * MINUTE, NOW - 30 * MINUTE]
    event = replace(latency(1, 1, at=at), events=True)
    before = replace(latency(1, at=[NOW - 50 * MINUTE]), labels={"v": "1"})

    def judged(*series: Series, **about: int) -> Finding:
        return evaluate(replace(LATENCY, span=Span(over=HOUR, **about)), *series).finding

    assert judged(event).outcome is Outcome.PASS
    assert judged(before, event).outcome is Outcome.PASS
    assert judged(event, max_blind=0).outcome is Outcome.PASS
    assert judged(event, max_age=30 * MINUTE).outcome is Outcome.PASS
    old = judged(event, max_age=30 * MINUTE - 1)
    assert (old.outcome, old.detail.partition(";")[0]) == (
        Outcome.INCONCLUSIVE, f"the newest sample is 30m old, more than {duration_text(30 * MINUTE - 1)}",
    )  # fmt: skip


def test_a_stage_that_lacks_no_more_of_its_window_than_may_be_unseen_is_not_too_young() -> None:
    """Three minutes of an hour, and the longest gap is one that may be."""
    criterion = replace(LATENCY, span=Span(over=HOUR, max_gap=STEP, max_blind=3 * MINUTE))
    at = times(57 * MINUTE)

    assert evaluate(criterion, latency(*[1] * len(at), at=at), not_before=at[0]).finding.outcome is Outcome.PASS
    found = evaluate(criterion, latency(*[1] * (len(at) - 1), at=at[1:]), not_before=at[0] + 1).finding
    assert found.outcome is Outcome.PENDING


def test_a_gap_as_long_as_it_may_be_was_seen() -> None:
    at = [time for time in times(59 * MINUTE) if (NOW - time) % MINUTE == 0]
    criterion = replace(LATENCY, span=Span(over=HOUR, max_gap=MINUTE, max_blind=0, max_age=HOUR))

    assert evaluate(criterion, latency(*[1] * len(at), at=at)).finding.outcome is Outcome.PASS


def test_counts_and_values_are_not_one_answer() -> None:
    """What is no count would be left out of a ratio, however bad it is; and no trigger stops the judge on it."""
    early, late = times(HOUR - STEP, 30 * MINUTE), times(30 * MINUTE - STEP)
    counted = ratios(early, [999] * len(early), [1000] * len(early), labels={"v": "1"})
    valued = values(late, [0] * len(late), labels={"v": "2"})

    for series in ((counted, valued), (valued, counted)):
        for criterion in (SUCCESS, LATENCY):
            finding = evaluate(criterion, *series).finding
            assert (finding.outcome, finding.measured) == (
                Outcome.ERROR, "counts and values came in one answer, and one of the two would be left out",
            )  # fmt: skip


def test_a_sum_fires_although_no_sample_does() -> None:
    """What is looked at first must not hide what only adds up."""
    trigger = Trigger(when=bound(">", 1000, "ms"), window=Window(kind=WindowKind.AGGREGATE, over=15 * MINUTE))
    at = times()

    criterion = replace(LATENCY, statistic=Statistic.SUM, rollback=(trigger,))

    assert evaluate(criterion, latency(*[100] * len(at), at=at)).fired == (trigger,)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_trigger_fires_by_one_of_the_series_of_a_thing_that_changed(is_late: bool) -> None:
    """The version before, or the one after it, was good throughout."""
    early, late = times(HOUR - STEP, 30 * MINUTE), times(30 * MINUTE - STEP)
    good, bad = (999, 800) if is_late else (800, 999)
    series = [
        ratios(at, [number] * len(at), [1000] * len(at), labels={"v": str(number)})
        for at, number in ((early, good), (late, bad))
    ]

    assert evaluate(SUCCESS, *series).fired != ()


def test_a_trigger_by_number_looks_back_as_far_as_samples_that_come_seldom_need() -> None:
    """The source answers every 20 minutes, whatever interval the plan wrote."""
    four = Trigger(when=bound(">", 1, "ms"), window=Window(kind=WindowKind.K_OF_N, k=4, n=4))
    at = [NOW - minutes * MINUTE for minutes in (75, 55, 35, 15)]
    criterion = replace(LATENCY, rollback=(four,), span=Span(over=HOUR))

    assert evaluate(criterion, latency(*[2] * 4, at=at), step=20 * MINUTE).fired == (four,)


def test_how_far_back_a_trigger_by_number_looks() -> None:
    ten = Trigger(when=bound(">", 1, "ms"), window=Window(kind=WindowKind.K_OF_N, k=1, n=10))
    settings = metric(LATENCY).source
    assert settings is not None

    assert lookback(replace(LATENCY, rollback=(ten,)), settings) == HOUR + 10 * STEP + 2 * 3 * STEP + 2 * STEP
    assert lookback(LATENCY, settings) == HOUR + 2 * 3 * STEP + 2 * STEP


@pytest.mark.parametrize(("over", "outcome"), [(2 * MINUTE, Outcome.PASS), (2 * MINUTE - 1, Outcome.ERROR)])
def test_a_window_needs_two_samples(over: int, outcome: Outcome) -> None:
    trigger = Trigger(when=bound(">", 200, "ms"), window=Window(kind=WindowKind.EVERY, over=over))
    at = times(step=MINUTE)

    evaluation = evaluate(replace(LATENCY, rollback=(trigger,)), latency(*[1] * len(at), at=at), step=MINUTE)

    assert evaluation.finding.outcome is outcome


def test_an_aggregate_trigger_asks_the_criterions_statistic() -> None:
    trigger = Trigger(when=bound(">", 200, "ms"), window=Window(kind=WindowKind.AGGREGATE, over=15 * MINUTE))
    at = times()
    criterion = replace(LATENCY, statistic=Statistic.MEAN, rollback=(trigger,))

    assert not evaluate(criterion, latency(*[100, 290] * 120, 1, at=at)).fired
    assert evaluate(criterion, latency(*[120, 290] * 120, 1, at=at)).fired == (trigger,)
