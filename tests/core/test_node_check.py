"""Nodes judged from their stats: each trouble comes out as what it is, and nothing missing reads as health."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.mode import Mode
from pytest_rollout.core.node_check import Aspect, NodeCheck, NodeRung, node_checks
from pytest_rollout.core.node_soak import NodeSoak
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rung import Latency
from pytest_rollout.core.tally import COUNTS
from pytest_rollout.core.units import UNITS

NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def counts(**changes: int) -> dict[str, int]:
    return dict.fromkeys(COUNTS, 0) | {"verifications": 5000, "comparisons": 5000} | changes


def document(mode: Mode = Mode.SHADOW, *, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    since = NOW - WEEK - timedelta(hours=1)
    made = counts()
    visit = {"mode": mode.spelt, "since": since.isoformat(), "void": False, "longest_gap_seconds": 60, **made}
    visit |= {"last": at.isoformat(), "gaps_from_seconds": 60, "gaps": []}
    return {
        "mode": mode.spelt,
        "total_verifications": made["verifications"],
        "rust_errors": 0,
        "fallback_to_legacy": 0,
        "divergence_rate": "0.0",
        **{name: made[name] for name in COUNTS if name not in {"verifications", "candidate_errors", "fallbacks"}},
        "run": "a1",
        "clock": "system",
        "started_at": since.isoformat(),
        "at": at.isoformat(),
        "latency": {"ratio_millionths": {"samples": 5000, "p50": 200_000, "p95": 300_000, "p99": 400_000}},
        "mode_history": [visit],
    } | changes


RUNG = NodeRung(
    mode=Mode.SHADOW,
    min_comparisons=5000,
    soak=WEEK,
    latency=Latency(p50=Bound(relation=Relation.AT_MOST, limit=Fraction(1, 5), unit=UNITS["count"])),
    follows=WEEK,
)


def judge(
    *documents: dict[str, Any], aspect: Aspect = Aspect.DIVERGENCES, rung: NodeRung = RUNG, **others: dict[str, Any]
):
    given = documents or (document(at=NOW - timedelta(seconds=1)), document())
    readings = {"node-2": documented(*given)}
    readings |= {name.replace("_", "-"): documented(each) for name, each in others.items()}
    check = NodeCheck(node="node-2", aspect=aspect, rung=rung, after="node-1")
    return check.judge("item", Observation(item="item", value={"readings": readings}))


def documented(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"document": each, "read_at": NOW.isoformat()} for each in documents]


def first(lead: timedelta, mode: Mode = Mode.SHADOW) -> dict[str, Any]:
    made = document(mode)
    since = datetime.fromisoformat(made["mode_history"][0]["since"]) - lead
    made["mode_history"][0]["since"] = since.isoformat()
    return made


ALONE = [each for each in Aspect if each not in {Aspect.ORDER, Aspect.FALLBACKS}]


@pytest.mark.parametrize("aspect", ALONE)
def test_a_sound_node_passes_every_aspect(aspect) -> None:
    assert judge(aspect=aspect).outcome is Outcome.PASS


TOLD = {
    Aspect.MODE: ("shadow", "shadow (shadow)", ""),
    Aspect.TRAFFIC: ("5000 verifications, 5000 compared", "5000 comparisons in shadow", ""),
    Aspect.LATENCY: ("p50 0.2x of 5000 pairs", "p50 <= 0.2x", ""),
    Aspect.SOAK: (
        "7d of 7d covered",
        "7 d without a gap of 15 min",
        "verified from 2031-04-27 11:00:00Z to 2031-05-04 12:00:00Z, 100 % of it covered",
    ),
    Aspect.ORDER: ("followed node-1 after 7 d", "7 d after node-1", ""),
}


@pytest.mark.parametrize("aspect", [*Aspect])
def test_a_finding_of_a_node_says_all_that_a_reader_needs(aspect) -> None:
    """A node's mode carries what the next gate will hold against it."""
    seen = {
        "node-2": documented(document(at=NOW - timedelta(seconds=1)), document()),
        "node-1": documented(first(WEEK)),
    }
    check = NodeCheck(node="node-2", aspect=aspect, rung=RUNG, after="node-1")
    facts = {
        "run": "a1",
        "clock": "system",
        "started_at": "2031-04-27T11:00:00+00:00",
        "at": "2031-05-04T12:00:00+00:00",
        "mode": "shadow",
        "since": "2031-04-27T11:00:00+00:00",
        "verifications": "5000",
    }
    measured, needed, detail = TOLD.get(aspect, ("0 of 5000", "none", ""))

    finding = check.judge("item", Observation(item="item", value={"readings": seen}, source="two readings"))

    assert finding == Finding(
        item="item",
        kind=Kind.NODE,
        title=f"node-2 {aspect.value}",
        outcome=Outcome.PASS,
        measured=measured,
        needed=needed,
        detail=detail,
        source="two readings",
        facts=facts if aspect is Aspect.MODE else {},
    )
    assert not replace(check, required=False).judge("item", Observation(item="item")).required


