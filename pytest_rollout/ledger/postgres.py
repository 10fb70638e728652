"""A ledger in PostgreSQL, for teams: serialisable, append only, shared by many machines.

Appends wait for one another on an advisory lock, taken before the transaction begins, so that its
snapshot is that of the newest entry; the transaction is serialisable all the same, and the table's own
guards refuse whatever does not follow. Nothing here says a password: the address is never part of a
sentence.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pytest_rollout.core.entries import Entry, Row
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import postgres_sql as sql
from pytest_rollout.ledger.chained import COLUMNS, ChainedLedger, Rows, founded, founding
from pytest_rollout.ledger.rows import entry_of, row_of

_LOCK = 0x524F4C4C
"""``ROLL``: the advisory lock that appends take."""

_ENTRIES, _ATTACHMENTS = f"{sql.SCHEMA}.entries", f"{sql.SCHEMA}.attachments"
_SELECT = f"SELECT {COLUMNS} FROM {_ENTRIES}"
_INSERT = f"INSERT INTO {_ENTRIES} ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)"
_PAGE = 1000
_SENTENCES = {
    "55P03": "locked by another process for {busy:g} s; nothing was recorded. Try again.",
    "57014": "did not answer in time; nothing was recorded. Try again.",
    "40001": "changed by another process at the same moment; nothing was recorded. Try again.",
    "53100": "the disk is full; nothing was recorded. Make room, then try again.",
    "42501": "this user may not do that; nothing was recorded. Let its owner run `rollout ledger sql`.",
    "25006": "the database cannot be written; nothing was recorded. Connect to the primary server.",
    "28P01": "the password is refused.",
    "28000": "this user is refused.",
    "3D000": "there is no such database.",
}


class PostgresLedger(ChainedLedger):
    """The ledger in one database; make one with ``create`` or ``open``."""

    def __init__(self, session: _Session, ledger_id: str) -> None:
        super().__init__(session.shown, ledger_id)
        self._session = session

    @classmethod
    def create(cls, url: str, *, busy_seconds: float = 5.0, first: Entry | None = None) -> PostgresLedger:
        """A new ledger with its first entry: the tables are made unless their owner did; never overwrites."""
        shown = shown_address(url)
        first = first or founding(uuid4().hex, datetime.now(UTC).isoformat())
        session = _Session(url, shown, busy_seconds)
        with session.transaction(writing=True) as connection:
            if not _is_there(connection):
                connection.execute(sql.tables())
            if connection.execute(f"SELECT 1 FROM {_ENTRIES} LIMIT 1").fetchone() is not None:
                raise LedgerError(
                    f"ledger {shown}: one exists already and is not overwritten. Use it, or name another database."
                )
            connection.execute(_INSERT, row_of(first))
        return cls.open(url, busy_seconds=busy_seconds)

    @classmethod
    def open(cls, url: str, *, busy_seconds: float = 5.0) -> PostgresLedger:
        """The ledger that is there; refuses what is missing, foreign or of a newer version."""
        shown = shown_address(url)
        session = _Session(url, shown, busy_seconds)
        with session.transaction() as connection:
            if not _is_there(connection):
                raise LedgerError(
                    f"no ledger in {shown}; create it with `rollout init`, or let its owner run `rollout ledger sql`."
                )
            row = connection.execute(f"{_SELECT} WHERE sequence = 0").fetchone()
        if row is None:
            raise LedgerError(f"ledger {shown}: it has no entry 0. Create it with `rollout init`, or restore a backup.")
        return cls(session, founded(entry_of(row), shown))

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[Rows]:
        with self._session.transaction(writing=writing) as connection:
            yield _Rows(connection)

    def _rows(self, since: int) -> Iterator[Row]:
        """One snapshot, some rows at a time: a reader sees the ledger as it was and keeps nobody waiting."""
        with (
            self._session.transaction() as connection,
            connection.cursor("entries") as cursor,
        ):
            cursor.itersize = _PAGE
            yield from cursor.execute(f"{_SELECT} WHERE sequence >= %s ORDER BY sequence", (since,), binary=True)

    def _wrong(self, head: Entry) -> str:
        with self._session.transaction() as connection:
            altered = _altered(connection)
        if altered:
            return (
                f"its guards against editing were altered ({', '.join(altered)}); entries 0-{head.sequence} verify. "
                "Restore it from a backup."
            )
        return ""


class _Rows:
    """The rows inside one transaction; see ``chained.Rows``."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def newest(self) -> Row | None:
        return self._one(f"{_SELECT} ORDER BY sequence DESC LIMIT 1", ())

    def one(self, sequence: int) -> Row | None:
        return self._one(f"{_SELECT} WHERE sequence = %s", (sequence,))

    def insert(self, row: Row) -> None:
        self._connection.execute(_INSERT, row)

    def content(self, digest: str) -> bytes | None:
        row = self._one(f"SELECT content FROM {_ATTACHMENTS} WHERE digest = %s", (digest,))
        return None if row is None else bytes(row[0])  # type: ignore[arg-type] # one column

    def attach(self, digest: str, sequence: int, content: bytes) -> None:
        self._connection.execute(
            f"INSERT INTO {_ATTACHMENTS} (digest, sequence, content) VALUES (%s, %s, %s)", (digest, sequence, content)
        )

    def _one(self, query: str, values: tuple[Any, ...]) -> Row | None:
        found: Row | None = self._connection.execute(query, values, binary=True).fetchone()
        return found


