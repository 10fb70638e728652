"""Databases opened for reading alone, by force of the database itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.errors import StoreError, listed, suggestion

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_INSTALL = "pip install 'pytest-rollout[sql]'"
_OPCODES = 10_000
MOST_ROWS = 100_000
"""A question of a test is answered with so many rows at most."""


def needs(name: str) -> StoreError:
    """A part of the extra ``sql`` is not there."""
    return StoreError(f"databases need {name}, which is not installed. Run: {_INSTALL}")


def file_of(settings: DatabaseSettings) -> Path:
    """The file of a SQLite database; raises ``StoreError`` where there is none, for none is ever made."""
    path = settings.folder / unquote(settings.url.partition("://")[2][1:])
    if not path.is_file():
        raise StoreError(f"database {settings.name}: no file {settings.shown}; correct its url.")
    return path


def engine_of(settings: DatabaseSettings) -> Engine:
    """Connections that cannot write: a file opened read-only, a server told so in every session."""
    if settings.is_sqlite:
        return sqlite_engine(file_of(settings), settings.timeout.total_seconds(), mode="ro")
    seconds = settings.timeout.total_seconds()
    return postgresql_engine(settings.url, seconds, namespace=settings.namespace, read_only=True)


def sqlite_engine(path: Path, seconds: float, *, mode: str) -> Engine:
    """Connections to a file; a question that takes longer is interrupted, no other file is ever attached."""
    sqlalchemy = _sqlalchemy()

    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=seconds, check_same_thread=False, isolation_level=None)
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, _OPCODES)
        connection.set_authorizer(_alone)
        return connection

    engine: Engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.NullPool)
    return engine


def _alone(action: int, file: object, *_: object) -> int:
    """No other file; VACUUM attaches one without a name."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH and file else sqlite3.SQLITE_OK


def postgresql_engine(url: str, seconds: float, *, read_only: bool, namespace: str = "") -> Engine:
    """Connections to a server; in a read-only session every transaction is one, of one moment.

    ``namespace`` is where unqualified names are looked for, the server's own search path if empty.
    """
    sqlalchemy = _sqlalchemy()
    options = f"-c statement_timeout={int(seconds * 1000)} -c idle_in_transaction_session_timeout=600000"
    if namespace:
        options += f" -c search_path={namespace}"
    if read_only:
        options += " -c default_transaction_read_only=on"
    try:
        engine: Engine = sqlalchemy.create_engine(
            sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=sqlalchemy.NullPool,
            isolation_level="REPEATABLE READ" if read_only else "AUTOCOMMIT",
            connect_args={"connect_timeout": max(2, int(seconds)), "options": options, "prepare_threshold": None},
            execution_options={"postgresql_readonly": True} if read_only else {},
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise needs("psycopg") from None
    return engine


@contextmanager
def connected(engine: Engine, settings: DatabaseSettings) -> Iterator[Connection]:
    """One connection and one moment of the database; the database's own refusals become ``StoreError``."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - loaded by now

    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"database {settings.name} at {settings.shown}: {reason(error)}") from None
    finally:
        engine.dispose()


@contextmanager
def reading(settings: DatabaseSettings) -> Iterator[Connection]:
    """The declared database at one moment, read-only."""
    with connected(engine_of(settings), settings) as connection:
        if settings.is_sqlite:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        yield connection


def reason(error: Exception) -> str:
    """The database's own first line; statements and parameters stay out."""
    text = str(getattr(error, "orig", None) or type(error).__name__).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    return f"the database refused: {first[:300]}."


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy  # noqa: PLC0415 - an extra, and half a second
    except ModuleNotFoundError:
        raise needs("SQLAlchemy") from None
    return sqlalchemy


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


class Databases(Mapping[str, Database]):
    """The declared databases by name."""

    def __init__(self, declared: Mapping[str, DatabaseSettings]) -> None:
        self._declared = declared

    def __getitem__(self, name: str) -> Database:
        if name not in self._declared:
            raise StoreError(
                f"no database '{name}'; the plan has {listed(self._declared)}.{suggestion(name, self._declared)}"
            )
        return Database(self._declared[name])

    def __getattr__(self, name: str) -> Database:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)
