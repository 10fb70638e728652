"""How a ledger lies in SQLite: two strict tables that only grow."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x524F4C4C
"""``ROLL``: what ``file`` and other tools recognise the database by."""

_TABLES = (
    """
    CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY CHECK (sequence >= 0),
        ledger_id TEXT NOT NULL,
        previous TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        payload BLOB NOT NULL,
        digest TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE attachments (
        digest TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL REFERENCES entries (sequence),
        content BLOB NOT NULL
    ) STRICT
    """,
)

# INSERT OR REPLACE deletes without firing a delete trigger unless recursive triggers are on, so
# inserting anything but a new row is refused before SQLite gets to resolve the conflict.
GUARDS = {
    "entries_follow": """
        CREATE TRIGGER entries_follow BEFORE INSERT ON entries
        WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence) + 1, 0) FROM entries)
        BEGIN SELECT RAISE(ABORT, 'an entry follows the newest one'); END
    """,
    "entries_stay": """
        CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END
    """,
    "entries_remain": """
        CREATE TRIGGER entries_remain BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END
    """,
    "attachments_follow": """
        CREATE TRIGGER attachments_follow BEFORE INSERT ON attachments
        WHEN EXISTS (SELECT 1 FROM attachments WHERE digest = NEW.digest)
        BEGIN SELECT RAISE(ABORT, 'the attachment is stored already'); END
    """,
    "attachments_stay": """
        CREATE TRIGGER attachments_stay BEFORE UPDATE ON attachments
        BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END
    """,
    "attachments_remain": """
        CREATE TRIGGER attachments_remain BEFORE DELETE ON attachments
        BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END
    """,
}


def build(connection: sqlite3.Connection) -> None:
    """Make the tables and their guards in an empty database."""
    for statement in (*_TABLES, *GUARDS.values()):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def is_ledger(connection: sqlite3.Connection) -> bool:
    """Whether both tables are there and strict."""
    rows = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 1")
    return {"entries", "attachments"} <= {name for (name,) in rows}


def altered_guards(connection: sqlite3.Connection) -> list[str]:
    """The names of guards that are gone or say something else, and of triggers nobody here made."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = {name: _words(sql) for name, sql in rows}
    expected = {name: _words(sql) for name, sql in GUARDS.items()}
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def _words(sql: str) -> list[str]:
    return sql.split()
