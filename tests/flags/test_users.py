"""One spelling for each user."""

from __future__ import annotations

import pytest

from pytest_rollout.core.errors import FlagError
from pytest_rollout.flags.users import canonical_user, synthetic_users

CHECKSUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
LOWER = CHECKSUM.lower()


def spellings(address):
    digits = address[2:]
    return [
        address,
        f"0x{digits.upper()}",
        f"0X{digits.upper()}",
        digits,
        f" {address}\n",
        bytes.fromhex(digits),
    ]


@pytest.mark.parametrize("spelling", spellings(CHECKSUM), ids=str)
def test_every_spelling_of_an_address_becomes_one(spelling):
    assert canonical_user(spelling) == LOWER


@pytest.mark.parametrize("other", ["user-000001", "Alice", "ALICE", "0x5aAe", LOWER + "00", "0xZZ", ""])
def test_other_identifiers_keep_their_case(other):
    assert canonical_user(other) == other


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        (b"\x01\x02", "a user given as bytes has 20 of them, an address; here are 2."),
        (7, "a user is text or the 20 bytes of an address, not int 7."),
    ],
    ids=["short-bytes", "a-number"],
)
def test_what_is_no_user_is_refused(user, sentence):
    with pytest.raises(FlagError) as refused:
        canonical_user(user)

    assert str(refused.value) == sentence


def test_every_spelling_lands_in_the_same_bucket(write_flags, opened, by_stage):
    """Flagd hashes the key's bytes; without one spelling about half of these users would differ."""
    from openfeature.evaluation_context import EvaluationContext

    write_flags(profiles=by_stage(beta=50))
    client = opened("beta").client

    for user in synthetic_users(50):
        answers = {
            client.get_boolean_value("profiles", False, EvaluationContext(targeting_key=spelling))
            for spelling in spellings(user)
        }
        assert len(answers) == 1


def test_a_key_that_is_no_user_is_an_error_and_not_the_default_variant(write_flags, opened, by_stage):
    """Flagd alone would find no bucket and fall back without a word."""
    from openfeature.evaluation_context import EvaluationContext

    write_flags(profiles=by_stage(beta=50))
    details = opened("beta").client.get_boolean_details("profiles", False, EvaluationContext(targeting_key=b"1"))

    assert details.error_code == "GENERAL"
    assert details.error_message == "a user given as bytes has 20 of them, an address; here are 1."


def test_synthetic_users_are_the_same_every_time_distinct_and_canonical():
    users = synthetic_users(1000)

    assert users[:10] == synthetic_users(10)
    assert len(set(users)) == 1000
    assert all(canonical_user(user) == user for user in users)
