"""The suites' criteria on running platforms, against a real Prometheus that holds hours of every sort.

Windows of days are read as two hours here, so that a slot of three fills them; nothing else of the
plans is changed. What is healthy, degraded, alarming or missing is told by tests/suites/platforms.py.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from pytest_rollout.core.asking import Sampled, asks, evaluations
from pytest_rollout.core.evaluating import Evaluation
from pytest_rollout.core.outcome import Outcome, Severity
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.series import nanoseconds
from pytest_rollout.plan import load
from pytest_rollout.runner.sampling import ask
from tests import servers
from tests.suites import platforms
from tests.suites.platforms import SCRAPE, breach, end

SUITES = Path(__file__).parents[2] / "suites"
TX = "platform: transaction success rate"
STEP = timedelta(seconds=30)

Judge = Callable[..., Mapping[str, Evaluation]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.prometheus(tmp_path_factory.mktemp("platforms"), platforms.history()) as url:
        yield url


@pytest.fixture(scope="module")
def load_suite(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Rollout]:
    """A suite's plan with windows of two hours, and what else a test changes in its text."""

    @cache
    def loaded(name: str, url: str, *changes: tuple[str, str]) -> Rollout:
        root = tmp_path_factory.mktemp("suite")
        folder = root / "suites" / name
        shutil.copytree(SUITES / name, folder, ignore=shutil.ignore_patterns("__pycache__", "reports"))
        text = (folder / "rollout.toml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"the plan has no {old!r}"
            text = text.replace(old, new)
        text = re.sub(r'^over = "(?:24h|72h|7d)"$', 'over = "2h"', text, flags=re.MULTILINE)
        (folder / "rollout.toml").write_text(text, encoding="utf-8")
        return load(folder / "rollout.toml", environment={"PROMETHEUS_URL": url}, root=root)

    return loaded


@pytest.fixture(scope="module")
def judge(prometheus: str, load_suite: Callable[..., Rollout]) -> Judge:
    """Judge the criteria of a stage that have a source, as of a moment; evaluations by name."""

    @cache
    def judged(place: str, now: datetime, *changes: tuple[str, str], url: str = prometheus) -> Mapping[str, Evaluation]:
        name, _, stage_name = place.partition(":")
        return evaluate_stage(load_suite(name, url, *changes), stage_name, now)

    return judged


def evaluate_stage(rollout: Rollout, name: str, now: datetime) -> Mapping[str, Evaluation]:
    """Ask the sources of a stage as its gate does, and judge what they answer."""
    stage = rollout.stage(name)
    sampled = Sampled(lines=ask(rollout, asks(rollout, stage, nanoseconds(now)), until=now))
    return {
        each.finding.title: each
        for criterion in stage.criteria
        if criterion.span is not None
        for each in evaluations(criterion, criterion.name, rollout.metrics[criterion.metric], sampled, now)
    }


def told(evaluation: Evaluation) -> str:
    """Everything a finding says, for a sentence in an assertion."""
    finding = evaluation.finding
    return f"{finding.outcome.value}: {finding.measured}; {finding.detail}"


# ------------------------------------------------------------------------------- every criterion, three ways

EVERY = {
    "takumi:alpha": 15,
    "takumi:beta": 15,
    "takumi:public": 15,
    "takumi:growth": 20,
    "kustodia:beta": 5,
    "kustodia:limited": 5,
    "kustodia:full": 5,
    "lookcoin:watch": 5,
    "knowton:post-deployment": 10,
    "knowton:performance": 6,
}
"""How many things the criteria of a stage are about on the platform: a contract is one of three."""


@pytest.mark.parametrize("place", EVERY)
def test_a_healthy_platform_passes_every_criterion(judge: Judge, place: str) -> None:
    found = judge(place, end("healthy"))

    assert {title: told(each) for title, each in found.items() if each.finding.outcome is not Outcome.PASS} == {}
    assert len(found) == EVERY[place]
    assert not any(each.fired for each in found.values())


GRAY = {
    "takumi:alpha": [
        (TX, "97 % of"), ("platform: gas per transaction", "700000 gas"), ("platform: API response time (p95)", "at most 0.5 s"),
        ("platform: API uptime", "99.5"), ("platform: error rate", "0.5 %"), ("platform: database CPU", "60 %"),
        ("platform: database connections", "80 %"), ("platform: Redis memory", "80 %"),
    ],
    "takumi:growth": [
        ("platform: active users", "9999"), ("platform: daily active users", "4999"),
        ("platform: profiles created", "9999"), ("platform: skills added", "49995"),
        ("platform: claims submitted", "19998"),
    ],
    "kustodia:limited": [("platform: transactions succeed", "97 %")],
    "knowton:performance": [
        ("platform: API response time (p95)", "at most 5 s"), ("platform: page load time (p95)", "at most 30 s"),
        ("platform: transaction confirmation (p95)", "at most 300 s"), ("platform: database query time (p95)", "at most 1 s"),
        ("platform: IPFS upload time (p95)", "at most 100 s"), ("platform: AI model inference (p95)", "at most 50 s"),
    ],
    "kustodia:beta": [("platform: error rate", "1.5"), ("platform: transactions succeed", "97 %")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "title", "measured"), [(place, *row) for place, rows in GRAY.items() for row in rows]
)
def test_between_the_target_and_the_alert_it_holds_and_rolls_nothing_back(
    judge: Judge, place: str, title: str, measured: str
) -> None:
    """Missing the target is no pass, and no reason to go back either (rule 10)."""
    evaluation = judge(place, end("gray"))[title]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.FAIL, ()), told(evaluation)
    assert measured in evaluation.finding.measured
    assert "alert threshold" not in evaluation.finding.detail