REMEDIES = {
    (Aspect.MODE, Mode.CANDIDATE_ONLY): "set node-2 to candidate-only (final), or wait for its turn",
    (Aspect.LATENCY, Mode.SHADOW): "look at node-2, then run the gate again",
    (Aspect.ORDER, Mode.SHADOW): "look at node-2, then run the gate again",
    (Aspect.DIVERGENCES, Mode.REFERENCE_ONLY): "look at node-2's log",
    (Aspect.TIMEOUTS, Mode.CANDIDATE_ONLY):
        "demote node-2 to candidate-primary (rust); what it gathered above is void",
}  # fmt: skip


@pytest.mark.parametrize(("aspect", "mode"), REMEDIES, ids=str)
def test_what_failed_names_the_way_down_or_on(aspect, mode) -> None:
    """Fails in its own way each: the wrong mode, slow answers, one that it should follow, a divergence."""
    slow = {"ratio_millionths": {"samples": 5000, "p50": 900_000, "p95": 1}}
    changes = {"divergences": 1, "differing": 1, "timeouts": 1, "latency": slow, "comparisons": 4990}
    pair = both(lambda each: each.update(changes))

    finding = judge(*pair, aspect=aspect, rung=replace(RUNG, mode=mode), node_1=first(timedelta()))

    assert (finding.outcome, finding.remedy) == (Outcome.FAIL, REMEDIES[aspect, mode])


def test_what_could_not_be_judged_is_looked_at_again() -> None:
    nothing = NodeCheck(node="node-2", aspect=Aspect.MODE, rung=RUNG).judge("item", Observation(item="item"))
    garbled = judge({"mode": 1, **document()}, aspect=Aspect.ORDER)

    assert (nothing.outcome, nothing.measured, nothing.facts) == (Outcome.ERROR, "nothing was observed", {})
    assert nothing.remedy == "look at node-2, then run the gate again"
    assert (garbled.outcome, garbled.measured) == (Outcome.ERROR, "not understood (KeyError)")


def test_each_problem_of_a_node_is_told_once_and_the_gravest_decides() -> None:
    old = NOW - timedelta(hours=3)
    finding = judge(document(Mode.CANDIDATE_ONLY, at=old, clock="rehearsed", timeouts=1, comparisons=4999))

    assert finding.outcome is Outcome.FAIL
    assert finding.measured == (
        "the stats are stale: written 3 h before they were read, 60 s are allowed; "
        "the stats were read once; two readings are owed; its clock is rehearsed, so no time of it is evidence; "
        "is in candidate-only (final) (rehearsed clock)"
    )


def test_what_is_asked_of_a_rung_is_asked_of_the_node() -> None:
    """Every aspect that the rung names, and none that it does not."""
    bare = NodeRung(mode=Mode.SHADOW)
    counted = ["n.divergences", "n.candidate_errors", "n.reference_errors", "n.timeouts"]

    def asked(rung: NodeRung, after: str | None = None) -> list[str]:
        made = node_checks("n", rung, max_age=WEEK, after=after, clock="rehearsed")
        assert {(each.rung, each.max_age, each.after, each.clock) for each in made} == {
            (rung, WEEK, after, "rehearsed")
        }
        return [each.name for each in made]

    assert asked(bare) == ["n.mode", *counted]
    assert asked(replace(bare, min_verifications=1)) == ["n.mode", "n.traffic", *counted]
    assert asked(RUNG, "m") == ["n.mode", "n.traffic", *counted, "n.latency", "n.soak", "n.order"]
    assert asked(RUNG) == ["n.mode", "n.traffic", *counted, "n.latency", "n.soak"]
    assert asked(replace(RUNG, follows=None), "m") == ["n.mode", "n.traffic", *counted, "n.latency", "n.soak"]
    assert asked(replace(bare, mode=Mode.REFERENCE_ONLY)) == ["n.mode"]
    assert asked(replace(bare, mode=Mode.CANDIDATE_ONLY)) == ["n.mode", "n.candidate_errors", "n.timeouts"]


