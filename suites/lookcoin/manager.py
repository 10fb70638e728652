"""LookCoin's state manager, as this suite has it: where each contract of each network is, in one backend or two.

A state is a folder: ``leveldb/`` with a JSON record a key, ``<chainId>-<contractName>``; ``deployments/`` with
a unified JSON file a network; ``mode``, which says who is written and who answers:

    leveldb   LevelDB alone, as before the migration
    dual      both, at the same time; LevelDB answers
    json      JSON alone, as after it

A write is durable when it returns. A dual write is durable by LevelDB and visible in both; a process that is killed
between them, or a machine that stops, leaves a difference, which ``recover`` settles for LevelDB: what was never
acknowledged is undone, what was is written again. Leaving dual mode makes JSON durable first.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import plyvel

MODES = ("leveldb", "dual", "json")
FILES = {
    56: "bscmainnet",
    97: "bsctestnet",
    84532: "basesepolia",
    11155420: "optimismsepolia",
    23295: "sapphiretestnet",
}
"""The networks in scope; a record of another one is kept by LevelDB and never migrated."""

CATEGORIES = {"LookCoin": "core", "MinimalTimelock": "legacy"}
EXTENDED = ("factoryByteCodeHash", "implementationHash", "deploymentArgs", "timestamp")

Record = dict[str, Any]


class StateError(Exception):
    """The state cannot be read or written; its text says where and why."""


class State(Protocol):
    """What both backends can do."""

    def get(self, chain_id: int, name: str) -> Record | None: ...

    def of(self, chain_id: int) -> dict[str, Record]: ...

    def put(self, record: Record) -> None: ...

    def remove(self, chain_id: int, name: str) -> None: ...

    def close(self) -> None: ...


class LevelDbState:
    """Keys and JSON values in a LevelDB, which one process has open at a time."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        try:
            self._db = plyvel.DB(str(path), create_if_missing=create, paranoid_checks=True)
        except (plyvel.Error, OSError) as error:
            raise StateError(f"{path.name}: {error}") from None

    def get(self, chain_id: int, name: str) -> Record | None:
        value = self._db.get(_key(chain_id, name))
        return None if value is None else _parsed(value, f"{chain_id}-{name}")

    def of(self, chain_id: int) -> dict[str, Record]:
        with self._db.iterator(prefix=f"{chain_id}-".encode()) as pairs:
            return {key.decode().partition("-")[2]: _parsed(value, key.decode()) for key, value in pairs}

    def put(self, record: Record) -> None:
        self._db.put(_key(record["chainId"], record["contractName"]), json.dumps(record).encode(), sync=True)

    def remove(self, chain_id: int, name: str) -> None:
        self._db.delete(_key(chain_id, name), sync=True)

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its value as it is, readable or not."""
        with self._db.iterator() as pairs:
            yield from ((key.decode(), value) for key, value in pairs)

    def close(self) -> None:
        self._db.close()


class JsonState:
    """A unified JSON file a network, replaced whole; several processes may write at once."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder
        self._durable = durable
        self._read: dict[int, tuple[tuple[int, int, int], dict[str, Record]]] = {}
        if not folder.is_dir():
            raise StateError(f"{folder.name}: no such folder")

    def get(self, chain_id: int, name: str) -> Record | None:
        return self._records(chain_id).get(name)

    def of(self, chain_id: int) -> dict[str, Record]:
        return dict(self._records(chain_id))

    def put(self, record: Record) -> None:
        with self._alone():
            document = self._document(record["chainId"])
            name = record["contractName"]
            category = CATEGORIES.get(name, "protocol" if name.endswith("Module") else "infrastructure")
            places = {"address": record["address"]}
            if "proxyAddress" in record:
                places = {"proxy": record["proxyAddress"], "implementation": record["address"]}
            document["contracts"][category][name] = places
            document["verification"]["implementationHashes"][name] = record["implementationHash"]
            document[f"extended_{name}"] = {key: record[key] for key in EXTENDED}
            self._write(record["chainId"], document)

    def remove(self, chain_id: int, name: str) -> None:
        with self._alone():
            document = self._document(chain_id)
            for contracts in document["contracts"].values():
                contracts.pop(name, None)
            document["verification"]["implementationHashes"].pop(name, None)
            document.pop(f"extended_{name}", None)
            self._write(chain_id, document)

    def clean(self) -> None:
        """Remove what a write that was killed left behind."""
        with self._alone():
            for file in self._folder.glob("*.json.tmp"):
                file.unlink()

    def sync(self) -> None:
        """Make everything durable that was written so far."""
        for path in [*self._folder.glob("*.json"), self._folder]:
            number = os.open(path, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def close(self) -> None:
        """Nothing is kept open."""

    def _records(self, chain_id: int) -> dict[str, Record]:
        """A file's records; read again only when the file is another one."""
        try:
            status = self._path(chain_id).stat()
        except FileNotFoundError:
            return {}
        version = (status.st_mtime_ns, status.st_ino, status.st_size)
        kept = self._read.get(chain_id)
        if kept is None or kept[0] != version:
            kept = self._read[chain_id] = (version, dict(_records_of(self._document(chain_id))))
        return kept[1]

    def _path(self, chain_id: int) -> Path:
        if chain_id not in FILES:
            raise StateError(f"chain id {chain_id} is no network in scope")
        return self._folder / f"{FILES[chain_id]}.json"

    def _document(self, chain_id: int) -> dict[str, Any]:
        path = self._path(chain_id)
        try:
            document = _parsed(path.read_bytes(), path.name)
        except FileNotFoundError:
            return {
                "schemaVersion": "1.0.0",
                "network": FILES[chain_id],
                "chainId": chain_id,
                "contracts": {each: {} for each in ("core", "protocol", "infrastructure", "legacy")},
                "verification": {"implementationHashes": {}},
            }
        except OSError as error:
            raise StateError(f"{path.name}: cannot be read: {error.strerror}") from None
        if document.get("chainId") != chain_id:
            raise StateError(f"{path.name}: says chain id {document.get('chainId')}, not {chain_id}")
        return document

    def _write(self, chain_id: int, document: Mapping[str, Any]) -> None:
        path = self._path(chain_id)
        new = path.with_name(f"{path.name}.tmp")
        try:
            with new.open("w") as file:
                file.write(f"{json.dumps(document, indent=1)}\n")
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise StateError(f"{path.name}: cannot be written: {error.strerror}") from None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, whatever its process."""
        try:
            number = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StateError(f"{self._folder.name}: cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)


class DualState:
    """Both backends, LevelDB first; LevelDB answers. Whichever fails, the write has failed and is undone.

    ``between`` is called between the two writes, for drills.
    """

    def __init__(self, leveldb: LevelDbState, unified: JsonState) -> None:
        self.leveldb, self.unified = leveldb, unified
        self.between: Callable[[], None] = lambda: None
        self.recover()

    def get(self, chain_id: int, name: str) -> Record | None:
        return self.leveldb.get(chain_id, name)

    def of(self, chain_id: int) -> dict[str, Record]:
        return self.leveldb.of(chain_id)

    def put(self, record: Record) -> None:
        before = self.leveldb.get(record["chainId"], record["contractName"])
        self.leveldb.put(record)
        self.between()
        try:
            self.unified.put(record)
        except StateError:
            self._undo(record["chainId"], record["contractName"], before)
            raise

    def remove(self, chain_id: int, name: str) -> None:
        before = self.leveldb.get(chain_id, name)
        self.leveldb.remove(chain_id, name)
        try:
            self.unified.remove(chain_id, name)
        except StateError:
            self._undo(chain_id, name, before)
            raise

    def recover(self) -> list[str]:
        """Bring JSON back to LevelDB where they differ; the keys that did."""
        self.unified.clean()
        mended = []
        for chain_id in FILES:
            wanted, there = self.leveldb.of(chain_id), self.unified.of(chain_id)
            for name in sorted(wanted.keys() | there.keys()):
                if wanted.get(name) == there.get(name):
                    continue
                mended.append(f"{chain_id}-{name}")
                self.unified.put(wanted[name]) if name in wanted else self.unified.remove(chain_id, name)
        return mended

    def close(self) -> None:
        self.leveldb.close()

    def _undo(self, chain_id: int, name: str, before: Record | None) -> None:
        self.leveldb.put(before) if before is not None else self.leveldb.remove(chain_id, name)


def mode_of(folder: Path) -> str:
    """What the state is in; raises ``StateError``."""
    text = (folder / "mode").read_text().strip()
    if text not in MODES:
        raise StateError(f"mode: no mode {text!r}; there are {', '.join(MODES)}")
    return text


def set_mode(folder: Path, mode: str) -> None:
    """Switch, durably."""
    if mode not in MODES:
        raise StateError(f"mode: no mode {mode!r}; there are {', '.join(MODES)}")
    new = folder / "mode.tmp"
    with new.open("w") as file:
        file.write(f"{mode}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / "mode")


def open_state(folder: Path, mode: str | None = None) -> State:
    """The state manager of a folder, in its mode or another."""
    mode = mode_of(folder) if mode is None else mode
    if mode == "json":
        return JsonState(folder / "deployments")
    leveldb = LevelDbState(folder / "leveldb")
    if mode == "leveldb":
        return leveldb
    try:
        return DualState(leveldb, JsonState(folder / "deployments", durable=False))
    except StateError:
        leveldb.close()
        raise


def _key(chain_id: int, name: str) -> bytes:
    return f"{chain_id}-{name}".encode()


def _parsed(value: bytes, where: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise StateError(f"{where}: is no JSON") from None


def _records_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
    for contracts in document["contracts"].values():
        for name, places in contracts.items():
            record: Record = {
                "contractName": name,
                "chainId": document["chainId"],
                "networkName": document["network"],
                "address": places.get("implementation", places.get("address")),
            }
            if "proxy" in places:
                record["proxyAddress"] = places["proxy"]
            yield name, record | document[f"extended_{name}"]
