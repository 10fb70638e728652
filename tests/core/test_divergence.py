"""A divergence is kept whole, and read as it was kept (rule 25)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_rollout.core.answer import Relation
from pytest_rollout.core.comparison import Difference
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.errors import EvidenceError

FIRST = Difference(path="gas", reference=1, candidate=2)
SECOND = Difference(path="root", reference="0xa", candidate="0xb")
WHOLE = Divergence(
    block="12",
    mode="shadow",
    relation=Relation.DIFFERING,
    text="gas: reference 1, candidate 2",
    reference={"value": {"gas": 1}},
    candidate={"value": {"gas": 2}},
    versions={"reference": "1.0", "candidate": "2.0"},
    at="2031-05-04T02:00:00Z",
    differences=(FIRST, SECOND),
    ignore=("time",),
    reasons={"A": "B"},
    transactions=(1, 40),
)
DOCUMENT: dict[str, Any] = {
    "schema": "pytest-rollout/divergence/v1",
    "block": "12",
    "mode": "shadow",
    "relation": "differing",
    "text": "gas: reference 1, candidate 2",
    "first": "gas",
    "differences": [
        {"path": "gas", "reference": 1, "candidate": 2},
        {"path": "root", "reference": "0xa", "candidate": "0xb"},
    ],
    "reference": {"value": {"gas": 1}},
    "candidate": {"value": {"gas": 2}},
    "versions": {"reference": "1.0", "candidate": "2.0"},
    "ignore": ["time"],
    "reasons": {"A": "B"},
    "at": "2031-05-04T02:00:00Z",
    "transactions": {"shrunk_to": 1, "of": 40},
}


def test_a_divergence_is_kept_whole() -> None:
    assert WHOLE.document() == DOCUMENT


def test_one_of_a_refusal_has_no_first_field() -> None:
    raised = replace(WHOLE, differences=(), reasons=None, transactions=None)

    usual = {key: each for key, each in DOCUMENT.items() if key != "transactions"}
    assert raised.document() == usual | {"first": None, "differences": [], "reasons": {}}
    assert raised.first is None
    assert WHOLE.first == FIRST


def test_what_was_kept_is_read_for_another_run() -> None:
    """Differences and what a shrinking found are found anew."""
    assert Divergence.read(DOCUMENT, "d.json") == replace(WHOLE, differences=(), transactions=None)


def test_words_of_a_kept_one_are_texts() -> None:
    numbers = {"block": 12, "mode": 1, "text": 2, "ignore": [3], "at": 4}

    assert Divergence.read(DOCUMENT | numbers, "d.json") == replace(
        WHOLE, block="12", mode="1", text="2", ignore=("3",), at="4", differences=(), transactions=None
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"schema": "other/v2"}, "schema 'other/v2' is not pytest-rollout/divergence/v1."),
        ({"schema": "x" * 80}, f"schema '{'x' * 59} is not pytest-rollout/divergence/v1."),
        ({"relation": "odd"}, "no kept divergence (ValueError: 'odd' is not a valid Relation)."),
        ({"ignore": 1}, "no kept divergence (TypeError: 'int' object is not iterable)."),
    ],
)
def test_what_is_no_kept_divergence_is_refused(wrong, why) -> None:
    with pytest.raises(EvidenceError) as refused:
        Divergence.read(DOCUMENT | wrong, "d.json")

    assert str(refused.value) == f"d.json: {why}"


@pytest.mark.parametrize(
    "name",
    ["schema", "block", "mode", "relation", "text", "reference", "candidate", "versions", "ignore", "reasons", "at"],
)
def test_a_kept_divergence_without_one_of_its_fields_is_refused(name) -> None:
    with pytest.raises(EvidenceError, match=rf"^d\.json: no kept divergence \(KeyError: '{name}'\)\.$"):
        Divergence.read({key: each for key, each in DOCUMENT.items() if key != name}, "d.json")