def test_a_soak_needs_what_its_rung_says() -> None:
    rung = replace(RUNG, min_verifications=7, coverage=Fraction(19, 20))
    soak = NodeSoak(
        period=WEEK,
        max_gap=timedelta(minutes=15),
        interval=timedelta(minutes=15),
        coverage=Fraction(19, 20),
        min_comparisons=5000,
        min_verifications=7,
    )

    assert rung.soaks == soak
    assert replace(rung, interval=timedelta(seconds=9)).soaks == replace(soak, interval=timedelta(seconds=9))
    assert replace(rung, soak=None).soaks is None
    assert soak.needed == "7 d without a gap of 15 min, 95 % covered"


def test_traffic_names_both_of_its_numbers() -> None:
    rung = replace(RUNG, min_comparisons=5001, min_verifications=5002)
    finding = judge(aspect=Aspect.TRAFFIC, rung=rung)

    assert finding.needed == "5001 comparisons in shadow and 5002 verifications in shadow"
    assert finding.measured == "5000 of 5001 comparisons; 5000 of 5002 verifications"
    assert judge(aspect=Aspect.TRAFFIC, rung=replace(rung, min_comparisons=0, min_verifications=5000)).measured == (
        "5000 verifications, 5000 compared"
    )


def both(change: Callable[[dict[str, Any]], object]) -> tuple[dict[str, Any], dict[str, Any]]:
    pair = document(at=NOW - timedelta(seconds=1)), document()
    for each in pair:
        change(each)
    return pair


@pytest.mark.parametrize("key", sorted(document()))
@pytest.mark.parametrize("aspect", [Aspect.DIVERGENCES, Aspect.MODE])
def test_a_missing_key_is_an_error_that_names_it(key, aspect) -> None:
    """An alert that reads a key the document has not is never quiet."""
    finding = judge(*both(lambda each: each.pop(key)), aspect=aspect)

    if key == "divergence_rate":  # derived, and nobody's evidence
        assert finding.outcome is Outcome.PASS
        return
    assert finding.outcome is Outcome.ERROR
    told = {
        "total_verifications": "verifications",
        "rust_errors": "candidate_errors",
        "fallback_to_legacy": "fallbacks",
    }
    assert told.get(key, key) in finding.measured


