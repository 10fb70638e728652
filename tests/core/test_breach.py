"""Triggers over time: windows, strict durations, gaps, and one answer however it is asked (rules 2, 7, 16)."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.breach import Watched, look
from pytest_rollout.core.columns import meeting, total, whole
from pytest_rollout.core.criterion import Bound, Relation, Statistic, percentile, statistic_of
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import SECOND, Series, exact, ratios, values
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.window import Looked, Window, WindowKind

MINUTE = 60 * SECOND
BELOW_90 = Bound(relation=Relation.LESS, limit=Fraction(9, 10), unit=UNITS["%"])
ABOVE_200 = Bound(relation=Relation.MORE, limit=Fraction(200, 1000), unit=UNITS["ms"])
BAD, GOOD = 89, 90
"""Of a hundred, against "< 90 %"."""


def every(over: int, **more: object) -> Watched:
    return watched(Window(kind=WindowKind.EVERY, over=over), **more)


def aggregate(over: int, **more: object) -> Watched:
    return watched(Window(kind=WindowKind.AGGREGATE, over=over), **more)


def k_of_n(k: int, n: int, **more: object) -> Watched:
    return watched(Window(kind=WindowKind.K_OF_N, k=k, n=n), **more)


def watched(window: Window, **more: object) -> Watched:
    given: dict[str, object] = {"when": BELOW_90, "scale": Fraction(1), "max_gap": MINUTE} | more
    return Watched(window=window, **given)  # type: ignore[arg-type]  # as each test gives it


def counts(good: Sequence[int], step: int = 15, seconds: Sequence[int] | None = None) -> Series:
    times = [step * index for index in range(len(good))] if seconds is None else seconds
    return ratios([each * SECOND for each in times], good, [100] * len(good))


def breach(seconds: int, step: int) -> Series:
    """Good, then bad from 60 s until ``seconds`` later, one sample each ``step`` and one at the end, then good."""
    times = [0, *range(60, 60 + seconds, step), 60 + seconds]
    return counts([GOOD, *[BAD] * (len(times) - 1)], seconds=times)


@pytest.mark.parametrize(
    ("seconds", "fires"),
    [(14 * 60 + 59, False), (15 * 60, False), (15 * 60 + 1, True)],
    ids=["14:59", "15:00", "15:01"],
)
def test_exactly_fifteen_minutes_are_not_more_than_fifteen_minutes(seconds: int, fires: bool) -> None:
    after = look(every(15 * MINUTE), Looked(), breach(seconds, step=15))

    assert after.fired is fires


@pytest.mark.parametrize(
    ("seconds", "fires"),
    [(14 * 60 + 59, False), (15 * 60, False), (15 * 60 + 1, True)],
    ids=["14:59", "15:00", "15:01"],
)
def test_an_aggregate_needs_more_than_its_duration_of_evidence(seconds: int, fires: bool) -> None:
    """A service that was bad from its first sample on is bad for more than 15 min only after them."""
    times = [*range(0, seconds, 15), seconds]
    after = look(aggregate(15 * MINUTE), Looked(), counts([BAD] * len(times), seconds=times))

    assert after.fired is fires


def test_one_good_sample_clears_every_but_not_an_aggregate() -> None:
    flapping = counts([*[BAD] * 40, GOOD, *[BAD] * 40])

    assert not look(every(15 * MINUTE), Looked(), flapping).fired
    assert look(aggregate(15 * MINUTE), Looked(), flapping).fired


def test_exactly_on_the_bound_is_not_beyond_it() -> None:
    """899, 900 and 901 of 1,000 against "< 90 %" (rule 8)."""
    at = [each * MINUTE for each in range(20)]
    fired = [
        look(aggregate(15 * MINUTE), Looked(), ratios(at, [good] * 20, [1000] * 20)).fired for good in (899, 900, 901)
    ]

    assert fired == [True, False, False]


def test_a_gap_neither_counts_nor_clears() -> None:
    """Ten bad minutes, an hour without samples, then bad again: five more minutes and a little are needed."""
    before = list(range(0, 601, 15))
    late = 600 + 3600
    almost = [*before, *range(late, late + 300 + 1, 15)]
    enough = [*almost, late + 301]

    assert not look(every(15 * MINUTE), Looked(), counts([BAD] * len(almost), seconds=almost)).fired
    assert look(every(15 * MINUTE), Looked(), counts([BAD] * len(enough), seconds=enough)).fired


def test_a_gap_of_exactly_the_allowed_length_was_seen() -> None:
    times = [0, 60, 120, 181]

    assert look(every(2 * MINUTE - 1), Looked(), counts([BAD] * 4, seconds=times)).fired
    assert not look(every(2 * MINUTE), Looked(), counts([BAD] * 4, seconds=times)).fired


def test_a_missing_value_is_a_gap_and_clears_nothing() -> None:
    """NaN is neither good nor bad (rule 6)."""
    numbers: list[object] = [BAD] * 30 + [None] * 8 + [BAD] * 40
    series = ratios([15 * SECOND * index for index in range(len(numbers))], numbers, [100] * len(numbers))

    assert look(every(15 * MINUTE), Looked(), series).fired


def test_no_traffic_is_neither_bad_nor_clears() -> None:
    good, every_total = [BAD] * 40 + [0] * 8 + [BAD] * 40, [100] * 40 + [0] * 8 + [100] * 40
    series = ratios([15 * SECOND * index for index in range(88)], good, every_total)

    assert look(every(15 * MINUTE), Looked(), series).fired
    assert not look(every(MINUTE), Looked(), ratios([0, MINUTE, 2 * MINUTE], [0] * 3, [0] * 3)).fired


@pytest.mark.parametrize(
    ("pattern", "fires"),
    [("bbb", True), ("bgbgb", True), ("bggbgb", False), ("bb", False), ("ggggg", False), ("bggggbb", False)],
)
def test_three_of_five_samples(pattern: str, fires: bool) -> None:
    series = counts([BAD if each == "b" else GOOD for each in pattern])

    assert look(k_of_n(3, 5), Looked(), series).fired is fires


def test_it_says_when_it_fired_first_and_last_and_whether_it_still_does() -> None:
    series = counts([GOOD, BAD, BAD, BAD, GOOD, BAD, BAD, BAD, GOOD])
    after = look(every(20 * SECOND), Looked(), series)

    assert (after.first_fired, after.last_fired, after.is_firing) == (45 * SECOND, 105 * SECOND, False)
    assert look(every(20 * SECOND), Looked(), counts([BAD] * 3)).is_firing


def test_samples_seen_before_are_not_counted_twice() -> None:
    series = breach(14 * 60 + 59, step=15)
    once = look(every(15 * MINUTE), Looked(), series)

    assert look(every(15 * MINUTE), once, series) == once


def test_a_good_sample_with_which_a_second_look_begins_ends_the_run_of_bad_ones() -> None:
    series = counts([*[BAD] * 5, GOOD, *[BAD] * 8])

    first = look(every(2 * MINUTE), Looked(), series.between(-1, 60 * SECOND))

    assert first.bad_since == 0
    assert look(every(2 * MINUTE), first, series).bad_since == 90 * SECOND
    assert not look(every(2 * MINUTE), first, series).fired


def test_a_trigger_that_fired_and_no_longer_does_says_both() -> None:
    series = counts([*[BAD] * 12, *[GOOD] * 9])

    first = look(every(2 * MINUTE), Looked(), series.between(-1, 165 * SECOND))
    second = look(every(2 * MINUTE), first, series)

    assert (first.first_fired, first.last_fired, first.is_firing) == (135 * SECOND, 165 * SECOND, True)
    assert (second.first_fired, second.last_fired, second.is_firing) == (135 * SECOND, 165 * SECOND, False)
    assert look(k_of_n(2, 2), replace(first, columns=()), series).is_firing is False
    assert look(aggregate(2 * MINUTE), replace(first, columns=()), series).is_firing is False


def test_a_trigger_that_fires_again_keeps_when_it_fired_first() -> None:
    series = counts([*[BAD] * 12, GOOD, *[BAD] * 12])

    first = look(every(2 * MINUTE), Looked(), series.between(-1, 165 * SECOND))
    second = look(every(2 * MINUTE), first, series)

    assert (second.first_fired, second.last_fired, second.is_firing) == (135 * SECOND, 360 * SECOND, True)
    assert second.bad_since == 195 * SECOND


def test_no_more_is_remembered_than_the_window_needs() -> None:
    """Whatever was looked at: the next look needs the samples that still lie in it."""
    series = counts([GOOD, *[BAD] * 40, GOOD])

    assert look(k_of_n(4, 6), Looked(), series).columns == (array("q", [1, 1, 1, 1, 0]),)
    after = look(aggregate(MINUTE), Looked(), series)
    assert list(after.clocks) == [each * SECOND for each in (570, 585, 600, 615)]
    assert after.columns == (array("q", [BAD, BAD, BAD, GOOD]), array("q", [100] * 4))


def test_in_an_aggregate_one_bad_value_suffices_where_each_is_asked_by_itself() -> None:
    asked = aggregate(MINUTE, when=ABOVE_200, scale=UNITS["ms"].scale, statistic=Statistic.EVERY)
    times = [15 * SECOND * index for index in range(12)]

    spike = look(asked, Looked(), values(times, [200, 200, 200, 200, 200, 201, *[200] * 6]))

    assert (spike.first_fired, spike.last_fired) == (75 * SECOND, 120 * SECOND)
    assert not look(asked, Looked(), values(times, [200] * 12)).fired


@pytest.mark.parametrize(
    ("old", "new"),
    [([300, 300], [0.5, 400.5]), ([0.5, 400.5], [300, 300]), ([1, 2**70], [1, 0.5])],
    ids=["integers first", "decimals first", "larger than a machine's integers"],
)
def test_values_of_two_looks_are_added_exactly(old: list[float], new: list[float]) -> None:
    together = sum(map(exact, (*old[1:], *new)))  # the first lies before the window
    times = [0, 40 * SECOND, 80 * SECOND, 120 * SECOND]
    before = look(sum_beyond(together), Looked(), values(times[:2], old))

    assert not look(sum_beyond(together), before, values(times[2:], new)).fired
    assert look(sum_beyond(together - Fraction(1, 10**9)), before, values(times[2:], new)).fired


def sum_beyond(limit: Fraction) -> Watched:
    """A sum of the last two minutes and less of more than that; the clock must show more than its window."""
    bound = Bound(relation=Relation.MORE, limit=limit, unit=UNITS["count"])
    return aggregate(119 * SECOND, when=bound, statistic=Statistic.SUM, max_gap=40 * SECOND)


@pytest.mark.parametrize("kind", ["every", "aggregate", "k of n"])
@pytest.mark.parametrize(("step", "clock"), [(15, 135), (60, 540), (61, 0)], ids=["near", "as far as allowed", "gaps"])
def test_a_second_look_goes_on_where_the_first_ended(kind: str, step: int, clock: int) -> None:
    """The clock runs on between two looks as between two samples, and what was seen is passed over."""
    asked = {"every": every(2 * MINUTE), "aggregate": aggregate(2 * MINUTE), "k of n": k_of_n(4, 6)}[kind]
    series = counts([GOOD, *[BAD] * 9], step)

    first = look(asked, Looked(), series.between(-1, 4 * step * SECOND))
    second = look(asked, first, series)

    assert second == look(asked, Looked(), series)
    assert (second.clock, second.last) == (clock * SECOND, 9 * step * SECOND)


@pytest.mark.parametrize("statistic", [each for each in Statistic if each is not Statistic.EVERY], ids=str)
@pytest.mark.parametrize("relation", list(Relation), ids=str)
def test_an_aggregate_of_values_is_the_statistic_of_its_raw_samples(statistic: Statistic, relation: Relation) -> None:
    """Rule 12: the same nearest rank as everywhere, never an average over intervals."""
    numbers = [100.0, 300.0, 200.0, 250.0, 200.0, 100.0, 500.0, 200.0, 200.0, 200.0, 0.3, 199.5]
    limit, scale = Fraction(200, 1000), Fraction(1, 1000)
    if statistic is Statistic.COUNT:
        limit, scale = Fraction(4), Fraction(1)
    bound = Bound(relation=relation, limit=limit, unit=UNITS["ms"])
    series = values([15 * SECOND * index for index in range(12)], numbers)
    looking = aggregate(MINUTE, when=bound, scale=scale, statistic=statistic)

    for count in range(5, 13):
        fed = replace(series, times=series.times[:count], column=series.column[:count])  # type: ignore[index]
        last_four = [exact(each) * scale for each in numbers[count - 4 : count]]
        wanted = count > 5 and bound.holds(statistic_of(last_four, statistic))
        assert look(looking, Looked(), fed).is_firing is wanted, count


FLOATS = st.one_of(
    st.floats(0, 1e6, allow_nan=False), st.sampled_from([0.1, 0.2, 0.3, 0.30000000000000004, 0.29999999999999993, 0.0])
)
INTEGERS = st.one_of(st.integers(0, 400), st.sampled_from([2**53, 2**53 + 1, 2**62]))
NUMBERS = st.one_of(FLOATS, INTEGERS)
LIMITS = st.one_of(st.fractions(0, 500), st.sampled_from([Fraction(3, 10), Fraction(2**53), Fraction(0.3)]))
BOUNDS = st.builds(Bound, relation=st.sampled_from(list(Relation)), limit=LIMITS, unit=st.just(UNITS["count"]))
SHARES = st.builds(
    Bound,
    relation=st.sampled_from(list(Relation)),
    limit=st.fractions(0, 1, max_denominator=10),
    unit=st.just(UNITS["%"]),
)


@given(st.one_of(st.lists(FLOATS), st.lists(INTEGERS), st.lists(NUMBERS)), BOUNDS)
def test_each_sample_is_compared_exactly(numbers: list[float], bound: Bound) -> None:
    """What C decides by floats is what exact numbers would decide."""
    series = values(range(len(numbers)), numbers)

    assert list(meeting(series, bound, Fraction(1))) == [bound.holds(exact(each)) for each in numbers]


@given(st.one_of(st.lists(st.tuples(FLOATS, FLOATS)), st.lists(st.tuples(INTEGERS, INTEGERS))), SHARES)
def test_each_ratio_is_compared_exactly(pairs: list[tuple[float, float]], bound: Bound) -> None:
    pairs = [(min(pair), max(pair)) for pair in pairs if max(pair) > 0]
    series = ratios(range(len(pairs)), [good for good, _ in pairs], [of for _, of in pairs])

    assert list(meeting(series, bound, Fraction(1))) == [bound.holds(exact(good) / exact(of)) for good, of in pairs]


@given(st.one_of(st.lists(FLOATS), st.lists(INTEGERS), st.lists(NUMBERS)))
def test_sums_are_exact(numbers: list[float]) -> None:
    column = values(range(len(numbers)), numbers).column or []

    assert total(column) == sum(map(exact, numbers), Fraction(0))
    assert Fraction(whole(column).running()[-1], whole(column).denominator) == total(column)


def naive(looking: Watched, series: Series) -> list[bool]:
    """Whether the trigger fires at each sample, straight from the rule's words, in exact numbers."""
    rows: list[tuple[int, Fraction, Fraction]] = []
    clock, last = 0, None
    columns = (series.good, series.total) if series.is_ratio else (series.column, series.column)
    for time, first, second in zip(series.times, columns[0] or [], columns[1] or [], strict=True):
        clock += time - last if last is not None and time - last <= looking.max_gap else 0
        last = time
        rows.append((clock, exact(first), exact(second)))
    window = looking.window

    def value(part: Sequence[tuple[int, Fraction, Fraction]]) -> Fraction:
        if series.is_ratio:
            return sum((row[1] for row in part), Fraction(0)) / sum((row[2] for row in part), Fraction(0))
        return statistic_of([row[1] * looking.scale for row in part], looking.statistic)

    bad = [looking.when.holds(row[1] / row[2] if series.is_ratio else row[1] * looking.scale) for row in rows]
    fires = []
    for index, row in enumerate(rows):
        if window.kind is WindowKind.EVERY:
            start = index
            while start > 0 and bad[start] and bad[start - 1]:
                start -= 1
            fires.append(bad[index] and row[0] - rows[start][0] > window.over)
        elif window.kind is WindowKind.K_OF_N:
            fires.append(sum(bad[max(0, index + 1 - window.n) : index + 1]) >= window.k)
        else:
            part = [each for each in rows[: index + 1] if each[0] > row[0] - window.over]
            fires.append(row[0] > window.over and looking.when.holds(value(part)))
    return fires


