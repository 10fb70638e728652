"""Databases, and what a stage asks of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from pytest_rollout.core.database import (
    Column,
    DatabaseSettings,
    Index,
    Migrations,
    Risk,
    Structure,
    Tag,
    parts_of,
    shown_of,
)
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.rollout import Network
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, quoted, unknown

if TYPE_CHECKING:
    from pytest_rollout.plan.database_shape import DatabaseTable, StageDatabaseTable, TagTable

_SCHEMES = re.compile(r"(?P<kind>sqlite|postgresql|postgres)(?:\+[a-z0-9]+)?")
_NAMESPACE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_OF_A_TABLE = (
    "columns",
    "primary_key",
    "unique",
    "indexes",
    "foreign_keys",
    "checks",
    "rows",
    "sums",
    "same_as",
    "tag",
)


def databases(written: Written, folder: Path, tables: Mapping[str, DatabaseTable]) -> dict[str, DatabaseSettings]:
    """The declared databases by name; nothing is opened."""
    return {name: _database(written, folder, name, table) for name, table in tables.items()}


def passwords(declared: Iterable[DatabaseSettings], section: str) -> dict[str, str]:
    """What must stand nowhere, by its place: the passwords of all URLs."""
    found = {}
    for each in declared:
        for key, url in (("url", each.url), ("copies", each.copies)):
            if password := urlsplit(url).password:
                found[f"{section}.{each.name}.{key}"] = unquote(password)
    return found


def _database(written: Written, folder: Path, name: str, table: DatabaseTable) -> DatabaseSettings:
    place: Place = ("databases", name)
    written.read(("databases",), name, texts.key_name)
    url, shown = database_url(written, (*place, "url"), table.url)
    is_sqlite = url.startswith("sqlite")
    for key, value in (("namespace", table.namespace), ("copies", table.copies)):
        if is_sqlite and value is not None:
            raise written.wrong((*place, key), f"is for PostgreSQL; a SQLite file has no {key}, leave it out.")
    copies = ""
    if table.copies is not None:
        copies, _ = database_url(written, (*place, "copies"), table.copies)
        if copies.startswith("sqlite"):
            raise written.wrong((*place, "copies"), "is a SQLite file; a copy of a PostgreSQL database needs a server.")
    return DatabaseSettings(
        name=name,
        url=url,
        shown=shown,
        folder=folder,
        namespace=written.read((*place, "namespace"), table.namespace, schema_name) if table.namespace else "",
        timeout=written.read((*place, "timeout"), table.timeout, duration),
        copies=copies,
    )


def database_url(written: Written, place: Place, url: str) -> tuple[str, str]:
    """A URL that can be opened, and what may be shown of it; raises ``PlanError``."""
    parts, port = written.read(place, url, _parts)
    match = _SCHEMES.fullmatch(parts.scheme)
    if match is None:
        raise written.wrong(place, "is no URL of SQLite or PostgreSQL; write such as 'sqlite:///data.db'.")
    if parts.password and place not in written.fills:
        raise written.wrong(place, 'has a password in it; take it from the environment, as "${PAYMENTS_DATABASE_URL}".')
    if match["kind"] == "sqlite":
        path = url.partition("://")[2]
        if parts.netloc or not path.strip("/") or path == "/:memory:" or parts.query:
            raise written.wrong(place, "names no file; write such as 'sqlite:///data.db', relative to the plan.")
        return url, f"sqlite:///{unquote(path[1:])}"
    rest = url.partition("://")[2]
    return f"postgresql://{rest}", shown_of(parts, port)


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        return parts_of(url)
    except ValueError as error:
        raise Unfit(f"{error}; write such as 'sqlite:///data.db'.") from None


def database_checks(
    written: Written,
    stage: str,
    tables: Sequence[StageDatabaseTable],
    declared: Mapping[str, DatabaseSettings],
    networks: Mapping[str, Network],
    folder: Path,
) -> tuple[DatabaseCheck, ...]:
    """What the stage asks of its databases, in the order written; raises ``PlanError``."""
    found: dict[str, DatabaseCheck] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "databases", index)
        name = written.read((*place, "name"), table.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong(
                (*place, "name"), "is the name of two database checks of this stage; give each its own."
            )
        reader = _Reader(written, place, table, declared, networks, folder)
        found[texts.folded(name)] = reader.check(name)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Reader:
    written: Written
    place: Place
    table: StageDatabaseTable
    declared: Mapping[str, DatabaseSettings]
    networks: Mapping[str, Network]
    folder: Path

    def check(self, name: str) -> DatabaseCheck:
        table, place, written = self.table, self.place, self.written
        database = self._named("database", table.database)
        migrations = self._migrations()
        self._ask_something(migrations)
        if migrations is not None and not database.is_sqlite and not database.copies:
            raise written.wrong(
                place,
                f"a migration is run on a copy, and databases.{database.name} has no copies; name a server for it.",
            )
        if table.sums and table.same_as is None and migrations is None:
            raise written.wrong((*place, "sums"), "are compared with nothing; add same_as, or migrations.")
        if table.same_as == table.database:
            raise written.wrong((*place, "same_as"), f"{GIVEN} is compared with itself, which it always equals.")
        return DatabaseCheck(
            name=name,
            database=database,
            table=table.table or "",
            structure=self._structure(),
            rows=None
            if table.rows is None
            else written.read((*place, "rows"), table.rows, lambda each: bound(each, UNITS["count"])),
            sums=tuple(table.sums),
            same_as=None if table.same_as is None else self._named("same_as", table.same_as),
            tag=None if table.tag is None else self._tag(table.tag),
            migrations=migrations,
            models="" if table.models is None else written.read((*place, "models"), table.models, _object),
            revisions=self._revisions() if table.revisions is not None and not table.rehearse else None,
            required=not table.advisory,
        )

    def _named(self, key: str, name: str) -> DatabaseSettings:
        if name not in self.declared:
            raise self.written.wrong((*self.place, key), unknown("database", name, self.declared))
        return self.declared[name]

    def _ask_something(self, migrations: Migrations | None) -> None:
        asked = [key for key in _OF_A_TABLE if getattr(self.table, key)]
        if asked and self.table.table is None:
            raise self.written.wrong(self.place, f"asks for {asked[0]} and names no table; write table.")
        if self.table.table is not None and not asked:
            raise self.written.wrong(
                (*self.place, "table"), f"nothing is asked of {GIVEN}; write such as columns, or rows."
            )
        if not asked and migrations is None and self.table.models is None and self.table.revisions is None:
            raise self.written.wrong(
                self.place, "asks nothing; write such as table and columns, migrations, or models."
            )

    def _structure(self) -> Structure:
        table, written = self.table, self.written
        if table.exact and not table.columns:
            raise written.wrong((*self.place, "exact"), "allows no other column, and no column is declared.")
        for name, column in table.columns.items():
            if column.type is None and column.null is None and column.default is None:
                raise written.wrong((*self.place, "columns", name), "says nothing; write its type, null or default.")
        for name, target in table.foreign_keys.items():
            if target.count(".") != 1:
                raise written.wrong(
                    (*self.place, "foreign_keys", name), f"{GIVEN} is no table with a column; write such as escrows.id."
                )
        return Structure(
            columns={
                name: Column(type=each.type, null=each.null, default=_default(each.default))
                for name, each in table.columns.items()
            },
            primary_key=tuple(table.primary_key),
            unique=tuple(map(tuple, table.unique)),
            indexes={
                name: Index(columns=tuple(each.columns), unique=each.unique) for name, each in table.indexes.items()
            },
            foreign_keys=dict(table.foreign_keys),
            checks=tuple(table.checks),
            exact=table.exact,
        )

    def _tag(self, table: TagTable) -> Tag:
        place = (*self.place, "tag")
        for value, network in table.networks.items():
            if network not in self.networks:
                raise self.written.wrong((*place, "networks", value), unknown("network", network, self.networks))
            if table.chain_id is not None and self.networks[network].chain_id is None:
                raise self.written.wrong(
                    (*place, "networks", value), f"{GIVEN} has no chain_id to compare with; declare it."
                )
        tag = Tag(
            column=table.column,
            networks=dict(table.networks),
            chain_id=table.chain_id or "",
            contract=table.contract or "",
            transaction=table.transaction or "",
            optional=table.optional,
            chain_ids={
                name: chain for name in table.networks.values() if (chain := self.networks[name].chain_id) is not None
            },
        )
        if not tag.references:
            raise self.written.wrong(
                place, "nothing of a row refers to a chain; write chain_id, contract or transaction."
            )
        return tag

    def _migrations(self) -> Migrations | None:
        table, place = self.table, self.place
        files: list[Path] = []
        for index, pattern in enumerate(table.migrations):
            matching = self.written.read((*place, "migrations", index), pattern, self._matching)
            if again := [each.name for each in matching if each in files]:
                raise self.written.wrong(
                    (*place, "migrations", index), f"{GIVEN} names {quoted(again[0])} a second time."
                )
            files += matching
        alembic = self._revisions() if table.rehearse else None
        if table.rehearse and (files or table.revisions is None):
            raise self.written.wrong(
                (*place, "rehearse"), "runs the revisions of Alembic; write revisions, and no migrations."
            )
        if not files and alembic is None:
            for key in ("allow", "changing"):
                if getattr(table, key):
                    raise self.written.wrong((*place, key), "is about migrations, and there are none.")
            return None
        return Migrations(
            files=tuple(files),
            alembic=alembic,
            allowed=frozenset(map(Risk, table.allow)),
            changing=tuple(table.changing),
        )

    def _matching(self, pattern: str) -> list[Path]:
        text = texts.line(pattern)
        if Path(text).is_absolute() or ".." in Path(text).parts:
            raise Unfit(f"{GIVEN} leads out of the plan's folder; write a path in it.")
        found = sorted(each for each in self.folder.glob(text) if each.is_file())
        if not found:
            raise Unfit(f"{GIVEN} matches no file; it is looked for relative to the plan.")
        return found

    def _revisions(self) -> Path:
        def folder(text: str) -> Path:
            path = self.folder / texts.line(text)
            if not (path / "versions").is_dir():
                raise Unfit(f"no folder of Alembic's {GIVEN}; it has a folder 'versions' in it.")
            return path

        place = (*self.place, "revisions")
        if self.table.revisions is None:
            raise self.written.wrong(self.place, "rehearses no revisions; write revisions.")
        return self.written.read(place, self.table.revisions, folder)


def _default(value: bool | int | str | None) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def schema_name(text: str) -> str:
    """A plain name; any other could be more than one setting of a session."""
    if not _NAMESPACE.fullmatch(text):
        raise Unfit(f"{GIVEN} is no plain name of a schema; write lower-case letters, digits and '_'.")
    return text


def _object(text: str) -> str:
    if not _OBJECT.fullmatch(text):
        raise Unfit(f"{GIVEN} is no module and name; write such as 'app.models:Base'.")
    return text
