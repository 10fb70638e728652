"""Who has signed for a judgement, and why a signature does not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_rollout.core.errors import EvidenceError, LedgerError
from pytest_rollout.core.records import Record, Recorded
from pytest_rollout.core.signoff import (
    Answer,
    Signoff,
    SignoffPolicy,
    Standing,
    Statement,
    answer,
    moment_of,
    statement_for,
)

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
ANN, BEN, EVE = ("0x" + digit * 40 for digit in "abe")
POLICY = SignoffPolicy(roles={"Security Lead": ANN, "CTO": BEN}, quorum=2, chain_id=1, authors={"ann@example.org": ANN})
WANTED = Statement(rollout="toy", stage="beta", judgement="11" * 32, role="", expires=0)


def signoff(role: str = "CTO", signer: str = BEN, **about: Any) -> Signoff:
    said = {key: about.pop(key) for key in ("rollout", "stage", "judgement", "verdict", "expires") if key in about}
    usual: dict[str, Any] = {"role": role, "expires": int((NOW + timedelta(days=3)).timestamp())}
    statement = replace(WANTED, **(usual | said))
    fields: dict[str, Any] = {"entry": 4, "signer": signer, "signature": "0x", "at": NOW - timedelta(hours=1)}
    return Signoff(statement=statement, **(fields | about))


def asked(*signoffs: Signoff, policy: SignoffPolicy = POLICY, author: str = "ben@example.org", why: str = "") -> Answer:
    recorded = [Recorded(sequence=index, value=each) for index, each in enumerate(signoffs, 5)]
    return answer(policy, recorded, wanted=WANTED, entry=4, author=author, now=NOW, verify=lambda _: why)


def test_every_role_that_is_needed_has_to_sign() -> None:
    """One of two is not two (rule 34)."""
    assert not asked(signoff()).is_given
    assert asked(signoff(), signoff("Security Lead", ANN)).is_given
    assert [each.role for each in asked(signoff()).owed] == ["Security Lead"]


def test_a_quorum_is_enough() -> None:
    assert asked(signoff(), policy=replace(POLICY, quorum=1)).is_given


def test_two_signatures_of_one_role_are_one() -> None:
    """Signing twice makes no second person."""
    assert not asked(signoff(), signoff()).is_given


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"signer": EVE}, f"was signed for by {EVE}, the plan names {BEN}"),
        ({"verdict": "hold"}, "signed for 'hold', not for promote"),
        ({"expires": int(NOW.timestamp())}, "signed, but that expired on 2031-05-04T12:00:00+00:00"),
        (
            {"at": NOW + timedelta(seconds=1)},
            "signed at 2031-05-04T12:00:01+00:00, which is in the future: a clock is wrong",
        ),
        (
            {"expires": int((NOW + timedelta(days=15)).timestamp())},
            "signed for longer than the 14 days, 0:00:00 that the plan allows",
        ),
        ({"verdict": "hold" * 6}, "signed for 'holdholdholdholdhold', not for promote"),
        ({"judgement": "22" * 32}, "has not signed"),
        ({"stage": "alpha"}, "has not signed"),
        ({"rollout": "other"}, "has not signed"),
        ({"entry": 3}, "has not signed"),
        ({"revoked": True}, "took the signature back on 2031-05-04"),
    ],
    ids=[
        "key",
        "verdict",
        "expired",
        "future",
        "too long",
        "a long verdict",
        "judgement",
        "stage",
        "rollout",
        "visit",
        "revoked",
    ],
)
def test_a_signature_counts_for_what_it_was_given_for_and_nothing_else(about: dict[str, Any], why: str) -> None:
    """Bound to ledger, rollout, stage, visit and judgement; it expires and can be taken back (rule 33)."""
    standing = next(each for each in asked(signoff(**about)).roles if each.role == "CTO")

    assert not standing.counts
    assert standing.why == why


def test_what_the_cryptography_says_decides_last() -> None:
    assert asked(signoff(), why="was signed by somebody else").roles[1].why == "was signed by somebody else"


def test_the_cryptography_is_asked_about_the_signature_itself() -> None:
    given, seen = signoff(), []
    recorded = [Recorded(sequence=5, value=given)]

    answer(POLICY, recorded, wanted=WANTED, entry=4, author="x", now=NOW, verify=lambda each: seen.append(each) or "")

    assert seen == [given]


@pytest.mark.parametrize(
    "about",
    [{"at": NOW}, {"expires": int((NOW + timedelta(days=14) - timedelta(hours=1)).timestamp())}],
    ids=["signed this moment", "for as long as is allowed"],
)
def test_a_signature_at_the_edge_of_what_is_allowed_counts(about: dict[str, Any]) -> None:
    given = signoff(**about)

    assert asked(given).roles[1] == Standing(role="CTO", address=BEN, counts=True, why="", signoff=given)


@pytest.mark.parametrize(
    ("author", "why"),
    [
        ("ann@example.org", "is the author of the judged commit, who may not sign for it"),
        ("", "cannot be told from the author of the judged commit: git names none"),
    ],
)
def test_why_an_author_may_not_sign_is_told(author: str, why: str) -> None:
    assert asked(signoff("Security Lead", ANN), author=author).roles[0].why == why


@pytest.mark.parametrize(("seconds", "year"), [(-5, 1970), (0, 1970), (10**15, 9999)])
def test_a_moment_that_no_calendar_holds_is_its_nearest_end(seconds: int, year: int) -> None:
    assert moment_of(seconds).year == year
    assert moment_of(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_newest_record_of_a_role_decides() -> None:
    """A signature after a revocation counts again, one before it does not."""
    revoked = signoff(revoked=True)

    assert not asked(signoff(), revoked).roles[1].counts
    assert asked(revoked, signoff()).roles[1].counts


@pytest.mark.parametrize(("author", "counts"), [("Ann@Example.org", False), ("ben@example.org", True), ("", False)])
def test_nobody_signs_for_a_commit_of_their_own(author: str, counts: bool) -> None:
    """Where the plan says whose key is whose (rule 34); an author nobody can name is no clean sheet."""
    assert asked(signoff("Security Lead", ANN), author=author).roles[0].counts is counts


def test_a_record_is_read_back_as_it_was_written() -> None:
    made = signoff(person="Ben", contract=True, verdict="promote by override")

    assert Signoff.read(Record(made.document(), "ledger entry 5")) == made
    with pytest.raises(LedgerError, match="ledger entry 5: no 'signer'"):
        Signoff.read(Record({k: v for k, v in made.document().items() if k != "signer"}, "ledger entry 5"))


def test_the_typed_data_says_everything_that_is_signed_for() -> None:
    """A wallet shows it: domain with chain and ledger, message with what it is about."""
    data = signoff().statement.typed_data(ledger_id="ab" * 16, chain_id=42161)

    assert data["domain"] == {
        "name": "pytest-rollout sign-off",
        "version": "1",
        "chainId": 42161,
        "salt": "0x" + "00" * 16 + "ab" * 16,
    }
    assert data["primaryType"] == "SignOff"
    assert [*data["types"]] == ["EIP712Domain", "SignOff"]
    assert [each["name"] for each in data["types"]["EIP712Domain"]] == [*data["domain"]]
    assert data["message"] == {
        "rollout": "toy",
        "stage": "beta",
        "verdict": "promote",
        "judgement": "0x" + "11" * 32,
        "role": "CTO",
        "expires": int((NOW + timedelta(days=3)).timestamp()),
    }
    assert {each["name"] for each in data["types"]["SignOff"]} == set(data["message"])


def test_a_role_is_asked_to_sign_for_as_long_as_the_plan_says() -> None:
    about: dict[str, Any] = {"rollout": "toy", "stage": "beta", "judgement": "11" * 32, "verdict": "hold", "now": NOW}

    assert statement_for(POLICY, role="CTO", **about) == Statement(
        rollout="toy",
        stage="beta",
        judgement="11" * 32,
        role="CTO",
        expires=int((NOW + POLICY.valid_for).timestamp()),
        verdict="hold",
    )
    with pytest.raises(EvidenceError, match="^no role 'CEO'$"):
        statement_for(POLICY, role="CEO", **about)
