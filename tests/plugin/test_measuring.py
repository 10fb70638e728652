"""What tests measure decides: triggers, bounds, samples, and what is no measurement at all."""

from __future__ import annotations

import json

import pytest

PLAN = """
[rollout]
name = "toy"
title = "Toy"

[metrics.settled]
unit = "ratio"
[metrics.latency]
unit = "ms"
[metrics.runs]
unit = "count"
[metrics.noise]
unit = "ratio"

[stages.alpha]
title = "Alpha"
[[stages.alpha.criteria]]
name = "settles"
metric = "settled"
promote = "> 99 %"
min_samples = 300
rollback = [{ when = "< 90 %" }]
[[stages.alpha.criteria]]
name = "fast"
metric = "latency"
promote = "< 200 ms"
statistic = "p95"
[[stages.alpha.criteria]]
name = "often"
metric = "runs"
promote = ">= 40"
statistic = "sum"
[[stages.alpha.criteria]]
name = "noisy"
metric = "noise"
promote = "> 99 %"
advisory = true

[stages.beta]
title = "Beta"
"""
MEASURES = """
import json
import os
import threading
from pathlib import Path

import pytest

GIVEN = json.loads(Path(__file__).with_name("given.json").read_text())

@pytest.mark.parametrize("number", range(4))
def test_measures(number, measure):
    measure("settled", good=GIVEN["good"], total=GIVEN["total"])
    for value in GIVEN["latency"]:
        measure("latency", value, unit="ms")
    measure("noise", good=0, total=1)
    threads = [threading.Thread(target=measure, args=("runs", 1)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
FINE = {"good": 100, "total": 100, "latency": [1] * 19 + [10_000]}


@pytest.fixture
def measuring(bare):
    """``measuring(good=…)``: a project whose four tests each measure what is given."""
    bare.write({"rollout.toml": PLAN, "suites/test_m.py": MEASURES})
    assert bare.rollout("init").status == 0

    def given(**values):
        return bare.write({"suites/given.json": json.dumps(FINE | values)})

    return given


def finding(ran, title):
    (found,) = (f for f in ran.judgement["findings"] if f["title"] == title)
    return found


@pytest.mark.parametrize("workers", ["0", "2"])
def test_measurements_of_all_workers_and_threads_sum_exactly(measuring, workers) -> None:
    """The verdict is the same with any number of workers; an advisory criterion is shown and never counts."""
    ran = measuring().pytest("--stage=alpha", "-n", workers, "--rollout-formats=")

    assert ran.judgement["verdict"] == "promote", ran.says
    assert finding(ran, "settles")["measured"] == "100 % of 400"
    assert finding(ran, "often")["measured"].startswith("40")
    assert finding(ran, "fast")["outcome"] == "pass"
    assert (finding(ran, "noisy")["outcome"], finding(ran, "noisy")["required"]) == ("fail", False)


CASES = {
    "a trigger": ({"good": 89}, (), 20, "fail", "rollback trigger < 90 % fired"),
    "a trigger of a narrowed run": ({"good": 89}, ("-k", "0"), 20, "fail", "rollback trigger < 90 % fired"),
    "on the trigger's bound": ({"good": 90}, (), 10, "fail", "gray band"),
    "on the promote bound": ({"good": 99}, (), 10, "fail", "gray band"),
    "too few samples": ({"good": 70, "total": 70}, (), 10, "inconclusive", "20 more samples are needed"),
}


@pytest.mark.parametrize(("given", "arguments", "status", "outcome", "says"), CASES.values(), ids=CASES)
def test_a_ratio_promotes_holds_or_rolls_back_exactly(measuring, given, arguments, status, outcome, says) -> None:
    """Every test passes in each of these; rollback outranks hold, whatever else stands in the way."""
    ran = measuring(**given).pytest("--stage=alpha", *arguments, "--rollout-formats=")

    assert " passed" in ran.out
    assert "failed" not in ran.out.partition("alpha:")[0]
    assert ran.status == status
    assert finding(ran, "settles")["outcome"] == outcome
    assert says in finding(ran, "settles")["detail"]


def test_a_percentile_looks_at_the_slowest_that_count(measuring) -> None:
    """Two of twenty slow ones are more than the five in a hundred that p95 leaves out."""
    ran = measuring(latency=[1] * 18 + [10_000] * 2).pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 10
    assert finding(ran, "fast")["outcome"] == "fail"


def test_a_metric_nobody_measured_is_missing_and_not_zero(measuring) -> None:
    """Rule 6."""
    project = measuring(latency=[])

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    assert ran.status == 10
    assert finding(ran, "fast")["outcome"] == "inconclusive"
    assert finding(ran, "fast")["measured"] == "nothing"


REFUSED = {
    "more good than there are": ('"settled", good=2, total=1', "good=2 of total=1 is no ratio"),
    "negative": ('"settled", good=-1, total=1', "good=-1 of total=1 is no ratio"),
    "no total": ('"settled", good=1', "total=None is no count"),
    "a share": ('"settled", 0.99', "a ratio is measured as counts"),
    "truth": ('"settled", good=True, total=1', "good=True is no count"),
    "both": ('"settled", 1, good=1, total=1', "give a value, or good= and total=; not both"),
    "NaN": ('"latency", float("nan"), unit="ms"', "nan is missing data"),
    "infinite": ('"latency", float("inf"), unit="ms"', "inf is missing data"),
    "nothing": ('"latency"', "None is no number"),
    "text": ('"latency", "12", unit="ms"', "'12' is no number"),
    "a true value": ('"runs", True', "True is no number"),
    "another unit": ('"latency", 1, unit="gas"', "given in 'gas', but the plan declares 'ms'"),
    "no unit": ('"latency", 1', 'say the unit, for example unit="ms"'),
    "an unknown unit": ('"latency", 1, unit="fortnights"', "fortnights"),
    "a negative value": ('"latency", -1, unit="ms"', "-1 ms is negative"),
    "an unknown metric": ('"setled", good=1, total=1', "Did you mean 'settled'"),
    "a ratio of values": ('"latency", good=1, total=1', "the plan declares unit 'ms'"),
}


def test_what_is_no_measurement_is_refused_where_it_is_made(bare, outcomes) -> None:
    """A sentence in the test that measures, in a gate and in an ordinary run alike."""
    body = "".join(
        f"def test_{number}(measure):\n    measure({call})\n\n" for number, (call, _) in enumerate(REFUSED.values())
    )
    bare.write({"rollout.toml": PLAN, "suites/test_m.py": body})

    came = outcomes(bare)

    said = {name: came[f"test_{number}"].text for number, name in enumerate(REFUSED)}
    assert {name: says for name, (_, says) in REFUSED.items() if says not in said[name]} == {}
    assert all("Error" in text for text in said.values())