WRONG = {
    "no document": lambda each: each.clear(),
    "a text for a counter": lambda each: each.update(divergences="0"),
    "a float for a counter": lambda each: each.update(divergences=0.0),
    "null for a counter": lambda each: each.update(divergences=None),
    "a negative counter": lambda each: each.update(timeouts=-1),
    "more divergences than comparisons": lambda each: each.update(divergences=6000, differing=6000),
    "divergences without their kind": lambda each: each.update(divergences=1),
    "two spellings that disagree": lambda each: each.update(candidate_errors=3),
    "an unknown mode": lambda each: each.update(mode="primary"),
    "a mode its history does not know": lambda each: each.update(mode="rust"),
    "no history": lambda each: each.update(mode_history=[]),
    "a history of nothing": lambda each: each.update(mode_history=[3]),
    "a time without offset": lambda each: each.update(at="2031-05-04T12:00:00"),
    "no time": lambda each: each.update(at=1_900_000_000),
    "no run": lambda each: each.update(run=""),
    "an unknown clock": lambda each: each.update(clock="faketime"),
    "no ratio": lambda each: each.update(latency={}),
    "less than nothing waiting": lambda each: each.update(waiting=-1),
    "a text for what waits": lambda each: each.update(waiting="0"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_stats_that_cannot_be_believed_are_an_error_of_every_aspect(change) -> None:
    assert {judge(*both(change), aspect=each).outcome for each in ALONE} == {Outcome.ERROR}


def test_a_stale_document_is_an_error_with_its_age() -> None:
    """Frozen stats answer quickly with old truth (rule 14)."""
    old = NOW - timedelta(hours=3)
    finding = judge(document(at=old), document(at=old))

    assert (finding.outcome, finding.measured) == (
        Outcome.ERROR,
        "the stats are stale: written 3 h before they were read, 60 s are allowed",
    )


def test_a_document_from_the_future_is_an_error() -> None:
    assert "a clock is wrong" in judge(*both(lambda each: each.update(at=(NOW + WEEK).isoformat()))).measured


def test_a_counter_that_runs_backwards_is_found() -> None:
    first, second = both(lambda each: None)
    second |= {"total_verifications": 4000, "comparisons": 4000}

    finding = judge(first, second)

    assert finding.outcome is Outcome.ERROR
    assert "verifications ran backwards, from 5000 to 4000, without a restart" in finding.measured


def test_a_restart_is_told_as_a_restart() -> None:
    first, second = both(lambda each: None)
    second |= {"run": "b2", "started_at": NOW.isoformat(), "total_verifications": 5, "comparisons": 5}

    assert "the node was restarted at 2031-05-04T12:00:00+00:00" in judge(first, second).measured


def test_one_reading_is_not_two() -> None:
    assert judge(document()).outcome is Outcome.ERROR


@pytest.mark.parametrize("value", [None, [], {}, {"readings": {}}, {"readings": {"node-1": []}}, "fine"], ids=str)
def test_an_observation_of_another_shape_is_an_error(value) -> None:
    check = NodeCheck(node="node-2", aspect=Aspect.MODE, rung=RUNG)

    assert check.judge("item", Observation(item="item", value=value)).outcome is Outcome.ERROR


@pytest.mark.parametrize("mode", [each for each in Mode if each is not Mode.SHADOW])
@pytest.mark.parametrize("aspect", [Aspect.MODE, Aspect.TRAFFIC, Aspect.DIVERGENCES, Aspect.SOAK])
def test_a_node_in_the_wrong_mode_fails_whatever_it_counted(mode, aspect) -> None:
    """A candidate that never loaded leaves the node in legacy with 0 divergences: no pass."""
    pair = document(mode, at=NOW - timedelta(seconds=1)), document(mode)
    finding = judge(*pair, aspect=aspect)

    assert finding.outcome is Outcome.FAIL
    assert f"is in {mode.value} ({mode.spelt})" in finding.measured


def test_zero_traffic_is_not_zero_divergences() -> None:
    """Rule 23."""

    def idle(each):
        each.update(dict.fromkeys(COUNTS, 0) | {"total_verifications": 0})
        each["mode_history"][0].update(dict.fromkeys(COUNTS, 0))

    assert judge(*both(idle)).outcome is Outcome.INCONCLUSIVE
    assert judge(*both(idle)).measured == "no traffic on this rung, so nothing could show"
    assert judge(*both(idle), aspect=Aspect.TRAFFIC).measured == "0 of 5000 comparisons"


def test_traffic_of_an_earlier_rung_is_not_borrowed() -> None:
    def just_switched(each):
        before = copy.deepcopy(each["mode_history"][0]) | {"mode": "shadow"}
        each["mode_history"] = [before, before | counts(verifications=3, comparisons=3)]

    assert judge(*both(just_switched), aspect=Aspect.TRAFFIC).outcome is Outcome.INCONCLUSIVE


def test_blocks_that_both_refuse_are_no_evidence() -> None:
    """A node that refuses every block agrees on everything."""

    def refusing(each):
        each.update(agreed_refusals=5000)
        each["mode_history"][0].update(agreed_refusals=5000)

    assert judge(*both(refusing), aspect=Aspect.TRAFFIC).measured == "0 of 5000 comparisons, 5000 refused by both"


@pytest.mark.parametrize(
    ("aspect", "changes"),
    [
        (Aspect.DIVERGENCES, {"divergences": 1, "differing": 1}),
        (Aspect.CANDIDATE_ERRORS, {"divergences": 1, "rust_errors": 1}),
        (Aspect.REFERENCE_ERRORS, {"divergences": 1, "reference_errors": 1}),
        (Aspect.TIMEOUTS, {"timeouts": 1, "comparisons": 4999}),
        (Aspect.TIMEOUTS, {"skipped": 1, "comparisons": 4999}),
    ],
)
def test_one_is_one_too_many(aspect, changes) -> None:
    """No tolerance, no noise floor (rule 25); and the way down is named."""
    finding = judge(*both(lambda each: each.update(changes)), aspect=aspect)

    assert (finding.outcome, finding.measured) == (Outcome.FAIL, "1 of 5000")
    assert finding.remedy == "demote node-2 to reference-only (legacy); what it gathered above is void"


@pytest.mark.parametrize(
    "aspect", [Aspect.DIVERGENCES, Aspect.CANDIDATE_ERRORS, Aspect.REFERENCE_ERRORS, Aspect.TIMEOUTS]
)
def test_no_divergence_is_no_news_of_blocks_that_wait(aspect) -> None:
    """Nobody has compared them, so nobody knows what they would show (rule 23)."""
    finding = judge(*both(lambda each: each.update(waiting=12)), aspect=aspect)

    assert (finding.outcome, finding.measured) == (Outcome.INCONCLUSIVE, "0 of 5000, and 12 wait to be compared")


def test_what_was_found_outweighs_what_waits() -> None:
    finding = judge(*both(lambda each: each.update(waiting=12, divergences=1, differing=1)))

    assert finding.outcome is Outcome.FAIL


def test_fallbacks_are_asked_where_there_is_something_to_fall_back_to() -> None:
    rung = NodeRung(mode=Mode.CANDIDATE_PRIMARY, min_verifications=100, demote_to=Mode.REFERENCE_ONLY)
    pair = [document(Mode.CANDIDATE_PRIMARY, at=NOW - timedelta(seconds=s), fallback_to_legacy=2) for s in (1, 0)]

    finding = judge(*pair, aspect=Aspect.FALLBACKS, rung=rung)

    assert (finding.outcome, finding.measured) == (Outcome.FAIL, "2 of 5000")
    assert "demote node-2 to reference-only" in finding.remedy
    names = [each.name for each in node_checks("n", rung, max_age=WEEK, after=None)]
    assert names == ["n.mode", "n.traffic", "n.divergences", "n.candidate_errors", "n.fallbacks", "n.timeouts"]


@pytest.mark.parametrize(
    ("ratio", "outcome"),
    [
        ({"samples": 100, "p50": 200_000, "p95": 1}, Outcome.PASS),
        ({"samples": 100, "p50": 200_001, "p95": 1}, Outcome.FAIL),
        ({"samples": 100, "p50": None, "p95": None}, Outcome.FAIL),
        ({"samples": 99, "p50": 1, "p95": 1}, Outcome.INCONCLUSIVE),
        ({"samples": 0}, Outcome.INCONCLUSIVE),
        ({"samples": 100}, Outcome.ERROR),
        ({"samples": 100, "p50": "0.2"}, Outcome.ERROR),
        ({}, Outcome.ERROR),
    ],
    ids=str,
)
def test_the_ratio_of_latencies_is_bounded_as_strictly_as_it_is_written(ratio, outcome) -> None:
    pair = both(lambda each: each.update(latency={"ratio_millionths": ratio}))

    assert judge(*pair, aspect=Aspect.LATENCY).outcome is outcome


def test_a_soak_starts_over_with_a_restart() -> None:
    """Evidence is of one run of the node (rule 17)."""
    hour = (NOW - timedelta(hours=1)).isoformat()
    finding = judge(*both(lambda each: each.update(started_at=hour)), aspect=Aspect.SOAK)

    assert finding.outcome is Outcome.PENDING
    assert finding.measured.startswith("1h of 7d covered, 6d 23h missing, complete at 2031-05-11")


def gaps(*listed: list[int], since: datetime = NOW - WEEK - timedelta(hours=1), **changes: Any):
    """The node with these gaps, times in hours since it began."""
    longest = max((end - begin for begin, end, *_ in listed), default=0)
    visit = {
        "since": since.isoformat(),
        "longest_gap_seconds": max(60, longest * 3600),
        "gaps": [[begin * 3_600_000, end * 3_600_000, *counted] for begin, end, *counted in listed],
    }
    return both(
        lambda each: (each["mode_history"][0].update(visit | changes), each.update(started_at=since.isoformat()))
    )


MONTH_AGO = NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("pair", "outcome", "told"),
    [
        (gaps([10, 12, 50, 50]), Outcome.PENDING, "6d 13h of 7d covered, 11h missing"),
        (gaps([10, 12, 50, 50], since=MONTH_AGO), Outcome.PENDING, "4950 of 5000 comparisons within it"),
        (gaps([10, 12, 0, 0], since=MONTH_AGO), Outcome.PASS, "7d of 7d covered"),
        (gaps(last=None), Outcome.INCONCLUSIVE, "7 d without a verification; nothing of 7d is covered"),
        (gaps(last=(NOW - timedelta(hours=2)).isoformat()), Outcome.INCONCLUSIVE, "2 h without a verification"),
        (gaps(gaps_from_seconds=1920, longest_gap_seconds=900), Outcome.PASS, "7d of 7d covered"),
        (gaps(gaps_from_seconds=1920, longest_gap_seconds=1000), Outcome.INCONCLUSIVE, "less than 32 min are not told"),
    ],
    ids=[
        "a gap begins it anew",
        "what was compared before is void",
        "a week since the gap",
        "nothing ever",
        "a gap that lasts",
        "short ones untold, all short enough",
        "short ones untold, one of them too long",
    ],
)
def test_a_soak_is_covered_by_verifications(pair, outcome, told) -> None:
    """A timer never beats evidence (rules 17 and 18)."""
    finding = judge(*pair, aspect=Aspect.SOAK)

    assert told in finding.measured
    assert finding.outcome is outcome


SOAKS = {
    "a gap": (
        gaps([10, 12, 50, 50]),
        "6d 13h of 7d covered, 11h missing, complete at 2031-05-04 23:00:00Z at the earliest; "
        "4950 of 5000 comparisons within it",
        "verified from 2031-04-27 23:00:00Z to 2031-05-04 12:00:00Z, 100 % of it covered; begun anew once, "
        "last at 2031-04-27 23:00:00Z: no verification for 2h from 2031-04-27 21:00:00Z",
    ),
    "two gaps": (
        gaps([10, 12, 50, 50], [30, 32, 60, 60]),
        "5d 17h of 7d covered, 1d 7h missing, complete at 2031-05-05 19:00:00Z at the earliest; "
        "4940 of 5000 comparisons within it",
        "verified from 2031-04-28 19:00:00Z to 2031-05-04 12:00:00Z, 100 % of it covered; begun anew 2 times, "
        "last at 2031-04-28 19:00:00Z: no verification for 2h from 2031-04-28 17:00:00Z",
    ),
    "nothing": (gaps(last=None), "7 d without a verification; nothing of 7d is covered: no sample", ""),
    "a gap before a restart": (
        [each | {"started_at": (NOW - WEEK).isoformat()} for each in gaps([0, 1, 0, 0])],
        "7d of 7d covered",
        "verified from 2031-04-27 12:00:00Z to 2031-05-04 12:00:00Z, 100 % of it covered",
    ),
}


@pytest.mark.parametrize(("pair", "measured", "detail"), SOAKS.values(), ids=SOAKS)
def test_a_soak_is_told_with_where_it_began_anew(pair, measured, detail) -> None:
    finding = judge(*pair, aspect=Aspect.SOAK)

    assert (finding.measured, finding.detail) == (measured, detail)


def test_what_was_verified_within_the_soak_is_counted_apart_from_what_was_compared() -> None:
    rung = replace(RUNG, min_comparisons=4931, min_verifications=4951)
    pair = gaps([10, 12, 50, 60])
    for each in pair:
        each["mode_history"][0].update(agreed_refusals=10)

    assert judge(*pair, aspect=Aspect.SOAK, rung=replace(rung, soak=timedelta(days=6))).measured == (
        "4930 of 4931 comparisons within it; 4950 of 4951 verifications within it"
    )


QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"last": (NOW - QUARTER).isoformat(), "longest_gap_seconds": 900}, "7d of 7d covered"),
        ({"last": (NOW - QUARTER - timedelta(seconds=1)).isoformat(), "longest_gap_seconds": 901}, "15 min without a"),
        ({"gaps_from_seconds": 901, "longest_gap_seconds": 901}, "gaps of less than 15 min are not told"),
        ({"gaps_from_seconds": 900, "longest_gap_seconds": 900}, "7d of 7d covered"),
    ],
    ids=["as long as allowed", "a second longer", "untold and a second longer", "untold and as long as allowed"],
)
def test_a_gap_that_lasts_or_is_not_told_may_be_as_long_as_the_plan_allows(changes, told) -> None:
    assert judge(*gaps(**changes), aspect=Aspect.SOAK).measured.startswith(told)


