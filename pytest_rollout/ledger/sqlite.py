"""A ledger in one SQLite file: durable, append only, never created by opening it.

The file is used with a rollback journal and synchronous EXTRA, so an entry has been synced,
the journal's removal included, before ``append`` returns. Every
operation opens its own connection: nothing is shared between threads or forks, and a file that
was replaced meanwhile is noticed.

The driver is the standard library's: a gate writes before it runs, and importing a database
toolkit would cost it more than all it writes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from uuid import uuid4

from pytest_rollout.core.entries import Entry, Row
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import schema
from pytest_rollout.ledger.chained import COLUMNS, ChainedLedger, Rows, founded, founding
from pytest_rollout.ledger.database import Database
from pytest_rollout.ledger.rows import entry_of, row_of

BUSY_SECONDS = 5.0

_PAGE_ROWS, _PAGE_BYTES = 1000, 2**20
_SELECT_PAGE = f"SELECT {COLUMNS} FROM entries WHERE sequence >= ? ORDER BY sequence LIMIT {_PAGE_ROWS}"
_SELECT_ONE = f"SELECT {COLUMNS} FROM entries WHERE sequence = ?"
_SELECT_NEWEST = f"SELECT {COLUMNS} FROM entries ORDER BY sequence DESC LIMIT 1"
_INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_ATTACHMENT = "INSERT INTO attachments (digest, sequence, content) VALUES (?, ?, ?)"


class SqliteLedger(ChainedLedger):
    """The ledger in one file; make one with ``create`` or ``open``."""

    def __init__(self, database: Database, ledger_id: str) -> None:
        super().__init__(database.shown, ledger_id)
        self._database = database

    @classmethod
    def create(
        cls, path: Path, *, shown: str | None = None, busy_seconds: float = BUSY_SECONDS, first: Entry | None = None
    ) -> SqliteLedger:
        """A new ledger with its first entry, and the folder it lies in; never overwrites.

        It is built aside and linked into place, so of two at once one succeeds, and a crash
        leaves no half ledger. ``first`` is the entry it begins with where it is one restored.
        """
        shown = shown or str(path)
        aside = path.with_name(f".{path.name}.{uuid4().hex}")
        first = first or founding(uuid4().hex, datetime.now(UTC).isoformat())
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True)
            try:
                _build(Database(path=aside, shown=shown, busy_seconds=busy_seconds), first)
                _link(aside, path, shown)
            finally:
                for leftover in (aside, aside.with_name(f"{aside.name}-journal")):
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise LedgerError(
                f"ledger {shown}: cannot be created ({error.strerror or error}). "
                "Check the folder, its permissions and the space there."
            ) from error
        return cls.open(path, shown=shown, busy_seconds=busy_seconds)

    @classmethod
    def open(cls, path: Path, *, shown: str | None = None, busy_seconds: float = BUSY_SECONDS) -> SqliteLedger:
        """The ledger that is there; refuses what is missing, foreign, damaged or of a newer version."""
        database = Database(path=path, shown=shown or str(path), busy_seconds=busy_seconds)
        database.check_file()
        with database.transaction() as connection:
            if not schema.is_ledger(connection):
                raise LedgerError(
                    f"ledger {database.shown}: an SQLite database, but not a ledger; "
                    "name another one with --rollout-ledger."
                )
            row = connection.execute(_SELECT_ONE, (0,)).fetchone()
        if row is None:
            raise LedgerError(f"ledger {database.shown}: entry 0 is missing. Restore it from a backup.")
        return cls(database, founded(entry_of(row), database.shown))

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[Rows]:
        with self._database.transaction(writing=writing) as connection:
            yield _Rows(connection)

    def _rows(self, since: int) -> Iterator[Row]:
        return chain.from_iterable(self._pages(since))

    def _pages(self, since: int) -> Iterator[list[Row]]:
        """A thousand rows each, or fewer where payloads are large; no transaction is open in between."""
        with self._database.connected() as connection:
            while page := _page(connection.execute(_SELECT_PAGE, (since,))):
                yield page
                since = page[-1][1] + 1

    def _wrong(self, head: Entry) -> str:
        with self._database.transaction() as connection:
            altered = schema.altered_guards(connection)
            damage = [text for (text,) in connection.execute("PRAGMA quick_check(1)") if text != "ok"]
        if damage:
            return f"the file is damaged ({damage[0]}). Restore it from a backup."
        if altered:
            return (
                f"its guards against editing were altered ({', '.join(altered)}); "
                f"entries 0-{head.sequence} verify. Restore it from a backup."
            )
        return ""


def _page(rows: sqlite3.Cursor) -> list[Row]:
    """Rows up to a bound on their payloads; the statement has ended, and its transaction with it."""
    page: list[Row] = []
    size = 0
    for row in rows:
        page.append(row)
        size += len(row[4])
        if size >= _PAGE_BYTES:
            break
    rows.close()
    return page


class _Rows:
    """The rows inside one transaction; see ``chained.Rows``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest(self) -> Row | None:
        found: Row | None = self._connection.execute(_SELECT_NEWEST).fetchone()
        return found

    def one(self, sequence: int) -> Row | None:
        found: Row | None = self._connection.execute(_SELECT_ONE, (sequence,)).fetchone()
        return found

    def insert(self, row: Row) -> None:
        self._connection.execute(_INSERT, row)

    def content(self, digest: str) -> bytes | None:
        row = self._connection.execute("SELECT content FROM attachments WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else bytes(row[0])

    def attach(self, digest: str, sequence: int, content: bytes) -> None:
        self._connection.execute(_INSERT_ATTACHMENT, (digest, sequence, content))


def _build(database: Database, first: Entry) -> None:
    """Make a whole ledger with its first entry in a file of its own."""
    database.path.touch(mode=0o644, exist_ok=False)
    with database.transaction(writing=True) as connection:
        schema.build(connection)
        connection.execute(_INSERT, row_of(first))


def _link(aside: Path, path: Path, shown: str) -> None:
    """Give what was built its name, unless something has it, and make the name durable."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise LedgerError(
            f"ledger {shown}: something of that name exists already and is not overwritten. "
            "Use it, or move it away first."
        ) from None
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