STEPS = st.lists(st.sampled_from([5, 15, 15, 15, 59, 60, 61, 600]), min_size=1, max_size=40)
WINDOWS = st.one_of(
    st.builds(Window, kind=st.just(WindowKind.EVERY), over=st.sampled_from([0, 15, 30, 60, 120]).map(SECOND.__mul__)),
    st.builds(Window, kind=st.just(WindowKind.AGGREGATE), over=st.sampled_from([15, 30, 60, 120]).map(SECOND.__mul__)),
    st.integers(1, 5).flatmap(
        lambda n: st.builds(Window, kind=st.just(WindowKind.K_OF_N), n=st.just(n), k=st.integers(1, n))
    ),
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Watched, Series]:
    """Any trigger over any series: ratios and values, integers and floats, regular and with gaps."""
    steps = draw(STEPS)
    times = [sum(steps[: index + 1]) * SECOND for index in range(len(steps))]
    window, size = draw(WINDOWS), len(times)
    if draw(st.booleans()):
        number = draw(st.sampled_from([st.integers(0, 10), st.sampled_from([0.1, 0.2, 0.3, 1.0, 1 / 3])]))
        pairs = draw(st.lists(st.tuples(number, number).filter(any), min_size=size, max_size=size))
        series = ratios(times, [min(pair) for pair in pairs], [max(pair) for pair in pairs])
        return watched(window, when=draw(SHARES)), series
    numbers = draw(st.lists(st.sampled_from([0.1, 0.2, 0.3, 1 / 3, 4.0]), min_size=size, max_size=size))
    limit = draw(st.sampled_from([Fraction(0), Fraction(3, 10), Fraction(1, 3), Fraction(1), Fraction(4)]))
    bound = Bound(relation=draw(st.sampled_from(list(Relation))), limit=limit, unit=UNITS["count"])
    statistic = draw(st.sampled_from([each for each in Statistic if each is not Statistic.EVERY]))
    return watched(window, when=bound, statistic=statistic), values(times, numbers)


