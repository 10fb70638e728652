"""Which ledger: named, found, refused - in one sentence and without its password."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.opening import create_ledger, ledger_exists, open_ledger


def test_the_default_lies_under_the_root(tmp_path: Path) -> None:
    created = create_ledger(None, tmp_path)

    assert (tmp_path / ".rollout" / "ledger.db").is_file()
    assert open_ledger(None, tmp_path).id == created.id
    assert open_ledger("sqlite:///.rollout/ledger.db", tmp_path / "." / "").id == created.id


def test_an_absolute_path_ignores_the_root(tmp_path: Path) -> None:
    created = create_ledger(f"sqlite:///{tmp_path}/deep/er/l.db", tmp_path / "elsewhere")

    assert open_ledger("sqlite:///deep/er/l.db", tmp_path).id == created.id


@pytest.mark.parametrize("name", ["a b.db", "a%20b.db", "ü.db", "a'b;--.db"])
def test_a_file_is_called_exactly_what_the_address_says(tmp_path: Path, name: str) -> None:
    """SQLite's own addresses decode per cent signs; ours do not."""
    create_ledger(f"sqlite:///{name}", tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert open_ledger(f"sqlite:///{name}", tmp_path).verify().sequence == 0


def test_a_missing_ledger_is_told_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(None, tmp_path)

    assert str(caught.value) == (
        "no ledger at .rollout/ledger.db; create it with `rollout init`, or name another one with --rollout-ledger."
    )
    assert list(tmp_path.iterdir()) == []


def test_whether_there_is_one_is_asked_without_making_one(tmp_path: Path) -> None:
    assert not ledger_exists(None, tmp_path)
    create_ledger(None, tmp_path)
    assert ledger_exists(None, tmp_path)


def test_the_id_a_plan_pins_is_compared(tmp_path: Path) -> None:
    created = create_ledger(None, tmp_path)

    assert open_ledger(None, tmp_path, expected_id=created.id).id == created.id
    with pytest.raises(LedgerError) as caught:
        open_ledger(None, tmp_path, expected_id="f" * 32)
    assert str(caught.value) == (
        f"ledger .rollout/ledger.db: its id is {created.id}, the plan belongs to {'f' * 32}; "
        "name the right one with --rollout-ledger."
    )


SUCH = "write sqlite:/// and a path, relative to the project or absolute, such as sqlite:///.rollout/ledger.db, or postgresql://host/database."
AWAY = (
    "ledger postgresql://127.0.0.1/ledger: the server cannot be reached, or went away; nothing counts as recorded. "
    "Start it, then try again."
)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://ann:hunter2@127.0.0.1:1/ledger", AWAY),
        ("postgresql+psycopg://ann:hunter2@127.0.0.1:1/ledger", AWAY),
        ("postgres://ann:hunter2@127.0.0.1:1/ledger?password=hunter2", AWAY),
        ("mysql://ann:hunter2@db/ledger", f"--rollout-ledger: no ledger is kept in 'mysql'; {SUCH}"),
        ("ann:hunter2@db/ledger", f"--rollout-ledger: no ledger is kept in 'ann'; {SUCH}"),
        ("", f"--rollout-ledger: that is no address; {SUCH}"),
        ("ledger.db", f"--rollout-ledger: that is no address; {SUCH}"),
        ("/hunter2/ledger.db", f"--rollout-ledger: that is no address; {SUCH}"),
        ("sqlite://", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite:///", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite:///:memory:", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite:///l.db?mode=memory", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite:///l.db#x", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite:///a\0b", f"--rollout-ledger: that address names no file; {SUCH}"),
        ("sqlite://host/l.db", f"--rollout-ledger: that address names no file; {SUCH}"),
    ],
    ids=[
        "postgresql",
        "postgresql driver",
        "postgres",
        "mysql",
        "user first",
        "empty",
        "bare name",
        "bare path",
        "two slashes",
        "three slashes",
        "memory",
        "options",
        "fragment",
        "nul",
        "host",
    ],
)
def test_an_address_that_is_no_sqlite_file_is_refused_without_repeating_it(
    tmp_path: Path, url: str, sentence: str
) -> None:
    for ask in (open_ledger, create_ledger):
        with pytest.raises(LedgerError) as caught:
            ask(url, tmp_path)
        assert str(caught.value) == sentence
        assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def text_file(path: Path) -> None:
    path.write_text("not a database, but long enough to look like a header of one\n" * 40)


def empty_file(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (sequence INTEGER)")
    connection.close()


def no_entries(path: Path) -> None:
    whole(path, "DELETE FROM entries")


def newer_version(path: Path) -> None:
    whole(path, """UPDATE entries SET payload = CAST(replace(payload, '"schema":1', '"schema":2') AS BLOB)""")


def other_founder(path: Path) -> None:
    whole(path, "UPDATE entries SET ledger_id = 'ffffffff'")


def newer_kind(path: Path) -> None:
    whole(path, "UPDATE entries SET kind = 'newer'")


def cut_short(path: Path) -> None:
    create_ledger(f"sqlite:///{path}", path.parent)
    path.write_bytes(path.read_bytes()[:9000])


def overwritten(path: Path) -> None:
    create_ledger(f"sqlite:///{path}", path.parent)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


def whole(path: Path, statement: str) -> None:
    create_ledger(f"sqlite:///{path}", path.parent)
    connection = sqlite3.connect(path)
    for name in ("entries_stay", "entries_remain"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (text_file, "ledger l.db: not a ledger, not even an SQLite database. Restore it from a backup."),
        (empty_file, "ledger l.db: the file is empty. Restore it from a backup."),
        (folder, "ledger l.db: not a file; name another one with --rollout-ledger."),
        (other_database, "ledger l.db: an SQLite database, but not a ledger; name another one with"),
        (no_entries, "ledger l.db: entry 0 is missing. Restore it from a backup."),
        (newer_version, "ledger l.db: written in schema 2, this version reads up to 1. Upgrade pytest-rollout."),
        (other_founder, "ledger l.db: entry 0 does not found ledger ffffffff. Restore it from a backup."),
        (newer_kind, "ledger entry 0: kind 'newer' is none this version knows; it was edited, or written by a"),
        (cut_short, "ledger l.db: the file is damaged. Restore it from a backup."),
        (overwritten, "ledger l.db: the file is damaged. Restore it from a backup."),
    ],
    ids=[
        "text",
        "empty",
        "folder",
        "other database",
        "no entries",
        "newer version",
        "other founder",
        "newer kind",
        "cut short",
        "overwritten",
    ],
)
def test_what_is_no_ledger_is_told_apart(tmp_path: Path, make: object, sentence: str) -> None:
    assert callable(make)
    make(tmp_path / "l.db")

    with pytest.raises(LedgerError) as caught:
        open_ledger("sqlite:///l.db", tmp_path)

    assert str(caught.value).startswith(sentence)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "l.db")

    with pytest.raises(LedgerError, match="not a file"):
        open_ledger("sqlite:///l.db", tmp_path)


def test_the_port_costs_no_database_driver() -> None:
    """`pytest --help` and completion read the rooms' ports; they must not pay for a ledger."""
    script = (
        "import sys, pytest_rollout.ledger.opening, pytest_rollout.ledger.port;"
        "print([name for name in ('sqlite3', 'sqlalchemy', 'rfc8785') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
