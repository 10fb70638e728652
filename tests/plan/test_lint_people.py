"""Signatures that nobody could give, or everybody: read before anything runs (rule 38)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from eth_account import Account

from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan.lint import RemarkKind, lint
from pytest_rollout.plan.lint_people import DEVELOPMENT

A, B = "0x" + "1a" * 20, "0x" + "2b" * 20
ANVIL = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PLAN = f"""
[rollout]
name = "toy"

[networks.main]
kind = "rpc"
url = "https://node.example.org"
chain_id = 1
finality = "finalized"

[networks.local]
kind = "tester"

[stages.alpha]
network = "main"

[[stages.alpha.checklist]]
text = "x"

[stages.alpha.signoffs]
roles = {{ CTO = "{A}", Lead = "{B}" }}
quorum = 1
"""
OVERRIDES = f"""
[stages.alpha.overrides]
roles = {{ CTO = "{B}", Lead = "{A}" }}
"""


def remarks(rollout: Rollout, kind: RemarkKind) -> list[str]:
    found = lint(rollout, now=datetime(2026, 11, 1, tzinfo=UTC))
    return [
        str(each) for each in found if (each.kind is kind and "signoffs" in each.place) or "overrides" in each.place
    ]


CONTRADICTIONS = {
    "a placeholder": (
        PLAN.replace(A, "0x" + "1" * 40),
        "stages.alpha.signoffs.roles.CTO: 0x1111111111111111111111111111111111111111 is a placeholder: nobody has its "
        "key, so nobody signs as 'CTO'.",
    ),
    "a key that everybody has": (
        PLAN + OVERRIDES.replace(A, ANVIL),
        f"stages.alpha.overrides.roles.Lead: {ANVIL.lower()} is an account of anvil and Hardhat, whose key everybody "
        "has; this chain is real.",
    ),
    "an author without whom there are too few": (
        PLAN.replace("quorum = 1", f'quorum = 2\nauthors = {{ "ann@example.org" = "{A}" }}'),
        "stages.alpha.signoffs.quorum: 2 signatures are needed, and 1 can be given for a commit by ann@example.org.",
    ),
    "an author among those who override": (
        PLAN + OVERRIDES + f'authors = {{ "ann@example.org" = "{A}" }}\n',
        "stages.alpha.overrides.quorum: 2 signatures are needed, and 1 can be given for a commit by ann@example.org.",
    ),
    "kinds that the stage has nothing of": (
        PLAN + OVERRIDES + 'kinds = ["soak", "criteria"]\n',
        "stages.alpha.overrides.kinds: the stage has nothing of criteria, soak, so nothing can be overridden.",
    ),
}


@pytest.mark.parametrize(("plan", "remark"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_nobody_could_sign_or_everybody_is_a_contradiction(
    plan: str, remark: str, load_text: Callable[..., Rollout]
) -> None:
    assert remarks(load_text(plan), RemarkKind.CONTRADICTION) == [remark]


@pytest.mark.parametrize(
    ("more", "advice"),
    [
        ('valid_for = "3d"', "an override may count for 3d, but its judgement for 1d only"),
        ("quorum = 1", f"{A} alone may override and sign off, so one key leaves a stage that holds"),
    ],
    ids=["longer than the judgement", "one key"],
)
def test_what_is_worth_a_second_look(more: str, advice: str, load_text: Callable[..., Rollout]) -> None:
    told = remarks(load_text(f"{PLAN}{OVERRIDES}{more}\n"), RemarkKind.ADVICE)

    assert any(advice in each for each in told), told


def test_a_sound_plan_is_not_remarked_on(load_text: Callable[..., Rollout]) -> None:
    """Nor are development keys on a chain of one's own, where rehearsals sign."""
    for plan in (PLAN + OVERRIDES, PLAN.replace('network = "main"', 'network = "local"').replace(A, ANVIL)):
        for kind in (RemarkKind.CONTRADICTION, RemarkKind.ADVICE):
            assert remarks(load_text(plan), kind) == []


def test_the_development_accounts_are_those_of_the_mnemonic_that_everybody_knows() -> None:
    Account.enable_unaudited_hdwallet_features()
    words = "test test test test test test test test test test test junk"
    known = {Account.from_mnemonic(words, account_path=f"m/44'/60'/0'/0/{index}").address for index in range(10)}

    assert {each.lower() for each in known} == DEVELOPMENT
