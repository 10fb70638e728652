"""What an attestation says of a judgement, and what a reader may expect of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.attestation import (
    CLAIMS,
    PROMOTED,
    SKEW,
    STATEMENT,
    SVR,
    TEST_RESULT,
    VERIFIER,
    Claims,
    Expected,
    Moved,
    test_results,
    unexpected,
    verification,
)
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.override import Override, OverrideStatement, Terms
from pytest_rollout.core.records import Record, Recorded

test_results.__test__ = False  # it is named after in-toto's predicate

SIGNED = datetime(2031, 5, 4, 12, tzinfo=UTC)
UNTIL = SIGNED + timedelta(days=1)
MADE = Claims(
    judgement="1" * 64,
    file="2" * 64,
    entry=40,
    head="3" * 64,
    height=41,
    signed_at=SIGNED,
    valid_until=UNTIL,
    version="0.1.0",
)
RUN = {"id": "r1", "network": "mainnet", "ledger_id": "l" * 32}
SUBJECT = {
    "commit": "c" * 40,
    "committed": True,
    "plan_digest": "4" * 64,
    "suite_digest": "5" * 64,
    "packages_digest": "6" * 64,
}
DOCUMENT: dict[str, Any] = {
    "verdict": "promote",
    "rollout": {"name": "toy", "title": "Toy"},
    "stage": {"name": "beta", "title": "Beta"},
    "run": RUN,
    "subject": SUBJECT | {"packages": {"web3": "8"}},
    "judged_at": "2031-05-04T11:00:00+00:00",
    "evidence_digest": "7" * 64,
    "findings": [],
}
CLAIMED = {
    "verdict": "promote",
    "rollout": "toy",
    "stage": "beta",
    "run": RUN,
    "subject": SUBJECT,
    "judged_at": "2031-05-04T11:00:00+00:00",
    "judgement": "1" * 64,
    "evidence": "7" * 64,
    "verdict_file": "2" * 64,
    "test_result": "8" * 64,
    "ledger": {"id": "l" * 32, "entry": 40, "head": "3" * 64, "height": 41},
    "signed_at": "2031-05-04T12:00:00+00:00",
    "valid_until": "2031-05-05T12:00:00+00:00",
    "version": "0.1.0",
}
NAMED = [
    {"name": "verdict.json", "digest": {"sha256": "2" * 64}},
    {"name": "judgement", "digest": {"sha256": "1" * 64}},
    {"name": f"git+commit:{'c' * 40}", "digest": {"gitCommit": "c" * 40}},
]


def test_the_verdict_is_a_simple_verification_result() -> None:
    assert verification(DOCUMENT, MADE, "8" * 64) == {
        "_type": STATEMENT,
        "subject": NAMED,
        "predicateType": SVR,
        "predicate": {
            "verifier": {"id": VERIFIER, "version": {"pytest-rollout": "0.1.0"}},
            "timeCreated": "2031-05-04T12:00:00+00:00",
            "properties": ["PYTEST_ROLLOUT_VERDICT_PROMOTE"],
            CLAIMS: CLAIMED,
        },
    }


def test_claims_are_read_as_they_were_written() -> None:
    assert Claims.read(Record(CLAIMED, "attestation")) == MADE


@pytest.mark.parametrize("key", ["judgement", "verdict_file", "ledger", "signed_at", "valid_until", "version"])
def test_claims_that_lack_something_are_none(key: str) -> None:
    with pytest.raises(LedgerError, match=rf"^attestation: no '{key}'"):
        Claims.read(Record({name: each for name, each in CLAIMED.items() if name != key}, "attestation"))


def finding(item: str, outcome: str, *, required: bool = True) -> dict[str, Any]:
    return {"item": item, "outcome": outcome, "required": required}


def test_every_item_is_a_test_result() -> None:
    found = [
        finding("a", "pass"),
        finding("b", "pending", required=False),
        finding("c", "fail"),
        finding("d", "pass", required=False),
    ]

    assert test_results(DOCUMENT | {"findings": found}, MADE) == {
        "_type": STATEMENT,
        "subject": NAMED,
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": "FAILED",
            "configuration": [
                {"name": "rollout.toml", "digest": {"sha256": "4" * 64}},
                {"name": "suite", "digest": {"sha256": "5" * 64}},
                {"name": "packages", "digest": {"sha256": "6" * 64}},
                {"name": "evidence", "digest": {"sha256": "7" * 64}},
            ],
            "passedTests": ["a", "d"],
            "warnedTests": ["b"],
            "failedTests": ["c"],
        },
    }


@pytest.mark.parametrize(
    ("found", "verdict", "result"),
    [
        ([finding("a", "pass")], "promote", "PASSED"),
        ([finding("a", "pass"), finding("b", "fail", required=False)], "promote", "WARNED"),
        ([finding("a", "pass"), finding("b", "not_run")], "promote", "FAILED"),
        ([finding("a", "pass")], "hold", "FAILED"),
        ([finding("a", "pass")], "rollback", "FAILED"),
    ],
)
def test_only_a_promotion_is_a_pass(found: list[dict[str, Any]], verdict: str, result: str) -> None:
    statement = test_results(DOCUMENT | {"findings": found, "verdict": verdict}, MADE)

    assert statement["predicate"]["result"] == result


def test_outside_a_repository_no_commit_is_named() -> None:
    bare = DOCUMENT | {"subject": SUBJECT | {"commit": ""}}

    assert verification(bare, MADE, "")["subject"] == NAMED[:2]


def said(expected: Expected, now: datetime = SIGNED, claims: Claims = MADE, **subject: Any) -> list[str]:
    return list(unexpected(DOCUMENT | {"subject": SUBJECT | subject}, claims, expected, now))


AS_IT_IS = Expected(rollout="toy", stage="beta", network="mainnet", commit="c" * 40, ledger_id="l" * 32, at_least=40)


def test_what_is_as_expected_is_not_told() -> None:
    assert said(AS_IT_IS) == []
    assert said(Expected()) == []
    assert said(Expected(), committed=False) == []


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ({"rollout": "other"}, "it is about rollout toy, not other"),
        ({"stage": "alpha"}, "it is about stage beta, not alpha"),
        ({"network": "devnet"}, "it is about network mainnet, not devnet"),
        ({"commit": "d" * 40}, f"it is about commit {'c' * 40}, not {'d' * 40}"),
        ({"ledger_id": "m"}, f"it is about ledger {'l' * 32}, not m"),
        ({"at_least": 41}, "its judgement is ledger entry 40, older than 41, which is asked for"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_is_not_as_expected_is_told(expected: dict[str, Any], says: str) -> None:
    assert said(replace(AS_IT_IS, **expected)) == [says]


def test_everything_unexpected_is_told() -> None:
    assert said(replace(AS_IT_IS, rollout="other", stage="alpha")) == [
        "it is about rollout toy, not other",
        "it is about stage beta, not alpha",
    ]


def test_changes_that_no_commit_has_are_told_where_a_commit_is_asked_for() -> None:
    assert said(AS_IT_IS, committed=False) == ["what was judged had changes that its commit does not have"]
    assert said(AS_IT_IS, commit="") == [f"it is about commit none, not {'c' * 40}"]
    assert said(AS_IT_IS, commit="x" * 99) == [f"it is about commit {'x' * 80}, not {'c' * 40}"]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (SIGNED - SKEW, []),
        (
            SIGNED - SKEW - timedelta(seconds=1),
            ["it counts from 2031-05-04T12:00:00+00:00, and now it is 2031-05-04T11:58:59+00:00"],
        ),
        (UNTIL - timedelta(seconds=1), []),
        (UNTIL, ["it expired on 2031-05-05T12:00:00+00:00, and now it is 2031-05-05T12:00:00+00:00"]),
    ],
    ids=["a minute early", "more than a minute early", "to the last second", "over"],
)
def test_it_counts_from_its_signature_until_it_expires(now: datetime, says: list[str]) -> None:
    assert said(AS_IT_IS, now) == says


def test_what_is_compared_with_nothing_is_named() -> None:
    assert Expected().unasked == ("rollout and stage", "network", "commit", "ledger")
    assert AS_IT_IS.unasked == ()
    assert replace(AS_IT_IS, commit=None).unasked == ("commit",)


def test_a_promotion_by_override_stands_beside_the_verdict() -> None:
    terms = Terms(items=("a", "b"), reason="known", expires=9)
    said = OverrideStatement(rollout="toy", stage="beta", judgement="11" * 32, role="CTO", terms=terms)
    signed = Override(statement=said, entry=4, signer="0x1", signature="0x", at=SIGNED)
    promotion = Promotion(
        rollout="toy", stage="beta", to="public", entry=4, judgement="11" * 32, judgement_sequence=40, run="r",
        attempts=1, person="ann", at=SIGNED,
    )  # fmt: skip
    moved = Moved(entry=42, promotion=promotion, overrides=(Recorded(sequence=41, value=signed),))

    document = moved.document()

    assert document == {
        "entry": 42,
        "promotion": promotion.document(),
        "overrides": [{"entry": 41, "override": signed.document()}],
    }
    assert Moved.read(Record(document, "attestation")) == moved
    assert verification(DOCUMENT, MADE, "", moved)["predicate"][CLAIMS][PROMOTED] == document
    assert PROMOTED not in verification(DOCUMENT, MADE, "")["predicate"][CLAIMS]
