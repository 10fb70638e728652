"""Comparisons counted apart, and latencies by nearest rank."""

from __future__ import annotations

import pytest

from pytest_rollout.core.answer import Relation
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.latency import percentile, percentiles, ratios
from pytest_rollout.core.tally import COUNTS, Counts, Latencies, tally


def test_each_relation_has_a_counter_of_its_own() -> None:
    counts = Counts(verifications=len(Relation))
    for relation in Relation:
        counts.count(relation)

    assert counts.document() == {
        "verifications": 7,
        "comparisons": 6,
        "divergences": 3,
        "differing": 1,
        "candidate_errors": 1,
        "reference_errors": 1,
        "agreed_refusals": 1,
        "fallbacks": 0,
        "timeouts": 1,
        "sampled_out": 0,
        "skipped": 0,
        "ignored": 1,
    }
    assert Counts.read(counts.document()) == counts


def test_a_candidate_that_raises_every_time_has_diverged_every_time() -> None:
    """77 errors in 77 blocks never read as no divergence (rule 24)."""
    counts, _ = tally([("candidate_error", 1000, 1000)] * 77)

    assert (counts.comparisons, counts.candidate_errors, counts.divergences) == (77, 77, 77)


@pytest.mark.parametrize(
    "changes",
    [
        {"divergences": -1},
        {"divergences": True},
        {"divergences": 0.0},
        {"divergences": None},
        {"divergences": 4},
        {"comparisons": 2},
        {"verifications": 3},
        {"fallbacks": 99},
        {"differing": 5},
    ],
    ids=str,
)
def test_counts_that_cannot_be_are_refused(changes) -> None:
    sound = dict.fromkeys(COUNTS, 0) | {
        "verifications": 10,
        "comparisons": 10,
        "divergences": 3,
        "differing": 1,
        "candidate_errors": 1,
        "reference_errors": 1,
    }
    Counts.read(sound)

    with pytest.raises(EvidenceError):
        Counts.read(sound | changes)


def test_an_absent_count_is_not_zero() -> None:
    with pytest.raises(EvidenceError, match="fallbacks is None"):
        Counts.read({each: 0 for each in COUNTS if each != "fallbacks"})


def test_a_record_of_no_relation_is_refused() -> None:
    with pytest.raises(EvidenceError) as caught:
        tally([("agreed", 1, 1), ("f" * 50, 1, 1)])

    words = ", ".join(Relation)
    assert str(caught.value) == f"a record's relation is '{'f' * 39}; none of {words}."


def test_percentiles_are_nearest_rank() -> None:
    """The 95th of 20 samples is the 19th, and of 21 the 20th."""
    assert percentile(range(1, 201), 95) == 190
    assert percentiles(range(1, 201)) == {"p50": 100, "p95": 190, "p99": 198}
    assert percentile(range(1, 21), 95) == 19
    assert percentile(range(1, 22), 95) == 20
    assert percentile([7], 50) == 7
    assert percentiles([]) == {}


def test_a_timeout_is_slower_than_any_sample() -> None:
    """So the worst calls cannot leave the sample (rule 12)."""
    assert percentiles(range(1, 95), infinite=6) == {"p50": 50, "p95": None, "p99": None}


def test_ratios_are_paired_and_never_rounded_down() -> None:
    assert ratios([(3, 1), (1, 5), (0, 1)]) == [333_334, 5_000_000, 1_000_000]


def test_latencies_keep_each_block_together() -> None:
    latencies = Latencies()
    for ours, theirs in ((100, 20), (1000, 200), (10, 2)):
        latencies.add(ours, theirs)
    latencies.add(50, None, is_late=True)
    latencies.add(70, None)

    document = latencies.document()

    assert document["ratio_millionths"] == {"samples": 4, "p50": 200_000, "p95": None, "p99": None}
    assert document["reference_ns"]["samples"] == 5
    assert document["candidate_ns"] == {"samples": 4, "p50": 20, "p95": None, "p99": None}


