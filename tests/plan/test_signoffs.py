"""Who must sign, as a plan writes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytest_rollout.core.outcome import Kind
from pytest_rollout.core.override import OVERRIDABLE

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


OVERRIDES = (
    PLAN
    + f"""
[[stages.alpha.checklist]]
text = "Audit letter"

[stages.alpha.overrides]
roles = {{ CTO = "{A}" }}
"""
)


def test_who_may_override_and_what(load_text) -> None:
    """Every kind that may be at all, for a day, by those whom the plan names; nobody where it says nothing."""
    assert load_text(PLAN).stage("alpha").overrides is None
    policy = load_text(OVERRIDES).stage("alpha").overrides

    assert (dict(policy.signers.roles), policy.signers.quorum) == ({"CTO": A}, 1)
    assert (policy.signers.chain_id, policy.signers.valid_for) == (42161, timedelta(days=1))
    assert policy.kinds == OVERRIDABLE
    assert policy.never == ()


def test_a_plan_narrows_what_may_be_overridden(load_text) -> None:
    more = 'kinds = ["soak", "checklist"]\nnever = ["Audit letter", "a.py::test_x"]\nvalid_for = "1h"\n'
    policy = load_text(OVERRIDES + more).stage("alpha").overrides

    assert policy.kinds == (Kind.SOAK, Kind.CHECKLIST)
    assert policy.never == ("Audit letter", "a.py::test_x")


def test_authors_who_may_not_sign_may_not_override_either(load_text) -> None:
    """Unless the section says itself whose key is whose."""
    plan = OVERRIDES.replace(
        "[stages.alpha.signoffs]\n", f'[stages.alpha.signoffs]\nauthors = {{ "a@x.org" = "{B}" }}\n'
    )

    assert load_text(plan).stage("alpha").overrides.signers.authors == {"a@x.org": B}
    own = load_text(plan + f'authors = {{ "b@x.org" = "{A}" }}\n').stage("alpha").overrides
    assert own.signers.authors == {"b@x.org": A}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('kinds = ["run"]', "kind 'run' is never overridden, it says whether the gate looked at all"),
        ('kinds = ["network"]', "kind 'network' is never overridden"),
        ('kinds = ["criterias"]', "no kind 'criterias'"),
        ("kinds = []", "allows none, so nothing can be overridden; leave the section out"),
        ('never = ["Audit leter"]', "names nothing that stage alpha declares"),
        ('never = ["*"]', "names nothing that stage alpha declares"),
        ("quorum = 2", "is more than the 1 roles there are"),
        ("allowed = true", "no key 'allowed'"),
    ],
    ids=["run", "network", "typo", "none", "never what is not there", "wildcard", "quorum", "key"],
)
def test_a_mistake_about_overrides_is_one_sentence(sentence_of, more: str, sentence: str) -> None:
    assert sentence in sentence_of(f"{OVERRIDES}{more}\n")
