"""Which key signs judgements, as a plan names it."""

from __future__ import annotations

import pytest

PLAN = """
[rollout]
name = "takumi"
environment = ["CI_KEY"]

[[stages.alpha.checklist]]
text = "x"

[attestation]
"""


def test_a_file_lies_beside_the_plan_and_other_keys_are_as_they_are_written(load_text) -> None:
    """Nobody reads it before a run has ended, so it need not be there."""
    rollout = load_text(PLAN + 'key = "keys/ci.pem"\npassword_env = "PIN"\n')
    settings = rollout.attestation

    assert settings.key == str(rollout.folder / "keys/ci.pem")
    assert (settings.public_key, settings.password_env) == (None, "PIN")
    elsewhere = load_text(PLAN + 'key = "hsm:2"\npublic_key = "ci.pub"\n').attestation
    assert (elsewhere.key, elsewhere.public_key) == ("hsm:2", rollout.folder / "ci.pub")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('key = "env:CI_KEY"', "names a variable of rollout.environment, which the tests get"),
        ('key = "a.pem"\npassword_env = "CI_KEY"', "names a variable of rollout.environment, which the tests get"),
        ('key = "-----BEGIN PRIVATE KEY-----"', "holds a key itself; name its file, or env:NAME"),
        ("", "'key' is missing"),
        ('key = "a.pem"\nkeys = "b"', "no key 'keys'"),
    ],
    ids=["the tests' variable", "the tests' password", "a key", "no key", "typo"],
)
def test_a_mistake_is_one_sentence(sentence_of, more: str, sentence: str) -> None:
    assert sentence in sentence_of(f"{PLAN}{more}\n")
