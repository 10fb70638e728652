"""A node's stats are read strictly: what is missing, of another kind or does not fit is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.mode import Mode
from pytest_rollout.core.node_memory import facts_of
from pytest_rollout.core.node_stats import Gap, NodeStats, ago
from pytest_rollout.core.tally import COUNTS

SINCE = datetime(2031, 5, 4, 11, tzinfo=UTC)
AT = datetime(2031, 5, 4, 12, tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    counted = dict.fromkeys(COUNTS, 0) | {"verifications": 90, "comparisons": 80}
    visit = {"mode": "shadow", "since": SINCE.isoformat(), "last": AT.isoformat(), "void": False, **counted}
    visit |= {"longest_gap_seconds": 9, "gaps_from_seconds": 1, "gaps": [[0, 5000, 3, 2], [5000, 3_600_000, 90, 80]]}
    return {
        "mode": "shadow",
        **counted,
        "run": "a1",
        "clock": "system",
        "started_at": SINCE.isoformat(),
        "at": AT.isoformat(),
        "latency": {"ratio_millionths": {"samples": 0}},
        "mode_history": [visit],
    } | changes


def visited(**changes: Any) -> dict[str, Any]:
    return document(mode_history=[document()["mode_history"][0] | changes])


def read(given: Any) -> NodeStats:
    return NodeStats.read(given, AT.isoformat())


def test_what_is_there_is_read_as_it_is() -> None:
    """Gaps may touch, and the last one may end with the last verification."""
    stats = read(document())

    assert (stats.mode, stats.run, stats.clock) == (Mode.SHADOW, "a1", "system")
    assert (stats.started_at, stats.at, stats.read_at) == (SINCE, AT, AT)
    assert stats.visits == (stats.visit,)
    assert (stats.visit.last, stats.visit.void, stats.ratio) == (AT, False, {"samples": 0})
    assert (stats.visit.longest_gap, stats.visit.noted) == (timedelta(seconds=9), timedelta(seconds=1))
    assert stats.visit.gaps == (
        Gap(SINCE, SINCE + timedelta(seconds=5), 3, 2),
        Gap(SINCE + timedelta(seconds=5), AT, 90, 80),
    )


def test_what_a_visit_leaves_out_is_missing_and_not_zero() -> None:
    visit = read(visited(longest_gap_seconds=None, gaps_from_seconds=None, last=None)).visit

    assert (visit.longest_gap, visit.noted, visit.last, visit.gaps) == (None, None, None, ())
    assert read(visited(void=None)).visit.void, "only what is said not to be void is not"
    assert read(visited(longest_gap_seconds=0)).visit.longest_gap == timedelta()
    assert read(visited(gaps=[[0, 0, 0, 0], [1, 1, 0, 0]])).visit.gaps[0].begin == SINCE


def without_counts() -> dict[str, Any]:
    visit = document()["mode_history"][0]
    return document(mode_history=[{key: each for key, each in visit.items() if key != "verifications"}])


REFUSED: dict[str, tuple[Any, str]] = {
    "no document": ([], "the stats are no JSON object."),
    "another last mode": (
        document(mode="legacy"), "mode is reference-only, but the last of mode_history is another one.",
    ),
    "no history": (document(mode_history=[]), "mode is shadow, but the last of mode_history is another one."),
    "a table for a history": (document(mode_history={}), "mode_history is no list."),
    "a history of numbers": (document(mode_history=[3]), "an entry of mode_history is no table."),
    "latency of nothing": (document(latency={}), "latency.ratio_millionths is missing."),
    "no latency": (document(latency=[]), "latency.ratio_millionths is missing."),
    "two spellings that disagree": (
        document(rust_errors=3), "candidate_errors is 0 and rust_errors is 3.",
    ),
    "a visit that counted nothing": (
        without_counts(), "verifications is None; a whole number of 0 or more is needed.",
    ),
    "an unknown clock": (document(clock="x" * 50), f"clock is '{'x' * 39}; a node says system, rehearsed."),
    "no run": (document(run=""), "run is ''; a text is needed."),
    "a number for a run": (document(run=7), "run is 7; a text is needed."),
    "a number for a time": (document(at=19), "at is 19; a date-time is needed."),
    "another text for a time": (document(at="noon"), "at is 'noon'; a date-time is needed."),
    "no offset": (document(at="2031-05-04T12:00:00"), "at has no offset."),
    "a visit without a time": (visited(since=None), "since is None; a date-time is needed."),
    "a longest gap of text": (visited(longest_gap_seconds="9"), "mode_history: longest_gap_seconds is '9'."),
    "a longest gap of truth": (visited(longest_gap_seconds=True), "mode_history: longest_gap_seconds is True."),
    "a longest gap below nothing": (visited(longest_gap_seconds=-1), "mode_history: longest_gap_seconds is -1."),
    "gaps from nothing on": (visited(gaps_from_seconds=0), "mode_history: gaps_from_seconds is 0."),
    "gaps from truth on": (visited(gaps_from_seconds=True), "mode_history: gaps_from_seconds is True."),
    "gaps from a part on": (visited(gaps_from_seconds=1.5), "mode_history: gaps_from_seconds is 1.5."),
    "no gaps": (visited(gaps=None), "gaps is no list."),
    "a gap of nothing": (visited(gaps=[None]), "mode_history: None is no gap."),
    "something else than a number that waits": (
        document(waiting="w" * 50), f"waiting is '{'w' * 39}; a whole number of 0 or more is needed.",
    ),
    "a gap of text": (visited(gaps=["abcd"]), "mode_history: 'abcd' is no gap."),
    "a gap of three": (visited(gaps=[[1, 2, 3]]), "mode_history: [1, 2, 3] is no gap."),
    "a gap with a truth value": (visited(gaps=[[1, 2, 3, True]]), "mode_history: [1, 2, 3, True] is no gap."),
    "a gap before the visit": (visited(gaps=[[-1, 2, 3, 3]]), "mode_history: the gaps are not in order."),
    "a gap backwards": (visited(gaps=[[2, 1, 3, 3]]), "mode_history: the gaps are not in order."),
    "gaps that overlap": (
        visited(gaps=[[0, 5, 3, 3], [4, 6, 3, 3]]), "mode_history: the gaps are not in order.",
    ),
    "fewer verified than before": (
        visited(gaps=[[0, 5, 3, 0], [5, 6, 2, 0]]), "mode_history: the gaps are not in order.",
    ),
    "fewer compared than before": (
        visited(gaps=[[0, 5, 3, 3], [5, 6, 3, 2]]), "mode_history: the gaps are not in order.",
    ),
    "a gap and no verification": (
        visited(gaps=[[0, 1, 0, 0]], last=None), "mode_history: a gap lies beyond the last verification.",
    ),
    "a gap behind the last verification": (
        visited(gaps=[[0, 3_600_001, 0, 0]]), "mode_history: a gap lies beyond the last verification.",
    ),
    "more verified than counted": (
        visited(gaps=[[0, 1, 91, 0]]), "mode_history: a gap lies beyond the last verification.",
    ),
    "more compared than counted": (
        visited(gaps=[[0, 1, 0, 81]]), "mode_history: a gap lies beyond the last verification.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_believed_is_refused_by_name(given: Any, says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(given)

    assert str(caught.value) == says


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    with pytest.raises(EvidenceError, match=r"^mode: .*'primary'"):
        read(document(mode="primary"))


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (60, ""),
        (61, "the stats are stale: written 61 s before they were read, 60 s are allowed"),
        (-5, ""),
        (-6, "the stats were written 6 s after they were read; a clock is wrong"),
    ],
)
def test_stats_are_news_for_as_long_as_the_plan_says(age: int, says: str) -> None:
    stats = replace(read(document()), read_at=AT + timedelta(seconds=age))

    assert stats.is_stale(timedelta(seconds=60)) == says


RESTARTED = f"the node was restarted at {SINCE.isoformat()}; what it counted before is gone"
BEFORE: dict[str, tuple[Callable[[NodeStats], NodeStats], str]] = {
    "the same": (lambda each: each, ""),
    "another run": (lambda each: replace(each, run="b2"), RESTARTED),
    "another start": (lambda each: replace(each, started_at=AT), RESTARTED),
    "more counted": (
        lambda each: replace(each, counts=replace(each.counts, timeouts=1)),
        "timeouts ran backwards, from 1 to 0, without a restart",
    ),
    "later": (lambda each: replace(each, at=AT + timedelta(seconds=1)), "the stats ran backwards in time"),
}


@pytest.mark.parametrize(("change", "says"), BEFORE.values(), ids=BEFORE)
def test_a_reading_that_does_not_go_on_from_the_one_before_says_why(change, says) -> None:
    stats = read(document())

    assert stats.went_on_from(change(stats)) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_799, "47 h"),
        (172_800, "2 d"), (259_199, "2 d"), (259_200, "3 d"),
    ],
)  # fmt: skip
def test_a_time_is_told_in_its_largest_unit_of_which_there_are_two(seconds: int, says: str) -> None:
    assert ago(timedelta(seconds=seconds)) == says


def test_the_version_of_the_candidate_is_read_where_it_is_told() -> None:
    told = read(document(versions={"reference": "old 1", "candidate": "new 2"}))

    assert (told.candidate, facts_of(told)["candidate"]) == ("new 2", "new 2")
    for versions in ({}, None, {"reference": "old 1"}):
        silent = read(document(versions=versions))
        assert silent.candidate == ""
        assert "candidate" not in facts_of(silent)


@pytest.mark.parametrize("versions", [{"candidate": 2}, {"candidate": None}, ["new 2"], "new 2"])
def test_a_version_that_is_no_text_is_refused(versions) -> None:
    with pytest.raises(EvidenceError, match="versions.candidate is no text"):
        read(document(versions=versions))
