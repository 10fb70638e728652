"""Everything in a plan that looks back in time: sources, windows, baselines, soaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import jsonschema
import pytest

from pytest_rollout.core.criterion import Baseline, Span, Trigger
from pytest_rollout.core.errors import PlanError
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import Rollout, SourceKind, SourceSettings
from pytest_rollout.core.series import SECOND
from pytest_rollout.core.soak import Soak
from pytest_rollout.core.window import Window, WindowKind
from pytest_rollout.plan.reading import parse
from pytest_rollout.plan.schema import schema

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
VALIDATOR = jsonschema.Draft202012Validator(schema())

PLAN = """
[rollout]
name = "t"
[metrics.success]
unit = "ratio"
source = "prometheus"
url = "http://localhost:9090"
good = 'sum(increase(tx_total{status="1"}[5m]))'
total = "sum(increase(tx_total[5m]))"
interval = "1m"
[metrics.latency]
unit = "ms"
source = "prometheus"
url = "http://localhost:9090"
query = "latency"
per = "node"
things = ["a", "b"]
token = "t0ken"
[metrics.verified]
unit = "count"
source = "http"
url = "http://localhost/stats"
query = "total"
[metrics.lines]
unit = "ratio"
source = "log"
path = "api.log"
pattern = '(?P<time>\\\\S+) (?P<good>ok)?(?P<bad>bad)?'
[metrics.measured]
unit = "gas"
[stages.beta]
duration = "14d"
soak = { for = "7d", comparisons = "verified", min_comparisons = 1000 }
[[stages.beta.criteria]]
name = "succeeds"
metric = "success"
promote = "> 99 %"
min_samples = 299
over = "1h"
max_age = "10m"
max_gap = "2m"
max_blind = "6m"
rollback = [
  { when = "< 90 %", over = "15m", window = "every" },
  { when = "< 95 %", over = "1h", window = "aggregate", severity = "planned" },
  { when = "< 50 %", window = "3 of 5" },
]
[[stages.beta.criteria]]
name = "answers"
metric = "latency"
statistic = "p95"
promote = "< 200 ms"
rollback = { when = "> 1 s" }
baseline = { worse = "20 %", max_age = "7d", significance = "1 %" }
[[stages.beta.criteria]]
name = "gas"
metric = "measured"
promote = "< 500k gas"
baseline = { worse = "10 %" }
"""


def edit(before: str, after: str) -> str:
    assert before in PLAN
    return PLAN.replace(before, after)


def test_a_source_is_read_as_it_is_written(load_text: Callable[..., Rollout]) -> None:
    metrics = load_text(PLAN).metrics

    assert metrics["success"].source == SourceSettings(
        kind=SourceKind.PROMETHEUS,
        url="http://localhost:9090",
        good='sum(increase(tx_total{status="1"}[5m]))',
        total="sum(increase(tx_total[5m]))",
        interval=timedelta(minutes=1),
    )
    assert metrics["latency"].source == SourceSettings(
        kind=SourceKind.PROMETHEUS,
        url="http://localhost:9090",
        query="latency",
        per="node",
        things=("a", "b"),
        options={"token": "t0ken"},
    )
    assert metrics["measured"].source is None


def test_a_criterion_looks_back_as_far_as_it_is_written(load_text: Callable[..., Rollout]) -> None:
    succeeds, answers, gas = load_text(PLAN).stages[0].criteria

    assert succeeds.span == Span(over=HOUR, max_age=10 * MINUTE, max_gap=2 * MINUTE, max_blind=6 * MINUTE)
    assert [trigger.window for trigger in succeeds.rollback] == [
        Window(kind=WindowKind.EVERY, over=15 * MINUTE),
        Window(kind=WindowKind.AGGREGATE, over=HOUR),
        Window(kind=WindowKind.K_OF_N, k=3, n=5),
    ]
    assert succeeds.rollback[1].severity is Severity.PLANNED
    assert answers.baseline == Baseline(worse=Fraction(1, 5), max_age=timedelta(days=7), significance=Fraction(1, 100))
    assert answers.rollback == (Trigger(when=answers.rollback[0].when),)
    assert (gas.span, gas.baseline) == (None, Baseline(worse=Fraction(1, 10), max_age=timedelta(days=30)))


def test_without_over_the_newest_samples_are_looked_at(load_text: Callable[..., Rollout]) -> None:
    """A source that knows only what is now can be judged as well."""
    assert load_text(PLAN).stages[0].criteria[1].span == Span(over=5 * MINUTE, max_blind=5 * MINUTE)


def test_a_soak_is_covered_by_all_that_counts(load_text: Callable[..., Rollout]) -> None:
    stage = load_text(PLAN).stages[0]

    assert stage.duration == timedelta(days=14)
    assert stage.soak == Soak(
        period=7 * 24 * HOUR,
        coverage=Fraction(19, 20),
        max_gap=15 * MINUTE,
        metrics=("success", "latency", "verified"),
        comparisons="verified",
        min_comparisons=1000,
    )


WRONG = {
    "source without url": (
        edit('source = "http"\nurl = "http://localhost/stats"\n', 'source = "http"\n'),
        "metrics.verified: a source of kind http needs 'url'; write for example url = \"http://localhost:9090\".",
    ),
    "source without query": (
        edit('query = "latency"\n', ""),
        "metrics.latency: a source of kind prometheus needs 'query'; write for example query = \"up\".",
    ),
    "ready-made ratio": (
        edit("good = 'sum(increase(tx_total{status=\"1\"}[5m]))'\ntotal =", "query ="),
        "metrics.success: is a ratio without counts; write 'good' and 'total', so that it can be compared exactly.",
    ),
    "half a ratio": (
        edit('total = "sum(increase(tx_total[5m]))"\n', ""),
        "metrics.success: has 'good' without 'total'; a ratio is counted by both.",
    ),
    "counts of values": (
        edit('query = "latency"', 'good = "a"\ntotal = "b"'),
        "metrics.latency.good: counts a ratio; write unit = \"ratio\", or one 'query' for values.",
    ),
    "counts and a query": (
        edit('interval = "1m"', 'query = "x"'),
        "metrics.success.query: stands beside good and total, which say all; leave it out.",
    ),
    "key of another source": (
        edit('query = "total"', 'query = "total"\npattern = "x"'),
        "metrics.verified.pattern: does not belong to a source of kind http; its keys are url, query, good, total, "
        "token, certificates, time, zone, interval, timeout.",
    ),
    "key of a source on what tests measure": (
        edit('[metrics.measured]\nunit = "gas"', '[metrics.measured]\nunit = "gas"\nquery = "x"'),
        "metrics.measured.query: belongs to a source, and this metric is measured by tests; name the source, or "
        "leave it out.",
    ),
    "pattern without time": (
        edit("(?P<time>\\\\S+)", "\\\\S+"),
        r"metrics.lines.pattern: '\\\\S+ (?P<good>ok)?(?P<bad>bad)?' has no group 'time'; write for example "
        r"'(?P<time>\S+)', so that each line has its own.",
    ),
    "pattern that is none": (
        edit("(?P<time>\\\\S+)", "(?P<time>\\\\S+"),
        "is no regular expression",
    ),
    "things that nothing tells apart": (
        edit('per = "node"\n', ""),
        "metrics.latency.things: names things that nothing tells apart; write 'per', their label, too.",
    ),
    "thing twice": (edit('["a", "b"]', '["a", "a"]'), "metrics.latency.things: names a thing twice; name each once."),
    "chain of no network": (
        edit(
            'source = "http"\nurl = "http://localhost/stats"\nquery = "total"',
            'source = "chain"\nnetwork = "mainnet"\nquery = "gas"',
        ),
        "metrics.verified.network: no network 'mainnet'; the plan has none.",
    ),
    "interval of no time": (
        edit('interval = "1m"', 'interval = "0s"'),
        "metrics.success.interval: '0s' is no time at all",
    ),
    "window on what tests measure": (
        edit('promote = "< 500k gas"', 'promote = "< 500k gas"\nover = "1h"'),
        "stages.beta.criteria['gas'].over: looks back, and metrics measured by tests have no history; leave it out, "
        "or give the metric a source.",
    ),
    "trigger over time on what tests measure": (
        edit(
            'promote = "< 500k gas"',
            'promote = "< 500k gas"\nrollback = { when = "> 1M gas", over = "15m", window = "every" }',
        ),
        "stages.beta.criteria['gas'].rollback.over: looks back, and metrics measured by tests have no "
        "history; leave it out, or give the metric a source.",
    ),
    "over without window": (
        edit('over = "15m", window = "every"', 'over = "15m"'),
        "stages.beta.criteria['succeeds'].rollback['< 90 %']: has 'over' without a window; write window = 'every', "
        "'aggregate', or such as '3 of 5'.",
    ),
    "window without over": (
        edit('over = "15m", window = "every"', 'window = "every"'),
        "stages.beta.criteria['succeeds'].rollback['< 90 %']: has the window 'every' without 'over', its duration; "
        "write it.",
    ),
    "window unknown": (
        edit('over = "15m", window = "every"', 'over = "15m", window = "evry"'),
        "stages.beta.criteria['succeeds'].rollback['< 90 %'].window: no window 'evry'; write 'every', 'aggregate', or "
        "such as '3 of 5'.",
    ),
    "k of n over time": (
        edit('window = "3 of 5"', 'window = "3 of 5", over = "1h"'),
        "stages.beta.criteria['succeeds'].rollback['< 50 %'].over: does not go with k of n, which counts samples; "
        "leave it out.",
    ),
    "k beyond n": (
        edit('"3 of 5"', '"6 of 5"'),
        "stages.beta.criteria['succeeds'].rollback['< 50 %'].window: '6 of 5' can never be; k is at most n.",
    ),
    "aggregate without statistic": (
        edit('statistic = "p95"\n', "").replace(
            '{ when = "> 1 s" }', '{ when = "> 1 s", over = "1h", window = "aggregate" }'
        ),
        "stages.beta.criteria['answers'].rollback.window: makes one value of several, so the criterion needs a "
        "statistic, such as 'p95'.",
    ),
    "gap below the interval": (
        edit('max_gap = "2m"', 'max_gap = "30s"'),
        "stages.beta.criteria['succeeds'].max_gap: '30s' is less than the 1m between two samples, so no time would "
        "ever be seen.",
    ),
    "histogram of every sample": (
        edit('query = "latency"', 'query = "latency"\nhistogram = true').replace('statistic = "p95"\n', ""),
        "stages.beta.criteria['answers'].statistic: of a histogram is one of p50, p90, p95, p99; write for example "
        "'p95'.",
    ),
    "histogram against a baseline": (
        edit('query = "latency"', 'query = "latency"\nhistogram = true'),
        "stages.beta.criteria['answers'].baseline: compares one value, which a histogram does not know; leave it out.",
    ),
    "significance of counts": (
        edit(
            '[[stages.beta.criteria]]\nname = "gas"',
            '[[stages.beta.criteria]]\nname = "n"\nmetric = "verified"\npromote = "> 1"\nbaseline = { worse = "1 %", significance = "1 %" }\n[[stages.beta.criteria]]\nname = "gas"',
        ),
        "stages.beta.criteria['n'].baseline.significance: compares raw samples of time or gas from a source; leave it "
        "out, counts are never left to chance.",
    ),
    "significance of half": (
        edit('significance = "1 %"', 'significance = "50 %"'),
        "stages.beta.criteria['answers'].baseline.significance: '50 %' is no significance; write up to '10 %'.",
    ),
    "soak without for": (
        edit('{ for = "7d", ', "{ "),
        "stages.beta.soak: 'for' is missing; write for example for = \"7d\".",
    ),
    "soak with a typo": (
        edit('{ for = "7d", ', '{ for = "7d", max_gp = "1h", '),
        "stages.beta.soak: no key 'max_gp'; allowed are for, coverage, max_gap, metrics, comparisons, "
        "min_comparisons, started. Did you mean 'max_gap'?",
    ),
    "soak on what tests measure": (
        edit('comparisons = "verified"', 'metrics = ["measured"], comparisons = "verified"'),
        "stages.beta.soak.metrics[#1]: 'measured' is measured by tests, which cover no time; name a metric with a "
        "source.",
    ),
    "soak on an unknown metric": (
        edit('comparisons = "verified"', 'comparisons = "verifid"'),
        "stages.beta.soak.comparisons: no metric 'verifid'; the plan has success, latency, verified, lines, measured. "
        "Did you mean 'verified'?",
    ),
    "soak with half a count": (
        edit(", min_comparisons = 1000", ""),
        "stages.beta.soak: has 'comparisons' without 'min_comparisons'; comparisons are counted by a metric, so write "
        "both.",
    ),
    "soak of no coverage": (
        edit('{ for = "7d", ', '{ for = "7d", coverage = "0 %", '),
        "stages.beta.soak.coverage: '0 %' covers nothing; write for example '95 %'.",
    ),
    "soak of nothing": (
        PLAN[: PLAN.index("duration =")].replace(
            "[stages.beta]", '[networks.l]\nkind = "tester"\n[stages.beta]\nnetwork = "l"\nsoak = { for = "7d" }'
        ),
        "stages.beta.soak: has no metric with a source to be covered by; time alone is no evidence, so write "
        "'metrics'.",
    ),
}


@pytest.mark.parametrize(("plan", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_refused_in_one_sentence(
    plan: str, sentence: str, load_text: Callable[..., Rollout]
) -> None:
    with pytest.raises(PlanError) as refused:
        load_text(plan)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_schema_knows_the_keys_of_time() -> None:
    VALIDATOR.validate(parse(PLAN.encode(), "rollout.toml"))


@pytest.mark.parametrize("name", ["soak without for", "soak with a typo", "window unknown", "interval of no time"])
def test_the_schema_refuses_what_is_misshapen(name: str) -> None:
    assert not VALIDATOR.is_valid(parse(WRONG[name][0].encode(), "rollout.toml"))
