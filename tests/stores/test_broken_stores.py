"""Stores that are locked, half written, littered or hostile: told, never read as something else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import plyvel
import pytest

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Identity
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.stores.folder import FolderStore
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.leveldb import LevelDbStore
from pytest_rollout.stores.ndjson import NdjsonStore
from pytest_rollout.stores.sqlite import SqliteStore
from pytest_rollout.stores.unified import UnifiedStore

HOLD = "import plyvel, sys\ndatabase = plyvel.DB(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()\n"


@pytest.fixture
def leveldb(tmp_path) -> Path:
    """Large enough for a table file, and with a log."""
    database = plyvel.DB(str(tmp_path / "db"), create_if_missing=True, write_buffer_size=64 * 1024)
    for number in range(3000):
        database.put(b"56-C%d" % number, json.dumps({"n": number, "pad": os.urandom(20).hex()}).encode())
    database.close()
    return tmp_path / "db"


def test_a_leveldb_that_is_open_elsewhere_is_not_read(leveldb) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(leveldb)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="store db/: another process has it open; stop it, or copy the store."):
            list(LevelDbStore(leveldb).records())
    finally:
        holder.communicate("")
    assert len(list(LevelDbStore(leveldb).records())) == 3000


def spoil_table(path: Path) -> None:
    table = min(path.glob("*.ldb"))
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 0xFF
    table.write_bytes(content)


def lose_table(path: Path) -> None:
    min(path.glob("*.ldb")).unlink()


def cut_table(path: Path) -> None:
    table = min(path.glob("*.ldb"))
    table.write_bytes(table.read_bytes()[:1000])


def lose_manifest(path: Path) -> None:
    next(path.glob("MANIFEST-*")).unlink()


def spoil_log(path: Path) -> None:
    log = next(path.glob("*.log"))
    content = bytearray(log.read_bytes())
    content[20] ^= 0xFF
    log.write_bytes(content)


def cut_log(path: Path) -> None:
    cut(next(path.glob("*.log")), 0.5)


def cut_the_end_of_the_log(path: Path) -> None:
    log = next(path.glob("*.log"))
    log.write_bytes(log.read_bytes()[:-1])


def spoil_the_last_length(path: Path) -> None:
    """To LevelDB itself what follows was never written."""
    log = next(path.glob("*.log"))
    content = bytearray(log.read_bytes())
    content[5] = 0x7F
    log.write_bytes(content[: 32 * 1024])


def lose_log(path: Path) -> None:
    next(path.glob("*.log")).unlink()


def cut_manifest(path: Path) -> None:
    cut(next(path.glob("MANIFEST-*")), 0.7)


def cut(path: Path, share: float) -> None:
    """Leave a share of it, ending within a write."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