def test_latencies_that_stand_alone_make_no_pair() -> None:
    latencies = Latencies()
    latencies.add(None, 7)
    latencies.add(None, None, is_late=True)
    latencies.add(9, None)
    latencies.pair(100, 20)

    assert (list(latencies.reference), list(latencies.candidate), list(latencies.pairs)) == (
        [9, 100],
        [7, None, 20],
        [(100, 20)],
    )


def test_a_copy_is_safe_from_what_is_added_later() -> None:
    latencies = Latencies()
    latencies.pair(100, 20)

    copy = latencies.copied()
    latencies.pair(1, 1)

    assert (list(copy.reference), list(copy.candidate), list(copy.pairs)) == ([100], [20], [(100, 20)])


def test_counts_of_two_processes_are_added_name_by_name() -> None:
    counts = Counts(verifications=5, skipped=1)
    counts.add(Counts(verifications=7, ignored=2))

    assert counts == Counts(verifications=12, skipped=1, ignored=2)


def test_every_timeout_is_counted() -> None:
    counts = Counts()
    for _ in range(3):
        counts.count(Relation.TIMEOUT)

    assert (counts.timeouts, counts.comparisons) == (3, 0)


def test_a_timeout_that_was_recorded_makes_no_pair_and_is_slower_than_any() -> None:
    counts, ratio = tally([("timeout", 100, 1), ("agreed", 100, 20)])

    assert (counts.verifications, counts.comparisons, counts.timeouts) == (2, 1, 1)
    assert ratio == {"samples": 2, "p50": 200_000, "p95": None, "p99": None}
    assert Latencies().document()["ratio_millionths"] == {"samples": 0}


def test_records_of_every_relation_are_counted_as_they_were_when_they_were_made() -> None:
    """What was recorded, counted again, is what the process itself counted."""
    told = [relation.value for number, relation in enumerate(Relation, start=1) for _ in range(number)]
    counted = Counts(verifications=len(told))
    for word in told:
        counted.count(Relation(word))

    for words in (told, told[::-1]):
        assert tally([(word, 1, 1) for word in words])[0] == counted


SOUND = dict.fromkeys(COUNTS, 0)
CONTRADICTIONS = {
    "more divergences than their kinds": (
        {"divergences": 1, "comparisons": 1, "verifications": 1},
        "1 divergences do not fit 0 differing answers and 0 in all.",
    ),
    "fewer divergences than differ": (
        {"differing": 2, "divergences": 1, "comparisons": 9, "verifications": 9},
        "1 divergences do not fit 2 differing answers and 2 in all.",
    ),
    "more came out than were compared": (
        {"agreed_refusals": 1, "ignored": 1, "comparisons": 1, "verifications": 9},
        "1 comparisons are fewer than what came out of them.",
    ),
    "more were looked at than verified": (
        {"comparisons": 1, "timeouts": 1, "sampled_out": 1, "skipped": 1, "verifications": 3},
        "3 verifications are fewer than what came out of them.",
    ),
    "more fell back than were verified": (
        {"fallbacks": 2, "verifications": 1},
        "1 verifications are fewer than what came out of them.",
    ),
}


@pytest.mark.parametrize(("changes", "says"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_counts_that_contradict_each_other_say_how(changes: dict[str, int], says: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        Counts.read(SOUND | changes)

    assert str(caught.value) == says


def test_counts_may_fill_each_other_to_the_last() -> None:
    full = {"divergences": 1, "differing": 1, "agreed_refusals": 1, "ignored": 1, "comparisons": 3}
    full |= {"timeouts": 1, "sampled_out": 1, "skipped": 1, "fallbacks": 6, "verifications": 6}

    assert Counts.read(SOUND | full).contradiction() == ""


def test_a_count_that_is_none_is_told_by_name_and_value() -> None:
    with pytest.raises(EvidenceError, match=r"^skipped is -1; a whole number of 0 or more is needed\.$"):
        Counts.read(SOUND | {"skipped": -1})
