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
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pytest_rollout.core.entries import Entry, EntryKind, digest_of, next_entry, verify_entries
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import read
from pytest_rollout.core.records import Record
from pytest_rollout.ledger import canonical, schema
from pytest_rollout.ledger.database import Database

BUSY_SECONDS = 5.0
MAX_ATTACHMENT = 256 * 2**20
"""The largest attachment in bytes, uncompressed; also what stops a compressed bomb."""

_PAGE_BYTES = 4 * 2**20
_SELECT_PAGE = (
    "SELECT ledger_id, sequence, previous, kind, payload, digest FROM entries "
    "WHERE sequence >= ? ORDER BY sequence LIMIT 1000"
)
_SELECT_ONE = "SELECT ledger_id, sequence, previous, kind, payload, digest FROM entries WHERE sequence = ?"
_SELECT_NEWEST = (
    "SELECT ledger_id, sequence, previous, kind, payload, digest FROM entries ORDER BY sequence DESC LIMIT 1"
)
_INSERT = "INSERT INTO entries (ledger_id, sequence, previous, kind, payload, digest) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_ATTACHMENT = "INSERT INTO attachments (digest, sequence, content) VALUES (?, ?, ?)"

_EVIDENCE = re.compile(rb'"evidence_digest":"([0-9a-f]{64})"')
"""How a canonical payload names its evidence. Inside text the quotes would be escaped, so this
finds keys alone, without parsing every payload."""

_KINDS = {kind.value: kind for kind in EntryKind}
_Row = tuple[str, int, str, str, bytes, str]