SPOILS = [
    *(spoil_table, lose_table, cut_table, lose_manifest, spoil_log, cut_manifest),
    *(cut_log, cut_the_end_of_the_log, spoil_the_last_length, lose_log),
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_broken_leveldb_is_one_sentence(leveldb, spoil) -> None:
    """Each of them would otherwise be a store with fewer records."""
    spoil(leveldb)

    with pytest.raises(StoreError, match=r"store db/: is broken \(.*\); restore it from a backup."):
        list(LevelDbStore(leveldb).records())


def ends(log: Path) -> list[int]:
    """Where each write of a short log ends: a header of seven bytes with its length, and what it holds."""
    content, found, at = log.read_bytes(), [], 0
    while at < len(content):
        at += 7 + int.from_bytes(content[at + 4 : at + 6], "little")
        found.append(at)
    return found


def written(path: Path) -> Path:
    """The log of a LevelDB with five writes."""
    database = plyvel.DB(str(path), create_if_missing=True)
    for number in range(5):
        database.put(f"56-C{number}".encode(), json.dumps({"chainId": 56, "contractName": f"C{number}"}).encode())
    database.close()
    return next(path.glob("*.log"))


def test_a_write_that_is_missing_between_others_is_told(tmp_path) -> None:
    log = written(tmp_path / "db")
    first, second, *_ = ends(log)
    content = log.read_bytes()
    log.write_bytes(content[:first] + content[second:])

    with pytest.raises(StoreError, match=r"is broken \(\d{6}.log lacks the writes 2 to 2\); restore it from a backup"):
        list(LevelDbStore(tmp_path / "db").records())


def test_a_log_that_ends_before_what_the_manifest_knows_of_is_told(tmp_path) -> None:
    """Cut exactly between two writes, so that every one that is left is whole."""
    log = written(tmp_path / "db")
    manifest = next((tmp_path / "db").glob("MANIFEST-*"))
    manifest.write_bytes(manifest.read_bytes() + entry_of_a_manifest(last_sequence=5))
    log.write_bytes(log.read_bytes()[: ends(log)[-2]])

    with pytest.raises(StoreError, match=r"is broken \(\d{6}.log ends with write 4, and 5 were made\)"):
        list(LevelDbStore(tmp_path / "db").records())


def entry_of_a_manifest(*, last_sequence: int) -> bytes:
    """What a compaction tells it: a checksum, which is looked at later, a length, a type, and the field 4."""
    return b"\0\0\0\0\2\0\1" + bytes([4, last_sequence])


def test_a_log_that_was_cut_between_two_writes_is_found_by_its_inventory(tmp_path) -> None:
    """Nothing in the store itself says that there was one more: N of N does."""
    log = written(tmp_path / "db")
    log.write_bytes(log.read_bytes()[: ends(log)[-2]])
    asked = Asked(
        identity=Identity(key=("chainId", "contractName")), inventory=tuple(f"56/C{number}" for number in range(5))
    )

    tally = compare(LevelDbStore(tmp_path / "db"), None, asked)

    assert (tally["same"], tally["listed"]) == (4, {"missing": ["56/C4"]})


def test_a_leveldb_that_wrote_many_logs_is_whole(tmp_path) -> None:
    """Tables, manifests and logs of a store that was opened again and again."""
    for _ in range(3):
        database = plyvel.DB(str(tmp_path / "db"), create_if_missing=True, write_buffer_size=65536)
        for number in range(3000):
            database.put(f"{number}".encode(), json.dumps({"n": number, "x": "y" * 100}).encode())
        database.close()

        assert len(list(LevelDbStore(tmp_path / "db").records())) == 3000


def test_a_folder_that_is_no_leveldb_is_told(tmp_path) -> None:
    with pytest.raises(StoreError, match="is no LevelDB, for it has no file CURRENT."):
        list(LevelDbStore(tmp_path).records())


def test_a_link_in_a_leveldb_is_refused(leveldb, tmp_path) -> None:
    (leveldb / "000099.ldb").symlink_to("/etc/hostname")

    with pytest.raises(StoreError, match="000099.ldb is no regular file"):
        list(LevelDbStore(leveldb).records())


def test_a_value_that_is_no_json_is_named_by_its_key(tmp_path) -> None:
    database = plyvel.DB(str(tmp_path / "db"), create_if_missing=True)
    database.put(b"31337-Look", b'{"chainId": ')
    database.close()

    (record,) = LevelDbStore(tmp_path / "db").records()

    assert (record.place, record.value) == ("31337-Look", None)
    assert record.error.startswith("is no JSON (")


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "a.json").write_text('{"n": 1}')
    return tmp_path / "state"


def test_what_is_left_over_is_named_and_not_read(folder) -> None:
    for name in ("a.json.backup-123.json", "b.json.tmp", "c.lock", "d.json~", "e.json.bak"):
        (folder / name).write_text('{"n": 2}')
    store = FolderStore(folder)

    assert [each.value for each in store.records()] == [{"n": 1}]
    assert list(store.leftovers()) == ["a.json.backup-123.json", "b.json.tmp", "c.lock", "d.json~", "e.json.bak"]


@pytest.mark.parametrize("target", ["/etc", "/etc/hostname", "nowhere"])
def test_a_link_in_a_folder_is_refused(folder, target) -> None:
    (folder / "x.json").symlink_to(target)

    with pytest.raises(StoreError, match="store state/: x.json is a link, which may lead out of the store."):
        list(FolderStore(folder).records())


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000, "\ud800"],
    ids=lambda text: text[:9] or "empty",
)
def test_a_broken_file_is_a_record_that_says_so(folder, content) -> None:
    (folder / "b.json").write_text(content, errors="surrogatepass")

    good, broken = FolderStore(folder).records()

    assert (good.error, broken.value) == ("", None)
    assert broken.error.startswith("is no JSON (")


def test_a_pipe_among_the_files_is_not_waited_for(folder) -> None:
    os.mkfifo(folder / "b.json")

    with pytest.raises(StoreError, match="b.json is no regular file"):
        list(FolderStore(folder).records())


