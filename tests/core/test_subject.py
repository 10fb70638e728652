"""What a judgement is about: read back as written, and named where it moved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.records import Record
from pytest_rollout.core.subject import Deployed, Subject, moved, moved_contracts

VAULT = Deployed(address="0x11", code_hash="0xaa", implementation="0x22", implementation_code_hash="0xbb")
SUBJECT = Subject(
    commit="c",
    committed=True,
    plan_digest="1",
    suite_digest="2",
    packages_digest="3",
    chain_id=2**200,
    block=7,
    block_hash="0x7",
    contracts={"Vault": VAULT},
    flags={"swap": "f"},
    engines={"reference": "x==1"},
    packages={"web3": "8.0"},
)
NAMES = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=4)


def test_a_subject_reads_back_as_it_was_written() -> None:
    assert Subject.read(Record(SUBJECT.document(), "here")) == SUBJECT


def test_a_subject_recorded_without_the_world_is_read() -> None:
    """The first judgements did not say what the chain, the flags and the engines were."""
    document = {key: value for key, value in SUBJECT.document().items() if key.startswith(("c", "p", "s", "n"))}
    del document["chain_id"]

    assert Subject.read(Record(document, "here")).contracts == {}


@pytest.mark.parametrize("written", ["", "-1", "1.0", "٣", "0x1", "9" * 79], ids=str)
def test_a_chain_id_that_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(LedgerError, match="'chain_id' is"):
        Subject.read(Record(SUBJECT.document() | {"chain_id": written}, "here"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"address": "0x12"}, "contract Vault: its address was 0x11 and is 0x12 now"),
        ({"code_hash": ""}, "contract Vault: its code hash was 0xaa and is none now"),
        ({"implementation": "0x23"}, "contract Vault: its implementation was 0x22 and is 0x23 now"),
        (
            {"implementation_code_hash": "0xb"},
            "contract Vault: its code hash of the implementation was 0xbb and is 0xb",
        ),
    ],
    ids=["address", "no code", "implementation", "code behind"],
)
def test_a_contract_that_moved_is_named(changes: dict[str, str], told: str) -> None:
    (change,) = moved_contracts({"Vault": VAULT}, {"Vault": replace(VAULT, **changes)})

    assert change.startswith(told)


def test_a_contract_that_comes_or_goes_is_named() -> None:
    assert list(moved_contracts({"Vault": VAULT}, {"Safe": VAULT})) == [
        "contract Safe was not there when it was judged",
        "contract Vault was there when it was judged",
    ]


@given(NAMES, NAMES)
def test_nothing_moved_exactly_where_all_is_equal(then: dict[str, str], now: dict[str, str]) -> None:
    for what in ("flags", "engines"):
        changes = list(moved(replace(SUBJECT, **{what: then}), replace(SUBJECT, **{what: now})))

        assert bool(changes) == (then != now)


def test_many_changes_are_counted() -> None:
    then = {f"p{number}": "1" for number in range(8)}
    (change,) = moved(replace(SUBJECT, packages=then), replace(SUBJECT, packages={}, packages_digest="4"))

    assert change.endswith(
        ": p0 is gone (was 1); p1 is gone (was 1); p2 is gone (was 1); p3 is gone (was 1); p4 is gone (was 1); and 3 more"
    )
    for kept, told in ((3, "p4 is gone (was 1)"), (2, "p4 is gone (was 1); and 1 more")):
        left = dict.fromkeys(list(then)[-kept:], "1")
        (change,) = moved(replace(SUBJECT, packages=then), replace(SUBJECT, packages=left, packages_digest="4"))
        assert change.endswith(told)


CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "no plan any more": ({"plan_digest": ""}, "the plan changed since the judgement (1 to none)"),
    "another suite": ({"suite_digest": "4" * 20}, f"the suite changed since the judgement (2 to {'4' * 12})"),
    "packages": ({"packages_digest": "4"}, "the installed packages changed since the judgement (3 to 4)"),
    "a network": ({"network": "n"}, "judged on network '' (no kind), the stage's is now 'n' (no kind)"),
    "a suite, and packages that only the lock names": (
        {"suite_digest": "4", "packages": {}}, "the suite changed since the judgement (2 to 4)",
    ),
    "a long flag": (
        {"flags": {"swap": "g" * 30}}, f"1 flags moved since the judgement: swap f to {'g' * 19}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), CHANGES.values(), ids=CHANGES)
def test_what_moved_is_told_in_a_clause(changes: dict[str, object], told: str) -> None:
    assert list(moved(SUBJECT, replace(SUBJECT, **changes))) == [told]


def test_what_was_not_there_before_is_told_as_none() -> None:
    bare = replace(SUBJECT, plan_digest="")

    assert list(moved(bare, SUBJECT)) == ["the plan changed since the judgement (none to 1)"]
    assert list(moved_contracts({"Vault": replace(VAULT, code_hash="")}, {"Vault": VAULT})) == [
        "contract Vault: its code hash was none and is 0xaa now"
    ]


def test_the_code_that_artifacts_put_on_a_chain_is_named_where_it_moved() -> None:
    """Before the digest of the suite, which covers it as well and names nothing."""
    then, now = (replace(SUBJECT, suite_digest=each, artifacts={"Vault": f"0x{each}", "Kept": "0x1"}) for each in "23")

    assert next(moved(then, now)) == "the code of 1 contract moved since the judgement: Vault 0x2 to 0x3"
    assert next(moved(then, replace(then, artifacts={}))) == (
        "the code of 2 contracts moved since the judgement: Kept is gone (was 0x1); Vault is gone (was 0x2)"
    )
    assert Subject.read(Record(then.document(), "here")) == then
    assert "artifacts" not in SUBJECT.document()
