from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.finding import Finding, gravest_first
from pytest_rollout.core.judgement import SCHEMA, exact
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.core.rollout import ContractState

BIG = 2**256 - 1


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, each in value.items():
            assert type(key) is str
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def untidy(kit: Any) -> Any:
    """A judgement with something of everything: failures, huge numbers, odd text, timings."""
    state = ContractState(contract="Escrow", what="paused", expected=BIG)
    said = kit.recorded(
        {
            **kit.WHOLE,
            kit.PAUSED: [kit.observed([BIG, None, 0.5, {"a": True}])],
            kit.A: [kit.measured(good=10**70, total=10**70 + 1)],
        },
        workers=2,
        **{
            "[1]": {"told": kit.phases(call="failed"), "text": "\x1b[31m<b>\u202e\ud800", "s": 1.23456},
            "[2]": {"calls": 2**60},
        },
    )
    stage = kit.stage(network="local", contracts=(state,), criteria=(kit.ratio(), kit.values("latency", promote="< 2")))
    return kit.judge(kit.whole(said, stage=stage, facts={"chain id": "1337"}, evidence_digest="d" * 64))


def test_a_document_holds_no_float_and_no_null(kit: Any) -> None:
    assert {type(leaf) for leaf in leaves(untidy(kit).document())} <= {str, int, bool}


def test_a_document_is_canonical_json_as_it_stands(kit: Any) -> None:
    """RFC 8785 refuses floats it cannot carry, integers past 2**53 and text that is no Unicode."""
    for judgement in (untidy(kit), kit.judge(kit.whole(kit.recorded(kit.WHOLE)))):
        document = judgement.document()

        assert json.loads(rfc8785.dumps(document)) == document


def test_a_document_carries_a_uint256_whole(kit: Any) -> None:
    document = untidy(kit).document()

    (state,) = [finding for finding in document["findings"] if finding["item"].endswith("Escrow.paused")]
    assert state["needed"] == str(BIG)
    assert state["measured"] == f"{BIG}, None, 0.5, a = true"


def test_a_document_says_what_was_judged_and_when(kit: Any) -> None:
    judgement = kit.judge(kit.whole(kit.recorded(kit.WHOLE)))

    document = judgement.document()
    assert (document["schema"], document["verdict"]) == (SCHEMA, "promote")
    assert document["judged_at"] == "2031-05-04T02:05:00+00:00"
    assert document["rollout"] == {"name": "toy", "title": "Toy"}
    assert document["manifest"] == sorted(kit.WHOLE)
    assert document["run"]["started_at"] == "2031-05-04T02:00:00+00:00"


def test_times_are_whole_milliseconds(kit: Any) -> None:
    document = untidy(kit).document()

    (test,) = [finding for finding in document["findings"] if finding["item"] == kit.X1]
    assert test["milliseconds"] == 1235


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, str(2**53)),
        (-(2**53) + 1, -(2**53) + 1),
        (-(2**53), str(-(2**53))),
        (BIG, str(BIG)),
        (True, True),
        (None, None),
        (0.5, "0.5"),
        (Decimal("1.10"), "1.10"),
        ((1, BIG), [1, str(BIG)]),
        ({1: {"a": BIG}}, {"1": {"a": str(BIG)}}),
    ],
)
def test_integers_past_what_json_carries_become_text(value: Any, carried: Any) -> None:
    assert exact(value) == carried
    assert type(exact(value)) is type(carried)


def finding(outcome: Outcome, *, required: bool = True, item: str = "i") -> Finding:
    return Finding(item=item, kind=Kind.TEST, title=item, outcome=outcome, required=required)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_finding_stands_in_the_way_unless_it_passed_or_is_advisory(outcome: Outcome) -> None:
    assert finding(outcome).stands_in_the_way == (outcome is not Outcome.PASS)
    assert not finding(outcome).advisory().stands_in_the_way


def test_a_finding_says_nothing_where_it_has_nothing_to_say() -> None:
    assert finding(Outcome.PASS).document() == {
        "item": "i",
        "kind": "tests",
        "title": "i",
        "outcome": "pass",
        "required": True,
    }


@given(st.lists(st.builds(finding, st.sampled_from(Outcome), required=st.booleans(), item=st.text("ab", max_size=2))))
def test_gravest_first_is_stable_and_loses_nothing(findings: list[Finding]) -> None:
    ordered = gravest_first(findings)

    keys = [(not each.required, each.outcome.gravity) for each in ordered]
    assert keys == sorted(keys)
    for key in set(keys):
        same = [each for each in findings if (not each.required, each.outcome.gravity) == key]
        assert [each for each in ordered if (not each.required, each.outcome.gravity) == key] == same


def test_what_failed_is_graver_than_what_nobody_could_see() -> None:
    order = sorted(Outcome, key=lambda outcome: outcome.gravity)

    assert [each.value for each in order] == ["fail", "error", "not_run", "inconclusive", "pending", "pass"]


def test_exit_statuses_are_an_interface() -> None:
    assert {verdict.value: verdict.exit_status for verdict in Verdict} == {"promote": 0, "hold": 10, "rollback": 20}
