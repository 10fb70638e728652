"""A table of a SQLite file, a record a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pytest_rollout.core.errors import StoreError, listed, suggestion
from pytest_rollout.core.record import Record

_MAGIC = b"SQLite format 3\0"
_PAGE_SIZE = slice(16, 18)
_LARGEST_PAGE = 65_536
"""Written as 1."""


class SqliteStore:
    """Rows with their columns; opened for reading alone."""

    def __init__(self, path: Path, table: str) -> None:
        self._path = path
        self._table = table

    @property
    def source(self) -> str:
        """The file and the table."""
        return f"{self._path.name}:{self._table}"

    def records(self) -> Iterator[Record]:
        """A record a row; bytes are written in hex, fractions exactly as SQLite prints them."""
        if not self._path.is_file():
            raise StoreError(f"store {self._path.name}: no such file; correct its path.")
        if self._is_cut_off():
            raise StoreError(f"store {self.source}: ends in the midst of a page; restore it from a backup.")
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True)) as connection:
                yield from self._rows(connection)
        except sqlite3.Error as error:
            raise StoreError(f"store {self.source}: cannot be read ({error}).") from None

    def _is_cut_off(self) -> bool:
        """Where less than a page is missing, SQLite itself reads zeros; where more is, it says so."""
        with self._path.open("rb") as file:
            header = file.read(_PAGE_SIZE.stop)
        size = int.from_bytes(header[_PAGE_SIZE], "big")
        return (
            header.startswith(_MAGIC) and self._path.stat().st_size % (_LARGEST_PAGE if size == 1 else size or 1) != 0
        )

    def _rows(self, connection: sqlite3.Connection) -> Iterator[Record]:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        if self._table not in tables:
            raise StoreError(
                f"store {self._path.name}: no table '{self._table}'; it has {listed(tables)}."
                f"{suggestion(self._table, tables)}"
            )
        cursor = connection.execute(f'SELECT * FROM "{self._table.replace(chr(34), chr(34) * 2)}"')  # noqa: S608 - one of its own tables
        columns = [column[0] for column in cursor.description]
        for number, row in enumerate(cursor, 1):
            yield Record(
                f"{self._table} row {number}", {name: _plain(value) for name, value in zip(columns, row, strict=True)}
            )

    def leftovers(self) -> Iterator[str]:
        """A journal that was not played back."""
        for ending in ("-journal",):
            if (left := self._path.with_name(self._path.name + ending)).exists():
                yield left.name


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return {"decimal": repr(value)} if isinstance(value, float) else value
