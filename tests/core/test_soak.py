"""Soak is time covered by evidence, for each thing by itself (rules 13, 17, 23)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import SECOND, Outage, Samples, Series, ratios, values
from pytest_rollout.core.soak import Break, Counted, Soak, Stretch, cover, progress
from pytest_rollout.core.soaked import Asked, Soaked, soak_findings, soak_on
from pytest_rollout.core.units import UNITS

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
SOAK = Soak(period=HOUR, coverage=Fraction(95, 100), max_gap=5 * MINUTE, metrics=("up",))
STEP = 15 * SECOND


def regular(since: int, until: int, **labels: str) -> Series:
    times = list(range(since, until + 1, STEP))
    return values(times, [1.0] * len(times), labels=labels)


def without(series: Series, since: int, until: int) -> Series:
    times = [time for time in series.times if not since < time < until]
    return values(times, [1.0] * len(times), labels=series.labels)


def covered(
    *series: Series, soak: Soak = SOAK, breaks: Sequence[Break] = (), outages: Sequence[Outage] = ()
) -> Stretch:
    return cover(soak, STEP, Stretch(), series, breaks=breaks, outages=outages)


@pytest.mark.parametrize(
    ("until", "complete"), [(HOUR - STEP, False), (HOUR, True), (2 * HOUR, True)], ids=["59:45", "60:00", "two hours"]
)
def test_the_whole_period_must_be_covered(until: int, complete: bool) -> None:
    assert progress(SOAK, covered(regular(0, until))).is_complete is complete


def test_no_sample_covers_nothing() -> None:
    how_far = progress(SOAK, covered())

    assert (how_far.is_complete, how_far.covered, how_far.text) == (False, 0, "nothing of 1h is covered: no sample")


def test_two_samples_an_hour_apart_are_no_soak() -> None:
    """Calendar time is no evidence."""
    assert progress(SOAK, covered(values([0, HOUR], [1, 1]))).covered == 0


def test_it_says_how_much_is_covered_what_is_missing_and_when_it_can_be_complete() -> None:
    how_far = progress(SOAK, covered(regular(0, 20 * MINUTE)))

    assert how_far.text == "20m of 1h covered, 40m missing, complete at 1970-01-01 01:00:00Z at the earliest"
    assert how_far.earliest == HOUR


def test_a_gap_beyond_the_allowed_begins_the_soak_anew_and_is_named() -> None:
    how_far = progress(SOAK, covered(without(regular(0, HOUR), 30 * MINUTE, 36 * MINUTE)))

    assert (how_far.is_complete, how_far.covered, how_far.since) == (False, 24 * MINUTE, 36 * MINUTE)
    assert how_far.broken is not None
    assert how_far.broken.why == "no sample for 6m from 1970-01-01 00:30:00Z"


def test_a_gap_of_exactly_the_allowed_length_costs_only_its_time() -> None:
    gap = without(regular(0, HOUR), 30 * MINUTE, 35 * MINUTE)

    assert progress(SOAK, covered(gap)).is_complete is False
    assert progress(replace(SOAK, coverage=Fraction(90, 100)), covered(gap)).is_complete is True


def test_coverage_below_the_share_waits_until_the_gap_has_left_the_period() -> None:
    """Unseen: 4:45 at 10:00 of an hour that may lack 3:00; it is enough once 1:45 of it lie behind."""
    gappy = without(regular(0, 2 * HOUR), 10 * MINUTE, 15 * MINUTE)
    how_far = progress(SOAK, covered(gappy.between(-1, HOUR)))

    assert how_far.earliest == 12 * MINUTE + HOUR
    assert progress(SOAK, covered(gappy.between(-1, 12 * MINUTE + HOUR))).is_complete is True
    assert progress(SOAK, covered(gappy.between(-1, 12 * MINUTE + HOUR - STEP))).is_complete is False


def test_missed_samples_are_not_covered_by_their_neighbours() -> None:
    """Every other scrape missing is half a coverage, however evenly they are spread."""
    times = list(range(0, HOUR + 1, 2 * STEP))

    assert progress(SOAK, covered(values(times, [1] * len(times)))).share == Fraction(1, 2)


def test_a_source_that_is_down_stops_the_clock_and_does_not_begin_it_anew() -> None:
    gap = without(regular(0, HOUR + 20 * MINUTE), 30 * MINUTE, 50 * MINUTE)
    down = Outage(since=30 * MINUTE + STEP, until=50 * MINUTE, why="502")

    assert progress(SOAK, covered(gap)).since == 50 * MINUTE
    with_outage = progress(SOAK, covered(gap, outages=[down]))
    assert (with_outage.since, with_outage.covered, with_outage.missing) == (0, HOUR, 0)
    earlier = progress(SOAK, covered(gap.between(-1, HOUR + 19 * MINUTE), outages=[down]))
    assert earlier.is_complete is False


def test_a_changed_label_is_another_subject() -> None:
    how_far = progress(
        SOAK, covered(regular(0, 30 * MINUTE, version="1"), regular(30 * MINUTE + STEP, 2 * HOUR, version="2"))
    )

    assert how_far.since == 30 * MINUTE + STEP
    assert how_far.broken is not None
    assert "the subject changed" in how_far.broken.why
    assert "{version=1} to {version=2}" in how_far.broken.why


def test_no_traffic_covers_nothing() -> None:
    times = list(range(0, HOUR + 1, STEP))
    series = ratios(times, [0] * len(times), [0] * len(times))

    assert progress(SOAK, covered(series)).last is None


STEPS = st.lists(st.sampled_from([15, 15, 15, 20, 30, 30, 45, 299, 300, 301, 900]), min_size=1, max_size=60)


@given(STEPS, st.lists(st.integers(0, 60)), st.lists(st.integers(0, 3000), max_size=3), st.booleans())
def test_covering_piece_by_piece_comes_to_the_same_as_at_once(
    steps: list[int], cuts: list[int], breaks: list[int], down: bool
) -> None:
    """And what is remembered in between can be written down: no interval is counted twice."""
    times = [sum(steps[: index + 1]) * SECOND for index in range(len(steps))]
    series = values(times, [1.0] * len(times))
    soak = replace(SOAK, period=10 * MINUTE)
    found = [Break(at=at * SECOND, why="restarted") for at in sorted(set(breaks))]
    outages = [Outage(since=times[0], until=times[0] + 10 * MINUTE, why="502")] if down else []
    at_once = cover(soak, STEP, Stretch(), [series], breaks=found, outages=outages)

    stretch = Stretch()
    edges = sorted({0, *(cut for cut in cuts if cut < len(times)), len(times)})
    for start, end in pairwise(edges):
        piece = series.between(-1, times[end - 1])
        new = [each for each in found if start == 0 or each.at > times[start - 1]]
        new = [each for each in new if each.at <= times[end - 1] or end == len(times)]
        stretch = cover(soak, STEP, stretch, [piece], breaks=new, outages=outages)
        stretch = Stretch.read(json.loads(json.dumps(stretch.document())))

    assert stretch == at_once


@given(STEPS)
def test_what_is_said_to_be_the_earliest_end_is_one(steps: list[int]) -> None:
    """With samples coming every interval, the soak is complete then and not an interval sooner."""
    soak = replace(SOAK, period=10 * MINUTE)
    times = [sum(steps[: index + 1]) * SECOND for index in range(len(steps))]
    series = values(times, [1.0] * len(times))
    how_far = progress(soak, covered(series, soak=soak))
    assert how_far.earliest is not None
    more = [*times, *range(times[-1] + SECOND, how_far.earliest + 1, SECOND)]
    later = values(more, [1.0] * len(more))

    assert progress(soak, covered(later, soak=soak)).is_complete
    if how_far.missing > SECOND:
        sooner = later.between(-1, how_far.earliest - SECOND)
        assert not progress(soak, covered(sooner, soak=soak)).is_complete


def metric(name: str, *, per: str = "", things: tuple[str, ...] = ()) -> Metric:
    settings = SourceSettings(
        kind=SourceKind.PROMETHEUS, query=name, per=per, things=things, interval=timedelta(seconds=15)
    )
    return Metric(name=name, unit=UNITS["count"], source=settings)


def answered(name: str, *series: Series, outages: tuple[Outage, ...] = (), until: int = HOUR) -> Samples:
    return Samples(metric=name, source="prometheus", query=name, since=0, until=until, series=series, outages=outages)


def findings(
    soak: Soak, metrics: Sequence[Metric], samples: Sequence[Samples], *, now: int = HOUR, not_before: int | None = None
) -> Mapping[str, Finding]:
    asked = Asked(
        metrics={each.name: each for each in metrics},
        samples={each.metric: each for each in samples},
        not_before=not_before,
    )
    found = soak_findings(soak, soak_on(soak, Soaked(), asked), asked, prefix="plan::beta::soak::", now=now)
    return {each.item.removeprefix("plan::beta::soak::"): each for each in found}


def test_a_covered_soak_passes_and_says_by_what() -> None:
    found = findings(SOAK, [metric("up")], [answered("up", regular(0, HOUR))])["up"]

    assert found.outcome is Outcome.PASS
    assert found.measured == "1h of 1h covered"
    assert found.detail == "samples from 1970-01-01 00:00:00Z to 1970-01-01 01:00:00Z; 100 % of it covered"


def test_nodes_do_not_borrow_from_one_another() -> None:
    nodes = metric("up", per="node", things=("a", "b", "c"))
    found = findings(SOAK, [nodes], [answered("up", regular(0, HOUR, node="a"), regular(30 * MINUTE, HOUR, node="b"))])

    assert [(name, each.outcome) for name, each in found.items()] == [
        ("up[a]", Outcome.PASS),
        ("up[b]", Outcome.PENDING),
        ("up[c]", Outcome.NOT_RUN),
    ]


def test_two_series_where_one_is_expected_are_an_error() -> None:
    found = findings(SOAK, [metric("up")], [answered("up", regular(0, HOUR, pod="a"), regular(0, HOUR, pod="b"))])["up"]

    assert found.outcome is Outcome.ERROR
    assert found.measured == "2 series where one is expected, {pod=a} and {pod=b}"


def test_a_thing_the_plan_does_not_name_is_an_error() -> None:
    nodes = metric("up", per="node", things=("a",))
    found = findings(SOAK, [nodes], [answered("up", regular(0, HOUR, node="a"), regular(0, HOUR, node="z"))])

    assert {each.outcome for each in found.values()} == {Outcome.ERROR}


@pytest.mark.parametrize(("outages", "outcome"), [((), Outcome.INCONCLUSIVE), (("502",), Outcome.ERROR)], ids=str)
def test_a_source_that_went_silent_passes_nothing(outages: tuple[str, ...], outcome: Outcome) -> None:
    """A covered soak with old samples is not covered now (rule 14); a source that is down is named (rule 13)."""
    down = tuple(Outage(since=HOUR + MINUTE, until=HOUR + 10 * MINUTE, why=why) for why in outages)
    silent = answered("up", regular(0, HOUR), outages=down, until=HOUR + 10 * MINUTE)

    assert findings(SOAK, [metric("up")], [silent], now=HOUR + 10 * MINUTE)["up"].outcome is outcome


def test_no_answer_at_all_is_no_soak() -> None:
    assert findings(SOAK, [metric("up")], [])["up"].outcome is Outcome.INCONCLUSIVE


def test_evidence_of_another_visit_or_subject_does_not_count() -> None:
    found = findings(SOAK, [metric("up")], [answered("up", regular(0, HOUR))], not_before=30 * MINUTE)["up"]

    assert (found.outcome, found.measured[:12]) == (Outcome.PENDING, "30m of 1h co")


def counter(*pairs: tuple[int, int], **labels: str) -> Series:
    return values([time for time, _ in pairs], [count for _, count in pairs], labels=labels)


COUNTING = replace(SOAK, comparisons="verified", min_comparisons=100)


@pytest.mark.parametrize(("compared", "outcome"), [(0, Outcome.PENDING), (99, Outcome.PENDING), (100, Outcome.PASS)])
def test_a_covered_time_without_comparisons_is_no_soak(compared: int, outcome: Outcome) -> None:
    """Zero comparisons is not zero divergences (rule 23)."""
    counted = counter((0, 1000), (HOUR, 1000 + compared))
    found = findings(
        COUNTING, [metric("up"), metric("verified")], [answered("up", regular(0, HOUR)), answered("verified", counted)]
    )

    assert found["up"].outcome is outcome


def test_a_counter_that_runs_backwards_is_a_restart() -> None:
    counted = counter((0, 1000), (30 * MINUTE, 2000), (31 * MINUTE, 5), (HOUR, 900))
    found = findings(
        COUNTING, [metric("up"), metric("verified")], [answered("up", regular(0, HOUR)), answered("verified", counted)]
    )

    assert found["up"].outcome is Outcome.PENDING
    assert found["up"].measured.startswith("29m of 1h covered")
    assert "restarted by 1970-01-01 00:31:00Z: a counter ran back from 2000 to 5" in found["up"].detail
    assert "895 comparisons" in found["up"].detail


def test_a_changed_start_time_is_a_restart_of_that_node_alone() -> None:
    soak = replace(SOAK, started="started")
    nodes = [metric(name, per="node") for name in ("up", "started")]
    starts = [counter((0, 5), (HOUR, 5), node="a"), counter((0, 5), (MINUTE, 7), (HOUR, 7), node="b")]
    found = findings(
        soak,
        nodes,
        [answered("up", regular(0, HOUR, node="a"), regular(0, HOUR, node="b")), answered("started", *starts)],
    )

    assert {name: each.outcome for name, each in found.items()} == {"up[a]": Outcome.PASS, "up[b]": Outcome.PENDING}
    assert "the start time changed from 5 to 7" in found["up[b]"].detail


def test_comparisons_before_a_restart_do_not_count() -> None:
    counted = [counter((0, 0), (MINUTE, 5000)), counter((2 * MINUTE, 3), (HOUR, 53))]
    whole = values([*counted[0].times, *counted[1].times], [0, 5000, 3, 53])
    found = findings(
        COUNTING,
        [metric("up"), metric("verified")],
        [answered("up", regular(0, 2 * HOUR), until=2 * HOUR), answered("verified", whole)],
        now=2 * HOUR,
    )

    assert found["up"].measured == "50 of 100 comparisons"


@given(
    st.lists(st.tuples(st.sampled_from([15, 30, 600]), st.integers(-3, 10)), min_size=1, max_size=30),
    st.lists(st.integers(0, 30)),
)
def test_the_soak_of_a_watch_is_the_soak_of_the_judge(pairs: list[tuple[int, int]], cuts: list[int]) -> None:
    times, counts, time, count = [], [], 0, 100
    for step, more in pairs:
        time, count = time + step * SECOND, max(0, count + more)
        times.append(time)
        counts.append(count)
    soak = replace(COUNTING, metrics=("up", "verified"), period=5 * MINUTE)
    metrics = {name: metric(name) for name in soak.metrics}

    def asked(until: int) -> Asked:
        up, verified = (values(times, numbers).between(-1, until) for numbers in ([1.0] * len(times), counts))
        return Asked(
            metrics=metrics,
            samples={"up": answered("up", up, until=until), "verified": answered("verified", verified, until=until)},
        )

    soaked = Soaked()
    for cut in sorted({*(cut for cut in cuts if cut < len(times)), len(times) - 1}):
        soaked = Soaked.read(json.loads(json.dumps(soak_on(soak, soaked, asked(times[cut])).document())))

    assert soaked == soak_on(soak, Soaked(), asked(times[-1]))


@pytest.mark.parametrize(
    ("read", "what"), [(Stretch.read, "soak"), (Counted.read, "counter")], ids=["stretch", "counter"]
)
def test_what_remembers_nothing_is_refused_in_one_sentence(read: object, what: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read({})  # type: ignore[operator]  # one of the two readers

    assert str(caught.value) == f"no remembered {what} can be read (KeyError: 'since')."


def test_what_no_window_needs_any_more_is_forgotten() -> None:
    """A soak of weeks with a gap a day stays small: what lies before a gap that costs too much never counts again."""
    gappy = regular(0, HOUR)
    for begin in (10, 20, 30):
        gappy = without(gappy, begin * MINUTE, (begin + 4) * MINUTE)

    assert covered(gappy).unseen == ((30 * MINUTE + STEP, 34 * MINUTE),)


def test_what_was_not_seen_before_the_period_is_no_part_of_its_share() -> None:
    gappy = without(regular(0, 2 * HOUR), 10 * MINUTE, 11 * MINUTE)

    assert progress(SOAK, covered(gappy)).share == 1
    assert progress(SOAK, covered(gappy.between(-1, HOUR))).share == 1 - Fraction(45, 3600)