def test_a_share_of_the_soak_is_asked_for_where_the_plan_says_how_long_a_block_covers() -> None:
    """Ten hours of a week in gaps that are each short enough leave 94 %."""
    many = gaps(*([at * 14, at * 14 + 1, 0, 0] for at in range(1, 11)))
    rung = replace(RUNG, max_gap=timedelta(hours=1), interval=timedelta(minutes=1), min_comparisons=0)

    assert judge(*many, aspect=Aspect.SOAK, rung=replace(rung, coverage=Fraction(94, 100))).outcome is Outcome.PASS
    assert judge(*many, aspect=Aspect.SOAK, rung=replace(rung, coverage=Fraction(95, 100))).outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "change",
    [
        {"longest_gap_seconds": None},
        {"gaps_from_seconds": None},
        {"gaps_from_seconds": 0},
        {"gaps": None},
        {"gaps": [[1, 2]]},
        {"gaps": [[2000, 1000, 0, 0]]},
        {"gaps": [[0, 90_000, 9, 9], [80_000, 99_000, 9, 9]]},
        {"gaps": [[0, 90_000, 9, 9], [91_000, 99_000, 8, 9]]},
        {"gaps": [[0, 90_000, 5001, 9]]},
        {"gaps": [[0, 10**12, 9, 9]]},
        {"gaps": [[0, 120_000, 9, 9]]},
        {"gaps": [[0, 120_000, 9, 9], [200_000, 260_000, 9, 9]]},
        {"longest_gap_seconds": 3600},
        {"longest_gap_seconds": 61},
    ],
    ids=str,
)
def test_gaps_that_cannot_be_believed_are_an_error(change) -> None:
    """Among them a longest gap that no list has, and a listed one that is longer than the longest."""
    pair = both(lambda each: each["mode_history"][0].update(change))

    assert judge(*pair, aspect=Aspect.SOAK).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"longest_gap_seconds": None}, "mode_history: the present rung's gaps are missing, so no time is covered"),
        ({"gaps_from_seconds": None}, "mode_history: the present rung's gaps are missing, so no time is covered"),
        ({"gaps": [[0, 120_000, 9, 9]]}, "mode_history: the longest gap of 60 s is not among the gaps"),
        ({"longest_gap_seconds": 3600}, "mode_history: the longest gap of 60 min is not among the gaps"),
    ],
    ids=str,
)
def test_gaps_that_do_not_fit_are_told(change, told) -> None:
    assert judge(*both(lambda each: each["mode_history"][0].update(change)), aspect=Aspect.SOAK).measured == told