@given(asked())
def test_a_trigger_fires_where_the_rule_says(question: tuple[Watched, Series]) -> None:
    looking, series = question
    after = look(looking, Looked(), series)
    fires = [time for time, each in zip(series.times, naive(looking, series), strict=True) if each]

    assert (after.first_fired, after.last_fired) == ((fires[0], fires[-1]) if fires else (None, None))
    assert after.is_firing is bool(fires and fires[-1] == series.times[-1])


@given(asked(), st.lists(st.integers(0, 40)))
def test_looking_piece_by_piece_comes_to_the_same_as_looking_at_once(
    question: tuple[Watched, Series], cuts: list[int]
) -> None:
    """And what is remembered in between can be written down: a watch survives its own restart."""
    looking, series = question
    edges = sorted({0, *(cut for cut in cuts if cut < len(series)), len(series)})
    after = Looked()
    for start, end in pairwise(edges):
        piece = series.between(series.times[start] - 1, series.times[end - 1])
        after = Looked.read(json.loads(json.dumps(look(looking, after, piece).document())))

    assert after == look(looking, Looked(), series)


@pytest.mark.parametrize("document", [{}, {"last": "x"}, {**Looked().document(), "clocks": ["1.5"]}], ids=str)
def test_what_remembers_nothing_is_refused_in_one_sentence(document: dict[str, object]) -> None:
    with pytest.raises(EvidenceError, match="no remembered window"):
        Looked.read(document)


