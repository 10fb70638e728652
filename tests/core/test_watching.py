"""A look of a watch, told whole: its verdict, what fired, and what it remembers (rules 2, 13, 16, 17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Span, Statistic, Trigger
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome, Severity, Verdict
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings, Stage
from pytest_rollout.core.sampled import Asked, evaluate_samples
from pytest_rollout.core.series import SECOND, Outage, Samples, values
from pytest_rollout.core.soak import Soak
from pytest_rollout.core.soaked import Asked as SoakAsked
from pytest_rollout.core.soaked import Soaked, soak_findings, soak_on
from pytest_rollout.core.units import UNITS
from pytest_rollout.core.watching import Fired, Kept, Sight, Watched, look
from pytest_rollout.core.window import Window, WindowKind

MINUTE, HOUR, STEP = 60 * SECOND, 3600 * SECOND, 15 * SECOND
NOW = 1000 * HOUR
SUBJECT = "commit c, plan 1"


def bound(relation: str, limit: int) -> Bound:
    return Bound(relation=Relation(relation), limit=Fraction(limit) * UNITS["ms"].scale, unit=UNITS["ms"])


def trigger(limit: int, over: int = 10 * MINUTE, **more: Any) -> Trigger:
    return Trigger(when=bound(">", limit), window=Window(kind=WindowKind.EVERY, over=over), **more)


LATE = trigger(500)
SLOW = trigger(300, severity=Severity.PLANNED)
ANSWERS = Criterion(
    name="answers",
    metric="latency",
    unit=UNITS["ms"],
    promote=bound("<", 200),
    rollback=(LATE, SLOW),
    statistic=Statistic.P95,
    span=Span(over=HOUR),
)
BY_TESTS = replace(ANSWERS, name="by tests", metric="measured", span=None, rollback=())
SOAK = Soak(period=HOUR, coverage=Fraction(95, 100), max_gap=5 * MINUTE, metrics=("up",))


def metric(name: str, unit: str = "count", **more: Any) -> Metric:
    given = {"kind": SourceKind.PROMETHEUS, "query": name, "interval": timedelta(seconds=15)} | more
    return Metric(name=name, unit=UNITS[unit], source=SourceSettings(**given))


METRICS = {
    "latency": metric("latency", "ms"),
    "measured": Metric(name="measured", unit=UNITS["ms"]),
    **{name: metric(name) for name in ("up", "verified", "born")},
}


def watched(*criteria: Criterion, soak: Soak | None = None, not_before: int | None = None) -> Watched:
    stage = Stage(name="beta", title="Beta", criteria=criteria, soak=soak)
    return Watched(stage=stage, metrics=METRICS, prefix="plan::beta", not_before=not_before)


def answer(name: str, number: float, *, since: int = 3 * HOUR, until: int = 0, **more: Any) -> Samples:
    times = list(range(NOW - since, NOW - until + 1, STEP))
    series = (values(times, [number] * len(times)),)
    asked = {"metric": name, "source": "prometheus", "query": name, "since": NOW - since, "until": NOW}
    return Samples(**asked | {"series": series} | more)


def judged(answered: Samples, criterion: Criterion = ANSWERS, now: int = NOW) -> Finding:
    """What a gate says of the same samples."""
    asked = Asked(metric=METRICS["latency"], samples=answered, now=now)
    (evaluation,) = evaluate_samples(criterion, f"plan::beta::criteria::{criterion.name}", asked)
    return evaluation.finding


GOOD, BAD, MIDDLE = answer("latency", 100), answer("latency", 600), answer("latency", 400)
NEW = Kept(subject=SUBJECT)
ASKED = SoakAsked(metrics=METRICS, samples={"up": answer("up", 1)})
SOAKED = soak_on(SOAK, Soaked(), ASKED)
REMEMBERED = Kept(
    subject=SUBJECT,
    until=NOW - MINUTE,
    soaked=SOAKED,
    verdict=Verdict.HOLD,
    blind_since=NOW - HOUR,
    looks=7,
    bad=frozenset({"two", "one"}),
)


def test_what_a_watch_remembers_is_written_and_read() -> None:
    assert REMEMBERED.document() == {
        "subject": SUBJECT,
        "until": str(NOW - MINUTE),
        "soaked": SOAKED.document(),
        "verdict": "hold",
        "blind_since": str(NOW - HOUR),
        "looks": 7,
        "bad": ["one", "two"],
    }
    assert Kept.read(REMEMBERED.document()) == REMEMBERED


def test_what_a_watch_remembers_before_its_first_look() -> None:
    empty = {"subject": SUBJECT, "until": "", "verdict": "", "blind_since": "", "looks": 0}
    soaked = {"stretches": [], "counters": []}

    assert NEW.document() == empty | {"soaked": soaked, "bad": []}
    assert Kept.read(NEW.document()) == NEW
    assert Kept.read(empty | {"soaked": soaked}) == NEW, "an earlier watch did not say what was bad"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"verdict": "perhaps"}, "ValueError: 'perhaps' is not a valid Verdict"),
        ({"until": "soon"}, "ValueError: invalid literal for int() with base 10: 'soon'"),
        ({"soaked": {}}, "KeyError: 'stretches'"),
        ({"soaked": None}, "TypeError: 'NoneType' object is not subscriptable"),
    ],
)
def test_what_is_no_remembered_watch_is_refused(wrong, why) -> None:
    with pytest.raises(EvidenceError) as refused:
        Kept.read(NEW.document() | wrong)

    assert str(refused.value) == f"no remembered watch can be read ({why})."


def test_a_watch_asks_for_each_metric_that_has_a_source_once() -> None:
    soak = replace(SOAK, metrics=("up", "latency"), comparisons="verified", started="born")
    both = watched(ANSWERS, replace(ANSWERS, name="again"), BY_TESTS, soak=soak)

    assert [each.name for each in both.criteria] == ["answers", "again"]
    assert both.unwatched == ("by tests",)
    assert both.asked == ("latency", "up", "verified", "born")
    assert watched(ANSWERS, soak=SOAK).asked == ("latency", "up")
    assert watched(BY_TESTS).asked == ()


BACK = HOUR + 10 * MINUTE + 2 * 45 * SECOND + 2 * STEP
LONGER = replace(ANSWERS, name="longer", span=Span(over=2 * HOUR))
COUNTING = replace(SOAK, comparisons="verified", started="born")
SINCE: dict[str, tuple[Watched, str, Kept, int]] = {
    "the whole window": (watched(ANSWERS), "latency", NEW, NOW - BACK - STEP),
    "the longest of two": (watched(ANSWERS, LONGER), "latency", NEW, NOW - BACK - HOUR - STEP),
    "from the last look": (watched(ANSWERS), "latency", REMEMBERED, NOW - MINUTE - BACK - STEP),
    "a look ahead of its time": (watched(ANSWERS), "latency", replace(NEW, until=NOW + 1), NOW - BACK - STEP),
    "a soak at first": (watched(soak=SOAK), "up", NEW, NOW - 2 * HOUR - STEP),
    "what a soak compares": (watched(soak=COUNTING), "verified", NEW, NOW - 2 * HOUR - STEP),
    "when it was started": (watched(soak=COUNTING), "born", NEW, NOW - 2 * HOUR - STEP),
    "a soak later": (watched(soak=SOAK), "up", REMEMBERED, NOW - MINUTE - STEP),
    "a criterion beside a soak": (watched(ANSWERS, soak=SOAK), "latency", NEW, NOW - BACK - STEP),
    "both": (watched(ANSWERS, soak=replace(SOAK, metrics=("latency",))), "latency", NEW, NOW - 2 * HOUR - STEP),
    "a longer window of another metric": (
        watched(ANSWERS, replace(LONGER, metric="up")),
        "latency",
        NEW,
        NOW - BACK - STEP,
    ),
    "not before": (watched(ANSWERS, not_before=NOW - MINUTE), "latency", NEW, NOW - MINUTE - 1),
    "not before long ago": (watched(ANSWERS, not_before=MINUTE), "latency", NEW, NOW - BACK - STEP),
    "not before what is to come": (watched(ANSWERS, not_before=NOW + HOUR), "latency", NEW, NOW - 1),
}


@pytest.mark.parametrize(("asks", "name", "kept", "since"), SINCE.values(), ids=SINCE)
def test_samples_are_needed_for_whole_windows_and_all_that_was_not_seen(asks, name, kept, since) -> None:
    assert asks.since(name, kept, NOW) == since


def test_a_look_at_what_passes_promotes() -> None:
    assert look(watched(ANSWERS), NEW, {"latency": GOOD}, NOW) == Sight(
        verdict=Verdict.PROMOTE,
        findings=(judged(GOOD),),
        fired=(),
        kept=Kept(subject=SUBJECT, until=NOW, verdict=Verdict.PROMOTE, looks=1),
        now=NOW,
    )


def test_a_trigger_that_fires_rolls_back_and_tells_its_finding() -> None:
    sight = look(watched(ANSWERS), NEW, {"latency": BAD}, NOW)

    told = judged(BAD)
    assert told.outcome is Outcome.FAIL
    assert sight.findings == (told,)
    assert sight.fired == (Fired(trigger=LATE, finding=told), Fired(trigger=SLOW, finding=told))
    assert (sight.verdict, sight.kept.verdict, sight.is_blind) == (Verdict.ROLLBACK, Verdict.ROLLBACK, False)


UNASKED = Finding(
    item="plan::beta::criteria::answers",
    kind=Kind.CRITERION,
    title="answers",
    outcome=Outcome.ERROR,
    measured="connection refused",
    needed="< 200 ms",
    detail="a source that is down is not a service that is down",
    remedy="bring the source back",
)


def test_a_source_that_is_down_holds_and_makes_the_watch_blind() -> None:
    sight = look(watched(ANSWERS), NEW, {"latency": "connection refused"}, NOW)

    assert sight.findings == (UNASKED,)
    assert sight.fired == ()
    assert sight.is_blind
    assert sight.kept == Kept(
        subject=SUBJECT, until=NOW, verdict=Verdict.HOLD, blind_since=NOW, looks=1, bad=frozenset({UNASKED.item})
    )


def test_a_source_that_is_down_hides_no_trigger_of_another() -> None:
    """Rule 2: a regression that was seen is told, whatever else was not; and half blind is blind."""
    other = replace(ANSWERS, name="other", metric="up")

    for criteria in ((other, ANSWERS), (ANSWERS, other)):
        sight = look(watched(*criteria), NEW, {"latency": BAD, "up": "refused"}, NOW)
        assert (sight.verdict, [each.trigger for each in sight.fired]) == (Verdict.ROLLBACK, [LATE, SLOW])
        assert (sight.is_blind, sight.kept.blind_since) == (True, NOW)


def test_a_metric_nobody_was_asked_for_is_an_error() -> None:
    assert look(watched(ANSWERS), NEW, {}, NOW).findings == (replace(UNASKED, measured="nobody was asked"),)


def test_a_watch_stays_blind_since_it_began_and_sees_again() -> None:
    assert look(watched(ANSWERS), REMEMBERED, {}, NOW).kept.blind_since == NOW - HOUR
    assert look(watched(ANSWERS), replace(REMEMBERED, blind_since=0), {}, NOW).kept.blind_since == 0
    assert look(watched(ANSWERS), REMEMBERED, {"latency": GOOD}, NOW).kept.blind_since is None


def test_an_advisory_criterion_neither_blinds_nor_fires_nor_promotes() -> None:
    advised = replace(ANSWERS, required=False)

    unseen = look(watched(advised), NEW, {}, NOW)
    assert (unseen.verdict, unseen.is_blind, unseen.kept.blind_since) == (Verdict.HOLD, False, None)
    assert unseen.findings == (replace(UNASKED, measured="nobody was asked", required=False),)
    assert look(watched(advised), NEW, {"latency": BAD}, NOW).fired == ()
    assert look(watched(advised), NEW, {"latency": GOOD}, NOW).verdict is Verdict.HOLD


def node(outcome: Outcome, **more: Any) -> Finding:
    return Finding(item="plan::beta::nodes::n1", kind=Kind.NODE, title="n1", outcome=outcome, **more)


@pytest.mark.parametrize(
    ("outcome", "required", "verdict"),
    [
        (Outcome.PASS, True, Verdict.PROMOTE),
        (Outcome.FAIL, True, Verdict.HOLD),
        (Outcome.FAIL, False, Verdict.PROMOTE),
        (Outcome.PENDING, True, Verdict.HOLD),
    ],
)
def test_what_is_no_metric_counts_too(outcome, required, verdict) -> None:
    other = node(outcome, required=required)

    sight = look(watched(ANSWERS), NEW, {"latency": GOOD}, NOW, [other])

    assert sight.verdict is verdict
    assert set(sight.findings) == {judged(GOOD), other}


@pytest.mark.parametrize(
    ("outcome", "required", "is_bad"),
    [
        (Outcome.FAIL, True, True),
        (Outcome.ERROR, True, True),
        (Outcome.FAIL, False, False),
        (Outcome.PENDING, True, False),
        (Outcome.INCONCLUSIVE, True, False),
    ],
)
def test_a_look_remembers_which_required_items_were_bad_and_not_those_of_before(outcome, required, is_bad) -> None:
    other = node(outcome, required=required)

    kept = look(watched(ANSWERS), REMEMBERED, {"latency": GOOD}, NOW, [other]).kept

    assert kept.bad == ({other.item} if is_bad else set())


def test_a_look_remembers_each_trigger_that_fired() -> None:
    """One that is more urgent than what was told before is told too."""
    item = judged(BAD).item

    assert look(watched(ANSWERS), NEW, {"latency": BAD}, NOW).kept.bad == {
        item,
        f"{item} {LATE.severity.value} {LATE}",
        f"{item} {SLOW.severity.value} {SLOW}",
    }


def test_the_gravest_finding_is_told_first() -> None:
    failed = node(Outcome.FAIL)
    assert look(watched(ANSWERS), NEW, {"latency": GOOD}, NOW, [failed]).findings == (failed, judged(GOOD))
    passed = node(Outcome.PASS)
    assert look(watched(ANSWERS), NEW, {}, NOW, [passed]).findings[-1] == passed


def test_a_watch_without_anything_to_watch_holds() -> None:
    assert look(watched(BY_TESTS), NEW, {}, NOW).verdict is Verdict.HOLD


@pytest.mark.parametrize(
    ("answered", "severity"), [(GOOD, None), (MIDDLE, Severity.PLANNED), (BAD, Severity.IMMEDIATE)]
)
def test_the_most_urgent_trigger_says_how_urgent_it_is(answered, severity) -> None:
    assert look(watched(ANSWERS), NEW, {"latency": answered}, NOW).severity is severity


LONG_AGO = [*range(NOW - 4 * HOUR, NOW - 3 * HOUR + 1, STEP)]
SINCE_THEN = [*range(NOW - 3 * HOUR + STEP, NOW + 1, STEP)]
TIMES = [*LONG_AGO, *SINCE_THEN]
WAS_BAD = answer("latency", 0, series=(values(TIMES, [600] * len(LONG_AGO) + [100] * len(SINCE_THEN)),))


@pytest.mark.parametrize(
    ("until", "fired"),
    [(None, 0), (NOW - 3 * HOUR, 2), (NOW - HOUR, 0)],
    ids=["the first look", "looked away while it was bad", "looked an hour ago"],
)
def test_what_happened_while_nobody_looked_counts(until, fired) -> None:
    sight = look(watched(ANSWERS), replace(NEW, until=until), {"latency": WAS_BAD}, NOW)

    assert len(sight.fired) == fired
    assert sight.findings == (judged(WAS_BAD),)
    assert [each.finding for each in sight.fired] == [judged(WAS_BAD, now=NOW - 3 * HOUR)] * fired


@pytest.mark.parametrize("ago", [HOUR, 30 * MINUTE])
def test_what_the_last_look_saw_is_not_told_again_while_this_one_reaches_back_to_it(ago: int) -> None:
    """It was bad until an hour ago, which the look of that time told."""
    times = [*range(NOW - 4 * HOUR, NOW + 1, STEP)]
    bad = answer(
        "latency", 0, series=(values(times, [600 if NOW - 2 * HOUR < t <= NOW - 63 * MINUTE else 100 for t in times]),)
    )

    assert look(watched(ANSWERS), replace(NEW, until=NOW - ago), {"latency": bad}, NOW).fired == ()


def test_a_trigger_that_fired_then_and_fires_now_is_told_once() -> None:
    answered = answer("latency", 600, since=8 * HOUR)

    sight = look(watched(ANSWERS), replace(NEW, until=NOW - 2 * HOUR), {"latency": answered}, NOW)

    assert [each.trigger for each in sight.fired] == [LATE, SLOW]


def test_what_another_visit_of_the_stage_saw_does_not_count() -> None:
    fresh = watched(ANSWERS, not_before=NOW - 5 * MINUTE)

    assert look(fresh, NEW, {"latency": BAD}, NOW).fired == ()


def test_a_soak_goes_on_from_what_was_remembered() -> None:
    asks = watched(ANSWERS, soak=SOAK)
    answers = {"latency": GOOD, "up": answer("up", 1)}

    sight = look(asks, NEW, answers, NOW)

    told = soak_findings(SOAK, SOAKED, ASKED, prefix="plan::beta::soak::", now=NOW)
    assert sight.findings == (judged(GOOD), *told)
    assert sight.kept.soaked == SOAKED
    assert sight.verdict is Verdict.PROMOTE
    later = look(asks, replace(NEW, soaked=SOAKED), answers | {"up": answer("up", 1, since=0)}, NOW)
    assert later.verdict is Verdict.PROMOTE


def test_evidence_of_another_visit_is_no_soak() -> None:
    asks = watched(soak=SOAK, not_before=NOW - MINUTE)

    (finding,) = look(asks, NEW, {"up": answer("up", 1)}, NOW).findings

    assert finding.outcome is Outcome.PENDING


def test_without_a_soak_what_was_remembered_of_one_stays() -> None:
    assert look(watched(ANSWERS), REMEMBERED, {"latency": GOOD}, NOW).kept.soaked == SOAKED


def unanswered(name: str, measured: str) -> Finding:
    return Finding(
        item=f"plan::beta::soak::{name}",
        kind=Kind.SOAK,
        title=f"soak of {name}",
        outcome=Outcome.ERROR,
        measured=measured,
        remedy="bring the source back",
    )


def test_what_a_soak_needs_and_nobody_answered_for_is_an_error_of_its_own() -> None:
    asks = watched(ANSWERS, soak=replace(COUNTING, metrics=("up", "latency")))

    sight = look(asks, NEW, {"latency": "refused", "up": answer("up", 1), "born": "cut off"}, NOW)

    errors = [each for each in sight.findings if each.outcome is Outcome.ERROR]
    assert errors == [
        replace(UNASKED, measured="refused"),
        unanswered("verified", "nobody was asked"),
        unanswered("born", "cut off"),
    ]
    assert sight.is_blind


def test_an_outage_of_the_source_is_told_as_a_gate_tells_it() -> None:
    cut = answer("latency", 100, until=HOUR, outages=(Outage(since=NOW - HOUR, until=NOW, why="refused"),))

    sight = look(watched(ANSWERS), NEW, {"latency": cut}, NOW)

    assert sight.findings == (judged(cut),)
    assert sight.is_blind
