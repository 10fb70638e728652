"""Migrations read, and run on a copy, with every table counted before and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.database import DatabaseSettings, Migrations, Risk
from pytest_rollout.core.errors import StoreError
from pytest_rollout.databases import revisions
from pytest_rollout.databases.opening import connected
from pytest_rollout.databases.rows import counts, every_count
from pytest_rollout.databases.statements import risks, split
from pytest_rollout.databases.structure import tables

if TYPE_CHECKING:
    from sqlalchemy import Engine

LARGEST = 16 * 1024 * 1024
"""The largest migration there may be, in bytes."""


def migrated(
    engine: Engine, settings: DatabaseSettings, wanted: Migrations, table: str, sums: Sequence[str]
) -> dict[str, Any]:
    """What came of running them, as ``DatabaseCheck`` is judged by.

    ``before`` and ``after`` are the rows of every table, ``then`` and ``here`` rows and sums of the one table.
    """
    schema = settings.namespace or None
    scripts: list[tuple[str, str | None]] = [(path.name, _text(path)) for path in wanted.files]
    if wanted.alembic is not None:
        scripts = revisions.pending(engine, settings, wanted.alembic)
    seen: dict[str, Any] = {
        "files": [
            {"name": name, "risks": [list(each) for each in _read(name, text, engine.dialect.name)]}
            for name, text in scripts
        ],
        "applied": False,
        "error": "",
    }
    seen |= {"before": {}, "after": {}, "then": {}, "here": {}}
    with connected(engine, settings) as connection:
        there = tables(connection, schema)
        seen["before"] = every_count(connection, there, schema)
        if table in there:
            seen["then"] = counts(connection, table, schema, sums)
    try:
        if wanted.alembic is not None:
            revisions.upgrade(engine, settings, wanted.alembic)
        else:
            for name, text in scripts:
                _run(engine, settings, name, text or "")
    except StoreError as error:
        seen["error"] = str(error)
        return seen
    with connected(engine, settings) as connection:
        now = tables(connection, schema)
        seen["after"] = every_count(connection, now, schema)
        if table in now:
            seen["here"] = counts(connection, table, schema, sums)
    seen["applied"] = True
    return seen


def _read(name: str, text: str | None, dialect: str) -> list[tuple[str, str]]:
    if text is None:
        return [(Risk.UNREAD.value, "a revision that asks the database itself")]
    try:
        return risks(text, dialect)
    except StoreError as error:
        raise StoreError(f"{name}: {error}") from None


def _run(engine: Engine, settings: DatabaseSettings, name: str, text: str) -> None:
    """One file, statement by statement, as a person would type them; the copy is nobody's, so nothing is undone."""
    try:
        if engine.dialect.name == "sqlite":
            raw = engine.raw_connection()
            try:
                raw.driver_connection.executescript(text)  # type: ignore[union-attr]  # it is open
            finally:
                raw.close()
            return
        with connected(engine, settings) as connection:
            plain = connection.execution_options(no_parameters=True)
            for statement in split(text, "postgresql"):
                plain.exec_driver_sql(statement)
    except (sqlite3.Error, StoreError) as error:
        raise StoreError(f"{name}: {error}") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise StoreError(f"{path.name}: is larger than {LARGEST // 1024**2} MiB; no migration is.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path.name}: cannot be read: {error}.") from None
