"""Stores, and what a stage asks of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.record import FieldKind, Identity
from pytest_rollout.core.rollout import Network
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.plan import texts
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Written, quoted, some, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.store_shape import StoreDeclarationTable, StoreTable

_CHAIN_AND_NAME = 2
_OF_SERVERS = ("url", "namespace", "timeout")


def stores(written: Written, folder: Path, tables: Mapping[str, StoreDeclarationTable]) -> dict[str, StoreSettings]:
    """The declared stores by name; what is at their paths is looked at by the gate."""
    found = {}
    for name, table in tables.items():
        written.read(("stores",), name, texts.key_name)
        place: Place = ("stores", name)
        kind = StoreKind(table.kind)
        _go_together(written, place, kind, table)
        path = None if table.path is None else folder / written.read((*place, "path"), table.path, texts.line)
        found[name] = StoreSettings(
            name=name,
            kind=kind,
            path=path or Path(),
            table=table.table or "",
            query=table.query or "",
            database=_database(written, place, folder, name, table) if kind is StoreKind.SQL else None,
        )
    return found


def _go_together(written: Written, place: Place, kind: StoreKind, table: StoreDeclarationTable) -> None:
    """Raises ``PlanError`` for a store without its place, or with something only another kind has."""
    at = "url" if kind is StoreKind.SQL else "path"
    if getattr(table, at) is None:
        raise written.wrong(place, f"says not where it is; write {at}.")
    for key in _OF_SERVERS if kind is not StoreKind.SQL else ("path",):
        if getattr(table, key) is not None:
            raise written.wrong((*place, key), f"is nothing of kind {kind.value}; leave it out.")
    asked = [key for key in ("table", "query") if getattr(table, key) is not None]
    if kind in {StoreKind.SQLITE, StoreKind.SQL}:
        if len(asked) != 1:
            raise written.wrong(place, "needs a table, or a query; write one of them.")
        if table.query is not None and not table.query.strip(" \n\t\r;"):
            raise written.wrong((*place, "query"), "asks nothing; write one SELECT.")
    elif asked:
        raise written.wrong(
            place, f"of kind {kind.value} has no tables; write {asked[0]} for kinds sqlite and sql alone."
        )


def _database(
    written: Written, place: Place, folder: Path, name: str, table: StoreDeclarationTable
) -> DatabaseSettings:
    from pytest_rollout.plan.databases import database_url, schema_name  # noqa: PLC0415 - for who has a server

    where = (*place, "url")
    url, shown = database_url(written, where, table.url or "")
    if url.startswith("sqlite"):
        raise written.wrong(where, "is a SQLite file; write kind = 'sqlite' and its path.")
    return DatabaseSettings(
        name=name,
        url=url,
        shown=shown,
        folder=folder,
        namespace=written.read((*place, "namespace"), table.namespace, schema_name) if table.namespace else "",
        timeout=written.read((*place, "timeout"), table.timeout or "30s", duration),
    )


def store_checks(
    written: Written,
    stage: str,
    tables: Sequence[StoreTable],
    declared: Mapping[str, StoreSettings],
    *,
    contracts: Mapping[str, Sequence[str]],
    networks: Mapping[str, Network],
) -> tuple[StoreCheck, ...]:
    """What the stage asks of its stores, in the order written; raises ``PlanError``.

    ``contracts`` are those of ``contracts.inventory`` by network, which ``inventory = true`` means.
    """
    found: dict[str, StoreCheck] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "stores", index)
        name = written.read((*place, "name"), table.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong((*place, "name"), "is the name of two store checks of this stage; give each its own.")
        for side in ("left", "right"):
            store = getattr(table, side)
            if store is not None and store not in declared:
                raise written.wrong((*place, side), unknown("store", store, declared))
        if table.right is not None and _place(declared[table.left]) == _place(declared[table.right]):
            raise written.wrong((*place, "right"), f"{GIVEN} is compared with itself, which it always equals.")
        found[texts.folded(name)] = StoreCheck(
            name=name,
            left=declared[table.left],
            right=None if table.right is None else declared[table.right],
            asked=_asked(written, place, table, _listed(written, place, table, contracts, networks)),
            at_least=table.at_least,
            required=not table.advisory,
        )
    return tuple(found.values())


def _place(store: StoreSettings) -> tuple[object, ...]:
    """Where its records are, whatever the plan calls it."""
    database = store.database
    where = store.path.resolve() if database is None else (database.shown, database.namespace)
    return where, store.table, store.query


def _listed(
    written: Written,
    place: Place,
    table: StoreTable,
    contracts: Mapping[str, Sequence[str]],
    networks: Mapping[str, Network],
) -> list[str]:
    """The records there must be, as the plan spells them: its own list, or the contracts of all networks."""
    if isinstance(table.inventory, list):
        return table.inventory
    place = (*place, "inventory")
    if not table.inventory:
        raise written.wrong(place, "is false, which lists nothing; leave it out.")
    if not contracts:
        raise written.wrong(place, "there is no inventory; list the contracts of networks in [contracts.inventory].")
    if len(table.key) != _CHAIN_AND_NAME:
        raise written.wrong(
            place,
            f"a contract is known by its chain and its name, and the key is {some(table.key)}; "
            'write such as key = ["chainId", "contractName"].',
        )
    for network in contracts:
        if networks[network].chain_id is None:
            raise written.wrong(
                place, f"network {network} has no chain_id, by which its records are known; declare it."
            )
    return [f"{networks[network].chain_id}/{name}" for network, names in contracts.items() for name in names]


def _asked(written: Written, place: Place, table: StoreTable, inventory: Sequence[str]) -> Asked:
    for name in table.aliases:
        if name not in table.key:
            raise written.wrong(
                (*place, "aliases"), f"{quoted(name)} is no field of the key, which is {some(table.key)}."
            )
    identity = Identity(key=tuple(table.key), aliases=_aliases(written, place, table), short_names=table.short_names)
    for index, name in enumerate(inventory if isinstance(table.inventory, list) else ()):
        where = (*place, "inventory", index)
        if name.count("/") < len(table.key) - 1:
            example = "/".join(f"<{each}>" for each in table.key)
            raise written.wrong(where, f"{GIVEN} has fewer parts than the key; write {example}.")
        if name in inventory[:index]:
            raise written.wrong(where, f"{GIVEN} is listed twice; list each record once.")
    if inventory and table.at_least > len(inventory):
        raise written.wrong(
            (*place, "at_least"), f"{GIVEN} are more than the {len(inventory)} that the inventory lists."
        )
    return Asked(
        identity=identity,
        fields=tuple(table.fields),
        kinds={name: FieldKind(kind) for name, kind in table.kinds.items()},
        inventory=tuple(_identity(identity, each) for each in inventory),
        scope={name: tuple(map(str, values)) for name, values in table.scope.items()},
        outside={name: tuple(map(str, values)) for name, values in table.outside.items()},
        null_is_absent=table.null_is_absent,
    )


def _identity(identity: Identity, text: str) -> str:
    """An entry of the inventory the way identities are spelt."""
    parts = text.split("/", len(identity.key) - 1)
    return "/".join(identity.spelt(name, [part])[0] for name, part in zip(identity.key, parts, strict=True))


def _aliases(written: Written, place: Place, table: StoreTable) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for field, spellings in table.aliases.items():
        meant = found[field] = {}
        for spelling, others in spellings.items():
            for index, other in enumerate(others):
                if other in meant or other in spellings:
                    raise written.wrong(
                        (*place, "aliases", field, spelling, index), f"{GIVEN} means two things; list it once."
                    )
                meant[other] = spelling
    return found
