"""Samples over time: exact, in order, and missing where there is no number."""

from __future__ import annotations

import math
from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import (
    SECOND,
    Outage,
    Samples,
    Series,
    duration_text,
    exact,
    moment,
    moment_text,
    nanoseconds,
    ratios,
    values,
)
from pytest_rollout.core.series_form import digest, packed, unpacked

START = nanoseconds(datetime(2026, 11, 25, 12, tzinfo=UTC))


def at(*seconds: int) -> list[int]:
    return [START + each * SECOND for each in seconds]


def samples(*series: Series, until: int = START + 3600 * SECOND) -> Samples:
    return Samples(metric="up", source="prometheus", query="up", since=START, until=until, series=series)


@pytest.mark.parametrize(
    "missing",
    [math.nan, math.inf, -math.inf, None, True, False, "1", "NaN", "", [1], Decimal("NaN"), Decimal("1e9999")],
    ids=repr,
)
def test_what_is_no_finite_number_is_missing_and_never_zero(missing: object) -> None:
    """Rule 6: it is neither 0 nor compared, but the time at which it was seen is kept."""
    series = values(at(0, 15, 30), [1.5, missing, 2.5])

    assert list(series.times) == at(0, 30)
    assert list(series.column or []) == [1.5, 2.5]
    assert list(series.missing) == at(15)


@pytest.mark.parametrize("missing", [math.nan, None, True], ids=repr)
def test_a_ratio_with_one_count_missing_is_missing_whole(missing: object) -> None:
    series = ratios(at(0, 15), [9, missing], [10, 10])

    assert (list(series.times), list(series.missing)) == (at(0), at(15))


def test_no_traffic_is_no_sample_of_a_ratio() -> None:
    """0 of 0 is neither good nor bad."""
    series = ratios(at(0, 15, 30), [9, 0, 8], [10, 0, 10]).counted()

    assert (list(series.times), list(series.good or []), list(series.missing)) == (at(0, 30), [9, 8], at(15))


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (at(0, 15, 15), "a sample of 2026-11-25 12:00:15Z is there twice"),
        (at(0, 30, 15), "a sample of 2026-11-25 12:00:15Z follows one of 2026-11-25 12:00:30Z"),
        ([0.5, 1, 2], "no 64-bit integer"),
        ([2**63, 1, 2], "no 64-bit integer"),
        (at(0, 15), "2 times for 3 values"),
    ],
    ids=["doubled", "out of order", "float", "too large", "one short"],
)
def test_samples_that_cannot_be_placed_are_refused(times: list[int], sentence: str) -> None:
    """Rule 16."""
    with pytest.raises(EvidenceError, match=sentence):
        values(times, [1.0, 2.0, 3.0])


def test_events_may_share_their_time_but_keep_their_order() -> None:
    assert len(values(at(0, 0, 1), [1, 2, 3], events=True)) == 3
    with pytest.raises(EvidenceError, match="follows"):
        values(at(1, 0), [1, 2], events=True)


def test_a_sample_from_the_future_is_refused() -> None:
    with pytest.raises(EvidenceError, match="samples from the future are refused"):
        samples(values(at(0, 61), [1, 2]), until=START + 60 * SECOND)


def test_a_missing_value_from_the_future_is_refused_as_well() -> None:
    with pytest.raises(EvidenceError, match="samples from the future are refused"):
        samples(values(at(0, 61), [1, None]), until=START + 60 * SECOND)


def test_two_series_of_the_same_labels_are_refused() -> None:
    with pytest.raises(EvidenceError, match="two series with node=a"):
        samples(values(at(0), [1], labels={"node": "a"}), values(at(0), [2], labels={"node": "a"}))


@pytest.mark.parametrize(
    ("good", "total"),
    [([-1], [10]), ([11], [10]), ([-0.5], [1.0]), ([1.1], [1.0]), ([5, -1], [9, 9]), ([1, 10], [9, 9])],
    ids=["-1", "11/10", "-0.5", "1.1/1", "a good one before one below nothing", "a good one before one of too many"],
)
def test_counts_that_make_no_ratio_are_refused(good: list[object], total: list[object]) -> None:
    with pytest.raises(EvidenceError) as caught:
        ratios(at(*range(len(good))), good, total)

    assert str(caught.value) == (
        f"a sample of {moment_text(at(len(good) - 1)[0])} counts {good[-1]} good of {total[-1]}; "
        "0 <= good <= total must hold."
    )


@pytest.mark.parametrize("good", [2**53 + 1, Fraction(2**53 + 1)], ids=["integers", "exact numbers"])
def test_whole_counts_are_never_apart_by_a_hair(good: int | Fraction) -> None:
    """Only floats may be, for Prometheus extrapolates them."""
    with pytest.raises(EvidenceError, match="0 <= good <= total"):
        ratios(at(0), [good], [2**53])


def test_nothing_good_among_floats_is_no_error() -> None:
    assert len(ratios(at(0, 1, 2), [0.0, 0.5, 152.00000000000003], [1.0, 1.0, 152.0])) == 3