ALARMS = {
    "takumi:alpha": [
        "platform: gas per transaction", "platform: API response time (p95)", "platform: API uptime",
        "platform: error rate", "platform: database CPU", "platform: database connections",
        "platform: database is up", "platform: Redis memory", "platform: disk space",
        "platform: no contract is paused [SkillProfile]",
    ],
    "kustodia:beta": ["platform: no contract was paused", "platform: no role was changed"],
    "lookcoin:watch": ["platform: error rate", "platform: availability"],
    "knowton:post-deployment": [
        "platform: CPU usage [a]", "platform: memory usage [a]", "platform: error rate", "platform: transactions do not fail", "platform: data are in sync",
        "platform: databases are connected [redis]",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("place", "title"), [(place, title) for place, titles in ALARMS.items() for title in titles])
def test_beyond_the_alert_the_finding_says_so(judge: Judge, place: str, title: str) -> None:
    evaluation = judge(place, end("alarm"))[title]

    assert evaluation.finding.outcome is Outcome.FAIL, told(evaluation)
    assert "alert threshold" in evaluation.finding.detail


FIRES = {
    "takumi:alpha": {
        TX: [Severity.IMMEDIATE, Severity.PLANNED],
        "platform: performance is not degraded": [Severity.PLANNED],
        "platform: users who meet errors": [Severity.PLANNED],
    },
    "takumi:beta": {
        TX: [Severity.IMMEDIATE, Severity.PLANNED],
        "platform: performance is not degraded": [Severity.PLANNED],
        "platform: users who meet errors": [Severity.PLANNED],
        "platform: database CPU": [Severity.PLANNED],
    },
    "kustodia:full": {
        "platform: transactions succeed": [Severity.IMMEDIATE],
        "platform: custody equals the balance": [Severity.IMMEDIATE],
    },
    "lookcoin:watch": {
        "platform: latency against the baseline": [Severity.IMMEDIATE],
        "platform: records are what the chains say": [Severity.IMMEDIATE],
        "platform: contracts can be deployed": [Severity.IMMEDIATE],
    },
}


@pytest.mark.parametrize("place", FIRES)
def test_an_alarming_platform_fires_every_trigger_that_the_document_names(judge: Judge, place: str) -> None:
    found = judge(place, end("alarm"))

    assert {title: [t.severity for t in each.fired] for title, each in found.items() if each.fired} == FIRES[place]


# ------------------------------------------------------------------------------- one thing at a time


@pytest.mark.parametrize(
    ("after", "fires"),
    [(timedelta(minutes=10), False), (timedelta(minutes=10, seconds=29), False), (timedelta(minutes=10, seconds=30), True)],
    ids=["10:00", "10:29", "10:30"],
)  # fmt: skip
def test_a_quarter_of_an_hour_in_aggregate(judge: Judge, after: timedelta, fires: bool) -> None:
    """85 % from a moment on: after ten of fifteen minutes the aggregate is exactly 90 %, which is not below."""
    evaluation = judge("takumi:alpha", breach("breach") + after)[TX]

    assert [t.severity for t in evaluation.fired] == ([Severity.IMMEDIATE] if fires else []), told(evaluation)


EVERY_SAMPLE = (
    'when = "< 90 %", over = "15m", window = "aggregate"', 'when = "< 90 %", over = "15m", window = "every"'
)  # fmt: skip


@pytest.mark.parametrize(
    ("after", "fires"),
    [("14:59", False), ("15:00", False), ("15:29", False), ("15:30", True)],
)
def test_a_quarter_of_an_hour_of_every_sample(judge: Judge, after: str, fires: bool) -> None:
    """Bad for exactly 15 minutes does not trip "for more than 15 minutes": the next sample does."""
    minutes, _, seconds = after.partition(":")
    bad_for = timedelta(minutes=int(minutes), seconds=int(seconds))

    evaluation = judge("takumi:alpha", breach("breach") + STEP + bad_for, EVERY_SAMPLE)[TX]

    assert bool(evaluation.fired) is fires, told(evaluation)


SECONDS_PLAN = """
[rollout]
name = "seconds"
[metrics.success]
unit = "ratio"
source = "prometheus"
url = "${PROMETHEUS_URL}"
interval = "1s"
good = "sum(probe_good)"
total = "sum(probe_total)"
[stages.beta]
[[stages.beta.criteria]]
name = "succeeds"
metric = "success"
promote = "> 99 %"
min_samples = 299
over = "20m"
rollback = { when = "< 90 %", over = "15m", window = "every" }
"""


@pytest.fixture(scope="module")
def by_the_second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scraped every second, 89 of 100 good from the breach on."""
    moment = breach("breach")
    rows = [(moment + timedelta(seconds=n), 100 if n < 0 else 89) for n in range(-600, 1200)]
    good = "".join(f"probe_good {count} {at.timestamp():.0f}\n" for at, count in rows)
    total = "".join(f"probe_total 100 {at.timestamp():.0f}\n" for at, _ in rows)
    text = f"# TYPE probe_good gauge\n{good}# TYPE probe_total gauge\n{total}# EOF\n"
    with servers.prometheus(tmp_path_factory.mktemp("seconds"), text) as url:
        yield url


@pytest.mark.parametrize(("bad_for", "fires"), [("14:59", False), ("15:00", False), ("15:01", True)])
def test_more_than_a_quarter_of_an_hour_to_the_second(
    by_the_second: str, tmp_path: Path, bad_for: str, fires: bool
) -> None:
    """Exactly 15:00 does not trip "for more than 15 min" (rule 7)."""
    (tmp_path / "rollout.toml").write_text(SECONDS_PLAN)
    rollout = load(tmp_path / "rollout.toml", environment={"PROMETHEUS_URL": by_the_second}, root=tmp_path)
    minutes, _, seconds = bad_for.partition(":")
    now = breach("breach") + timedelta(minutes=int(minutes), seconds=int(seconds))

    evaluation = evaluate_stage(rollout, "beta", now)["succeeds"]

    assert bool(evaluation.fired) is fires, told(evaluation)


def test_flapping_is_bad_in_aggregate_and_never_in_every_sample(judge: Judge) -> None:
    """Five minutes at 80 %, five at 100 %: no quarter of an hour is all bad, and each is bad as a whole."""
    aggregate = judge("takumi:alpha", end("flapping"))[TX]
    every = judge("takumi:alpha", end("flapping"), EVERY_SAMPLE)[TX]

    assert Severity.IMMEDIATE in [t.severity for t in aggregate.fired]
    assert Severity.IMMEDIATE not in [t.severity for t in every.fired]


def test_a_gap_suspends_a_breach_and_does_not_clear_it(judge: Judge) -> None:
    """Ten bad minutes, half an hour unseen, five bad minutes more: together they are a quarter of an hour."""
    resumes = breach("gap in a breach") + 160 * SCRAPE

    before = judge("takumi:alpha", resumes - timedelta(minutes=1), EVERY_SAMPLE)[TX]
    after = judge("takumi:alpha", resumes + timedelta(minutes=7), EVERY_SAMPLE)[TX]

    assert before.fired == ()
    assert Severity.IMMEDIATE in [t.severity for t in after.fired], told(after)


def test_a_gap_alone_holds(judge: Judge) -> None:
    """Half an hour without a scrape is neither health nor a breach."""
    evaluation = judge("takumi:alpha", end("gap"))[TX]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.INCONCLUSIVE, ()), told(evaluation)
    assert "of 2h have no samples" in evaluation.finding.detail


def test_a_restart_is_no_breach(judge: Judge) -> None:
    """Counters that begin anew are corrected; the rates before and after stand."""
    evaluation = judge("takumi:alpha", end("restart"))[TX]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.PASS, ()), told(evaluation)


def test_nan_is_no_data(judge: Judge) -> None:
    """max() of NaN is NaN, and NaN is neither below the limit nor above it."""
    evaluation = judge("takumi:alpha", end("NaN"))["platform: gas per transaction"]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.INCONCLUSIVE, ()), told(evaluation)


@pytest.mark.parametrize("title", [TX, "platform: error rate", "platform: API response time (p95)"])
def test_no_traffic_is_no_data(judge: Judge, title: str) -> None:
    """0 of 0 is not 100 %, and no request is not a fast one."""
    evaluation = judge("takumi:alpha", end("no traffic"))[title]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.INCONCLUSIVE, ()), told(evaluation)


def test_dead_exporters_are_old_data(judge: Judge) -> None:
    evaluation = judge("takumi:alpha", end("dead exporters"))[TX]

    assert evaluation.finding.outcome is Outcome.INCONCLUSIVE
    assert "the newest sample is 1h old" in evaluation.finding.detail


def test_a_clock_that_jumped_ahead_finds_everything_old(judge: Judge) -> None:
    found = judge("takumi:alpha", end("healthy") + timedelta(hours=1))

    assert {each.finding.outcome for each in found.values()} == {Outcome.INCONCLUSIVE}
    assert "the newest sample is 1h old" in found[TX].finding.detail


def test_a_clock_that_jumped_back_sees_no_sample_of_its_future(judge: Judge) -> None:
    """What was scraped after the moment of asking is not asked for."""
    evaluation = judge("takumi:alpha", breach("breach"))[TX]

    assert (evaluation.finding.outcome, evaluation.fired) == (Outcome.PASS, ()), told(evaluation)


def test_a_source_that_is_down_is_an_error_of_the_source(judge: Judge) -> None:
    found = judge("takumi:alpha", end("healthy"), url="http://127.0.0.1:1")

    assert {each.finding.outcome for each in found.values()} == {Outcome.ERROR}
    assert not any(each.fired for each in found.values())
    assert "nobody answers (connection refused)" in told(found[TX])


def test_two_series_where_one_is_expected(judge: Judge) -> None:
    """Without its aggregation the query gives three contracts, and none is taken for all."""
    plain = (
        "query = 'max by (contract) (takumi_contract_paused)'\nper = \"contract\"",
        "query = 'takumi_contract_paused'",
    )
    things = ('\nthings = ["SkillProfile", "SkillClaim", "Endorsement"]', "")

    evaluation = judge("takumi:alpha", end("healthy"), plain, things)["platform: no contract is paused"]

    assert evaluation.finding.outcome is Outcome.ERROR
    assert "series where one is expected" in told(evaluation)


DECLARED = 'things = ["SkillProfile", "SkillClaim", "Endorsement"]'


@pytest.mark.parametrize(
    ("declared", "outcome", "says"),
    [
        (DECLARED.replace("]", ', "Vault"]'), Outcome.NOT_RUN, "nobody answered for contract 'Vault'"),
        (DECLARED.replace(', "Endorsement"', ""), Outcome.ERROR, "contract 'Endorsement' answered, which"),
    ],
    ids=["one is missing", "one is a stranger"],
)
def test_the_contracts_are_the_declared_list(judge: Judge, declared: str, outcome: Outcome, says: str) -> None:
    """N of N means the declared list (rule 21)."""
    found = judge("takumi:alpha", end("healthy"), (DECLARED, declared))

    assert any(each.finding.outcome is outcome and says in told(each) for each in found.values())


@pytest.mark.parametrize("place", EVERY)
def test_no_criterion_passes_whatever_happens(judge: Judge, place: str) -> None:
    """Each one fails on a platform that is degraded or alarming: a query that can only be healthy decides nothing."""
    worse = [judge(place, end(slot)) for slot in ("gray", "alarm")]
    failed = {title for found in worse for title, each in found.items() if each.finding.outcome is Outcome.FAIL}

    assert judge(place, end("healthy")).keys() - failed == set()
