"""A table of a SQLite file, or what a question to it answers, a record a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from pytest_rollout.core.errors import StoreError, listed, suggestion
from pytest_rollout.core.record import Record
from pytest_rollout.core.store_check import StoreSettings
from pytest_rollout.sql.files import as_it_is, beside, connect, reading_alone
from pytest_rollout.stores.sql import distinct

_SECONDS = 30.0
"""So long a lock is waited for."""


class SqliteStore:
    """Rows of a table, or of a question, with their columns; opened for reading alone."""

    def __init__(self, settings: StoreSettings) -> None:
        self._path = settings.path
        self._table = settings.table
        self._query = settings.query
        self._rows_of = settings.table or "query"

    @property
    def source(self) -> str:
        """The file and the table."""
        return f"{self._path.name}:{self._rows_of}"

    def records(self) -> Iterator[Record]:
        """A record a row; bytes are written in hex, fractions exactly as SQLite prints them."""
        if not self._path.is_file():
            raise StoreError(f"store {self._path.name}: no such file; correct its path.")
        try:
            with (
                as_it_is(self._path, f"store {self.source}") as uri,
                closing(connect(uri, _SECONDS, stop=False)) as connection,
            ):
                if self._query:
                    connection.set_authorizer(reading_alone)
                connection.execute("BEGIN")
                yield from self._rows(connection)
        except sqlite3.Error as error:
            raise StoreError(f"store {self.source}: cannot be read ({error}).") from None

    def _rows(self, connection: sqlite3.Connection) -> Iterator[Record]:
        cursor = connection.execute(self._query or self._whole_table(connection))
        if cursor.description is None:
            raise StoreError(f"store {self.source}: this is no question; write a SELECT.")
        columns = distinct(f"store {self.source}", [column[0] for column in cursor.description])
        for number, row in enumerate(cursor, 1):
            yield Record(
                f"{self._rows_of} row {number}",
                {name: _plain(value) for name, value in zip(columns, row, strict=True)},
            )

    def _whole_table(self, connection: sqlite3.Connection) -> str:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        if self._table not in tables:
            raise StoreError(
                f"store {self._path.name}: no table '{self._table}'; it has {listed(tables)}."
                f"{suggestion(self._table, tables)}"
            )
        return f'SELECT * FROM "{self._table.replace(chr(34), chr(34) * 2)}"'  # noqa: S608 - one of its own tables

    def leftovers(self) -> Iterator[str]:
        """A journal that was not played back."""
        if (left := beside(self._path, "-journal")).exists():
            yield left.name


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return {"decimal": repr(value)} if isinstance(value, float) else value