@pytest.mark.parametrize("longest", [3600, 3601])
def test_the_longest_gap_may_be_rounded_up_to_a_second(longest: int) -> None:
    assert judge(*gaps([10, 11, 0, 0], longest_gap_seconds=longest), aspect=Aspect.SOAK).outcome is Outcome.PENDING


def test_a_visit_without_one_of_its_counts_is_an_error_that_names_it() -> None:
    finding = judge(*both(lambda each: each["mode_history"][0].pop("timeouts")), aspect=Aspect.SOAK)

    assert (finding.outcome, finding.measured) == (Outcome.ERROR, "mode_history: timeouts is missing")


def test_the_longest_gap_is_rounded_up_by_no_more_than_a_second() -> None:
    assert judge(*gaps([10, 11, 0, 0], longest_gap_seconds=3602), aspect=Aspect.SOAK).outcome is Outcome.ERROR


def test_an_untold_gap_may_be_too_long_for_what_a_verification_covers() -> None:
    """Though it is none that would begin the soak anew."""
    rung = replace(RUNG, interval=timedelta(minutes=1))
    pair = gaps(gaps_from_seconds=600, longest_gap_seconds=300)

    finding = judge(*pair, aspect=Aspect.SOAK, rung=rung)

    assert (finding.outcome, finding.measured) == (
        Outcome.INCONCLUSIVE, "gaps of less than 10 min are not told, and one may be too long",
    )  # fmt: skip


