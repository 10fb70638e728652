"""What is kept of events and plans where a plan has secrets."""

from __future__ import annotations

import base64

import pytest

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.runner.kept import kept_event, kept_id, kept_plan

ADMIN = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PLAN = """
[rollout]
name = "toy"
title = "Toy of ${OWNER}"

[flags.values]
region = "${REGION}"

[stages.alpha]
title = "Alpha"

[stages.alpha.flags]
region = "${REGION}"

[[stages.alpha.checklist]]
text = "Called ${OWNER}"
"""


@pytest.fixture
def rollout(planned):
    return planned({"suites/test_a.py": ""}, plan=PLAN, environment={"OWNER": "Ann Example", "REGION": "eu"})


def test_what_the_plan_expects_and_what_was_observed_still_agree(rollout) -> None:
    """Short values are hidden only as a whole, long ones anywhere - on both sides alike."""
    redactor = Redactor(rollout.secrets)
    event = {"e": "observe", "p": "main", "n": 3, "id": "rollout.toml::alpha::flags::region", "value": {"value": "eu"}}

    observed = kept_event(event, redactor)["value"]["value"]

    assert kept_plan(rollout).stage("alpha").flags[0].expected == observed == "<REGION>"


def test_the_plan_is_kept_without_its_secrets(rollout) -> None:
    """Titles and the checklist's words go into the ledger."""
    kept = kept_plan(rollout)

    assert kept.title == "Toy of <OWNER>"
    assert kept.stage("alpha").checklist[0].text == "Called <OWNER>"
    assert (kept.name, kept.plan_digest) == (rollout.name, rollout.plan_digest)


def test_words_the_judge_reads_are_left_alone() -> None:
    """A secret that is spelt like a protocol word must not unmake every event."""
    redactor = Redactor({"A": "passed", "B": "main", "C": "settled", "D": "1000000"})
    events = [
        {"e": "item", "p": "main", "n": 1, "id": "a::passed", "phases": [["call", "passed", False]], "s": 0.1},
        {"e": "measure", "p": "main", "n": 2, "id": "a::b", "metric": "settled", "value": "1000000"},
        {"e": "measure", "p": "main", "n": 3, "id": "a::b", "metric": "settled", "good": 1000000, "total": 1000000},
        {"e": "hello", "p": "main", "n": 0, "pid": 1000000},
        {"e": "end", "p": "main", "n": 4, "count": 1000000, "exit": 0},
    ]

    assert [kept_event(event, redactor) for event in events] == events


def test_an_id_is_redacted_from_its_parameters_on() -> None:
    """Path and function stand in the repository; parameters may come from the environment."""
    redactor = Redactor({"KEY": "takumi-secret"})

    assert kept_id("takumi-secret/test_a.py::test_x[takumi-secret-1]", redactor) == (
        "takumi-secret/test_a.py::test_x[<KEY>-1]"
    )


def test_quotes_and_backslashes_around_a_token_keep_the_event_whole() -> None:
    """Redaction works on texts, not on their JSON: an escaped quote beside a token is no token."""
    event = {"e": "trouble", "p": "main", "n": 1, "what": "x", "text": '{"u": "http://h/?key=abc"} \\', "id": ""}

    assert kept_event(event, Redactor({}))["text"] == '{"u": "http://h/?key=<redacted>"} \\'


def test_a_binary_attachment_with_a_secret_is_no_event() -> None:
    """Cutting it out would leave a broken file; the ledger must not have it at all."""
    content = base64.b64encode(b"\x00\x01 s3cr3t-value \xff").decode()
    event = {
        "e": "attach",
        "p": "main",
        "n": 1,
        "id": "a",
        "name": "x",
        "type": "y",
        "content": content,
        "binary": True,
    }

    with pytest.raises(EvidenceError, match="holds a secret"):
        kept_event(event, Redactor({"KEY": "s3cr3t-value"}))


@pytest.mark.parametrize("said", [None, 7, "x", [1], {"no": "kind"}])
def test_what_is_no_event_is_handed_on_to_be_refused(said) -> None:
    assert kept_event(said, Redactor({"KEY": "s3cr3t-value"})) == said


def test_a_plan_without_secrets_is_kept_as_it_is(planned) -> None:
    rollout = planned({"suites/test_a.py": ""})

    assert kept_plan(rollout) is rollout
