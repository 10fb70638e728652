"""Who answers for a gate that holds, for which findings, and everything that nobody's word replaces (rule 36)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.history import JudgementRecord, Reason
from pytest_rollout.core.judgement import Run
from pytest_rollout.core.moves import Promotion, overridden_facts
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.override import (
    OVERRIDABLE,
    Given,
    Override,
    OverridePolicy,
    OverrideStatement,
    Terms,
    covered,
    names_of,
    overrides_of,
    told,
    why_never,
)
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.core.rollout import ContractState, Stage
from pytest_rollout.core.signoff import SignoffPolicy
from pytest_rollout.core.subject import Subject

NOW = datetime(2031, 5, 4, 12, tzinfo=UTC)
ANN, BEN, EVE = ("0x" + digit * 40 for digit in "abe")
SIGNERS = SignoffPolicy(roles={"Lead": ANN, "CTO": BEN}, quorum=1, chain_id=1, valid_for=timedelta(days=1))
POLICY = OverridePolicy(signers=SIGNERS)
STAGE = Stage(
    name="alpha",
    title="Alpha",
    contracts=tuple(
        ContractState(contract="Vault", what=what, expected=value)
        for what, value in {"paused": False, "code_hash": "0x"}.items()
    ),
    overrides=POLICY,
)
RATE = "suites/toy/rollout.toml::alpha::criteria::success rate"
TEST = "suites/toy/alpha/test_a.py::test_settles[usdc]"


def reason(item: str = RATE, kind: Kind = Kind.CRITERION, outcome: Outcome = Outcome.FAIL) -> Reason:
    return Reason(title=item.rpartition("::")[2], outcome=outcome.value, item=item, kind=kind.value)


def judgement(*blocking: Reason, **about: Any) -> JudgementRecord:
    run = Run(
        id="r", rollout="toy", stage="alpha", entry=4, attempt=1, started_at=NOW, network="", rehearsal=False,
        ledger_id="a" * 32,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "sequence": 7,
        "digest": "11" * 32,
        "verdict": "hold",
        "rollout": "toy",
        "stage": "alpha",
        "run": run,
        "subject": Subject(commit="", committed=True, plan_digest="", suite_digest="", packages_digest=""),
        "judged_at": NOW - timedelta(hours=2),
        "blocking": blocking or (reason(),),
        "required": 3,
    }
    return JudgementRecord(**(fields | about))


def signed(role: str = "CTO", signer: str = BEN, **about: Any) -> Override:
    said = {key: about.pop(key) for key in ("items", "reason", "expires") if key in about}
    usual = {"items": (RATE,), "reason": "known outage", "expires": int((NOW + timedelta(hours=6)).timestamp())}
    place = {key: about.pop(key) for key in ("rollout", "stage", "judgement") if key in about}
    statement = OverrideStatement(
        **({"rollout": "toy", "stage": "alpha", "judgement": "11" * 32} | place),  # type: ignore[arg-type] # by name
        role=role,
        terms=Terms(**(usual | said)),  # type: ignore[arg-type] # by name
    )
    fields: dict[str, Any] = {"entry": 4, "signer": signer, "signature": "0x", "at": NOW - timedelta(hours=1)}
    return Override(statement=statement, **(fields | about))


def given(
    *overrides: Override, policy: OverridePolicy = POLICY, first: int = 8, author: str = "", why: str = ""
) -> Sequence[Given]:
    records = [Recorded(sequence=number, value=each) for number, each in enumerate(overrides, first)]
    return overrides_of(policy, records, judgement(), author=author, now=NOW, verify=lambda _: why)


def items(*overrides: Override, blocking: Sequence[Reason] = (), stage: Stage = STAGE, **about: Any) -> frozenset[str]:
    return covered(stage, judgement(*blocking), given(*overrides, **about))


def test_a_signed_override_covers_the_findings_that_it_names_and_no_other() -> None:
    assert items(signed(), blocking=[reason(), reason(TEST, Kind.TEST)]) == {RATE}


@pytest.mark.parametrize(
    "about",
    [
        {"rollout": "other"},
        {"stage": "beta"},
        {"judgement": "22" * 32},
        {"entry": 3},
        {"signer": EVE},
        {"revoked": True},
        {"expires": int(NOW.timestamp())},
        {"expires": int((NOW + timedelta(days=2)).timestamp())},
        {"expires": 10**30},
        {"at": NOW + timedelta(seconds=1)},
        {"role": "Intern"},
        {"items": ("*",)},
        {"items": ()},
        {"items": (RATE + " ",)},
        {"items": ("suites/toy/rollout.toml::alpha::criteria::",)},
    ],
    ids=[
        *("rollout", "stage", "judgement", "visit", "key", "revoked", "expired", "too long", "for ever", "future"),
        *("role", "wildcard", "nothing", "blank", "prefix"),
    ],
)
def test_an_override_counts_for_what_it_was_given_for_and_nothing_else(about: dict[str, Any]) -> None:
    """Another rollout, stage, judgement, visit, key, time or item: it covers nothing (rule 36)."""
    assert items(signed(**about)) == frozenset()


def test_an_override_that_stands_before_its_judgement_is_none_of_it() -> None:
    """Nobody can answer for what was not judged yet, so such a record was forged."""
    assert items(signed(), first=6) == items(signed(), first=7) == frozenset()
    assert items(signed(), first=8) == {RATE}


def test_what_the_cryptography_says_decides() -> None:
    assert items(signed(), why="was signed by somebody else") == frozenset()


def test_each_role_is_told_with_whether_it_counts_and_why_not() -> None:
    """And nobody is named as having signed whose signature does not hold."""
    (one,) = given(signed(person="Ben"), signed("Lead", EVE, person="Eve"))

    assert one.first == 8
    assert [(each.role, each.address, each.counts) for each in one.answer.roles] == [
        ("Lead", ANN, False),
        ("CTO", BEN, True),
    ]
    assert [each.person for each in one.signed.values()] == ["Ben"]
    (alone,) = given(signed("Lead", ANN), first=9)
    assert (alone.first, [each.why for each in alone.answer.roles]) == (9, ["", "has not signed"])


def test_one_person_is_no_quorum_however_often_they_sign() -> None:
    """Two signatures of one role are one; two roles must sign the very same terms (rule 34)."""
    two = replace(POLICY, signers=replace(SIGNERS, quorum=2))

    assert items(signed(), signed(), policy=two) == frozenset()
    assert items(signed(), signed("Lead", BEN), policy=two) == frozenset()
    assert items(signed(), signed("Lead", ANN, reason="another one"), policy=two) == frozenset()
    assert items(signed(), signed("Lead", ANN), policy=two) == {RATE}


def test_the_author_of_the_commit_does_not_override_for_it() -> None:
    """Where the plan says whose key is whose, and where git names nobody (rule 34)."""
    policy = replace(POLICY, signers=replace(SIGNERS, authors={"ben@example.org": BEN}))

    assert items(signed(), policy=policy, author="Ben@example.org") == frozenset()
    assert items(signed(), policy=policy, author="") == frozenset()
    assert items(signed(), policy=policy, author="ann@example.org") == {RATE}


def test_the_newest_record_of_a_role_decides() -> None:
    assert items(signed(), signed(revoked=True)) == frozenset()
    assert items(signed(revoked=True), signed()) == {RATE}


NEVER = {
    "the run itself": (reason("run::narrowed by -k", Kind.RUN), "whether, and at what, the gate looked at all"),
    "an error of the run": (reason("run::x", Kind.RUN, Outcome.ERROR), "whether, and at what, the gate looked"),
    "another chain": (reason("p::alpha::network::main", Kind.NETWORK), "whether, and at what, the gate looked"),
    "a missing contract": (reason("p::alpha::inventory::x", Kind.INVENTORY), "whether, and at what, the gate looked"),
    "nobody looked": (reason(TEST, Kind.TEST, Outcome.NOT_RUN), "nobody looked, and an override is no look"),
    "other code": (reason("p::alpha::contracts::Vault.code_hash", Kind.CONTRACT), "which code stands at the address"),
}


@pytest.mark.parametrize(("finding", "why"), NEVER.values(), ids=NEVER)
def test_what_says_that_the_gate_did_not_look_is_never_overridden(finding: Reason, why: str) -> None:
    """Whoever signs: an override is no look at anything."""
    assert why in why_never(STAGE, finding)
    assert items(signed(items=(finding.item,)), blocking=[finding]) == frozenset()


def test_one_item_with_a_finding_that_is_never_overridden_is_not_covered_by_its_other_finding() -> None:
    twice = [reason(TEST, Kind.TEST), reason(TEST, Kind.TEST, Outcome.NOT_RUN)]

    assert items(signed(items=(TEST,)), blocking=twice) == frozenset()


def test_a_kind_that_nobody_knows_is_never_overridden() -> None:
    assert why_never(STAGE, replace(reason(), kind="novelty"))


@pytest.mark.parametrize("kind", OVERRIDABLE)
def test_every_other_kind_may_be_overridden_where_the_plan_does_not_say_otherwise(kind: Kind) -> None:
    assert not why_never(STAGE, reason(f"p::alpha::{kind.value}::x", kind))


def test_a_state_that_is_no_identity_may_be_overridden() -> None:
    assert not why_never(STAGE, reason("p::alpha::contracts::Vault.paused", Kind.CONTRACT))


@pytest.mark.parametrize(
    ("policy", "finding"),
    [
        (replace(POLICY, kinds=(Kind.SOAK,)), reason()),
        (replace(POLICY, never=("success rate",)), reason()),
        (replace(POLICY, never=("success rate",)), reason(RATE + "[eu]")),
        (replace(POLICY, never=("success rate",)), reason(RATE + "[eu[1]]")),
        (replace(POLICY, never=(RATE,)), reason()),
        (replace(POLICY, never=(TEST.partition("[")[0],)), reason(TEST, Kind.TEST)),
        (replace(POLICY, never=(TEST,)), reason(TEST, Kind.TEST)),
        (None, reason()),
    ],
    ids=[
        "kind",
        "name",
        "name of one thing",
        "name of one thing in brackets",
        "id",
        "function",
        "parameters",
        "no policy",
    ],
)
def test_what_the_plan_keeps_from_everybody_is_kept(policy: OverridePolicy | None, finding: Reason) -> None:
    assert why_never(replace(STAGE, overrides=policy), finding)


def test_a_plan_that_says_nothing_lets_nobody() -> None:
    assert items(signed(), stage=replace(STAGE, overrides=None)) == frozenset()


def test_names_of_items_are_those_of_the_plan() -> None:
    assert names_of({RATE, TEST, "p::alpha::checklist::Audit: letter::x"}, STAGE, Kind.CHECKLIST) == {
        "Audit: letter::x"
    }


def test_an_override_comes_back_from_the_ledger_as_it_was() -> None:
    one = signed(person="Ben", contract=True)

    assert Override.read(Record(one.document(), "ledger entry 8")) == one


def test_a_wallet_is_shown_every_item_and_the_reason() -> None:
    """And nothing that is signed here can be taken for a sign-off: another domain, another type."""
    data = signed().statement.typed_data(ledger_id="ab", chain_id=1)

    assert data["domain"]["name"] == "pytest-rollout override"
    assert data["primaryType"] == "Override"
    assert data["domain"]["chainId"] == 1
    assert data["message"] == {
        "rollout": "toy",
        "stage": "alpha",
        "judgement": "0x" + "11" * 32,
        "items": [RATE],
        "reason": "known outage",
        "role": "CTO",
        "expires": int((NOW + timedelta(hours=6)).timestamp()),
    }


def test_a_promotion_keeps_what_it_rests_on_and_is_told_ever_after() -> None:
    """In the facts of every later judgement, so in every brief."""
    move = Promotion(
        rollout="toy", stage="alpha", to="beta", entry=4, judgement="11" * 32, judgement_sequence=7, run="r",
        attempts=1, person="Ann", at=NOW, overrides=told(given(signed(person="Ben"))),
    )  # fmt: skip

    assert Promotion.read(Record(move.document(), "ledger entry 9")) == move
    facts = overridden_facts([Recorded(sequence=9, value=move)])
    assert facts == {
        "promoted by override (ledger entry 9)": f"alpha: 1 finding, by Ben (CTO): known outage [{RATE}]",
    }
    two = replace(move.overrides[0], items=("a", "b"), people=("Ann (CTO)", "Ben (COO)"))
    both = replace(move, overrides=(two, *move.overrides))
    assert overridden_facts([Recorded(sequence=9, value=both)]) == {
        "promoted by override (ledger entry 9)": "alpha: 2 findings, by Ann (CTO), Ben (COO): known outage [a, b]; "
        f"1 finding, by Ben (CTO): known outage [{RATE}]",
    }


def test_a_promotion_without_an_override_is_written_as_ever() -> None:
    """Old records and new ones are the same bytes."""
    move = Promotion(
        rollout="toy", stage="alpha", to="beta", entry=4, judgement="1", judgement_sequence=7, run="r", attempts=1,
        person="Ann", at=NOW,
    )  # fmt: skip

    assert "overrides" not in move.document()
    assert Promotion.read(Record(move.document(), "ledger entry 9")) == move
