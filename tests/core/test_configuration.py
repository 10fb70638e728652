"""Files beside the chain: nothing wrong, everything looked at, and something looked at at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.configuration import (
    AlertCheck,
    DashboardCheck,
    EnvironmentCheck,
    FilesCheck,
    ManifestCheck,
    RulesCheck,
)
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome

ABOUT: dict[str, Any] = {"name": "beside", "folder": Path(), "files": ("a.yml", "b/*.yml")}
RULES = RulesCheck(**ABOUT)
ALERT = AlertCheck(
    name="arrives", alertmanager=Service(name="am", url="http://am"), listen="127.0.0.1:9", labels={"team": "ops"}
)
SEEN: dict[str, Any] = {"looked": 3, "said": "3 rules", "problems": [], "troubles": []}
PASS, FAIL, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.ERROR


def judged(check: FilesCheck | AlertCheck = RULES, value: Any = SEEN) -> Finding:
    return check.judge("item", Observation(item="item", value=value, source="here"))


FILES = {
    RULES: (Kind.RULES, "rules that parse, pass their tests and ask for what is exposed"),
    DashboardCheck(**ABOUT): (Kind.DASHBOARD, "dashboards whose every query parses and asks for what is exposed"),
    ManifestCheck(**ABOUT, version="1.30"): (
        Kind.MANIFEST,
        "valid manifests, images pinned by digest, no placeholder and no zero address",
    ),
}


@pytest.mark.parametrize(("check", "about"), FILES.items(), ids=[kind for kind, _ in FILES.values()])
def test_a_finding_of_files_says_all_that_a_reader_needs(check: FilesCheck, about: tuple[Kind, str]) -> None:
    kind, needed = about
    told = Finding(
        item="item", kind=kind, title="beside", outcome=PASS, measured="3 rules", needed=needed, source="here"
    )

    assert judged(check) == told
    assert judged(check, SEEN | {"problems": ["a.yml: no rule"]}) == replace(
        told, outcome=FAIL, measured="a.yml: no rule", detail="a.yml: no rule", remedy="mend a.yml, b/*.yml"
    )
    assert not judged(replace(check, required=False)).required


def test_an_environment_is_a_sort_of_files() -> None:
    finding = judged(EnvironmentCheck(**ABOUT))

    assert finding.kind is Kind.ENVIRONMENT
    assert finding.needed == "every variable set and known, every address as recorded and with code on the chain"


def test_an_alert_must_arrive_where_it_should() -> None:
    told = Finding(
        item="item",
        kind=Kind.ALERT,
        title="arrives",
        outcome=PASS,
        measured="3 rules",
        needed="a test alert arrives at 127.0.0.1:9",
        source="here",
    )

    assert judged(ALERT) == told
    assert judged(replace(ALERT, receiver="pager")).needed == "a test alert arrives at 127.0.0.1:9 as pager"
    assert judged(ALERT, SEEN | {"looked": 0}).remedy == "look at Alertmanager's routes, receivers and silences"


JUDGED: dict[str, tuple[Any, Outcome, str, str]] = {
    "nothing looked at": (SEEN | {"looked": 0}, ERROR, "nothing was looked at; 3 rules", ""),
    "nothing to say": (SEEN | {"looked": 0, "said": ""}, ERROR, "nothing was looked at", ""),
    "one looked at": (SEEN | {"looked": 1}, PASS, "3 rules", ""),
    "trouble": (SEEN | {"troubles": ["a"]}, ERROR, "a", "a"),
    "both": (SEEN | {"problems": ["p"], "troubles": ["t"]}, FAIL, "p; t", "p\nt"),
    "problems in nothing": (SEEN | {"looked": 0, "problems": ["p"]}, FAIL, "p", "p"),
    "three": (SEEN | {"problems": list("abc")}, FAIL, "a; b; c", "a\nb\nc"),
    "five": (SEEN | {"problems": list("abcde")}, FAIL, "a; b; c; and 2 more", "a\nb\nc\nd\ne"),
}


@pytest.mark.parametrize(("value", "outcome", "measured", "detail"), JUDGED.values(), ids=JUDGED)
def test_what_was_looked_at_is_judged_by_what_was_found(value, outcome, measured, detail) -> None:
    finding = judged(value=value)

    assert (finding.outcome, finding.measured, finding.detail) == (outcome, measured, detail)


def test_what_is_listed_is_of_bounded_length() -> None:
    assert "… 1 characters cut …" in judged(value=SEEN | {"problems": ["x" * 4001]}).detail


REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (None, "TypeError: nothing was recorded"),
    "a list": ([], "TypeError: nothing was recorded"),
    "an empty table": ({}, "KeyError: 'looked'"),
    "a truth for a count": (SEEN | {"looked": True}, "TypeError: no count of what was looked at"),
    "less than nothing": (SEEN | {"looked": -1}, "TypeError: no count of what was looked at"),
    "a number said": (SEEN | {"said": 3}, "TypeError: no count of what was looked at"),
    "a text for problems": (SEEN | {"problems": "p"}, "TypeError: no lists of sentences"),
    "a text for troubles": (SEEN | {"troubles": ""}, "TypeError: no lists of sentences"),
    "numbers for problems": (SEEN | {"problems": ["p", 1]}, "TypeError: no lists of sentences"),
}


@pytest.mark.parametrize(("value", "says"), REFUSED.values(), ids=REFUSED)
def test_what_was_not_recorded_as_it_must_be_is_an_error(value: Any, says: str) -> None:
    finding = judged(value=value)

    assert (finding.outcome, finding.measured, finding.detail) == (ERROR, f"not understood ({says})", "")


def test_every_text_of_a_check_is_cleaned_of_secrets() -> None:
    def clean(text: str) -> str:
        return text.replace("hunter2", "*")

    environment = EnvironmentCheck(name="e", folder=Path(), files=("hunter2.env",), values={"KEY": "hunter2"})
    alert = replace(
        ALERT, alertmanager=Service(name="am", url="http://hunter2"), listen="hunter2:9", labels={"team": "hunter2"}
    )

    assert replace(RULES, files=("hunter2.yml",)).redacted(clean).files == ("*.yml",)
    assert environment.redacted(clean) == replace(environment, files=("*.env",), values={"KEY": "*"})
    assert alert.redacted(clean) == replace(
        alert, alertmanager=Service(name="am", url="http://*"), listen="*:9", labels={"team": "*"}
    )
