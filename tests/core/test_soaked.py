"""A stage's soak, told whole for each thing: what is covered, what is owed, and whom nobody answered for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import SECOND, Outage, Samples, Series, ratios, values
from pytest_rollout.core.soak import Break, Counted, Soak, Stretch, count, cover, progress, restarts
from pytest_rollout.core.soaked import Asked, Soaked, soak_findings, soak_on
from pytest_rollout.core.units import UNITS

MINUTE, HOUR, STEP = 60 * SECOND, 3600 * SECOND, 15 * SECOND
SOAK = Soak(period=HOUR, coverage=Fraction(95, 100), max_gap=5 * MINUTE, metrics=("up",))
COUNTING = replace(SOAK, comparisons="verified", min_comparisons=100, started="born")


def metric(name: str, **settings: Any) -> Metric:
    source = SourceSettings(kind=SourceKind.PROMETHEUS, query=name, interval=timedelta(seconds=15), **settings)
    return Metric(name=name, unit=UNITS["count"], source=source)


def steady(since: int = 0, until: int = HOUR, number: float = 1, **labels: str) -> Series:
    times = list(range(since, until + 1, STEP))
    return values(times, [number] * len(times), labels=labels)


def counter(*pairs: tuple[int, float], **labels: str) -> Series:
    return values([time for time, _ in pairs], [number for _, number in pairs], labels=labels)


def samples(name: str, *series: Series, until: int = 2 * HOUR, **more: Any) -> Samples:
    return Samples(metric=name, source="prometheus", query=f"q({name})", since=0, until=until, series=series, **more)


def asked(*answers: Samples, not_before: int | None = None, **settings: Any) -> Asked:
    names = ("up", "verified", "born")
    given = settings or {}
    return Asked(
        metrics={name: metric(name, **given) for name in names},
        samples={each.metric: each for each in answers},
        not_before=not_before,
    )


def found(soak: Soak, given: Asked, *, now: int = HOUR) -> list[Finding]:
    return list(soak_findings(soak, soak_on(soak, Soaked(), given), given, prefix="soak::", now=now))


TOLD = Finding(
    item="soak::up",
    kind=Kind.SOAK,
    title="soak of up",
    outcome=Outcome.PASS,
    measured="1h of 1h covered",
    needed="1h, 95 % covered, no gap over 5m",
    source="prometheus: q(up)",
    detail="samples from 1970-01-01 00:00:00Z to 1970-01-01 01:00:00Z; 100 % of it covered",
)
WAIT = "wait: nothing but time covered by samples counts"
FROM = "samples from 1970-01-01 00:00:00Z to 1970-01-01 00:30:00Z; 100 % of it covered"
DOWN = Outage(since=30 * MINUTE, until=HOUR, why="refused")
FINDINGS: dict[str, tuple[list[Samples], dict[str, Any]]] = {
    "covered": ([samples("up", steady())], {}),
    "half": (
        [samples("up", steady(30 * MINUTE))], {
            "outcome": Outcome.PENDING, "remedy": WAIT,
            "measured": "30m of 1h covered, 30m missing, complete at 1970-01-01 01:30:00Z at the earliest",
            "detail": "samples from 1970-01-01 00:30:00Z to 1970-01-01 01:00:00Z; 100 % of it covered",
        },
    ),
    "silent": (
        [samples("up", steady(until=30 * MINUTE))], {
            "outcome": Outcome.INCONCLUSIVE, "remedy": "see why the source has no samples",
            "measured": "no sample since 1970-01-01 00:30:00Z", "detail": FROM,
        },
    ),
    "down": (
        [samples("up", steady(until=30 * MINUTE), outages=(DOWN,))], {
            "outcome": Outcome.ERROR, "remedy": "bring the source back", "detail": FROM,
            "measured": "no sample since 1970-01-01 00:30:00Z: the source could not be asked: refused",
        },
    ),
    "down long ago": (
        [samples("up", steady(until=30 * MINUTE), outages=(replace(DOWN, until=55 * MINUTE - 1),))], {
            "outcome": Outcome.INCONCLUSIVE, "remedy": "see why the source has no samples",
            "measured": "no sample since 1970-01-01 00:30:00Z", "detail": FROM,
        },
    ),
    "down until just now": (
        [samples("up", steady(until=30 * MINUTE), outages=(replace(DOWN, until=55 * MINUTE),))], {
            "outcome": Outcome.ERROR, "remedy": "bring the source back", "detail": FROM,
            "measured": "no sample since 1970-01-01 00:30:00Z: the source could not be asked: refused",
        },
    ),
    "silent for as long as it may be": (
        [samples("up", steady(until=55 * MINUTE))], {
            "outcome": Outcome.PENDING, "remedy": WAIT,
            "measured": "55m of 1h covered, 5m missing, complete at 1970-01-01 01:00:00Z at the earliest",
            "detail": "samples from 1970-01-01 00:00:00Z to 1970-01-01 00:55:00Z; 100 % of it covered",
        },
    ),
    "no sample": (
        [samples("up")], {
            "outcome": Outcome.INCONCLUSIVE, "remedy": "see why the source has no samples",
            "measured": "nothing of 1h is covered: no sample", "detail": "",
        },
    ),
    "never asked": (
        [], {
            "outcome": Outcome.INCONCLUSIVE, "remedy": "see why the source has no samples", "source": "",
            "measured": "nothing of 1h is covered: no sample", "detail": "",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "told"), FINDINGS.values(), ids=FINDINGS)
def test_a_soak_is_told_whole(answers: list[Samples], told: dict[str, Any]) -> None:
    assert found(SOAK, asked(*answers)) == [replace(TOLD, **told)]


def test_a_soak_with_comparisons_tells_them() -> None:
    answers = samples("up", steady()), samples("verified", counter((0, 5), (HOUR, 104)))

    assert found(replace(COUNTING, started=""), asked(*answers)) == [
        replace(
            TOLD,
            outcome=Outcome.PENDING,
            measured="99 of 100 comparisons",
            needed="1h, 95 % covered, no gap over 5m, 100 comparisons",
            detail=f"{TOLD.detail}; 99 comparisons",
            remedy=WAIT,
        )
    ]
    assert found(replace(COUNTING, started=""), asked(answers[0]))[0].measured == "0 of 100 comparisons"


def test_a_thing_that_nobody_answered_for_is_told_by_its_name() -> None:
    given = asked(samples("up", steady(node="a")), per="node", things=("a", "b"))

    assert found(SOAK, given) == [
        replace(TOLD, item="soak::up[a]", title="soak of up[a]"),
        replace(
            TOLD,
            item="soak::up[b]",
            title="soak of up[b]",
            outcome=Outcome.NOT_RUN,
            measured="nobody answered for node 'b'",
            detail="",
            remedy="see why nobody answers for it, or correct the plan",
        ),
    ]


def test_a_thing_that_answered_once_is_told_once() -> None:
    """What is remembered of it is shown, and that it is silent now."""
    things = {"per": "node", "things": ("a", "b")}
    before = soak_on(SOAK, Soaked(), asked(samples("up", steady(node="a"), steady(node="b")), **things))
    given = asked(samples("up", steady(HOUR, 2 * HOUR, node="a")), **things)
    soaked = soak_on(SOAK, before, given)

    told = list(soak_findings(SOAK, soaked, given, prefix="", now=2 * HOUR))

    assert [(each.item, each.outcome) for each in told] == [("up[a]", Outcome.PASS), ("up[b]", Outcome.NOT_RUN)]


def test_evidence_from_the_first_moment_of_a_visit_on_counts() -> None:
    given = asked(samples("up", steady(node="a")), not_before=30 * MINUTE, per="node", things=("a", "b"))

    assert [(each.item, each.measured[:17]) for each in found(SOAK, given)] == [
        ("soak::up[a]", "30m of 1h covered"),
        ("soak::up[b]", "nobody answered f"),
    ]


def test_the_moment_before_a_visit_is_none_of_it() -> None:
    given = samples("up", counter((MINUTE - 1, 1), (MINUTE, 1), (MINUTE + STEP, 1)))

    assert soak_on(SOAK, Soaked(), asked(given, not_before=MINUTE)).stretches["up", ""].since == MINUTE


def test_an_answer_that_cannot_be_taken_is_none_in_a_later_visit_either() -> None:
    """What is remembered from before must not pass instead."""
    before = soak_on(SOAK, Soaked(), asked(samples("up", steady())))
    given = asked(samples("up", steady(node="a"), steady(node="b")), not_before=0)

    (finding,) = soak_findings(SOAK, soak_on(SOAK, before, given), given, prefix="", now=HOUR)

    assert (finding.outcome, finding.measured) == (
        Outcome.ERROR, "2 series where one is expected, {node=a} and {node=b}",
    )  # fmt: skip


def test_each_metric_is_told_by_its_own_things() -> None:
    given = asked(samples("up", steady(node="a")), samples("verified", steady()))
    metrics = dict(given.metrics) | {"up": metric("up", per="node", things=("a",))}

    told = found(replace(SOAK, metrics=("up", "verified")), replace(given, metrics=metrics))

    assert [each.item for each in told] == ["soak::up[a]", "soak::verified"]


def test_what_is_compared_adds_up_over_looks() -> None:
    """The second look is asked for what came since the first."""
    soak = replace(SOAK, comparisons="verified")
    first = asked(samples("up", steady(until=MINUTE)), samples("verified", counter((0, 5), (MINUTE, 9))))
    second = asked(samples("up", steady(MINUTE + STEP)), samples("verified", counter((MINUTE + STEP, 12), (HOUR, 20))))

    soaked = soak_on(soak, soak_on(soak, Soaked(), first), second)

    assert soaked.counters["verified", ""] == Counted(since=0, last=HOUR, first=Fraction(5), newest=Fraction(20))


def test_the_first_start_time_that_is_seen_is_no_restart() -> None:
    """Whenever it is seen; and a change that another metric does not show yet waits, once."""
    born = counter((1, 7), (MINUTE, 7), (2 * MINUTE, 8))
    given = asked(samples("up", steady(until=MINUTE)), samples("born", born))

    stretch = soak_on(replace(SOAK, started="born"), Soaked(), given).stretches["up", ""]

    assert (stretch.breaks, [each.at for each in stretch.ahead]) == (0, [2 * MINUTE])


def test_an_outage_stops_the_clock_of_its_metric() -> None:
    up = [*steady(until=30 * MINUTE).times, *steady(50 * MINUTE, HOUR).times]
    down = replace(DOWN, until=50 * MINUTE)

    (told,) = found(SOAK, asked(samples("up", values(up, [1] * len(up)), outages=(down,))))

    assert told.measured.startswith("40m of 1h covered")


@pytest.mark.parametrize(("breaks", "told"), [((MINUTE,), "once"), ((MINUTE, 2 * MINUTE), "2 times")])
def test_what_broke_a_soak_is_counted(breaks: Sequence[int], told: str) -> None:
    born = counter((0, 1), *((at, index + 2) for index, at in enumerate(breaks)), (HOUR, len(breaks) + 1))
    last = breaks[-1] // MINUTE

    (finding,) = found(replace(SOAK, started="born"), asked(samples("up", steady()), samples("born", born)))

    assert f"begun anew {told}, last at 1970-01-01 00:0{last}:00Z: restarted by" in finding.detail


def test_a_restart_between_two_looks_is_found() -> None:
    """A counter that is lower than what was seen of it before ran back."""
    first = asked(samples("up", steady(until=MINUTE)), samples("verified", counter((0, 9), (MINUTE, 10))))
    second = asked(
        samples("up", steady(MINUTE, 2 * MINUTE)), samples("verified", counter((MINUTE, 10), (2 * MINUTE, 4)))
    )
    soak = replace(SOAK, comparisons="verified")

    soaked = soak_on(soak, soak_on(soak, Soaked(), first), second)

    assert soaked.stretches["up", ""].breaks == 1
    assert soaked.counters["verified", ""] == Counted(
        since=2 * MINUTE, last=2 * MINUTE, first=Fraction(4), newest=Fraction(4)
    )
    assert Soaked.read(soaked.document()) == soaked


RUNS: dict[str, tuple[list[Series], Fraction | None, bool, list[tuple[int, str]]]] = {
    "upwards": ([counter((0, 1), (1, 1), (2, 5))], None, True, []),
    "back": ([counter((0, 5), (1, 1.5))], None, True, [(1, "a counter ran back from 5 to 1.5")]),
    "back since before": ([counter((0, 5))], Fraction(6), True, [(0, "a counter ran back from 6 to 5")]),
    "back in another series": (
        [counter((0, 5)), counter((1, 4))], None, True, [(1, "a counter ran back from 5 to 4")],
    ),
    "back behind an empty one": (
        [counter((0, 5)), counter(), counter((1, 4))], None, True, [(1, "a counter ran back from 5 to 4")],
    ),
    "twice": (
        [counter((0, 5), (1, 4), (2, 9)), counter((3, 1))], None, True,
        [(1, "a counter ran back from 5 to 4"), (3, "a counter ran back from 9 to 1")],
    ),
    "back in the total of a ratio": (
        [ratios([0, 1], [1, 1], [5, 4])], None, True, [(1, "a counter ran back from 5 to 4")],
    ),
    "a start that stays": ([counter((0, 5), (1, 5))], Fraction(5), False, []),
    "a later start": ([counter((0, 5), (1, 6))], None, False, [(1, "the start time changed from 5 to 6")]),
    "another start than before": ([counter((0, 0.5))], Fraction(1, 3), False, [(0, "the start time changed from 0.3333… to 0.5")]),
}  # fmt: skip


@pytest.mark.parametrize(("series", "before", "counts", "told"), RUNS.values(), ids=RUNS)
def test_a_restart_is_where_a_counter_runs_back_or_a_start_changes(series, before, counts, told) -> None:
    breaks = restarts(series, before, counts=counts)

    assert [(each.at, each.why.partition(": ")[2]) for each in breaks] == told


def test_a_counter_begins_anew_at_the_next_sample_after_a_break() -> None:
    series = [counter((0, 5), (10, 8)), counter(), counter((20, 3), (30, 4))]
    known = Counted(since=0, last=10, first=Fraction(5), newest=Fraction(8))
    anew = Counted(since=20, last=30, first=Fraction(3), newest=Fraction(4))

    assert count(Counted(), series[:1], []) == known
    assert count(Counted(), series, [Break(at=15, why="")]) == anew
    assert count(known, series, [Break(at=15, why="")]) == anew
    assert count(known, series, [Break(at=10, why="")]) == replace(known, last=30, newest=Fraction(4))
    assert count(known, series, [Break(at=99, why="")]) == replace(known, last=30, newest=Fraction(4))
    assert count(known, series, [Break(at=25, why="")]) == replace(anew, since=30, first=Fraction(4))


def test_the_total_of_a_ratio_counts_and_what_was_seen_before_does_not_count_again() -> None:
    known = Counted(since=0, last=10, first=Fraction(5), newest=Fraction(8))

    assert count(Counted(), [ratios([0, 10], [1, 1], [5, 8])], []) == known
    assert count(known, [counter((0, 5), (5, 6))], []) == known


def test_a_break_after_the_newest_sample_waits_for_the_next_one() -> None:
    """A restart that another metric shows a little earlier."""
    ahead, past = Break(at=MINUTE + 1, why="ahead"), Break(at=MINUTE, why="at the last sample")

    first = cover(SOAK, STEP, Stretch(), [steady(until=MINUTE)], breaks=[past, ahead])
    second = cover(SOAK, STEP, first, [steady(MINUTE, 2 * MINUTE)])

    assert first.ahead == (ahead,)
    assert (second.ahead, second.breaks, second.broken, second.since) == ((), 2, ahead, MINUTE + STEP)
    assert cover(SOAK, STEP, first, []).ahead == (ahead,)
    assert (
        cover(SOAK, STEP, replace(first, ahead=()), [steady(MINUTE, 2 * MINUTE)], breaks=[past]).breaks == first.breaks
    )


def test_a_stretch_is_kept_exactly_and_so_is_nothing() -> None:
    whole = Stretch(
        since=2**62, last=2**62 + 1, clock=7, unseen=((1, 2),), labels=(("a", "b"),), breaks=2,
        broken=Break(at=3, why="w"), ahead=(Break(at=4, why="v"),),
    )  # fmt: skip

    for stretch in (whole, Stretch()):
        assert Stretch.read(stretch.document()) == stretch
    for known in (Counted(), Counted(since=1, last=2, first=Fraction(1, 3), newest=Fraction(2))):
        assert Counted.read(known.document()) == known
    assert Stretch().document()["since"] is None
    assert Counted().document() == {"since": None, "last": None, "first": "0", "newest": "0"}
    assert whole.document()["labels"] == [["a", "b"]]


def test_of_nothing_there_is_no_progress() -> None:
    how_far = progress(SOAK, Stretch())

    assert (how_far.covered, how_far.missing, how_far.share, how_far.earliest) == (0, HOUR, 0, None)
    one = progress(SOAK, cover(SOAK, STEP, Stretch(), [steady(until=0)]))
    assert (one.covered, one.missing, one.share) == (0, HOUR, 1)


@pytest.mark.parametrize(
    ("gap", "unseen"),
    [(15, ()), (22, ()), (23, ((15 * SECOND, 23 * SECOND),)), (300, ((15 * SECOND, 300 * SECOND),))],
)
def test_up_to_half_a_step_late_is_no_gap(gap: int, unseen: tuple[tuple[int, int], ...]) -> None:
    stretch = cover(replace(SOAK, coverage=Fraction(0)), STEP, Stretch(), [counter((0, 1), (gap * SECOND, 1))])

    assert (stretch.clock, stretch.unseen, stretch.breaks) == (gap * SECOND, unseen, 0)


def test_up_to_half_a_step_late_is_no_gap_beside_one_either() -> None:
    """Where one sample is late, all others are as they were."""
    late = [0, 20 * SECOND, 42 * SECOND + SECOND // 2, 102 * SECOND + SECOND // 2]

    stretch = cover(replace(SOAK, coverage=Fraction(0)), STEP, Stretch(), [counter(*((at, 1) for at in late))])

    assert stretch.unseen == ((late[2] + STEP, late[3]),)


def test_up_to_half_a_step_late_between_two_looks_is_no_gap() -> None:
    first = cover(SOAK, STEP, Stretch(), [counter((HOUR, 1))])
    second = cover(SOAK, STEP, first, [counter((HOUR + 20 * SECOND, 1))])

    assert (second.clock, second.unseen) == (20 * SECOND, ())
    late = cover(SOAK, STEP, first, [counter((HOUR + 40 * SECOND, 1))])
    assert (late.clock, late.unseen) == (40 * SECOND, ((15 * SECOND, 40 * SECOND),))


def test_two_labels_that_change_are_both_told() -> None:
    first = cover(SOAK, STEP, Stretch(), [steady(until=MINUTE, a="1", b="2")])
    second = cover(SOAK, STEP, first, [steady(MINUTE + STEP, 2 * MINUTE, a="1", b="3")])

    assert second.broken == Break(
        at=MINUTE + STEP, why="the subject changed by 1970-01-01 00:01:15Z: from {a=1, b=2} to {a=1, b=3}"
    )
    assert (second.since, second.clock) == (MINUTE + STEP, 45 * SECOND)


@pytest.mark.parametrize(
    ("since", "until", "clock"),
    [
        (10, 30, 40),
        (10, 60, 10),
        (0, 45, 15),
        (0, 60, 0),
        (-50, 20, 40),
        (40, 990, 40),
        (-50, 990, 0),
        (-50, -10, 60),
        (70, 80, 60),
    ],
)
def test_a_source_that_is_down_stops_the_clock_for_as_long_as_it_was(since: int, until: int, clock: int) -> None:
    outage = Outage(since=since * SECOND, until=until * SECOND, why="")

    stretch = cover(SOAK, STEP, Stretch(), [counter((0, 1), (60 * SECOND, 1))], outages=[outage])

    assert stretch.clock == clock * SECOND
    assert stretch.unseen == (((15 * SECOND, clock * SECOND),) if clock > 15 else ())
