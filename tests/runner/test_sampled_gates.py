"""Gates over time, end to end: the supervisor asks, the judge judges, the promotion asks again."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.ledger.canonical import digest as digest_of
from pytest_rollout.operations.workspace import Workspace

PLAN = """
[rollout]
name = "takumi"
began = 2025-01-01T00:00:00Z
[metrics.success]
unit = "ratio"
source = "recorded"
path = "${SAMPLES}"
good = "good"
total = "total"
per = "node"
things = ["a", "b"]
[stages.beta]
soak = { for = "1h", max_gap = "5m" }
[[stages.beta.criteria]]
name = "succeeds"
metric = "success"
promote = "> 99 %"
min_samples = 299
over = "30m"
max_age = "1h"
max_blind = "30m"
rollback = { when = "< 90 %", over = "5m", window = "aggregate" }
"""
HOUR = 3600


def record(
    file: Path, *, good: int = 1000, until: float | None = None, since: int = 2 * HOUR, nodes: str = "ab"
) -> None:
    """Samples of each node every 15 seconds until now."""
    end = int(time.time() if until is None else until)
    rows = ["time,node,good,total"]
    rows += [f"{at},{node},{good},1000" for at in range(end - since, end, 15) for node in nodes]
    file.write_text("\n".join(rows) + "\n")


@pytest.fixture
def samples(project: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project.write({"rollout.toml": PLAN, "suites/beta/test_good.py": "def test_good():\n    assert True\n"}).commit()
    file = tmp_path_factory.mktemp("recorded") / "samples.csv"
    record(file)
    return file


def judged(project: Any, file: Path) -> dict[str, Any]:
    ran = project.pytest("--stage=beta", "--rollout-formats=", env={"SAMPLES": str(file)})
    judgement: dict[str, Any] = ran.judgement
    return judgement | {"status": ran.status}


def outcomes(judgement: dict[str, Any]) -> dict[str, str]:
    return {
        each["item"].partition("::beta::")[2]: each["outcome"]
        for each in judgement["findings"]
        if each["kind"] in {"criteria", "soak"}
    }


def test_a_covered_soak_and_healthy_samples_promote_and_are_asked_again(project: Any, samples: Path) -> None:
    judgement = judged(project, samples)

    assert (judgement["status"], judgement["verdict"]) == (0, "promote")
    assert outcomes(judgement) == dict.fromkeys(
        ("criteria::succeeds[a]", "criteria::succeeds[b]", "soak::success[a]", "soak::success[b]"), "pass"
    )
    finding = next(each for each in judgement["findings"] if each["item"].endswith("succeeds[a]"))
    assert finding["source"].startswith("recorded in <SAMPLES>")
    assert (finding["facts"]["value"], finding["facts"]["samples"]) == ("1", finding["facts"]["total"][:-3])
    assert str(samples) not in json.dumps(judgement)

    record(samples, good=800, since=HOUR)
    refused = project.rollout("promote", "beta", env={"SAMPLES": str(samples)})
    assert refused.status == 10
    assert "since the judgement, the immediate rollback trigger < 90 %, in aggregate for more than 5m" in refused.err

    samples.unlink()
    blind = project.rollout("promote", "beta", env={"SAMPLES": str(samples)})
    assert blind.status == 10
    assert "cannot be asked again" in blind.err

    record(samples)
    assert project.rollout("promote", "beta", env={"SAMPLES": str(samples)}).status == 0


def test_a_bad_node_rolls_back_whatever_its_tests_say(project: Any, samples: Path) -> None:
    record(samples, good=800)

    judgement = judged(project, samples)

    assert (judgement["status"], judgement["verdict"]) == (20, "rollback")


def test_a_source_that_is_gone_holds_as_an_error(project: Any, samples: Path) -> None:
    samples.unlink()

    judgement = judged(project, samples)

    assert judgement["status"] == 10
    assert set(outcomes(judgement).values()) == {"error"}


def test_a_node_that_does_not_answer_is_not_a_smaller_total(project: Any, samples: Path) -> None:
    record(samples, nodes="a")

    assert outcomes(judged(project, samples)) == {
        "criteria::succeeds[a]": "pass",
        "criteria::succeeds[b]": "not_run",
        "soak::success[a]": "pass",
        "soak::success[b]": "not_run",
    }


def test_half_an_hour_of_samples_is_no_hour_of_soak(project: Any, samples: Path) -> None:
    record(samples, since=HOUR // 2)
    judgement = judged(project, samples)

    assert judgement["status"] == 10
    finding = next(each for each in judgement["findings"] if each["item"].endswith("soak::success[a]"))
    assert finding["outcome"] == "pending"
    assert "of 1h covered" in finding["measured"]
    assert "complete at" in finding["measured"]


COMPARED = {
    "steady": {"worse": "20 %"},
    "slower": {"worse": "20 %"},
    "quicker": {"worse": "20 %", "significance": "1 %"},
    "creeping": {"worse": "20 %", "significance": "1 %"},
    "idle": {"worse": "20 %"},
    "aged": {"worse": "20 %", "max_age": "1s"},
    "new": {"worse": "20 %"},
}
"""What is compared with an earlier judgement: each has a column of its own, in milliseconds."""


def compared_plan(*, is_first: bool) -> str:
    """The first plan compares nothing, and knows one criterion less."""
    text = '[rollout]\nname = "takumi"\nbegan = 2025-01-01T00:00:00Z\n'
    for name in COMPARED:
        text += f'[metrics.{name}]\nunit = "ms"\nsource = "recorded"\npath = "${{SAMPLES}}"\nquery = "{name}"\n'
    text += "[stages.beta]\n"
    for name, keys in COMPARED.items():
        if is_first and name == "new":
            continue
        text += f'[[stages.beta.criteria]]\nname = "{name}"\nmetric = "{name}"\npromote = "< 200 ms"\n'
        text += 'statistic = "p95"\nover = "30m"\n'
        if not is_first:
            baseline = ", ".join(f'{key} = "{value}"' for key, value in keys.items())
            text += f"baseline = {{ {baseline} }}\nadvisory = {str(name in {'idle', 'aged', 'new'}).lower()}\n"
    return text


def latencies(file: Path, **shares: float) -> None:
    """Half an hour of milliseconds, 90 to 99 in turn, times each metric's share of what it was before."""
    end = int(time.time())
    rows = [",".join(["time", *COMPARED])]
    for at in range(end - HOUR, end, 15):
        usual = 90 + at // 15 % 10
        rows.append(",".join([str(at), *(f"{usual * shares.get(name, 1.0):.3f}" for name in COMPARED)]))
    file.write_text("\n".join(rows) + "\n")