def test_the_sample_that_makes_no_ratio_is_the_one_that_is_named() -> None:
    """And none before it that is good in whole."""
    with pytest.raises(EvidenceError) as caught:
        ratios(at(0, 1), [5, 7], [5, 6])

    assert str(caught.value) == (
        f"a sample of {moment_text(at(1)[0])} counts 7 good of 6; 0 <= good <= total must hold."
    )


def test_counts_that_prometheus_extrapolated_apart_by_a_hair_are_one_ratio() -> None:
    assert len(ratios(at(0), [152.00000000000003], [152.0])) == 1


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([1.0, 2.5], "d"), ([1, 2], "q"), ([2**256 - 1, 1], "list"), ([1, 2.5], "list"), ([Decimal("0.3")], "list")],
    ids=["floats", "integers", "uint256", "mixed", "decimal"],
)
def test_numbers_stay_exact_in_the_narrowest_column(numbers: list[object], kind: str) -> None:
    """Rule 8: wei and uint256 stay integers from source to report."""
    column = values(at(*range(len(numbers))), numbers).column

    assert (column.typecode if isinstance(column, array) else "list") == kind
    assert [exact(each) for each in column or []] == [Fraction(str(each)) for each in numbers]
    if kind == "list":
        assert {type(each) for each in column or []} <= {int, Fraction}


def test_a_float_stands_for_the_decimal_it_prints_as() -> None:
    """The same as for what a test measures: 0.3 s stands on a limit of 300 ms."""
    assert exact(0.3) == Fraction(3, 10)


def test_between_cuts_samples_and_missing_ones_alike() -> None:
    series = ratios(at(0, 15, 30, 45), [1, None, 3, 4], [5, 5, 5, 5]).between(*at(0, 30))

    assert (list(series.times), list(series.good or []), list(series.missing)) == (at(30), [3], at(15))


@pytest.mark.parametrize(
    "series",
    [
        values(at(0, 15), [0.1, 1e308], labels={"node": "ä", "b": "2"}),
        values([-5, 0, 2**63 - 10], [-(2**63), 0, 2**63 - 1]),
        values(at(0, 0), [2**256, Fraction(1, 3)], events=True),
        ratios(at(0, 15, 30), [1, None, 2], [5, 5, 5]),
        values([], []),
    ],
    ids=["floats", "integers", "exact", "ratio", "empty"],
)
def test_samples_are_read_back_as_they_were_written(series: Series) -> None:
    given = Samples(
        metric="up",
        source="prometheus at <PROM_URL>",
        query="up{a='1'}",
        since=-10,
        until=2**63 - 1,
        series=(series,),
        attempts=3,
        warnings=("partial",),
        outages=(Outage(since=1, until=2, why="502"),),
    )
    line = packed(given)

    assert b"\n" not in line
    assert unpacked(line) == given
    assert digest(unpacked(line)) == digest(given)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"nonsense", b"null", b"{\xff"], ids=repr)
def test_what_holds_no_samples_is_refused_in_one_sentence(line: bytes) -> None:
    with pytest.raises(EvidenceError, match="recorded samples cannot be read"):
        unpacked(line)


def test_every_changed_sample_changes_the_digest() -> None:
    digests = {
        digest(samples(values(at(0, 15), [1.0, 2.0]))),
        digest(samples(values(at(0, 15), [1.0, 2.5]))),
        digest(samples(values(at(0, 16), [1.0, 2.0]))),
        digest(samples(values(at(0, 15), [1, 2]))),
        digest(samples(values(at(0, 15), [1.0, 2.0], labels={"a": "1"}))),
        digest(samples(values(at(0, 15, 20), [1.0, 2.0, None]))),
        digest(samples()),
    }

    assert len(digests) == 7


