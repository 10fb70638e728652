"""A database's finding: spellings of SQL that mean the same, and nothing believed that was not recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.database import Column, DatabaseSettings, Migrations, Structure, Tag
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.sql_words import is_default, type_name

OWN = DatabaseSettings(name="own", url="sqlite:///x.db", shown="sqlite:///x.db", folder=Path())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INT", "integer"),
        ("serial", "INTEGER"),
        ("numeric(78)", "NUMERIC(78, 0)"),
        ("decimal(10,2)", "numeric( 10 , 2 )"),
        ("character varying(20)", "VARCHAR(20)"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("timestamp", "TIMESTAMP WITHOUT TIME ZONE"),
        ("timestamp(6) with time zone", "timestamptz(6)"),
        ("text[]", "TEXT[]"),
        ("float8", "double precision"),
    ],
)
def test_types_that_are_the_same(one: str, other: str) -> None:
    assert type_name(one) == type_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("integer", "bigint"), ("varchar(20)", "varchar"), ("numeric", "numeric(78)"), ("text", "text[]"), ("timestamp", "timestamptz")],
)  # fmt: skip
def test_types_that_are_not(one: str, other: str) -> None:
    assert type_name(one) != type_name(other)


@pytest.mark.parametrize(
    ("wanted", "seen", "is_same"),
    [
        ("testnet", "'testnet'::character varying", True),
        ("'testnet'", "'testnet'", True),
        ("it's", "'it''s'::text", True),
        ("0", "((0)::numeric)", True),
        ("true", "TRUE", True),
        ("now()", "CURRENT_TIMESTAMP", True),
        ("NULL", None, True),
        ("NULL", "NULL::character varying", True),
        ("testnet", "'mainnet'", False),
        ("testnet", "'TESTNET'", False),
        ("NULL", "'NULL'", False),
        ("0", None, False),
        ("(1) + (2)", "1) + (2", False),
    ],
)
def test_defaults_compare_without_what_a_database_adds(wanted: str, seen: str | None, is_same: bool) -> None:
    assert is_default(wanted, seen) is is_same


SEEN = {"rows": 2, "tags": {"a": 2}, "wrong": 0, "unsure": 0, "listed": []}
NOT_UNDERSTOOD: dict[str, tuple[dict[str, Any], Any]] = {
    "nothing": ({"structure": Structure(columns={"a": Column(type="int")})}, None),
    "no structure": ({"structure": Structure(columns={"a": Column(type="int")})}, {}),
    "tags that are not the rows": ({"tag": Tag(column="t", networks={})}, {"tag": SEEN | {"rows": 3}}),
    "a negative count": ({"tag": Tag(column="t", networks={})}, {"tag": SEEN | {"wrong": -1}}),
    "no migration recorded": ({"migrations": Migrations()}, {}),
    "drift that is none": ({"models": "a:b"}, {"drift": "none"}),
    "no revision at all": ({"revisions": Path()}, {"revisions": {"current": [], "heads": []}}),
}


@pytest.mark.parametrize(("about", "value"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_what_was_not_recorded_is_no_pass(about: dict[str, Any], value: Any) -> None:
    check = DatabaseCheck(name="it", database=OWN, table="t", **about)

    assert check.judge("item", Observation(item="item", value=value)).outcome is Outcome.ERROR


def test_applied_must_be_said() -> None:
    """A truthy word of a recorder is no yes."""
    value = {"migrations": {"files": [{"name": "1.sql", "risks": []}], "applied": "yes", "error": ""}}
    check = DatabaseCheck(name="it", database=OWN, migrations=Migrations())

    assert check.judge("item", Observation(item="item", value=value)).outcome is not Outcome.PASS


def test_what_came_from_the_environment_is_not_repeated() -> None:
    """The recorder's words are cleaned in the same way, so both still compare."""
    check = DatabaseCheck(
        name="it",
        database=OWN,
        table="t",
        structure=Structure(columns={"a": Column(default="hunter22")}, checks=("a <> 'hunter22'",)),
        tag=Tag(column="a", networks={"hunter22": "main"}, chain_id="c"),
    )

    cleaned = check.redacted(lambda value: value.replace("hunter22", "<X>") if isinstance(value, str) else value)

    assert "hunter22" not in repr(cleaned)
    assert cleaned.structure.columns["a"].default == "<X>"
