"""SQLite's troubles, each turned into the one sentence a user can act on."""

from __future__ import annotations

import sqlite3

from pytest_rollout.core.errors import LedgerError

_PRIMARY = 0xFF
"""The low byte of an extended result code is the plain one (SQLite: Result and Error Codes)."""

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "locked by another process for {busy:g} s; nothing was recorded. Try again.",
    sqlite3.SQLITE_LOCKED: "locked by another process for {busy:g} s; nothing was recorded. Try again.",
    sqlite3.SQLITE_FULL: "the disk is full; nothing was recorded. Make room, then try again.",
    sqlite3.SQLITE_IOERR: (
        "disk I/O error; nothing counts as recorded. "
        "Check space, quota and file size limits, then run `rollout ledger verify`."
    ),
    sqlite3.SQLITE_READONLY: ("the file or its folder cannot be written; nothing was recorded. Make both writable."),
    sqlite3.SQLITE_PERM: "the file may not be opened; check its permissions.",
    sqlite3.SQLITE_AUTH: "the file may not be opened; check its permissions.",
    sqlite3.SQLITE_CANTOPEN: (
        "the file, or a journal beside it, cannot be opened; nothing was recorded. "
        "Make the file and its folder readable and writable."
    ),
    sqlite3.SQLITE_NOTADB: "not a ledger, not even an SQLite database. Restore it from a backup.",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Restore it from a backup.",
    sqlite3.SQLITE_TOOBIG: "the entry is larger than SQLite can store; nothing was recorded.",
    sqlite3.SQLITE_CONSTRAINT: "refused by the ledger's own rules ({text}); nothing was recorded.",
}


def translated(error: sqlite3.Error, *, place: str, busy_seconds: float) -> LedgerError:
    """The sentence for ``error``; ``place`` is how messages name the ledger's file."""
    text = str(error) or type(error).__name__
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    sentence = _SENTENCES.get(code, "cannot be read or written ({text}). Restore it from a backup.")
    return LedgerError(f"ledger {place}: {sentence.format(text=text, busy=busy_seconds)}")