def compared(project: Any, file: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    ran = project.pytest("--stage=beta", "--rollout-formats=", env={"SAMPLES": str(file)})
    found = {each["title"]: each for each in ran.judgement["findings"] if each["kind"] == "criteria"}
    return ran.status, {name: (each["outcome"], each["detail"]) for name, each in found.items()}


def test_a_value_is_held_against_the_judgement_that_said_promote(project: Any, tmp_path: Path) -> None:
    """None, zero and an old one tell nothing, a rank test tells creep, and what failed is no baseline for what follows."""
    first = {"rollout.toml": compared_plan(is_first=True), "suites/test_good.py": "def test_good():\n    assert True\n"}
    project.write(first).commit()
    file = tmp_path / "latencies.csv"
    latencies(file, idle=0.0)
    assert compared(project, file)[0] == 0
    time.sleep(1.1)  # a quick machine judges twice in the second that "aged" allows
    project.write({"rollout.toml": compared_plan(is_first=False)}).commit()
    latencies(file, slower=1.25, creeping=1.08, quicker=0.9)

    status, found = compared(project, file)

    assert status == 10
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "steady": "pass", "slower": "fail", "quicker": "pass", "creeping": "fail",
        "idle": "inconclusive", "aged": "inconclusive", "new": "inconclusive",
    }  # fmt: skip
    judgement = Workspace.at(project.folder, environment={"SAMPLES": str(file)}).open().entries()
    digest = next(digest_of(each.payload) for each in judgement if each.kind is EntryKind.JUDGEMENT)
    assert f"25 % worse than the baseline 99 ms of {datetime.now(UTC).date()} ({digest[:12]})" in found["slower"][1]
    assert "at most 20 % is allowed" in found["slower"][1]
    assert re.search("rank test on 1[01][0-9] and 1[01][0-9] values", found["creeping"][1])
    assert "worse, and no chance" in found["creeping"][1]
    assert "is zero, and nothing is a share of zero" in found["idle"][1]
    assert "old; 1s are allowed" in found["aged"][1]
    assert "no baseline" in found["new"][1]

    latencies(file)
    status, found = compared(project, file)
    assert status == 0
    assert f"than the baseline 99 ms of {datetime.now(UTC).date()} ({digest[:12]})" in found["slower"][1]
    assert project.rollout("promote", "beta", env={"SAMPLES": str(file)}).status == 0
