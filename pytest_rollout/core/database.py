"""A database and what a plan says of it: its structure, its rows, its migrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit


def parts_of(url: str) -> tuple[SplitResult, int | None]:
    """A URL's parts and its port; raises ``ValueError``, which repeats nothing of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is no database's URL") from None
    return parts, port


def shown_of(parts: SplitResult, port: int | None) -> str:
    """What may be shown of a server's URL: no user, no password, no options."""
    return f"postgresql://{parts.hostname or ''}{f':{port}' if port else ''}{parts.path}"


class Risk(StrEnum):
    """What a statement of a migration does that cannot be taken back, or that nobody could read."""

    DROP_TABLE = "drop table"
    DROP_COLUMN = "drop column"
    DROP_CONSTRAINT = "drop constraint"
    DROP_INDEX = "drop index"
    DROP_OTHER = "drop other"
    CHANGE_TYPE = "change type"
    RENAME = "rename"
    DELETE = "delete"
    UPDATE = "update"
    TRUNCATE = "truncate"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """One declared database. ``shown`` is its URL without credentials, which alone is ever printed.

    ``namespace`` is what PostgreSQL calls a schema, empty for the server's own default. ``copies`` is the
    URL of a server on which a copy may be made and dropped; a SQLite file needs none.
    """

    name: str
    url: str = field(repr=False)
    shown: str
    folder: Path
    namespace: str = ""
    timeout: timedelta = timedelta(seconds=30)
    copies: str = field(default="", repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.startswith("sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column must be; None is not looked at."""

    type: str | None = None
    null: bool | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The columns of an index in their order, and whether it is unique."""

    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a table must be made of; ``exact`` allows no other column and no other index."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: Mapping[str, Index] = field(default_factory=dict)
    foreign_keys: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    exact: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether anything is said at all."""
        return bool(self.columns or self.primary_key or self.unique or self.indexes or self.foreign_keys or self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """The column that says which environment a row is of, and what of the row refers to a chain.

    ``networks`` maps each value to the network it stands for. ``chain_id``, ``contract`` and
    ``transaction`` are columns: a chain id, the address of one of that network's contracts, the hash
    of a transaction that the network knows. A row may lack them where it is ``optional``.
    """

    column: str
    networks: Mapping[str, str]
    chain_id: str = ""
    contract: str = ""
    transaction: str = ""
    optional: bool = False
    chain_ids: Mapping[str, int] = field(default_factory=dict)

    @property
    def references(self) -> Mapping[str, str]:
        """The columns that refer to a chain, by what they hold."""
        found = {"chain_id": self.chain_id, "contract": self.contract, "transaction": self.transaction}
        return {what: column for what, column in found.items() if column}


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """SQL files, or a folder of Alembic's, run on a copy.

    ``allowed`` are the risks somebody has looked at, ``changing`` the tables whose rows may become more or fewer.
    """

    files: tuple[Path, ...] = ()
    alembic: Path | None = None
    allowed: frozenset[Risk] = frozenset()
    changing: tuple[str, ...] = ()