def test_an_empty_folder_is_no_store(tmp_path) -> None:
    with pytest.raises(StoreError, match="holds no JSON file."):
        list(FolderStore(tmp_path).records())


def test_a_line_without_its_end_was_cut_off(tmp_path) -> None:
    (tmp_path / "r.ndjson").write_text('{"n": 1}\n\n{"n": 2')

    good, cut = NdjsonStore(tmp_path / "r.ndjson").records()

    assert (good.place, good.value) == ("r.ndjson:1", {"n": 1})
    assert (cut.place, cut.error) == ("r.ndjson:3", "was cut off before the end of its line")


@pytest.mark.parametrize("most", [1, 7, 8, 100])
def test_lines_are_numbered_however_much_is_read_at_once(tmp_path, monkeypatch, most) -> None:
    monkeypatch.setattr("pytest_rollout.stores.ndjson.MOST_BYTES", most)
    (tmp_path / "r.ndjson").write_text('{"n": 1}\n\n\n{"n": 2}\n' + '{"n": 3}\n' * 3 + "\n{")

    found = [(record.place.partition(":")[2], record.value) for record in NdjsonStore(tmp_path / "r.ndjson").records()]

    numbers = [("1", 1), ("4", 2), ("5", 3), ("6", 3), ("7", 3)]
    assert found == [*((place, {"n": number}) for place, number in numbers), ("9", None)]


def test_a_pipe_is_no_file_of_records(tmp_path) -> None:
    os.mkfifo(tmp_path / "r.ndjson")

    with pytest.raises(StoreError, match=r"store r\.ndjson: is no regular file\."):
        list(NdjsonStore(tmp_path / "r.ndjson").records())


def test_an_endless_line_is_not_read_to_its_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pytest_rollout.stores.ndjson.LONGEST", 100)
    (tmp_path / "r.ndjson").write_text('"' + "x" * 1000 + '"\n')

    with pytest.raises(StoreError, match="line 1 is longer than"):
        list(NdjsonStore(tmp_path / "r.ndjson").records())


def sqlite(path: Path, table: str = "", query: str = "") -> SqliteStore:
    return SqliteStore(StoreSettings(name="it", kind=StoreKind.SQLITE, path=path, table=table, query=query))