def is_there(url: str, busy_seconds: float = 5.0) -> bool:
    """Whether a ledger is in that database: its tables with a first entry."""
    with _Session(url, shown_address(url), busy_seconds).transaction() as connection:
        return _is_there(connection) and connection.execute(f"SELECT 1 FROM {_ENTRIES} LIMIT 1").fetchone() is not None


def shown_address(url: str) -> str:
    """The host and database in an address, all that sentences may say of it."""
    parts = urlsplit(url)
    try:
        return f"postgresql://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "postgresql://…"


class _Session:
    """One database, reached by few connections: one is kept open between transactions, for connecting costs most.

    Threads that come at once have one each. A process that was forked opens its own.
    """

    def __init__(self, url: str, shown: str, busy_seconds: float) -> None:
        self.shown = shown
        self._url = url
        self._busy = busy_seconds
        self._idle: list[Any] = []
        self._process = os.getpid()
        weakref.finalize(self, _close, self._idle, self._process)

    @contextmanager
    def transaction(self, *, writing: bool = False) -> Iterator[Any]:
        """A connection inside one transaction; its troubles come out as ``LedgerError``."""
        psycopg = _driver(self.shown)
        try:
            connection = self._taken(psycopg)
            try:
                if writing:
                    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
                level = "SERIALIZABLE" if writing else "REPEATABLE READ READ ONLY"
                connection.execute(f"BEGIN ISOLATION LEVEL {level}")
                yield connection
                connection.execute("COMMIT")
                if writing:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            except BaseException:
                connection.close()  # which rolls back and lets go of the lock
                raise
        except psycopg.Error as error:
            raise LedgerError(f"ledger {self.shown}: {_sentence(error, self._busy)}") from None
        if self._process == os.getpid() and not self._idle:
            self._idle.append(connection)
        else:
            connection.close()

    def _taken(self, psycopg: Any) -> Any:
        """A connection that answers: the one that is kept, or a new one."""
        if self._process == os.getpid() and self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:  # another thread was sooner
                return self._new(psycopg)
            try:
                kept.execute("SELECT 1")
            except psycopg.Error:
                kept.close()
            else:
                return kept
        return self._new(psycopg)

    def _new(self, psycopg: Any) -> Any:
        connection = psycopg.connect(
            self._url, autocommit=True, prepare_threshold=None, connect_timeout=10, application_name="pytest-rollout"
        )
        try:
            _prepare(connection, self.shown, max(1, round(self._busy * 1000)))
        except BaseException:
            connection.close()
            raise
        return connection


def _close(idle: list[Any], process: int) -> None:
    """Close what is still open when nobody needs it any more; a fork leaves its parent's alone."""
    while idle and process == os.getpid():
        idle.pop().close()


def _driver(shown: str) -> Any:
    try:
        import psycopg  # noqa: PLC0415 - an extra, for teams
    except ImportError:
        raise LedgerError(
            f"ledger {shown}: PostgreSQL needs psycopg, which is not installed. Run: pip install 'pytest-rollout[sql]'"
        ) from None
    return psycopg


def _prepare(connection: Any, shown: str, milliseconds: int) -> None:
    """Durable above all: a server that does not sync holds nothing that a move could rest on."""
    asked = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    fsync, commit = connection.execute(asked).fetchone()
    if fsync != "on":
        raise LedgerError(f"ledger {shown}: the server runs with fsync = {fsync}; a ledger needs it on.")
    settings = f"SET lock_timeout = {milliseconds}; SET statement_timeout = 0; SET search_path = pg_catalog"
    connection.execute(settings + ("; SET synchronous_commit = on" if commit == "off" else ""))


def _is_there(connection: Any) -> bool:
    (name,) = connection.execute("SELECT to_regclass(%s)::text", (_ENTRIES,)).fetchone()
    return name is not None


def _altered(connection: Any) -> list[str]:
    """The names of guards that are gone, switched off or say something else, and of triggers nobody here made."""
    rows = connection.execute(
        "SELECT t.tgname, t.tgenabled::text, p.prosrc, pg_get_triggerdef(t.oid) FROM pg_trigger t "
        "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND t.tgrelid IN (%s::regclass, %s::regclass)",
        (_ENTRIES, _ATTACHMENTS),
    ).fetchall()
    found = {name: (enabled, source.split(), definition.split()) for name, enabled, source, definition in rows}
    expected = {}
    for name, text in sql.TRIGGERS.items():
        function = "entries_follow" if name == "entries_follow" else "stays"
        definition = f"CREATE TRIGGER {name} {text.format(schema=sql.SCHEMA)}"
        expected[name] = ("A", sql.FUNCTIONS[function].split(), _ordered(definition).split())
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def _ordered(definition: str) -> str:
    """As the server writes it back: events in its own order."""
    return definition.replace("UPDATE OR DELETE", "DELETE OR UPDATE")


def _sentence(error: Any, busy_seconds: float) -> str:
    """What a user can act on; the server's own words may repeat an address."""
    state = error.sqlstate or ""
    if state in _SENTENCES:
        return _SENTENCES[state].format(busy=busy_seconds)
    if state.startswith("23"):
        said = (error.diag.message_primary or "").splitlines()
        return f"refused by the ledger's own rules ({said[0][:120] if said else state}); nothing was recorded."
    if not state or state.startswith("08") or state in {"57P01", "57P02", "57P03"}:
        return "the server cannot be reached, or went away; nothing counts as recorded. Start it, then try again."
    return f"cannot be read or written ({state}); nothing counts as recorded."
