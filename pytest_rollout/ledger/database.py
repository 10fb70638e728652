"""One SQLite file, opened for one transaction at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.troubles import translated


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The file at ``path``.

    ``shown`` is how sentences name it, ``busy_seconds`` how long another process's lock is waited for.
    """

    path: Path
    shown: str
    busy_seconds: float

    @contextmanager
    def transaction(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        """A new connection inside one transaction; with ``writing`` it holds the write lock already.

        A missing file is not created. SQLite's troubles come out as ``LedgerError``.
        """
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A new connection outside of any transaction, for whoever begins and ends several; else as ``transaction``."""
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                timeout=self.busy_seconds,
                isolation_level=None,
            )
            try:
                self._prepare(connection)
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise translated(error, place=self.shown, busy_seconds=self.busy_seconds) from error

    def check_file(self) -> None:
        """Refuse what is missing, empty or no file, each in its own sentence."""
        try:
            is_there, is_file = self.path.exists(), self.path.is_file()
            size = self.path.stat().st_size if is_there else 0
        except OSError as error:
            raise LedgerError(
                f"ledger {self.shown}: cannot be reached ({error.strerror}). Check the folder and its permissions."
            ) from error
        if not is_there:
            raise LedgerError(
                f"no ledger at {self.shown}; create it with `rollout init`, or name another one with --rollout-ledger."
            )
        if not is_file:
            raise LedgerError(f"ledger {self.shown}: not a file; name another one with --rollout-ledger.")
        if size == 0:
            raise LedgerError(f"ledger {self.shown}: the file is empty. Restore it from a backup.")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Durable above all: rollback journal, and EXTRA also syncs the folder the journal left."""
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = EXTRA")
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "delete":
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise LedgerError(
                f"ledger {self.shown}: in journal mode {mode}, needed is delete, and another process keeps "
                "it open. Close that, then try again."
            )
