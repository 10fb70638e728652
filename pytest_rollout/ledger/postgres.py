"""A ledger in PostgreSQL, for teams: serialisable, append only, shared by many machines.

Appends wait for one another on an advisory lock, taken before the transaction begins, so that its
snapshot is that of the newest entry; the transaction is serialisable all the same, and the table's own
guards refuse whatever does not follow. Nothing here says a password: the address is never part of a
sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pytest_rollout.core.entries import Entry
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import postgres_sql as sql
from pytest_rollout.ledger.chained import COLUMNS, ChainedLedger, Row, Rows, entry_of, founded, founding, row_of

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

    def __init__(self, url: str, shown: str, ledger_id: str, busy_seconds: float) -> None:
        super().__init__(shown, ledger_id)
        self._url = url
        self._busy = busy_seconds

    @classmethod
    def create(cls, url: str, *, busy_seconds: float = 5.0, first: Entry | None = None) -> PostgresLedger:
        """A new ledger with its first entry: the tables are made unless their owner did; never overwrites."""
        shown = shown_address(url)
        first = first or founding(uuid4().hex, datetime.now(UTC).isoformat())
        with _connected(url, shown, busy_seconds, writing=True) as connection:
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
        with _connected(url, shown, busy_seconds) as connection:
            if not _is_there(connection):
                raise LedgerError(
                    f"no ledger in {shown}; create it with `rollout init`, or let its owner run `rollout ledger sql`."
                )
            row = connection.execute(f"{_SELECT} WHERE sequence = 0").fetchone()
        if row is None:
            raise LedgerError(f"ledger {shown}: it has no entry 0. Create it with `rollout init`, or restore a backup.")
        return cls(url, shown, founded(entry_of(row), shown), busy_seconds)

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[Rows]:
        with _connected(self._url, self._shown, self._busy, writing=writing) as connection:
            yield _Rows(connection)

    def _rows(self, since: int) -> Iterator[Row]:
        """One snapshot, some rows at a time: a reader sees the ledger as it was and keeps nobody waiting."""
        with (
            _connected(self._url, self._shown, self._busy) as connection,
            connection.cursor("entries") as cursor,
        ):
            cursor.itersize = _PAGE
            yield from cursor.execute(f"{_SELECT} WHERE sequence >= %s ORDER BY sequence", (since,), binary=True)

    def _wrong(self, head: Entry) -> str:
        with _connected(self._url, self._shown, self._busy) as connection:
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
    with _connected(url, shown_address(url), busy_seconds) as connection:
        return _is_there(connection) and connection.execute(f"SELECT 1 FROM {_ENTRIES} LIMIT 1").fetchone() is not None


def shown_address(url: str) -> str:
    """The host and database in an address, all that sentences may say of it."""
    parts = urlsplit(url)
    try:
        return f"postgresql://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "postgresql://…"


@contextmanager
def _connected(url: str, shown: str, busy_seconds: float, *, writing: bool = False) -> Iterator[Any]:
    """A new connection inside one transaction; its troubles come out as ``LedgerError``."""
    try:
        import psycopg  # noqa: PLC0415 - an extra, for teams
    except ImportError:
        raise LedgerError(
            f"ledger {shown}: PostgreSQL needs psycopg, which is not installed. Run: pip install 'pytest-rollout[sql]'"
        ) from None
    milliseconds = max(1, round(busy_seconds * 1000))
    try:
        with psycopg.connect(
            url, autocommit=True, prepare_threshold=None, connect_timeout=10, application_name="pytest-rollout"
        ) as connection:
            _prepare(connection, shown, milliseconds)
            if writing:
                connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            level = "SERIALIZABLE" if writing else "REPEATABLE READ READ ONLY"
            connection.execute(f"BEGIN ISOLATION LEVEL {level}")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                raise
    except psycopg.Error as error:
        raise LedgerError(f"ledger {shown}: {_sentence(error, busy_seconds)}") from None


def _prepare(connection: Any, shown: str, milliseconds: int) -> None:
    """Durable above all: a server that does not sync holds nothing that a move could rest on."""
    (fsync,) = connection.execute("SHOW fsync").fetchone()
    if fsync != "on":
        raise LedgerError(f"ledger {shown}: the server runs with fsync = {fsync}; a ledger needs it on.")
    (commit,) = connection.execute("SHOW synchronous_commit").fetchone()
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