def test_times_and_moments_agree() -> None:
    when = datetime(2026, 11, 25, 14, 59, 0, 123456, tzinfo=UTC)

    assert moment(nanoseconds(when)) == when
    assert moment_text(nanoseconds(when)) == "2026-11-25 14:59:00.123456Z"
    assert moment_text(2**80).endswith("ns after 1970")


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=500), "0.5s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=15), "15m"),
        (timedelta(minutes=15, seconds=1), "15m 1s"),
        (timedelta(days=6, hours=3, minutes=59), "6d 3h"),
        (timedelta(days=7), "7d"),
        (timedelta(days=7, minutes=5), "7d"),
    ],
    ids=str,
)
def test_lengths_of_time_read_well(duration: timedelta, text: str) -> None:
    assert duration_text(duration // timedelta(microseconds=1) * 1000) == text


def test_what_lies_between_keeps_all_else_that_a_series_has() -> None:
    series = values(at(0, 1, 2, 3, 4), [1, None, 3, None, 5], labels={"a": "b"}, events=True)

    part = series.between(at(0)[0], at(3)[0])

    assert part == Series(
        times=array("q", at(2)),
        column=array("q", [3]),
        labels={"a": "b"},
        missing=array("q", at(1, 3)),
        events=True,
    )
    assert series.between(-1, at(9)[0]) is series


@pytest.mark.parametrize("large", [1, 2**70], ids=["integers", "larger than a machine's integers"])
def test_what_is_counted_keeps_all_else_that_a_series_has(large: int) -> None:
    series = ratios(at(0, 0, 2, 3), [large, 0, None, 1], [large, 0, 1, 2], labels={"a": "b"}, events=True)

    counted = series.counted()

    assert (list(counted.good or []), list(counted.total or [])) == ([large, 1], [large, 2])
    assert (list(counted.times), list(counted.missing)) == (at(0, 3), at(0, 2))
    assert (counted.labels, counted.events, type(counted.good)) == ({"a": "b"}, True, type(series.good))
    assert counted.counted() is counted


def test_events_are_told_as_events() -> None:
    assert values(at(0), [1], events=True).events
    assert ratios(at(0), [1], [1], events=True).events
    assert not values(at(0), [1]).events


def test_times_of_all_series_are_those_of_the_first_and_the_last_sample() -> None:
    first, second, empty = values(at(3, 4, 9), [1, 2, 3]), values(at(1, 5), [1, 2], labels={"a": "b"}), values([], [])

    assert samples(first, second).times == (at(1)[0], at(9)[0])
    assert samples(empty).times is None
    assert samples().times is None


def test_what_is_refused_is_told_in_one_sentence() -> None:
    twice = values(at(0), [1])
    labelled = values(at(0), [1], labels={"b": "2", "a": "1"})

    for call, says in (
        (lambda: samples(twice, twice), "metric up: prometheus gave two series with no labels."),
        (lambda: samples(labelled, labelled), "metric up: prometheus gave two series with a=1, b=2."),
        (lambda: ratios(at(0), [1, 2], [1]), "1 times for 2, 1 values; one each is needed."),
        (lambda: values([0.5], [1]), "a sample's time is no 64-bit integer of nanoseconds since 1970."),
        (
            lambda: samples(values(at(61), [1]), until=at(60)[0]),
            "metric up: prometheus gave a sample of 2026-11-25 12:01:01Z, but was asked at 2026-11-25 12:01:00Z; "
            "samples from the future are refused, look at the clocks.",
        ),
        (
            lambda: values(at(1, 1), [1, 1]),
            "a sample of 2026-11-25 12:00:01Z is there twice; samples stand in order of time, once each.",
        ),
    ):
        with pytest.raises(EvidenceError) as caught:
            call()
        assert str(caught.value) == says


def test_a_sample_of_the_very_moment_is_not_from_the_future() -> None:
    assert len(samples(values(at(60), [1]), until=at(60)[0]).series) == 1


def test_a_decimal_may_have_so_many_digits_and_no_more() -> None:
    series = values(at(0, 1, 2), [Decimal("1e400"), Decimal("1e401"), Decimal("1e-401")])

    assert list(series.column or []) == [10**400]
    assert list(series.missing) == at(1, 2)
    assert list(values(at(0), [Fraction(1, 3)]).column or []) == [Fraction(1, 3)]


def test_integers_among_decimals_stay_integers() -> None:
    column = values(at(0, 1), [2**70, Decimal("0.5")]).column

    assert [type(each) for each in column or []] == [int, Fraction]


def test_a_moment_is_cut_to_microseconds() -> None:
    assert moment(1999) == datetime(1970, 1, 1, microsecond=1, tzinfo=UTC)
    assert moment_text(10**9 + 50) == "1970-01-01 00:00:01.00000005Z"


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(1, "0.000000001s"), (SECOND - 1, "0.999999999s"), (SECOND, "1s"), (86_400 * SECOND * 10, "10d"),
     ((86_400 + 36_000) * SECOND, "1d 10h"), ((3600 + 59) * SECOND, "1h")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_two_units_at_most(nanos: int, text: str) -> None:
    assert duration_text(nanos) == text


@pytest.mark.parametrize(
    ("numbers", "kept", "missing"),
    [
        ([0.5, 1.5], [0.5, 1.5], []),
        ([1e308, 1e308], [1e308, 1e308], []),
        ([math.nan, 1.5], [1.5], [10]),
        ([0.5, math.inf], [0.5], [20]),
        ([math.inf, -math.inf], [], [10, 20]),
    ],
    ids=["sound", "too large to add up", "no number", "without end", "both ends"],
)
def test_of_an_array_of_floats_only_numbers_are_kept(
    numbers: list[float], kept: list[float], missing: list[int]
) -> None:
    series = values([10, 20], array("d", numbers))

    assert (list(series.column or ()), list(series.missing)) == (kept, missing)


def test_what_was_missing_is_cut_with_the_samples() -> None:
    series = Series(times=array("q", [10, 20, 30]), column=array("q", [1, 2, 3]), missing=array("q", [5, 15, 25, 35]))

    assert series.between(10, 30).missing == array("q", [15, 25])
    assert series.between(10, 20).missing == array("q", [15])