def test_a_gap_that_did_not_begin_the_soak_anew_voids_nothing() -> None:
    rung = replace(RUNG, max_gap=timedelta(hours=3), min_verifications=5000)

    assert judge(*gaps([10, 12, 50, 50]), aspect=Aspect.SOAK, rung=rung).outcome is Outcome.PASS


def test_a_clock_of_its_own_is_an_error_unless_the_plan_rehearses() -> None:
    """Weeks lived through in seconds look like weeks; they are marked where they are meant."""
    pair = both(lambda each: each.update(clock="rehearsed"))
    readings = {"node-2": documented(*pair)}
    check = NodeCheck(node="node-2", aspect=Aspect.SOAK, rung=RUNG, clock="rehearsed")

    refused = judge(*pair, aspect=Aspect.MODE)
    meant = check.judge("item", Observation(item="item", value={"readings": readings}))

    assert (refused.outcome, refused.measured) == (
        Outcome.ERROR,
        "its clock is rehearsed, so no time of it is evidence (rehearsed clock)",
    )
    assert (meant.outcome, meant.measured) == (Outcome.PASS, "7d of 7d covered (rehearsed clock)")


def test_a_demoted_rung_is_void() -> None:
    pair = both(lambda each: each["mode_history"][0].update(void=True))

    told = "was demoted from this rung since; its evidence is void"
    assert judge(*pair, aspect=Aspect.MODE).measured == told
    assert judge(*pair, aspect=Aspect.MODE).outcome is Outcome.FAIL
    assert judge(*pair, aspect=Aspect.SOAK).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("mode", "told"),
    [(Mode.SHADOW, "0 of 70"), (Mode.CANDIDATE_PRIMARY, "0 of 90"), (Mode.CANDIDATE_ONLY, "0 of 90")],
)
def test_troubles_are_counted_of_what_a_rung_does(mode, told) -> None:
    """In shadow the candidate only compares; above it verifies."""

    def few(each):
        each["mode_history"][0].update(verifications=90, comparisons=70)

    pair = [document(mode, at=NOW - timedelta(seconds=s)) for s in (1, 0)]
    for each in pair:
        few(each)
    assert judge(*pair, rung=replace(RUNG, mode=mode)).measured == told


