"""allure-results: what Allure reads, in Allure's own names, with nothing hidden as a retry or a skip."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import attr
import pytest
from allure_commons import model2
from allure_commons.types import LabelType, Severity

from pytest_rollout.core.evidence import Attachment, Evidence, Execution, Phase
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import Format, Written, write
from pytest_rollout.reporting.allure_run import CATEGORIES

STATUSES = {model2.Status.PASSED, model2.Status.FAILED, model2.Status.BROKEN}


class Folder:
    """A results folder as Allure sees it."""

    def __init__(self, written: Written) -> None:
        path = written.path(Format.ALLURE)
        assert path is not None
        self.path = path
        self.results: list[dict[str, Any]] = sorted(
            (json.loads(each.read_bytes()) for each in path.glob("*-result.json")), key=lambda r: r["start"]
        )

    def __getitem__(self, name: str) -> dict[str, Any]:
        return next(result for result in self.results if result["name"] == name)


@pytest.fixture
def render(tmp_path: Path, stage: Stage):
    def rendered(sealed: Sealed, evidence: Evidence | None = None) -> Folder:
        folder = tmp_path / "takumi" / "alpha"
        return Folder(write(sealed, evidence or Evidence(), stage, folder, {Format.ALLURE}))

    return rendered


def labels(result: dict[str, Any], name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


def fields(model: Any) -> set[str]:
    return {field.name for field in attr.fields(model)}


def test_names_are_those_of_allures_own_model(render, seal, findings, evidence: Evidence) -> None:
    for result in render(seal(findings), evidence).results:
        assert result.keys() <= fields(model2.TestResult)
        assert result["status"] in STATUSES
        assert result.get("statusDetails", {}).keys() <= fields(model2.StatusDetails)
        for key, model in (
            ("labels", model2.Label),
            ("parameters", model2.Parameter),
            ("attachments", model2.Attachment),
            ("steps", model2.TestStepResult),
        ):
            assert all(each.keys() <= fields(model) for each in result.get(key, ()))


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.PASS, "passed"),
        (Outcome.FAIL, "failed"),
        (Outcome.ERROR, "broken"),
        (Outcome.INCONCLUSIVE, "broken"),
        (Outcome.PENDING, "broken"),
        (Outcome.NOT_RUN, "broken"),
    ],
)
def test_no_outcome_is_left_out_of_the_ring(render, seal, finding, outcome: Outcome, status: str) -> None:
    """Skipped and unknown results do not count towards the share that passed: 1 of 2 would read 100 %."""
    results = render(seal([finding("test_a", outcome), finding("test_b")]))

    assert results["test_a"]["status"] == status


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(Verdict.PROMOTE, "passed"), (Verdict.HOLD, "failed"), (Verdict.ROLLBACK, "failed")],
)
def test_the_verdict_is_the_first_result(render, seal, finding, verdict: Verdict, status: str) -> None:
    results = render(seal([finding()], verdict))

    assert results.results[0]["name"] == f"{verdict.value.upper()} — takumi alpha"
    assert results.results[0]["status"] == status
    assert "## In the way" in results.results[0]["description"]
    assert "descriptionHtml" not in results.results[0]


def test_an_empty_gate_has_a_red_verdict(render, seal) -> None:
    assert [result["status"] for result in render(seal([])).results] == ["failed"]


def test_results_are_ordered_as_the_judgement_is(render, seal, findings) -> None:
    sealed = seal(findings)

    names = [result["name"] for result in render(sealed).results[1:]]

    assert names == [finding.title for finding in sealed.judgement.findings]


def test_rollout_stage_and_kind_are_epic_feature_and_story(render, seal, findings, evidence) -> None:
    result = render(seal(findings, rehearsal=True), evidence)["test_slow"]

    assert labels(result, LabelType.EPIC) == labels(result, LabelType.PARENT_SUITE) == ["Takumi on mainnet"]
    assert labels(result, LabelType.FEATURE) == labels(result, LabelType.SUITE) == ["Alpha launch"]
    assert labels(result, LabelType.STORY) == labels(result, LabelType.SUB_SUITE) == ["tests"]
    assert labels(result, LabelType.SEVERITY) == [Severity.MINOR.value]
    assert labels(result, LabelType.TAG) == ["rehearsal", "fail", "advisory"]


def test_a_result_says_which_worker_ran_it(render, seal, findings, evidence) -> None:
    results = render(seal(findings), evidence)

    assert labels(results["test_pay"], LabelType.THREAD) == ["gw0"]
    assert labels(results["SkillProfile paused"], LabelType.THREAD) == ["judge"]
    assert labels(results["test_pay"], LabelType.SEVERITY) == [Severity.CRITICAL.value]


def test_why_and_what_was_printed_are_told(render, seal, findings, evidence) -> None:
    result = render(seal(findings), evidence)["test_fee[1::2]"]

    assert result["statusDetails"]["message"].startswith("fail: failed in call; needed one clean pass")
    assert result["statusDetails"]["trace"].endswith("E   assert 3 == 4")
    assert [(step["name"], step["status"]) for step in result["steps"]] == [
        ("setup", "passed"),
        ("call", "failed"),
        ("teardown", "passed"),
    ]
    assert {"name": "needed", "value": "one clean pass", "excluded": True} in result["parameters"]


def test_a_second_run_of_an_item_is_shown_beside_the_first(render, seal, finding) -> None:
    item = finding("test_a", Outcome.INCONCLUSIVE)
    runs = [
        Execution(process=process, phases=(Phase("call", outcome),))
        for process, outcome in (("gw0", "failed"), ("gw1", "passed"))
    ]

    result = render(seal([item]), Evidence(executions={item.item: runs}))["test_a"]

    assert [(step["name"], step["status"]) for step in result["steps"]] == [
        ("run 1 in gw0", "failed"),
        ("run 2 in gw1", "passed"),
    ]


def test_one_item_twice_is_two_results(render, seal, finding) -> None:
    """Allure takes results of one history for retries and hides all but the last."""
    results = render(seal([finding("t", Outcome.FAIL), finding("t", Outcome.PASS)])).results

    assert len({result["historyId"] for result in results}) == len({result["uuid"] for result in results}) == 3


def test_a_history_outlives_the_run(render, seal, finding) -> None:
    """The trend of an item needs one id over runs, attempts and outcomes."""
    first = render(seal([finding("t", Outcome.FAIL)], id="run-1"))["t"]
    second = render(seal([finding("t")], id="run-2", attempt=2))["t"]

    assert first["historyId"] == second["historyId"]
    assert first["uuid"] != second["uuid"]


def test_another_rollout_has_another_history(render, seal, finding, stage: Stage, tmp_path: Path) -> None:
    first = render(seal([finding("t")]))["t"]
    sealed = seal([finding("t")], rollout="kustodia")
    second = Folder(write(sealed, Evidence(), stage, tmp_path / "kustodia" / "alpha", {Format.ALLURE}))["t"]

    assert first["historyId"] != second["historyId"]


def test_one_judgement_gives_the_same_bytes(render, seal, findings, evidence) -> None:
    first = {each.name: each.read_bytes() for each in render(seal(findings), evidence).path.iterdir()}
    second = {each.name: each.read_bytes() for each in render(seal(findings), evidence).path.iterdir()}

    assert first == second


def test_every_message_falls_into_one_category(render, seal, findings) -> None:
    """Newer Allure takes the first category that matches, older Allure all that do."""
    results = render(seal(findings))
    categories = json.loads((results.path / "categories.json").read_text())
    found: Counter[str] = Counter()
    for result in results.results:
        if result["status"] == "passed":
            continue
        matching = [
            category["name"]
            for category in categories
            if result["status"] in category["matchedStatuses"]
            and re.fullmatch(category["messageRegex"], result["statusDetails"]["message"])
        ]
        assert len(matching) == 1
        found[matching[0]] += 1

    assert found == Counter(dict.fromkeys((name for name, _, _ in CATEGORIES), 1))


def test_the_environment_says_what_was_judged_where(render, seal, findings) -> None:
    facts = {"client": "anvil/1.7=x:y #z", "Größe": "10 µs\n😀", "block": "23481007"}
    sealed = seal(findings, facts=facts, network="mainnet-fork")

    text = (render(sealed).path / "environment.properties").read_bytes().decode("ascii")

    told = _properties(text)
    assert told["network"] == "mainnet-fork @ 23 481 007"
    assert told["judgement"] == sealed.digest
    assert told["verdict"] == "HOLD"
    assert told["fact client"] == "anvil/1.7=x:y #z"
    assert told["fact Größe"] == "10 µs\\n😀"


def test_the_executor_names_the_run(render, seal, findings) -> None:
    told = json.loads((render(seal(findings, attempt=3)).path / "executor.json").read_text())

    assert told["name"] == "pytest-rollout"
    assert told["buildName"] == "takumi:alpha attempt 3, run run-7"


def test_evidence_is_attached(render, seal, findings, evidence) -> None:
    results = render(seal(findings), evidence)

    attachment = results["test_pay"]["attachments"][0]
    assert (attachment["name"], attachment["type"]) == ("receipt", "application/json")
    assert (results.path / attachment["source"]).read_text() == '{"status": 1}'


def test_evidence_without_a_finding_is_attached_to_the_run(render, seal, findings) -> None:
    evidence = Evidence(attachments=[Attachment(item="a.py::gone", name="log", media_type="text/plain", content="x")])

    results = render(seal(findings), evidence)

    told = json.loads((results.path / "run-globals.json").read_text())
    assert told["attachments"][0]["name"] == "a.py::gone: log"
    assert told.keys() <= fields(model2.Globals)
    assert (results.path / told["attachments"][0]["source"]).is_file()


def test_hostile_text_is_written_whole_and_small(render, hostile_sealed, hostile_evidence) -> None:
    results = render(hostile_sealed, hostile_evidence)

    assert len(results.results) == 3
    assert {each["type"] for each in results.results[1]["attachments"]} <= {
        "text/plain",
        "text/csv",
        "application/json",
    }
    assert not list(results.path.glob("*.html"))
    assert len(_properties((results.path / "environment.properties").read_text("ascii"))) >= 10


def _properties(text: str) -> dict[str, str]:
    """Java properties, read by their rules: one entry a line, escapes in UTF-16 units."""
    told = {}
    for row in text.splitlines():
        match = re.fullmatch(r"((?:[^\\=:]|\\.)*)=(.*)", row)
        assert match, row
        key, value = (
            re.sub(
                r"\\(u[0-9a-f]{4}|.)",
                lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "u" and len(m[1]) > 1 else m[1],
                part,
            )
            .encode("utf-16", "surrogatepass")
            .decode("utf-16")
            for part in match.groups()
        )
        told[key] = value
    return told


def test_the_number_of_results_is_that_of_the_findings(render, seal, findings: list[Finding]) -> None:
    outcomes = Counter(labels(result, "outcome")[0] for result in render(seal(findings)).results[1:])

    assert outcomes == Counter(finding.outcome.value for finding in findings)
