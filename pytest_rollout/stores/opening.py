"""The store that a plan declares, or that lies at a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_rollout.core.declared import Declared
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Identity
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.sql.files import MAGIC
from pytest_rollout.stores.files import FilesStore, ManifestStore
from pytest_rollout.stores.folder import FolderStore
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.leveldb import LevelDbStore
from pytest_rollout.stores.ndjson import NdjsonStore
from pytest_rollout.stores.port import Store
from pytest_rollout.stores.sql import SqlStore
from pytest_rollout.stores.sqlite import SqliteStore
from pytest_rollout.stores.unified import UnifiedStore


def open_store(settings: StoreSettings) -> Store:
    """The store; nothing is read yet."""
    if settings.kind is StoreKind.SQLITE:
        return SqliteStore(settings)
    if settings.database is not None:
        return SqlStore(settings, settings.database)
    return _KINDS[settings.kind](settings.path)


_KINDS: Mapping[StoreKind, Callable[[Path], Store]] = {
    StoreKind.LEVELDB: LevelDbStore,
    StoreKind.JSON: FolderStore,
    StoreKind.UNIFIED: UnifiedStore,
    StoreKind.NDJSON: NdjsonStore,
    StoreKind.FILES: FilesStore,
    StoreKind.MANIFEST: ManifestStore,
}


def recognised(name: str, path: Path) -> StoreSettings:
    """What lies at a path, by what is there; ``file.db:table`` names a table. Raises ``StoreError``."""
    file, colon, table = path.name.rpartition(":")
    if colon and (database := path.with_name(file)).is_file():
        return StoreSettings(name=name, kind=StoreKind.SQLITE, path=database, table=table)
    if path.is_file():
        with path.open("rb") as opened:
            if opened.read(len(MAGIC)) == MAGIC:
                raise StoreError(f"{name}: is a SQLite file; name its table too, '{name}:table'.")
        return StoreSettings(name=name, kind=StoreKind.NDJSON, path=path)
    if (path / "CURRENT").is_file():
        return StoreSettings(name=name, kind=StoreKind.LEVELDB, path=path)
    if path.is_dir():
        return StoreSettings(name=name, kind=_json_kind(path), path=path)
    raise StoreError(f"{name}: is no declared store, and nothing is there.")


def _json_kind(path: Path) -> StoreKind:
    """Unified where the first record says its schema and its contracts."""
    first = next(FolderStore(path).records(), None)
    is_unified = first is not None and isinstance(first.value, dict) and {"contracts", "chainId"} <= first.value.keys()
    return StoreKind.UNIFIED if is_unified else StoreKind.JSON


class Stores(Declared[StoreSettings, Store]):
    """The declared stores by name, and comparisons of them by hand."""

    what, error = "store", StoreError

    def __init__(
        self, declared: Mapping[str, StoreSettings], secrets: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(declared, open_store)
        self._clean = Redactor(secrets).text

    def compare(self, left: str, right: str, *, key: Sequence[str], **about: Any) -> dict[str, Any]:
        """The tally of two stores; ``about`` are the other fields of ``Asked``."""
        return compare(self[left], self[right], Asked(identity=Identity(key=tuple(key)), **about), self._clean)

    def look(self, check: StoreCheck) -> dict[str, Any]:
        """The tally of the stores of a check, wherever it says they are."""
        right = None if check.right is None else open_store(check.right)
        return compare(open_store(check.left), right, check.asked, self._clean)