def test_windows_read_well() -> None:
    assert str(Window(kind=WindowKind.EVERY, over=15 * MINUTE)) == "every sample for more than 15m"
    assert str(Window(kind=WindowKind.AGGREGATE, over=60 * MINUTE)) == "in aggregate for more than 1h"
    assert str(Window(kind=WindowKind.K_OF_N, k=3, n=5)) == "3 of 5 samples"


def test_percentiles_of_a_window_are_nearest_rank() -> None:
    assert percentile([Fraction(each) for each in range(1, 101)], Fraction(95, 100)) == 95


def test_a_run_that_a_good_sample_ended_counts_for_nothing_in_the_next_look() -> None:
    """Bad for a minute, good, and bad again from the first new sample on."""
    asked = every(MINUTE)
    before = look(asked, Looked(), counts([BAD] * 4 + [GOOD]))

    after = look(asked, before, counts([BAD] * 3, seconds=[75, 90, 105]))

    assert before.bad_since is None
    assert (after.fired, after.bad_since) == (False, 75 * SECOND)


def test_bad_samples_of_two_looks_are_counted_together() -> None:
    before = look(k_of_n(3, 3), Looked(), counts([BAD, BAD]))

    after = look(k_of_n(3, 3), before, counts([BAD], seconds=[30]))

    assert (before.fired, after.first_fired) == (False, 30 * SECOND)