def test_a_check_is_one_item_of_its_node() -> None:
    check = NodeCheck(node="node-2", aspect=Aspect.SOAK, rung=RUNG)

    assert (check.kind, check.name, check.clock) == (Kind.NODE, "node-2.soak", "system")
    assert check.redacted(str.upper) is check
    assert {each.clock for each in node_checks("n", RUNG, max_age=WEEK, after=None)} == {"system"}


@pytest.mark.parametrize(
    ("ahead", "outcome", "told"),
    [
        (first(WEEK), Outcome.PASS, "followed node-1 after 7 d"),
        (first(WEEK - timedelta(seconds=1)), Outcome.FAIL, "followed node-1 after 6 d; 7 d are needed"),
        (first(timedelta()), Outcome.FAIL, "followed node-1 after 0 s; 7 d are needed"),
        (first(-WEEK), Outcome.FAIL, "followed node-1 after -7 d; 7 d are needed"),
        (first(2 * WEEK, Mode.REFERENCE_ONLY), Outcome.FAIL, "node-1 is in reference-only, below shadow"),
        (first(2 * WEEK, Mode.CANDIDATE_PRIMARY), Outcome.FAIL, "node-1 tells of no time in shadow"),
        ({}, Outcome.ERROR, "the stats document lacks mode, run, clock, started_at, at, mode_history, latency, veri"),
    ],
    ids=["a week", "a second short", "at once", "before it", "it went back", "it tells of no shadow", "unreadable"],
)
def test_a_node_follows_the_one_before_it(ahead, outcome, told) -> None:
    """Node 2 comes after node 1 has stood there for its time; nodes do not borrow from one another."""
    finding = judge(aspect=Aspect.ORDER, node_1=ahead)

    assert finding.outcome is outcome
    assert finding.measured.startswith(told)


def test_a_void_time_of_the_node_before_it_does_not_count() -> None:
    demoted = first(2 * WEEK)
    again = demoted["mode_history"][0]
    demoted["mode_history"] = [again | {"void": True}, again | {"since": (NOW - WEEK).isoformat()}]

    assert judge(aspect=Aspect.ORDER, node_1=demoted).measured == "followed node-1 after -60 min; 7 d are needed"


def test_a_node_follows_from_the_first_time_that_the_one_before_it_stood_there() -> None:
    """And itself from its newest time on the rung, whatever rungs it came from."""
    twice, own = first(WEEK), [document(at=NOW - timedelta(seconds=s)) for s in (1, 0)]
    early = twice["mode_history"][0]
    twice["mode_history"] = [early, early | {"since": NOW.isoformat()}]
    for each in own:
        each["mode_history"].insert(0, early | {"mode": "legacy", "since": MONTH_AGO.isoformat()})

    assert judge(*own, aspect=Aspect.ORDER, node_1=twice).measured == "followed node-1 after 7 d"


def test_the_machines_own_clock_is_accepted_under_a_rehearsed_one() -> None:
    seen = {"readings": {"node-2": documented(document(at=NOW - timedelta(seconds=1)), document())}}
    check = NodeCheck(node="node-2", aspect=Aspect.MODE, rung=RUNG, clock="rehearsed")

    assert check.judge("item", Observation(item="item", value=seen)).outcome is Outcome.PASS


def test_a_node_that_is_not_on_the_rung_followed_nobody() -> None:
    pair = [document(Mode.REFERENCE_ONLY, at=NOW - timedelta(seconds=s)) for s in (1, 0)]
    finding = judge(*pair, aspect=Aspect.ORDER, node_1=first(WEEK))

    assert (finding.outcome, finding.measured) == (Outcome.FAIL, "is in reference-only (legacy)")


def test_where_no_lead_is_asked_for_it_is_enough_to_come_later() -> None:
    assert judge(aspect=Aspect.ORDER, rung=replace(RUNG, follows=None), node_1=first(timedelta())).measured == (
        "followed node-1 after 0 s"
    )


def test_a_node_follows_one_that_has_gone_further() -> None:
    further = first(WEEK)
    shadow = further["mode_history"][0]
    further |= {"mode": "rust", "mode_history": [shadow, shadow | {"mode": "rust", "since": NOW.isoformat()}]}

    assert judge(aspect=Aspect.ORDER, node_1=further).outcome is Outcome.PASS