class SqliteLedger:
    """The ledger in one file; make one with ``create`` or ``open``. Satisfies ``port.Ledger``."""

    def __init__(self, database: Database, ledger_id: str) -> None:
        self._database = database
        self._id = ledger_id

    @classmethod
    def create(cls, path: Path, *, shown: str | None = None, busy_seconds: float = BUSY_SECONDS) -> SqliteLedger:
        """A new ledger with its first entry, and the folder it lies in; never overwrites.

        It is built aside and linked into place, so of two at once one succeeds, and a crash
        leaves no half ledger.
        """
        shown = shown or str(path)
        aside = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True)
            try:
                _build(Database(path=aside, shown=shown, busy_seconds=busy_seconds))
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
        return cls(database, _founded(_entry(row), database.shown))

    @property
    def id(self) -> str:
        """The ledger's own id, 32 hex digits."""
        return self._id

    def head(self) -> Entry:
        """The newest entry."""
        with self._database.transaction() as connection:
            return self._head(connection)

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """Entries from ``since`` on, a page at a time: no lock is held while the caller works."""
        while page := self._page(since):
            for row in page:
                yield _entry(row)
            since = page[-1][1] + 1

    def append(
        self,
        kind: EntryKind,
        payload: bytes,
        *,
        expected_head: str | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """Record ``payload`` durably and read it back; see ``port.Ledger.append``.

        The head is read under the write lock, so two appends never follow the same entry. A
        payload that could not be read again is refused before anything is written.
        """
        document = canonical.parse(payload)
        attachments = {} if attachments is None else attachments
        self._check_attachments(payload, attachments)
        if kind is EntryKind.LEDGER_CREATED:
            raise LedgerError(f"ledger {self._shown}: it was created already, by entry 0.")
        with self._database.transaction(writing=True) as connection:
            head = self._head(connection)
            self._check_head(head, expected_head)
            entry = next_entry(head, ledger_id=self._id, kind=kind, payload=payload)
            read(kind, document, sequence=entry.sequence)
            connection.execute(_INSERT, _row(entry))
            for digest, content in attachments.items():
                if _content(connection, digest) is None:
                    connection.execute(_INSERT_ATTACHMENT, (digest, entry.sequence, zlib.compress(content, 1)))
        self._read_back(entry, attachments)
        return entry

    def attachment(self, digest: str) -> bytes:
        """The bytes with that SHA-256; raises when they are missing or are others."""
        with self._database.transaction() as connection:
            content = _content(connection, digest)
        if content is None:
            raise LedgerError(
                f"ledger {self._shown}: evidence missing: nothing is stored under {digest[:64]}. "
                "Restore the ledger from a backup, or run the gate again."
            )
        try:
            raw = zlib.decompressobj().decompress(content, MAX_ATTACHMENT)
        except zlib.error:
            raw = b""
        if canonical.digest(raw) != digest:
            raise LedgerError(
                f"ledger {self._shown}: evidence {digest[:64]} does not match its digest. "
                "Restore the ledger from a backup."
            )
        return raw

    def verify(self) -> Entry:
        """Check the chain, then all evidence it names, the append-only guards and the file itself."""
        named: dict[str, int] = {}
        head = verify_entries(_noting(self.entries(), named), ledger_id=self._id)
        for digest, sequence in named.items():
            try:
                self.attachment(digest)
            except LedgerError as error:
                raise LedgerError(f"ledger entry {sequence}: {error}") from error
        with self._database.transaction() as connection:
            altered = schema.altered_guards(connection)
            damage = [text for (text,) in connection.execute("PRAGMA quick_check(1)") if text != "ok"]
        if damage:
            raise LedgerError(f"ledger {self._shown}: the file is damaged ({damage[0]}). Restore it from a backup.")
        if altered:
            raise LedgerError(
                f"ledger {self._shown}: its guards against editing were altered ({', '.join(altered)}); "
                f"entries 0-{head.sequence} verify. Restore it from a backup."
            )
        return head

    @property
    def _shown(self) -> str:
        return self._database.shown

    def _head(self, connection: sqlite3.Connection) -> Entry:
        row = connection.execute(_SELECT_NEWEST).fetchone()
        if row is None:
            raise LedgerError(f"ledger {self._shown}: all entries are gone. Restore it from a backup.")
        return _entry(row)

    def _page(self, since: int) -> list[_Row]:
        """Some rows from ``since`` on: a thousand, or fewer where payloads are large."""
        page: list[_Row] = []
        size = 0
        with self._database.transaction() as connection:
            for row in connection.execute(_SELECT_PAGE, (since,)):
                page.append(row)
                size += len(row[4])
                if size >= _PAGE_BYTES:
                    break
        return page

    def _check_head(self, head: Entry, expected: str | None) -> None:
        """Append neither to another ledger's file, nor to an edited entry, nor after a surprise."""
        if head.ledger_id != self._id:
            raise LedgerError(
                f"ledger {self._shown}: the file was ledger {self._id} and is now {head.ledger_id}; "
                "nothing was recorded."
            )
        if head.digest != _digest(head):
            raise LedgerError(
                f"ledger entry {head.sequence}: digest does not match its content; nothing was recorded. "
                f"Restore the ledger from a backup or run `rollout ledger show {head.sequence}`."
            )
        if expected is not None and head.digest != expected:
            raise LedgerError(
                f"ledger {self._shown}: moved meanwhile: entry {head.sequence} ({head.kind.value}) was "
                "recorded since it was read; nothing was recorded. Look with `rollout status`, then try again."
            )

    def _check_attachments(self, payload: bytes, attachments: Mapping[str, bytes]) -> None:
        for digest, content in attachments.items():
            if canonical.digest(content) != digest:
                what = f"evidence does not match its digest {digest[:64]}"
            elif digest.encode() not in _EVIDENCE.findall(payload):
                what = f"the entry does not name its evidence {digest}"
            elif len(content) > MAX_ATTACHMENT:
                what = f"evidence of {len(content)} bytes, at most {MAX_ATTACHMENT} are kept"
            else:
                continue
            raise LedgerError(f"ledger {self._shown}: {what}; nothing was recorded.")

    def _read_back(self, entry: Entry, attachments: Mapping[str, bytes]) -> None:
        """What is on the disk now, through a new connection, must be what was meant."""
        with self._database.transaction() as connection:
            row = connection.execute(_SELECT_ONE, (entry.sequence,)).fetchone()
        is_same = row is not None and _entry(row) == entry
        if not is_same or any(self.attachment(digest) != each for digest, each in attachments.items()):
            raise LedgerError(
                f"ledger entry {entry.sequence}: did not read back as it was written; do not rely on it. "
                "Run `rollout ledger verify`."
            )


def _build(database: Database) -> None:
    """Make a whole ledger with its first entry in a file of its own."""
    database.path.touch(mode=0o644, exist_ok=False)
    ledger_id = uuid4().hex
    payload = canonical.encode(
        {"ledger_id": ledger_id, "schema": schema.VERSION, "created_at": datetime.now(UTC).isoformat()}
    )
    first = next_entry(None, ledger_id=ledger_id, kind=EntryKind.LEDGER_CREATED, payload=payload)
    with database.transaction(writing=True) as connection:
        schema.build(connection)
        connection.execute(_INSERT, _row(first))


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


def _founded(entry: Entry, shown: str) -> str:
    """The id of the ledger this first entry founds."""
    first = Record(canonical.parse(entry.payload), "ledger entry 0")
    if (version := first.number("schema")) > schema.VERSION:
        raise LedgerError(
            f"ledger {shown}: written in schema {version}, this version reads up to {schema.VERSION}. "
            "Upgrade pytest-rollout."
        )
    if entry.kind is not EntryKind.LEDGER_CREATED or first.text("ledger_id") != entry.ledger_id:
        raise LedgerError(f"ledger {shown}: entry 0 does not found ledger {entry.ledger_id}. Restore it from a backup.")
    return entry.ledger_id


def _noting(entries: Iterator[Entry], named: dict[str, int]) -> Iterator[Entry]:
    """Hand entries on, noting which evidence each names first."""
    for entry in entries:
        for digest in _EVIDENCE.findall(entry.payload):
            named.setdefault(digest.decode(), entry.sequence)
        yield entry


def _content(connection: sqlite3.Connection, digest: str) -> bytes | None:
    row = connection.execute("SELECT content FROM attachments WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else bytes(row[0])


def _entry(row: _Row) -> Entry:
    ledger_id, sequence, previous, kind, payload, digest = row
    try:
        known = _KINDS[kind]
    except KeyError:
        raise LedgerError(
            f"ledger entry {sequence}: kind {kind[:40]!r} is none this version knows; it was edited, "
            "or written by a newer pytest-rollout. Upgrade, or restore the ledger from a backup."
        ) from None
    return Entry(ledger_id=ledger_id, sequence=sequence, previous=previous, kind=known, payload=payload, digest=digest)


def _row(entry: Entry) -> _Row:
    return (
        entry.ledger_id,
        entry.sequence,
        entry.previous,
        entry.kind.value,
        entry.payload,
        entry.digest,
    )


def _digest(entry: Entry) -> str:
    return digest_of(
        ledger_id=entry.ledger_id,
        sequence=entry.sequence,
        previous=entry.previous,
        kind=entry.kind.value,
        payload=entry.payload,
    )
