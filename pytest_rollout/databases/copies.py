"""A copy of a database, made for one look and thrown away: what migrations may change."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.errors import StoreError
from pytest_rollout.databases.opening import file_of
from pytest_rollout.sql.files import as_it_is
from pytest_rollout.sql.opening import postgresql_engine, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

_PAGES = 1000
_SERVERS = "/usr/lib/postgresql"


@contextmanager
def copied(settings: DatabaseSettings) -> Iterator[Callable[..., Engine]]:
    """A copy and how it is opened: ``opened(read_only=False)``; it is gone afterwards. Raises ``StoreError``."""
    seconds = settings.timeout.total_seconds()
    with tempfile.TemporaryDirectory(prefix="rollout-database-") as private:
        if settings.is_sqlite:
            path = Path(private, "copy.db")
            _copy_file(file_of(settings), path, settings)
            yield lambda *, read_only: sqlite_engine(f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}", seconds)
            return
        with _copy_on_server(settings, Path(private)) as url:
            yield lambda *, read_only: postgresql_engine(
                url, seconds, namespace=settings.namespace, read_only=read_only
            )


@contextmanager
def copy_of(settings: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """A copy as a database of the same name, which may be written to; it is gone afterwards. Raises ``StoreError``."""
    with tempfile.TemporaryDirectory(prefix="rollout-database-") as private:
        if settings.is_sqlite:
            path = Path(private, "copy.db")
            _copy_file(file_of(settings), path, settings)
            yield replace(settings, url=f"sqlite:///{quote(str(path))}")
            return
        if not settings.copies:
            raise StoreError(f"no copy can be made: databases.{settings.name}.copies names no server.")
        with _copy_on_server(settings, Path(private)) as url:
            yield replace(settings, url=url)


def _copy_file(source: Path, target: Path, settings: DatabaseSettings) -> None:
    """SQLite's own backup: one moment of the database, though others write."""
    until = time.monotonic() + settings.timeout.total_seconds()

    def progress(_status: int, remaining: int, _total: int) -> None:
        if remaining and time.monotonic() > until:
            raise StoreError(f"database {settings.name}: copying it takes longer than its timeout; raise the timeout.")

    try:
        with (
            as_it_is(source, f"database {settings.name}") as uri,
            closing(sqlite3.connect(uri, uri=True)) as one,
            closing(sqlite3.connect(target)) as other,
        ):
            one.backup(other, pages=_PAGES, progress=progress)
    except sqlite3.Error as error:
        raise StoreError(f"database {settings.name}: cannot be copied ({error}).") from None


@contextmanager
def _copy_on_server(settings: DatabaseSettings, private: Path) -> Iterator[str]:
    """The URL of a new database on the declared server, filled by pg_dump and dropped again."""
    from sqlalchemy import make_url, text  # noqa: PLC0415 - an extra, asked for before
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    name = f"rollout_copy_{secrets.token_hex(8)}"
    seconds = settings.timeout.total_seconds()
    server = postgresql_engine(settings.copies, seconds, read_only=False)
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            dumped = private / "dump.sql"
            copy = make_url(settings.copies).set(database=name)
            _program("pg_dump", make_url(settings.url), seconds, ["--no-owner", "--no-privileges", f"--file={dumped}"])
            _program("psql", copy, seconds, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", str(dumped)])
            yield copy.render_as_string(hide_password=False)
        finally:
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0][:300]
        raise StoreError(
            f"database {settings.name}: no copy could be made on databases.{settings.name}.copies: {reason}."
        ) from None
    finally:
        server.dispose()


def _program(name: str, url: Any, seconds: float, arguments: list[str]) -> None:
    """One of PostgreSQL's own programs; the password goes by its environment, where nobody lists it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= _libpq(url)
    environment["PGOPTIONS"] = "-c default_transaction_read_only=on" if name == "pg_dump" else ""
    try:
        done = subprocess.run(
            [_found(name), "--no-password", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StoreError(f"{name} takes longer than {seconds:.0f} s; raise the database's timeout.") from None
    if done.returncode:
        first = next(iter(done.stderr.strip().splitlines()), f"status {done.returncode}")
        raise StoreError(f"{name} could not copy the database: {first[:300]}.")


def _libpq(url: Any) -> Mapping[str, str]:
    parts = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    parts |= {f"PG{key.upper()}": value for key, value in url.query.items() if key in {"sslmode", "host", "port"}}
    return {key: str(value) for key, value in parts.items() if value}


def _found(name: str) -> str:
    """The program, the newest that is installed."""
    versions = sorted(Path(_SERVERS).glob(f"*/bin/{name}"), key=lambda each: (len(each.parts[4]), each.parts[4]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise StoreError(
            f"copying a PostgreSQL database needs {name}, which is not installed; on Debian: postgresql-client."
        )
    return found
