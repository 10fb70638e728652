"""A table of a PostgreSQL server, or what a question to it answers, a record a row.

The server itself writes each row as JSON, so every integer, decimal and microsecond arrives as it stands there, and
no order of the server's is relied on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import DatabaseSettings, parts_of, shown_of
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.exact_json import exact_json
from pytest_rollout.core.record import Record
from pytest_rollout.core.store_check import StoreKind, StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

BATCH = 1000
"""So many rows are asked for together."""

_BYTES, _FLOATS = 17, {700, 701}
"""PostgreSQL's numbers of the types ``bytea``, ``real`` and ``double precision``, of domains over them as well."""


class SqlStore:
    """Rows with their columns, at one moment, in a session that cannot write; needs the extra ``sql``."""

    def __init__(self, settings: StoreSettings, database: DatabaseSettings) -> None:
        self._settings = settings
        self._database = database
        self._rows_of = settings.table or "query"

    @property
    def source(self) -> str:
        """The database without credentials, and the table."""
        return f"{self._database.shown}#{self._rows_of}"

    def records(self) -> Iterator[Record]:
        """A record a row; bytes are written in hex, fractions exactly as the server prints them."""
        from pytest_rollout.sql.opening import connected, postgresql_engine  # noqa: PLC0415 - for who has a server

        database, name = self._database, self._settings.name
        where = f"store {name}" if name.startswith(database.shown) else f"store {name} at {database.shown}"
        seconds = database.timeout.total_seconds()
        engine = postgresql_engine(database.url, seconds, read_only=True, namespace=database.namespace)
        with connected(engine, where) as connection:
            yield from self._rows(connection, where)

    def leftovers(self) -> Iterator[str]:
        """None: the server looks after its own files."""
        return iter(())

    def _rows(self, connection: Connection, where: str) -> Iterator[Record]:
        source = self._asked(connection, where)
        # Two statements in one are refused where one has a parameter, before any is run.
        none = f"SELECT * FROM {source} AS r LIMIT %s"  # noqa: S608 - the plan's own, in a session that cannot write
        with closing(connection.exec_driver_sql(none, (0,))) as first:
            described: Any = first.cursor
            columns = [(column.name, column.type_code) for column in described.description or ()]
        distinct(where, [name for name, _ in columns])
        quote = connection.dialect.identifier_preparer.quote_identifier
        shown = ", ".join(f"{_written(quote(name), kind)} AS {quote(name)}" for name, kind in columns)
        statement = f"SELECT row_to_json(j.*)::text FROM (SELECT {shown} FROM {source} AS r) AS j"  # noqa: S608 - as above
        streamed = connection.execution_options(stream_results=True, yield_per=BATCH)
        with closing(streamed.exec_driver_sql(statement)) as result:
            for number, text in enumerate(result.scalars(), 1):
                place = f"{self._rows_of} row {number}"
                try:
                    yield Record(place, exact_json(text))
                except ValueError as error:
                    yield Record(place, None, f"cannot be read exactly ({str(error)[:100]})")

    def _asked(self, connection: Connection, where: str) -> str:
        """What stands behind FROM, with signs that the driver would take for parameters written twice."""
        from pytest_rollout.sql.opening import known  # noqa: PLC0415 - loaded by now

        settings, schema = self._settings, self._database.namespace or None
        if settings.query:
            query = settings.query.strip().rstrip("; \n\t\r")
            return f"({query}\n)".replace("%", "%%")
        try:
            known(connection, settings.table, schema)
        except StoreError as error:
            raise StoreError(f"{where}: {error}") from None
        quote = connection.dialect.identifier_preparer.quote_identifier
        return ".".join(quote(each) for each in (schema, settings.table) if each)


def _written(name: str, kind: int) -> str:
    """A column in what becomes JSON: without this, bytes depend on a setting and 1.0 becomes an integer."""
    column = f"r.{name}"
    if kind == _BYTES:
        return f"'0x' || encode({column}, 'hex')"
    if kind in _FLOATS:
        return f"CASE WHEN {column} IS NOT NULL THEN json_build_object('decimal', {column}::text) END"
    return column


def distinct(where: str, columns: Sequence[str]) -> Sequence[str]:
    """The columns; raises ``StoreError`` where there are none, or two have one name."""
    if not columns:
        raise StoreError(f"{where}: its rows have no columns.")
    for name in columns:
        if columns.count(name) > 1:
            raise StoreError(f"{where}: gives two columns of the name '{name}'; name each apart.")
    return columns


def named_on_a_server(name: str, folder: Path, environment: Mapping[str, str]) -> StoreSettings | None:
    """The store that ``postgresql://…#table`` or ``env:NAME#table`` means, None for what is no such name.

    ``#schema.table`` names a schema too. Raises ``StoreError``, which repeats nothing of a URL.
    """
    url, _, table = name.rpartition("#") if "#" in name else (name, "", "")
    if url.startswith("env:"):
        variable = url.removeprefix("env:")
        url = environment.get(variable, "")
        if not url:
            raise StoreError(f"{name}: the variable {variable} is not set; it is to hold postgresql://…")
    elif not url.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return None
    try:
        parts, port = parts_of(url)
    except ValueError as error:
        raise StoreError(f"a store {error}; write postgresql://HOST/DATABASE#TABLE.") from None
    shown = shown_of(parts, port)
    if not parts.scheme.startswith("postgres") or not table:
        raise StoreError(f"{shown} names no table of a PostgreSQL; write postgresql://HOST/DATABASE#TABLE.")
    namespace, _, table = table.rpartition(".")
    if namespace and not namespace.isidentifier():
        raise StoreError(f"{shown}: '{namespace}' is no plain name of a schema; declare the store in a plan.")
    rest = url.partition("://")[2]
    database = DatabaseSettings(name=shown, url=f"postgresql://{rest}", shown=shown, folder=folder, namespace=namespace)
    return StoreSettings(name=f"{shown}#{table}", kind=StoreKind.SQL, table=table, database=database)
