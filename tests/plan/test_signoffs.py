"""Who must sign, as a plan writes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

PLAN = """
[rollout]
name = "takumi"

[networks.main]
kind = "tester"
chain_id = 42161

[stages.alpha]
network = "main"

[stages.alpha.signoffs]
roles = { "Security Lead" = "0xAAaaAaaAaaaAaaAAaAaaAAaAAAaAaAaAaAAaaaAA", CTO = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" }
"""
A, B = "0x" + "a" * 40, "0x" + "b" * 40


def test_roles_keys_and_what_wallets_are_shown(load_text) -> None:
    """All of them, for two weeks, on the stage's own chain, unless it says otherwise."""
    policy = load_text(PLAN).stage("alpha").signoffs

    assert (dict(policy.roles), policy.quorum) == ({"Security Lead": A, "CTO": B}, 2)
    assert (policy.chain_id, policy.valid_for) == (42161, timedelta(days=14))


def test_what_a_plan_may_say_otherwise(load_text) -> None:
    more = f'quorum = 1\nvalid_for = "36h"\nchain_id = 1\nauthors = {{ "Ann@Example.org" = "{A}" }}\n'
    policy = load_text(PLAN + more).stage("alpha").signoffs

    assert (policy.quorum, policy.valid_for, policy.chain_id) == (1, timedelta(hours=36), 1)
    assert policy.authors == {"ann@example.org": A}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("0x" + "b" * 40, "0x" + "A" * 40, "is the key of 'Security Lead' too; one key is one person"),
        ("0x" + "b" * 40, "0x" + "b" * 39, "is nobody's address"),
        ("0x" + "b" * 40, "0x" + "0" * 40, "is nobody's address"),
        ("CTO =", '" " =', "is no role"),
        ("[stages.alpha.signoffs]\n", "[stages.alpha.signoffs]\nquorum = 3\n", "is more than the 2 roles there are"),
        ("[stages.alpha.signoffs]\n", "[stages.alpha.signoffs]\nquorum = 0\n", "is out of range"),
        ("[stages.alpha.signoffs]\n", "[stages.alpha.signoffs]\nquorem = 1\n", "Did you mean 'quorum'?"),
        (
            "[stages.alpha.signoffs]\n",
            '[stages.alpha.signoffs]\nauthors = { ann = "0x' + "a" * 40 + '" }\n',
            "no e-mail",
        ),
    ],
    ids=["one key twice", "short", "zero", "role", "quorum", "no quorum", "typo", "author"],
)
def test_a_mistake_is_one_sentence(sentence_of, old: str, new: str, sentence: str) -> None:
    assert old in PLAN
    assert sentence in sentence_of(PLAN.replace(old, new))
