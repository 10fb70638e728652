"""A database's URL is taken apart for people without its secrets; its kind and what refers to a chain are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rollout.core.database import DatabaseSettings, Tag, parts_of, shown_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://gate:hunter2@db.example:5432/ledger?sslmode=require", "postgresql://db.example:5432/ledger"),
        ("postgresql://db.example/ledger", "postgresql://db.example/ledger"),
        ("postgresql:///ledger", "postgresql:///ledger"),
    ],
)
def test_of_a_url_its_server_and_its_database_are_shown(url: str, shown: str) -> None:
    assert shown_of(*parts_of(url)) == shown


@pytest.mark.parametrize("url", ["postgresql://[hunter2/ledger", "postgresql://db.example:hunter2/ledger"])
def test_a_url_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="^is no database's URL$"):
        parts_of(url)


def settings(url: str) -> DatabaseSettings:
    return DatabaseSettings(name="d", url=url, shown="", folder=Path())


def test_a_file_of_sqlite_is_told_by_its_url() -> None:
    assert settings("sqlite:///a.db").is_sqlite
    assert not settings("postgresql://db.example/a").is_sqlite


def test_columns_that_refer_to_a_chain_are_told_by_what_they_hold() -> None:
    whole = Tag(column="env", networks={}, chain_id="c", contract="a", transaction="t")

    assert whole.references == {"chain_id": "c", "contract": "a", "transaction": "t"}
    assert Tag(column="env", networks={}, contract="a").references == {"contract": "a"}
