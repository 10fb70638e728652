"""The databases that a plan declares, opened for reading alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.declared import Declared
from pytest_rollout.core.errors import StoreError
from pytest_rollout.sql import opening
from pytest_rollout.sql.files import as_it_is
from pytest_rollout.sql.opening import postgresql_engine, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MOST_ROWS = 100_000
"""A question of a test is answered with so many rows at most."""


def file_of(settings: DatabaseSettings) -> Path:
    """The file of a SQLite database; raises ``StoreError`` where there is none, for none is ever made."""
    path = settings.folder / unquote(settings.url.partition("://")[2][1:])
    if not path.is_file():
        raise StoreError(f"database {settings.name}: no file {settings.shown}; correct its url.")
    return path


@contextmanager
def reading(settings: DatabaseSettings) -> Iterator[Connection]:
    """The declared database at one moment, read-only; the database's own refusals become ``StoreError``."""
    seconds = settings.timeout.total_seconds()
    if not settings.is_sqlite:
        engine = postgresql_engine(settings.url, seconds, namespace=settings.namespace, read_only=True)
        with connected(engine, settings) as connection:
            yield connection
        return
    with (
        as_it_is(file_of(settings), f"database {settings.name} at {settings.shown}") as uri,
        connected(sqlite_engine(uri, seconds), settings) as connection,
    ):
        connection.exec_driver_sql("PRAGMA query_only = ON")
        yield connection


def connected(engine: Engine, settings: DatabaseSettings) -> AbstractContextManager[Connection]:
    """One connection and one moment of a database, or of a copy of it."""
    return opening.connected(engine, f"database {settings.name} at {settings.shown}")


class Database:
    """One declared database for tests: its rows, read-only."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    @property
    def source(self) -> str:
        """Its URL without credentials."""
        return self._settings.shown

    def query(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question as tables, ``:name`` taken from ``parameters``; raises ``StoreError``."""
        with reading(self._settings) as connection:
            from sqlalchemy import text  # noqa: PLC0415 - loaded by now

            result = connection.execute(text(statement), parameters)
            if not result.returns_rows:
                raise StoreError(f"database {self._settings.name}: this is no question; write a SELECT.")
            rows = result.mappings().fetchmany(MOST_ROWS + 1)
            if len(rows) > MOST_ROWS:
                raise StoreError(f"database {self._settings.name}: more than {MOST_ROWS} rows; let it aggregate them.")
            return [dict(row) for row in rows]


class Databases(Declared[DatabaseSettings, Database]):
    """The declared databases by name."""

    what, error = "database", StoreError

    def __init__(self, declared: Mapping[str, DatabaseSettings]) -> None:
        super().__init__(declared, Database)