@pytest.mark.parametrize(
    "remembered", [[100, 88, 88, 88], [88, 100, 100, 100]], ids=["the first is needed", "the first alone is bad"]
)
def test_after_a_gap_the_whole_window_that_was_remembered_counts(remembered: list[int]) -> None:
    before = look(aggregate(MINUTE), Looked(), counts([95] * 5 + remembered))

    after = look(aggregate(MINUTE), before, counts([88], seconds=[1000]))

    assert (before.fired, after.fired) == (False, False)


@pytest.mark.parametrize(("late", "fires"), [(0, 75 * SECOND), (1, MINUTE + 1)], ids=["just seen", "more than seen"])
def test_an_aggregate_is_asked_once_more_than_its_time_was_seen(late: int, fires: int) -> None:
    at = [0, 15 * SECOND, 30 * SECOND, 45 * SECOND, MINUTE + late, 75 * SECOND]

    assert look(aggregate(MINUTE), Looked(), ratios(at, [BAD] * 6, [100] * 6)).first_fired == fires


def test_an_aggregate_of_a_single_attempt_is_asked_too() -> None:
    series = ratios([0, 15 * SECOND, 30 * SECOND], [1, 0, 0], [1, 1, 1])

    assert look(aggregate(15 * SECOND), Looked(), series).first_fired == 30 * SECOND


def test_a_mean_is_equal_though_no_sample_is() -> None:
    two = Bound(relation=Relation.EQUAL, limit=Fraction(2), unit=UNITS["count"])
    series = values([0, 15 * SECOND, 30 * SECOND], [1, 1, 3])

    assert look(aggregate(30 * SECOND - 1, when=two, statistic=Statistic.MEAN), Looked(), series).fired
