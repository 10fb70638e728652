"""The ledger in one SQLite file: what it writes, what it refuses, what it notices."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.core.entries import EntryKind, verify_entries
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import chained, sqlite
from pytest_rollout.ledger.canonical import encode, parse
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.ledger.sqlite import SqliteLedger

Payload = Callable[..., bytes]
Edit = Callable[..., None]


def test_a_new_ledger_has_one_entry_that_founds_it(ledger: SqliteLedger) -> None:
    port: Ledger = ledger
    first = port.head()

    assert (first.sequence, first.kind) == (0, EntryKind.LEDGER_CREATED)
    assert first.ledger_id == port.id
    assert parse(first.payload).keys() == {"ledger_id", "schema", "created_at"}
    assert port.verify() == first


def test_two_ledgers_have_two_ids(tmp_path: Path) -> None:
    assert SqliteLedger.create(tmp_path / "a.db").id != SqliteLedger.create(tmp_path / "b.db").id


def test_entries_are_kept_byte_for_byte_in_order(ledger: SqliteLedger, path: Path, tick: Payload) -> None:
    payloads = [tick(number, note="<b>&\x1b[31m ünï \U0001f600") for number in range(1, 6)]

    appended = [ledger.append(EntryKind.TICK, payload) for payload in payloads]

    again = SqliteLedger.open(path)
    assert list(again.entries())[1:] == appended
    assert [entry.payload for entry in again.entries(1)] == payloads
    assert again.head() == appended[-1] == again.verify()
    assert list(again.entries(4)) == appended[3:]
    assert list(again.entries(9)) == []


@pytest.mark.parametrize("size", [1, 700], ids=["many small", "few large"])
def test_reading_goes_on_across_pages(
    ledger: SqliteLedger, tick: Payload, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(sqlite, "_PAGE_BYTES", 1000)
    for number in range(12):
        ledger.append(EntryKind.TICK, tick(number, note="x" * size))

    assert [entry.sequence for entry in ledger.entries()] == list(range(13))


def test_writing_goes_on_while_somebody_reads(ledger: SqliteLedger, tick: Payload) -> None:
    """A slow reader of a long ledger must not keep a gate from recording."""
    reading = ledger.entries()
    next(reading)

    ledger.append(EntryKind.TICK, tick())

    assert [entry.sequence for entry in reading] == [1]


def test_a_ledger_is_never_overwritten(ledger: SqliteLedger, path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(LedgerError) as caught:
        SqliteLedger.create(path, shown="ledger.db")

    assert str(caught.value) == (
        "ledger ledger.db: something of that name exists already and is not overwritten. Use it, or move it away first."
    )
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
    assert SqliteLedger.open(path).id == ledger.id


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_of_that_name_is_overwritten(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")

    with pytest.raises(LedgerError, match="exists already and is not overwritten"):
        SqliteLedger.create(path)

    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
    assert not path.exists() or kind != "dangling link"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")

    with pytest.raises(LedgerError, match=r"^ledger l\.db: cannot be created \(Not a directory\)\. Check the folder"):
        SqliteLedger.create(tmp_path / "f" / "g" / "l.db", shown="l.db")
    with pytest.raises(LedgerError, match=r"^ledger l\.db: cannot be created \(File exists\)\. Check the folder"):
        SqliteLedger.create(tmp_path / "f" / "l.db", shown="l.db")


def test_a_head_that_moved_is_refused_and_nothing_written(ledger: SqliteLedger, tick: Payload) -> None:
    seen = ledger.head()
    newer = ledger.append(EntryKind.TICK, tick(), expected_head=seen.digest)

    with pytest.raises(LedgerError) as caught:
        ledger.append(EntryKind.TICK, tick(2), expected_head=seen.digest)

    assert str(caught.value) == (
        "ledger ledger.db: moved meanwhile: entry 1 (tick) was recorded since it was read; nothing was recorded. "
        "Look with `rollout status`, then try again."
    )
    assert ledger.head() == newer


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        (EntryKind.TICK, b"{}", "ledger entry 1: no 'rollout'; it was not written by this version"),
        (EntryKind.TICK, b'{ "a":1}', "payload: JSON, but not in its canonical form"),
        (EntryKind.TICK, b"not json", "payload: not canonical JSON"),
        (EntryKind.JUDGEMENT, b'{"schema":"v9"}', "ledger entry 1: schema 'v9' is not the one this version reads"),
        (EntryKind.RUN_STARTED, b'{"id":7}', "ledger entry 1: 'id' is '7' where a string belongs"),
        (EntryKind.PROMOTION, b"{}", "ledger entry 1: no 'rollout'"),
        (EntryKind.ROLLBACK, b"{}", "ledger entry 1: no 'rollout'"),
        (EntryKind.LEDGER_CREATED, b"{}", "ledger ledger.db: it was created already, by entry 0."),
    ],
    ids=["empty tick", "not canonical", "not json", "newer judgement", "bent run", "promotion", "rollback", "founder"],
)
def test_what_could_not_be_read_again_is_not_written(
    ledger: SqliteLedger, kind: EntryKind, payload: bytes, sentence: str
) -> None:
    """An append-only ledger cannot forget: one unreadable entry would stop every later reader."""
    with pytest.raises(LedgerError) as caught:
        ledger.append(kind, payload)

    assert str(caught.value).startswith(sentence)
    assert ledger.verify().sequence == 0


def evidence(content: bytes) -> tuple[str, dict[str, bytes]]:
    digest = hashlib.sha256(content).hexdigest()
    return digest, {digest: content}


def test_attachments_are_kept_with_their_entry(ledger: SqliteLedger, path: Path, tick: Payload) -> None:
    digest, attachments = evidence(b"letter " * 10_000)

    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)

    assert SqliteLedger.open(path).attachment(digest) == b"letter " * 10_000
    assert path.stat().st_size < 60_000
    assert ledger.verify().sequence == 1


@pytest.mark.parametrize("content", [b"", b"\0", os.urandom(100_000)], ids=["empty", "nul", "incompressible"])
def test_any_bytes_can_be_attached(ledger: SqliteLedger, tick: Payload, content: bytes) -> None:
    digest, attachments = evidence(content)

    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)

    assert ledger.attachment(digest) == content


def test_the_same_evidence_twice_is_stored_once(ledger: SqliteLedger, path: Path, tick: Payload) -> None:
    digest, attachments = evidence(b"letter")

    for number in (1, 2):
        ledger.append(EntryKind.TICK, tick(number, evidence_digest=digest), attachments=attachments)

    assert rows(path, "SELECT sequence FROM attachments") == [(1,)]
    assert ledger.verify().sequence == 2


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_evidence_under_a_false_digest_is_refused(ledger: SqliteLedger, tick: Payload) -> None:
    digest, _ = evidence(b"letter")

    with pytest.raises(LedgerError, match=rf"^ledger ledger\.db: evidence does not match its digest {digest}"):
        ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments={digest: b"other"})

    assert ledger.verify().sequence == 0


def test_evidence_that_the_entry_does_not_name_is_refused(ledger: SqliteLedger, tick: Payload) -> None:
    """What no digest in the chain binds could be exchanged without a trace."""
    digest, attachments = evidence(b"letter")

    with pytest.raises(LedgerError, match=rf"^ledger ledger\.db: the entry does not name its evidence {digest}"):
        ledger.append(EntryKind.TICK, tick(note=f'"evidence_digest":"{digest}"'), attachments=attachments)

    assert ledger.verify().sequence == 0


def test_evidence_beyond_the_limit_is_refused(
    ledger: SqliteLedger, tick: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chained, "MAX_ATTACHMENT", 5)
    digest, attachments = evidence(b"letter")

    with pytest.raises(LedgerError, match=r"^ledger ledger\.db: evidence of 6 bytes, at most 5 are kept"):
        ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)


def test_an_entry_whose_evidence_was_never_handed_in_does_not_verify(ledger: SqliteLedger, tick: Payload) -> None:
    digest, _ = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest))

    with pytest.raises(LedgerError) as caught:
        ledger.verify()

    assert str(caught.value) == (
        f"ledger entry 1: ledger ledger.db: evidence missing: nothing is stored under {digest}. "
        "Restore the ledger from a backup, or run the gate again."
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET payload = x'7b7d' WHERE sequence = 1",
        "UPDATE entries SET sequence = 9 WHERE sequence = 2",
        "UPDATE entries SET kind = 'promotion'",
        "DELETE FROM entries WHERE sequence = 2",
        "DELETE FROM entries",
        (
            "INSERT OR REPLACE INTO entries SELECT sequence, ledger_id, previous, kind, x'7b7d', digest FROM entries "
            "WHERE sequence = 2"
        ),
        "INSERT INTO entries VALUES (9, 'a', 'b', 'tick', x'7b7d', 'c')",
        "INSERT INTO entries VALUES (NULL, 'a', 'b', 'tick', x'7b7d', 'c')",
        (
            "INSERT INTO entries SELECT sequence + 2, ledger_id, previous, kind, payload, digest FROM entries "
            "WHERE sequence = 1"
        ),
        "INSERT INTO entries VALUES (3, 'a', 'b', 'tick', 'text', 'c')",
        "UPDATE attachments SET content = x'00'",
        "DELETE FROM attachments",
        "INSERT OR REPLACE INTO attachments SELECT digest, sequence, x'00' FROM attachments",
    ],
    ids=[
        "edit",
        "renumber",
        "rename",
        "delete last",
        "delete all",
        "replace",
        "gap",
        "no number",
        "same previous",
        "text for bytes",
        "edit evidence",
        "delete evidence",
        "replace evidence",
    ],
)
def test_the_file_itself_refuses_editing(ledger: SqliteLedger, tick: Payload, by_hand: Edit, statement: str) -> None:
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)
    ledger.append(EntryKind.TICK, tick(2))
    before = list(ledger.entries())

    with pytest.raises(sqlite3.IntegrityError):
        by_hand(statement, guards=True)

    assert list(ledger.entries()) == before
    assert ledger.verify() == before[-1]


EDITED = [
    (
        "UPDATE entries SET payload = CAST(replace(payload, 'ann', 'eve') AS BLOB) WHERE sequence = 2",
        "ledger entry 2: digest does not match its content; entries 0-1 verify.",
    ),
    ("UPDATE entries SET kind = 'promotion' WHERE sequence = 2", "ledger entry 2: digest does not match its content"),
    ("UPDATE entries SET kind = 'PROMOTE' WHERE sequence = 2", "ledger entry 2: kind 'PROMOTE' is none this version"),
    ("UPDATE entries SET digest = previous WHERE sequence = 2", "ledger entry 2: digest does not match its content"),
    ("UPDATE entries SET previous = 'no hex' WHERE sequence = 2", "ledger entry 2: does not follow the entry before"),
    ("UPDATE entries SET ledger_id = 'b' WHERE sequence = 2", "ledger entry 2: belongs to ledger b, not"),
    ("DELETE FROM entries WHERE sequence = 2", "ledger entry 2: is missing; the next one stored is 3; entries 0-1"),
    ("UPDATE entries SET sequence = 9 WHERE sequence = 4", "ledger entry 4: is missing; the next one stored is 9"),
    ("UPDATE entries SET digest = CAST(x'ff' AS TEXT) WHERE sequence = 2", "ledger ledger.db: cannot be read"),
    ("DELETE FROM attachments", "ledger entry 1: ledger ledger.db: evidence missing: nothing is stored under"),
    ("UPDATE attachments SET content = x'00'", "ledger entry 1: ledger ledger.db: evidence"),
]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    EDITED,
    ids=[
        "payload",
        "kind",
        "unknown kind",
        "digest",
        "previous",
        "ledger id",
        "deleted",
        "renumbered",
        "no text",
        "evidence gone",
        "evidence bent",
    ],
)
def test_editing_past_the_guards_is_found_and_placed(
    ledger: SqliteLedger, tick: Payload, by_hand: Edit, statement: str, sentence: str
) -> None:
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)
    for number in (2, 3, 4):
        ledger.append(EntryKind.TICK, tick(number))

    by_hand(statement)

    with pytest.raises(LedgerError) as caught:
        ledger.verify()
    assert str(caught.value).startswith(sentence)


def test_evidence_exchanged_for_other_evidence_is_found(ledger: SqliteLedger, tick: Payload, by_hand: Edit) -> None:
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)
    by_hand(f"UPDATE attachments SET content = x'{zlib.compress(b'forged').hex()}'")

    with pytest.raises(LedgerError, match=rf"^ledger ledger\.db: evidence {digest} does not match its digest"):
        ledger.attachment(digest)


def test_evidence_that_unpacks_without_end_is_refused(
    ledger: SqliteLedger, tick: Payload, by_hand: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest), attachments=attachments)
    by_hand(f"UPDATE attachments SET content = x'{zlib.compress(bytes(10_000_000)).hex()}'")
    monkeypatch.setattr(chained, "MAX_ATTACHMENT", 1000)

    tracemalloc.start()
    with pytest.raises(LedgerError, match="does not match its digest"):
        ledger.attachment(digest)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


def test_nothing_is_appended_to_an_edited_head(ledger: SqliteLedger, tick: Payload, by_hand: Edit) -> None:
    """Otherwise the forged entry would be bound in by an honest one."""
    ledger.append(EntryKind.TICK, tick())
    by_hand("UPDATE entries SET payload = x'7b7d' WHERE sequence = 1")

    with pytest.raises(LedgerError, match=r"^ledger entry 1: digest does not match its content; nothing was recorded"):
        ledger.append(EntryKind.TICK, tick(2))

    assert len(list(ledger.entries())) == 2


def test_dropped_guards_are_found_even_where_nothing_was_edited(ledger: SqliteLedger, by_hand: Edit) -> None:
    by_hand()

    with pytest.raises(LedgerError) as caught:
        ledger.verify()

    assert str(caught.value).startswith(
        "ledger ledger.db: its guards against editing were altered (attachments_follow, attachments_remain, "
        "attachments_stay, entries_follow, entries_remain, entries_stay); entries 0-0 verify."
    )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT 1; END",
        "CREATE TRIGGER extra AFTER INSERT ON entries BEGIN SELECT 1; END",
    ],
    ids=["emptied", "added"],
)
def test_exchanged_guards_are_found(ledger: SqliteLedger, by_hand: Edit, statement: str) -> None:
    if "entries_stay" in statement:
        by_hand("DROP TRIGGER entries_stay", guards=True)
    by_hand(statement, guards=True)

    with pytest.raises(LedgerError, match="its guards against editing were altered"):
        ledger.verify()


def test_a_trigger_that_bends_what_is_written_is_found_at_once(
    ledger: SqliteLedger, tick: Payload, by_hand: Edit
) -> None:
    """Read back before it counts: not what was handed to the database, what is there."""
    by_hand(
        "CREATE TRIGGER bend AFTER INSERT ON entries BEGIN "
        "UPDATE entries SET payload = x'7b7d' WHERE sequence = NEW.sequence; END"
    )

    with pytest.raises(LedgerError, match=r"^ledger entry 1: did not read back as it was written; do not rely on it"):
        ledger.append(EntryKind.TICK, tick())


def test_a_cut_tail_verifies_to_another_head(ledger: SqliteLedger, tick: Payload, by_hand: Edit) -> None:
    """The limit of a chain: only a head noted elsewhere shows it. Guards put back, nothing is left to see."""
    for number in (1, 2, 3):
        ledger.append(EntryKind.TICK, tick(number))
    noted = ledger.head()
    by_hand("DELETE FROM entries WHERE sequence = 3")

    head = verify_entries(ledger.entries(), ledger_id=ledger.id)

    assert head.sequence == 2
    assert noted.digest not in {entry.digest for entry in ledger.entries()}


def test_a_file_replaced_by_another_ledger_is_noticed(tmp_path: Path, ledger: SqliteLedger, tick: Payload) -> None:
    other = SqliteLedger.create(tmp_path / "other.db")
    (tmp_path / "other.db").replace(tmp_path / "ledger.db")

    with pytest.raises(LedgerError) as caught:
        ledger.append(EntryKind.TICK, tick())
    assert str(caught.value) == (
        f"ledger ledger.db: the file was ledger {ledger.id} and is now {other.id}; nothing was recorded."
    )
    with pytest.raises(LedgerError, match=rf"^ledger entry 0: belongs to ledger {other.id}, not {ledger.id}"):
        ledger.verify()


@pytest.mark.parametrize("how", ["emptied", "removed", "overwritten"])
def test_a_file_that_vanished_is_told_and_not_made_anew(
    path: Path, ledger: SqliteLedger, tick: Payload, how: str
) -> None:
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "emptied" else b"x" * 20_000)

    for ask in (ledger.head, ledger.verify, lambda: ledger.append(EntryKind.TICK, tick())):
        with pytest.raises(LedgerError, match=r"^ledger ledger\.db: "):
            ask()

    assert path.exists() == (how != "removed")


def test_a_damaged_page_is_told(path: Path, ledger: SqliteLedger, tick: Payload) -> None:
    for number in range(60):
        ledger.append(EntryKind.TICK, tick(number, note="x" * 2000))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)

    with pytest.raises(LedgerError, match=r"damaged|digest does not match|is missing"):
        ledger.verify()


def test_damage_where_no_entry_lies_is_found(path: Path, ledger: SqliteLedger, tick: Payload) -> None:
    """The index that keeps two entries from following one: every entry still reads, the guard is gone."""
    for number in range(60):
        ledger.append(EntryKind.TICK, tick(number))
    [(page,)] = rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_entries_1'")
    content = bytearray(path.read_bytes())
    assert isinstance(page, int)
    content[(page - 1) * 4096 + 200 : page * 4096] = b"\xff" * (4096 - 200)
    path.write_bytes(content)

    assert len(list(ledger.entries())) == 61
    with pytest.raises(LedgerError, match=r"^ledger ledger\.db: the file is damaged"):
        ledger.verify()


@pytest.mark.parametrize("at", range(8))
def test_a_flipped_bit_in_the_file_is_found_or_harmless(
    path: Path, ledger: SqliteLedger, tick: Payload, at: int
) -> None:
    """Either the chain or SQLite notices, or every entry still reads as it was written."""
    for number in range(20):
        ledger.append(EntryKind.TICK, tick(number, note="x" * 500))
    before = list(ledger.entries())
    content = bytearray(path.read_bytes())
    content[len(content) * (2 * at + 1) // 16] ^= 0x10
    path.write_bytes(content)

    try:
        ledger.verify()
    except LedgerError:
        return
    assert list(ledger.entries()) == before


def test_the_journal_is_a_rollback_journal_and_every_commit_is_synced(ledger: SqliteLedger) -> None:
    with ledger._database.transaction() as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        (foreign_keys,) = connection.execute("PRAGMA foreign_keys").fetchone()

    assert (mode, synchronous, foreign_keys) == ("delete", 3, 1)


def test_a_file_switched_to_a_write_ahead_log_is_switched_back(
    path: Path, ledger: SqliteLedger, tick: Payload, by_hand: Edit
) -> None:
    """Some versions lose committed entries in a write-ahead log's reset."""
    by_hand("PRAGMA journal_mode = WAL", guards=True)

    ledger.append(EntryKind.TICK, tick())

    assert rows(path, "PRAGMA journal_mode") == [("delete",)]
    assert ledger.verify().sequence == 1


def test_a_write_ahead_log_that_somebody_keeps_open_is_told(path: Path, ledger: SqliteLedger, tick: Payload) -> None:
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("SELECT count(*) FROM entries").fetchall()
    try:
        with pytest.raises(LedgerError, match=r"in journal mode wal|locked by another process"):
            ledger.append(EntryKind.TICK, tick())
    finally:
        other.close()


def test_a_judgement_of_a_large_gate_is_kept_whole(ledger: SqliteLedger, tick: Payload) -> None:
    payload = tick(note="x" * 5_000_000)

    entry = ledger.append(EntryKind.TICK, payload)

    assert next(ledger.entries(1)).payload == entry.payload == payload


def test_ledger_created_is_readable_by_a_stranger(path: Path, ledger: SqliteLedger) -> None:
    """Plain columns, plain SHA-256: the sqlite3 shell is enough."""
    [(payload, digest)] = rows(path, "SELECT payload, digest FROM entries")

    assert encode(parse(bytes(payload))) == payload  # type: ignore[arg-type, call-overload]
    assert digest == ledger.head().digest