def test_a_table_that_is_not_there_is_told_with_the_nearest(tmp_path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE deals (id)")
    connection.close()

    with pytest.raises(StoreError, match=r"no table 'deal'; it has deals. Did you mean 'deals'\?"):
        list(sqlite(tmp_path / "a.db", "deal").records())


def test_a_file_that_is_no_database_is_told(tmp_path) -> None:
    (tmp_path / "a.db").write_text("no database, though long enough to be one" * 10)

    with pytest.raises(StoreError, match="cannot be read"):
        list(sqlite(tmp_path / "a.db", "deals").records())


@pytest.mark.parametrize(("missing", "says"), [(1, "ends in the midst of a page"), (4096, "malformed")])
def test_a_database_that_was_cut_off_is_told(tmp_path, missing, says) -> None:
    """One byte less, and SQLite would read a zero in its place."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("CREATE TABLE deals (id, text)")
        connection.executemany("INSERT INTO deals VALUES (?, ?)", [(number, "x" * 100) for number in range(200)])
    connection.close()
    path.write_bytes(path.read_bytes()[:-missing])

    with pytest.raises(StoreError, match=says):
        list(sqlite(path, "deals").records())


def in_use(folder: Path) -> sqlite3.Connection:
    """A database in WAL mode with one row in its file and another in its log, open."""
    connection = sqlite3.connect(folder / "a.db")
    for statement in (
        "PRAGMA journal_mode = WAL", "CREATE TABLE deals (id)", "INSERT INTO deals VALUES (1)",
    ):  # fmt: skip
        connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO deals VALUES (2)")
    connection.commit()
    return connection


def copied(folder: Path, *names: str) -> Path:
    (folder / "copy").mkdir()
    for name in names:
        shutil.copyfile(folder / name, folder / "copy" / name)
    return folder / "copy" / "a.db"


def test_a_database_in_use_is_read_with_its_log(tmp_path) -> None:
    with closing(in_use(tmp_path)):
        assert [each.value["id"] for each in sqlite(tmp_path / "a.db", "deals").records()] == [1, 2]


def test_a_log_that_is_missing_is_told_where_it_was_in_use(tmp_path) -> None:
    with closing(in_use(tmp_path)):
        path = copied(tmp_path, "a.db", "a.db-shm")

    with pytest.raises(StoreError, match="a.db-wal is missing beside its -shm, and holds what was written last"):
        list(sqlite(path, "deals").records())


def test_a_file_without_its_log_is_found_by_its_inventory(tmp_path) -> None:
    """Copied alone, it is a whole database of an earlier moment: N of N says what it lacks."""
    with closing(in_use(tmp_path)):
        path = copied(tmp_path, "a.db")

    tally = compare(sqlite(path, "deals"), None, Asked(identity=Identity(key=("id",)), inventory=("1", "2")))

    assert (tally["same"], tally["listed"]) == (1, {"missing": ["2"]})


def test_a_log_that_was_cut_off_is_told(tmp_path) -> None:
    """SQLite reads what is whole of it, and one row less."""
    with closing(in_use(tmp_path)):
        path = copied(tmp_path, "a.db", "a.db-wal")
    log = path.with_name("a.db-wal")
    log.write_bytes(log.read_bytes()[:-1])

    with pytest.raises(StoreError, match="a.db-wal ends in the midst of a write"):
        list(sqlite(path, "deals").records())


def test_a_database_that_is_written_while_it_is_read_without_locks_is_told(tmp_path) -> None:
    in_use(tmp_path).close()
    records = sqlite(tmp_path / "a.db", "deals").records()
    next(records)

    with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
        writer.execute("INSERT INTO deals VALUES (3)")
        writer.commit()
    with pytest.raises(StoreError, match="was changed while it was read; stop what writes to it, or copy it"):
        list(records)


def test_a_question_to_a_file_is_a_store(tmp_path) -> None:
    in_use(tmp_path).close()

    assert [each.value for each in sqlite(tmp_path / "a.db", query="SELECT id + 1 AS n FROM deals;").records()] == [
        {"n": 2},
        {"n": 3},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM deals",
        "ATTACH 'b.db' AS b",
        "VACUUM INTO 'b.db'",
        "PRAGMA user_version = 3",
        "SELECT 1 AS a, 2 AS a",
    ],
)
def test_a_question_to_a_file_reads_alone(tmp_path, query, monkeypatch) -> None:
    in_use(tmp_path).close()
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "a.db").read_bytes()

    with pytest.raises(StoreError):
        list(sqlite(tmp_path / "a.db", query=query).records())

    assert (tmp_path / "a.db").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]


UNIFIED = {
    "schemaVersion": "1",
    "network": "bscmainnet",
    "chainId": 56,
    "contracts": {"core": {"Look": {"proxy": "0xa", "implementation": "0xb"}}, "legacy": {"Old": "0xc"}},
    "verification": {"implementationHashes": {"Look": "0x1"}},
    "extended_Look": {"factoryByteCodeHash": "0x2", "timestamp": 2**60},
}


def unified(folder: Path, **changed: object) -> list:
    (folder / "a.json").write_text(json.dumps(UNIFIED | changed))
    return list(UnifiedStore(folder).records())


def test_a_unified_file_is_single_records(folder) -> None:
    look, old = unified(folder)

    assert look.place == "a.json#core.Look"
    assert look.value == {
        "contractName": "Look",
        "chainId": 56,
        "networkName": "bscmainnet",
        "proxyAddress": "0xa",
        "address": "0xb",
        "factoryByteCodeHash": "0x2",
        "timestamp": 2**60,
        "implementationHash": "0x1",
    }
    assert old.value == {"contractName": "Old", "chainId": 56, "networkName": "bscmainnet", "address": "0xc"}


STRANGE = {
    "no contracts": ({"contracts": None}, "is no unified record; it has no table 'contracts'"),
    "a category of text": ({"contracts": {"core": "x"}}, "is no table of contracts"),
    "a contract of a number": ({"contracts": {"core": {"Look": 5}}}, "is neither an address nor a table"),
    "two hashes": ({"extended_Look": {"implementationHash": "0x3"}}, "has two implementation hashes, 0x1 and 0x3"),
    "an extension of nothing": ({"extended_Gone": {}}, "extends a contract that the file does not list"),
}


@pytest.mark.parametrize(("changed", "error"), STRANGE.values(), ids=STRANGE)
def test_a_unified_file_that_contradicts_itself_is_told(folder, changed, error) -> None:
    assert error in [each.error for each in unified(folder, **changed)]
