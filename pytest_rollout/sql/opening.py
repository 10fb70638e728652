"""Connections that cannot write, by force of the database itself: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import StoreError, listed, suggestion
from pytest_rollout.sql.files import Allowed, connect

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_INSTALL = "pip install 'pytest-rollout[sql]'"
_EXACT = {
    "client_encoding": "UTF8",
    "extra_float_digits": "3",  # fewer, and two floats are written as one
    "IntervalStyle": "iso_8601",
    "row_security": "off",  # rows that a policy hides are an error and not a smaller table
    "TimeZone": "UTC",
}
"""What a server's owner may have set otherwise for a role or a database, and a look must not depend on."""


def needs(name: str) -> StoreError:
    """A part of the extra ``sql`` is not there."""
    return StoreError(f"databases need {name}, which is not installed. Run: {_INSTALL}")


def sqlalchemy() -> Any:
    """The library, where it is installed."""
    try:
        import sqlalchemy as library  # noqa: PLC0415 - an extra, and half a second
    except ModuleNotFoundError:
        raise needs("SQLAlchemy") from None
    return library


def sqlite_engine(uri: str, seconds: float) -> Engine:
    """Connections to a file by its URI; a question that takes longer is interrupted, no other file is ever attached."""
    library = sqlalchemy()
    engine: Engine = library.create_engine(
        "sqlite://", creator=lambda: connect(uri, seconds), poolclass=library.NullPool
    )
    return engine


def postgresql_engine(url: str, seconds: float, *, read_only: bool, namespace: str = "") -> Engine:
    """Connections to a server; in a read-only session every transaction is one, of one moment, and sees every row.

    ``namespace`` is where unqualified names are looked for, the server's own search path if empty.
    """
    library = sqlalchemy()
    settings = {"statement_timeout": str(int(seconds * 1000)), "idle_in_transaction_session_timeout": "600000"}
    if namespace:
        settings["search_path"] = namespace
    if read_only:
        settings |= {"default_transaction_read_only": "on"} | _EXACT
    try:
        engine: Engine = library.create_engine(
            library.make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=library.NullPool,
            isolation_level="REPEATABLE READ" if read_only else "AUTOCOMMIT",
            connect_args={
                "connect_timeout": max(2, int(seconds)),
                "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
                "prepare_threshold": None,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 4,
            },
            execution_options={"postgresql_readonly": True} if read_only else {},
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise needs("psycopg") from None
    return engine


@contextmanager
def connected(engine: Engine, where: str, *, allowed: Allowed | None = None) -> Iterator[Connection]:
    """One connection and one moment of the database; its own refusals become a ``StoreError`` that ``where`` begins."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - loaded by now

    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                if allowed is not None:
                    database: Any = connection.connection.driver_connection
                    database.set_authorizer(allowed)
                connection.exec_driver_sql("BEGIN")
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"{where}: {reason(error)}") from None
    finally:
        engine.dispose()


def known(connection: Connection, name: str, schema: str | None) -> None:
    """Raises ``StoreError`` where there is no such table or view."""
    inspector = sqlalchemy().inspect(connection)
    there = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
    if connection.dialect.name == "postgresql":
        there += inspector.get_materialized_view_names(schema=schema)
        there += inspector.get_foreign_table_names(schema=schema)
    if name not in there:
        raise StoreError(f"there is no table '{name}'; there are {listed(there)}.{suggestion(name, there)}")


def reason(error: Exception) -> str:
    """The database's own first line; statements and parameters stay out."""
    text = str(getattr(error, "orig", None) or type(error).__name__).strip()
    if text == "not authorized":
        return "more was asked than to read this one database (not authorized); write one SELECT."
    first = text.splitlines()[0] if text else type(error).__name__
    return f"the database refused: {first[:300]}."
