"""A copy of a store with one record less, which is what a drill hands to the gate."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.store_check import StoreKind, StoreSettings


def without_a_record(store: StoreSettings, folder: Path) -> StoreSettings | None:
    """The settings of a copy below ``folder`` without its last record; None where none can be made.

    Of a table, it is a question that leaves out a row. The store itself is only read. Raises ``StoreError`` where it
    cannot be.
    """
    if store.kind in _LESS:
        table = ".".join('"' + each.replace('"', '""') + '"' for each in (_namespace(store), store.table) if each)
        inner = f"({store.query.strip().rstrip('; ')}\n)" if store.query else table
        return replace(store, table="", query=_LESS[store.kind].format(inner))
    target = folder / store.path.name
    try:
        if store.path.is_dir():
            shutil.copytree(store.path, target, symlinks=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store.path, target)
        is_less = _DROPS[store.kind](target, store)
    except (OSError, ValueError) as error:
        raise StoreError(f"store {store.name}: a drill cannot copy it ({error}).") from None
    if not is_less:
        return None
    return replace(store, path=target)


def _namespace(store: StoreSettings) -> str:
    return store.database.namespace if store.database is not None else ""


def _file(folder: Path, _store: StoreSettings) -> bool:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files[-1:]:
        path.unlink()
    return bool(files)


def _last_of_json(folder: Path, store: StoreSettings) -> bool:
    """One entry of the last file that holds several, else the last file."""
    for path in sorted(folder.rglob("*.json") if folder.is_dir() else [folder], reverse=True):
        document = json.loads(path.read_bytes())
        if isinstance(document, list) and len(document) > 1:
            path.write_text(json.dumps(document[:-1]))
            return True
    return folder.is_dir() and _file(folder, store)


def _last_contract(folder: Path, _store: StoreSettings) -> bool:
    for path in sorted(folder.rglob("*.json") if folder.is_dir() else [folder], reverse=True):
        document = json.loads(path.read_bytes())
        for contracts in reversed(list(document.get("contracts", {}).values())):
            if isinstance(contracts, dict) and contracts:
                name, _ = contracts.popitem()
                document.pop(f"extended_{name}", None)
                path.write_text(json.dumps(document))
                return True
    return False


def _line(path: Path, _store: StoreSettings) -> bool:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    return bool(lines)


def _entry(path: Path, store: StoreSettings) -> bool:
    if path.read_bytes().lstrip()[:1] != b"{":
        return _line(path, store)
    document = json.loads(path.read_bytes())
    if document:
        document.popitem()
    path.write_text(json.dumps(document))
    return True


def _key(path: Path, _store: StoreSettings) -> bool:
    try:
        import plyvel  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return False
    with closing(plyvel.DB(str(path))) as database:
        for key, _ in database.iterator(reverse=True):
            database.delete(key, sync=True)
            return True
    return False


_LESS = {
    StoreKind.SQLITE: "SELECT * FROM {} AS r LIMIT -1 OFFSET 1",
    StoreKind.SQL: "SELECT * FROM {} AS r OFFSET 1",
}
_DROPS = {
    StoreKind.LEVELDB: _key,
    StoreKind.JSON: _last_of_json,
    StoreKind.UNIFIED: _last_contract,
    StoreKind.NDJSON: _line,
    StoreKind.FILES: _file,
    StoreKind.MANIFEST: _entry,
}
