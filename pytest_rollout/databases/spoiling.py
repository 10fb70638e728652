"""A table of a copy spoilt on purpose, which is what a drill hands to the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import DatabaseSettings, Tag
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.faults import Fault
from pytest_rollout.databases.opening import connected, file_of
from pytest_rollout.databases.structure import tables
from pytest_rollout.sql.opening import known, postgresql_engine, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_UNKNOWN = "drilled"
"""A tag that stands for no network."""


def spoil(fault: Fault, copy: DatabaseSettings, table: str, checks: Sequence[DatabaseCheck]) -> bool:
    """Do it to the table in a database that is ours to spoil; False where there is nothing of the kind in it.

    Without a table it is the first one. Raises ``StoreError`` where the database refuses.
    """
    with _writing(copy) as connection:
        schema = copy.namespace or None
        name = table or next(iter(tables(connection, schema)), "")
        known(connection, name, schema)
        return _SPOILS[fault](_Table(connection, name, schema), checks)


@contextmanager
def _writing(copy: DatabaseSettings) -> Iterator[Connection]:
    seconds = copy.timeout.total_seconds()
    if copy.is_sqlite:
        engine = sqlite_engine(f"{file_of(copy).as_uri()}?mode=rw", seconds)
    else:
        engine = postgresql_engine(copy.url, seconds, namespace=copy.namespace, read_only=False)
    with connected(engine, copy) as connection:
        yield connection
        if copy.is_sqlite:
            connection.exec_driver_sql("COMMIT")


class _Table:
    """One table, and statements about it."""

    def __init__(self, connection: Connection, name: str, schema: str | None) -> None:
        from sqlalchemy import inspect  # noqa: PLC0415 - loaded by now

        self.connection = connection
        self.name = name
        self.schema = schema
        self.inspector: Any = inspect(connection)
        self.is_sqlite = connection.dialect.name == "sqlite"

    @property
    def columns(self) -> list[str]:
        return [str(each["name"]) for each in self.inspector.get_columns(self.name, schema=self.schema)]

    def quoted(self, name: str) -> str:
        return self.connection.dialect.identifier_preparer.quote_identifier(name)

    @property
    def itself(self) -> str:
        return f"{self.quoted(self.schema)}.{self.quoted(self.name)}" if self.schema else self.quoted(self.name)

    def do(self, statement: str, *parameters: object) -> Any:
        return self.connection.exec_driver_sql(statement, parameters or None)

    def tries(self, statement: str) -> bool:
        """Whether the database did it; as it was if not."""
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - loaded by now

        try:
            self.do(statement)
        except DBAPIError:
            return False
        return True


def _column(table: _Table, checks: Sequence[DatabaseCheck]) -> bool:
    """The last declared column that is there, one that nothing else is read by if possible; else the last of all."""
    declared = [name for each in checks for name in each.structure.columns]
    there = table.columns
    read = {name for each in checks for name in each.sums}
    read |= {name for each in checks if each.tag for name in (each.tag.column, *each.tag.references.values())}
    candidates = [each for each in reversed(declared) if each in there] or there[:0:-1]
    for name in sorted(candidates, key=read.__contains__):
        gone = f"ALTER TABLE {table.itself} DROP COLUMN {table.quoted(name)}{'' if table.is_sqlite else ' CASCADE'}"
        if table.tries(gone) or table.tries(
            f"ALTER TABLE {table.itself} RENAME COLUMN {table.quoted(name)} TO drilled_away"
        ):
            return True
    return False


def _index(table: _Table, checks: Sequence[DatabaseCheck]) -> bool:
    """The last declared index that is there; the last of all where none is declared."""
    there = [
        str(each["name"])
        for each in table.inspector.get_indexes(table.name, schema=table.schema)
        if not each.get("duplicates_constraint")
    ]
    declared = [name for each in checks for name in each.structure.indexes if name in there]
    for name in reversed(declared or there):
        place = f"{table.quoted(table.schema)}." if table.schema and not table.is_sqlite else ""
        if table.tries(f"DROP INDEX {place}{table.quoted(name)}"):
            return True
    return False


def _constraints(table: _Table, _checks: Sequence[DatabaseCheck]) -> bool:
    """Every key and constraint; columns, defaults, indexes and rows stay."""
    inspector, name, schema = table.inspector, table.name, table.schema
    named = [inspector.get_pk_constraint(name, schema=schema), *inspector.get_unique_constraints(name, schema=schema)]
    named += [*inspector.get_foreign_keys(name, schema=schema), *inspector.get_check_constraints(name, schema=schema)]
    there = [
        each for each in named if each and (each.get("constrained_columns") is None or each["constrained_columns"])
    ]
    if not there:
        return False
    if not table.is_sqlite:
        gone = [f"ALTER TABLE {table.itself} DROP CONSTRAINT {table.quoted(each['name'])} CASCADE" for each in there]
        done = [table.tries(each) for each in gone]
        return any(done)
    _rebuild(table)
    return True


def _rebuild(table: _Table) -> None:
    """SQLite drops no constraint: the rows move to a table that has none, which takes the old one's name."""
    rows = table.do(f"PRAGMA table_info({table.itself})").all()
    columns = [
        f"{table.quoted(name)} {type_}{' NOT NULL' if is_not_null else ''}{f' DEFAULT {default}' if default else ''}"
        for _, name, type_, is_not_null, default, _ in rows
    ]
    names = ", ".join(table.quoted(row[1]) for row in rows)
    written = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?"
    indexes = [row[0] for row in table.do(written, table.name)]
    table.do(f"CREATE TABLE drilled_anew ({', '.join(columns)})")
    table.do(f"INSERT INTO drilled_anew SELECT {names} FROM {table.itself}")  # noqa: S608 - its own names, quoted
    table.do(f"DROP TABLE {table.itself}")
    table.do(f"ALTER TABLE drilled_anew RENAME TO {table.itself}")
    for each in indexes:
        table.do(each)


def _rows(table: _Table, _checks: Sequence[DatabaseCheck]) -> bool:
    """None is left; what refers to them may go on referring."""
    if table.do(f"SELECT 1 FROM {table.itself} LIMIT 1").first() is None:  # noqa: S608 - its own name, quoted
        return False
    table.do(f"DELETE FROM {table.itself}" if table.is_sqlite else f"TRUNCATE {table.itself} CASCADE")  # noqa: S608
    return True


def _tag(table: _Table, checks: Sequence[DatabaseCheck]) -> bool:
    """One row has another environment's tag, one that no network has where there is no other."""
    tag: Tag = next(each.tag for each in checks if each.tag is not None)
    row, column = "rowid" if table.is_sqlite else "ctid", table.quoted(tag.column)
    found = table.do(f"SELECT {row}, {column} FROM {table.itself} ORDER BY {row} DESC LIMIT 1").first()  # noqa: S608
    if found is None:
        return False
    other = next((each for each in tag.networks if each != str(found[1])), _UNKNOWN)
    mark = "?" if table.is_sqlite else "%s"
    table.do(f"UPDATE {table.itself} SET {column} = {mark} WHERE {row} = {mark}", other, found[0])  # noqa: S608
    return True


_SPOILS: Mapping[Fault, Callable[[_Table, Sequence[DatabaseCheck]], bool]] = {
    Fault.COLUMN: _column,
    Fault.INDEX: _index,
    Fault.CONSTRAINT: _constraints,
    Fault.TABLE: _rows,
    Fault.TAG: _tag,
}
