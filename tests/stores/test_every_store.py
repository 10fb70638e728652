"""What the double and every real store owe: all records once, nothing changed, one sentence where nothing is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import plyvel
import pytest

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from pytest_rollout.stores.opening import open_store, recognised
from pytest_rollout.testing.stores import MemoryStore

RECORDS = [
    {"chainId": 56, "contractName": f"C{number}", "timestamp": 2**60 + number, "note": "ü"} for number in range(12)
]


def leveldb(folder: Path, records: list) -> Path:
    database = plyvel.DB(str(folder / "db"), create_if_missing=True)
    for record in records:
        key = f"{record['chainId']}-{record['contractName']}"
        database.put(key.encode(), json.dumps(record).encode())
    database.close()
    return folder / "db"


def files(folder: Path, records: list) -> Path:
    (folder / "json" / "deep").mkdir(parents=True)
    for number, record in enumerate(records[:-2]):
        (folder / "json" / f"{number}.json").write_text(json.dumps(record))
    (folder / "json" / "deep" / "list.json").write_text(json.dumps(records[-2:]))
    return folder / "json"


def lines(folder: Path, records: list) -> Path:
    (folder / "records.ndjson").write_text("".join(json.dumps(each) + "\n" for each in records))
    return folder / "records.ndjson"


def table(folder: Path, records: list) -> Path:
    with sqlite3.connect(folder / "records.db") as connection:
        connection.execute('CREATE TABLE "a ""b" (chainId INTEGER, contractName TEXT, timestamp INTEGER, note TEXT)')
        connection.executemany('INSERT INTO "a ""b" VALUES (?, ?, ?, ?)', [tuple(each.values()) for each in records])
    connection.close()
    return folder / "records.db"


def logged(folder: Path, records: list) -> Path:
    """A SQLite file whose last half is still in its log, and which nobody has open: copied with its ``-wal``."""
    path = table(folder, records[:6])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.executemany(
            'INSERT INTO "a ""b" VALUES (?, ?, ?, ?)', [tuple(each.values()) for each in records[6:]]
        )
        connection.commit()
        (folder / "copy").mkdir()
        for name in ("records.db", "records.db-wal"):
            shutil.copyfile(folder / name, folder / "copy" / name)
    connection.close()
    return folder / "copy" / "records.db"


def settled(folder: Path, records: list) -> Path:
    """A SQLite file in WAL mode that was closed, so that all of it is in one file."""
    path = table(folder, records)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


MAKERS = {
    "leveldb": (StoreKind.LEVELDB, leveldb),
    "json": (StoreKind.JSON, files),
    "ndjson": (StoreKind.NDJSON, lines),
    "sqlite": (StoreKind.SQLITE, table),
    "sqlite with a log": (StoreKind.SQLITE, logged),
    "sqlite in WAL mode": (StoreKind.SQLITE, settled),
}


def state(path: Path) -> dict[str, str]:
    """Every byte and every file's name."""
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in found if each.is_file()}


class TestEveryStore:
    @pytest.fixture(params=["memory", *MAKERS])
    def store(self, request, tmp_path) -> Iterator:
        if request.param == "memory":
            yield MemoryStore(RECORDS)
            return
        kind, make = MAKERS[request.param]
        path = make(tmp_path, RECORDS)
        before = state(path.parent)
        yield open_store(StoreSettings(name="it", kind=kind, path=path, table='a "b'))
        assert state(path.parent) == before

    def test_it_gives_every_record_once_and_exactly(self, store) -> None:
        found = sorted((each.value for each in store.records()), key=lambda value: int(value["contractName"][1:]))

        assert found == RECORDS
        assert list(store.leftovers()) == []

    def test_it_can_be_read_again(self, store) -> None:
        assert len(list(store.records())) == len(list(store.records())) == len(RECORDS)

    def test_a_reader_may_stop_half_way(self, store) -> None:
        records = store.records()
        next(records)
        records.close()

        assert store.source

    def test_each_record_says_where_it_stands(self, store) -> None:
        places = [each.place for each in store.records()]

        assert len(set(places)) == len(RECORDS)
        assert all(places)


@pytest.mark.parametrize("kind", [kind for kind in StoreKind if kind is not StoreKind.SQL])
def test_a_missing_path_is_one_sentence_and_is_not_created(tmp_path, kind) -> None:
    """Opening a LevelDB that is not there would make one."""
    with pytest.raises(StoreError, match="^store "):
        list(open_store(StoreSettings(name="it", kind=kind, path=tmp_path / "none", table="t")).records())

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in MAKERS if "sqlite" not in name])
def test_what_lies_at_a_path_is_recognised(tmp_path, name) -> None:
    kind, make = MAKERS[name]

    assert recognised("it", make(tmp_path, RECORDS)).kind is kind


def test_a_sqlite_file_is_recognised_with_its_table(tmp_path) -> None:
    path = table(tmp_path, RECORDS)

    assert recognised("it", path.with_name("records.db:a")).table == "a"
    with pytest.raises(StoreError, match="is a SQLite file; name its table too, 'it:table'."):
        recognised("it", path)
    with pytest.raises(StoreError, match="it: is no declared store, and nothing is there."):
        recognised("it", tmp_path / "nothing")
