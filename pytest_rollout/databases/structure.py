"""What a table is made of, as the database itself tells it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_rollout.databases.statements import condition
from pytest_rollout.sql.opening import known

if TYPE_CHECKING:
    from sqlalchemy import Connection, Inspector

_INVALID = """SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE t.relname = %(table)s AND n.nspname = COALESCE(%(schema)s, current_schema())
AND NOT (x.indisvalid AND x.indisready)"""


def tables(connection: Connection, schema: str | None) -> list[str]:
    """The names of all tables."""
    return _inspector(connection).get_table_names(schema=schema)


def structure(connection: Connection, name: str, schema: str | None, wanted: Sequence[str]) -> dict[str, Any]:
    """Columns, keys, indexes and constraints, as a check is judged by; ``wanted`` are the plan's constraints."""
    known(connection, name, schema)
    inspector = _inspector(connection)
    dialect = connection.dialect
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what SQLAlchemy has no class for is told by name all the same
        types = _types(connection, name)
        columns = {
            each["name"]: {
                "type": types.get(each["name"]) or each["type"].compile(dialect=dialect),
                "null": bool(each["nullable"]),
                "default": _default(each),
            }
            for each in inspector.get_columns(name, schema=schema)
        }
        key = list(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"])
        if dialect.name == "sqlite":
            unique = _unique_here(connection, name)
            if len(key) == 1 and str(columns[key[0]]["type"]).casefold() == "integer":
                columns[key[0]]["null"] = False  # the row's own number; SQLite lets other keys be null
        else:
            unique = [list(each["column_names"]) for each in inspector.get_unique_constraints(name, schema=schema)]
        indexes = {}
        invalid = _invalid(connection, name, schema)
        for index in inspector.get_indexes(name, schema=schema):
            found = [each or "an expression" for each in index.get("expressions") or index["column_names"]]
            where = index.get("dialect_options", {}).get(f"{dialect.name}_where")
            is_valid = index["name"] not in invalid
            indexes[str(index["name"])] = {
                "columns": found,
                "unique": bool(index["unique"]),
                "where": "" if where is None else str(where),
                "valid": is_valid,
            }
            if index["unique"] and where is None and is_valid and "expressions" not in index:
                unique.append(found)
        checks = [
            condition(each["sqltext"], dialect.name) for each in inspector.get_check_constraints(name, schema=schema)
        ]
        return {
            "columns": columns,
            "primary_key": key,
            "unique": [*unique, key] if key else unique,
            "indexes": indexes,
            "foreign_keys": _foreign(inspector, name, schema),
            "checks": {"seen": checks, "wanted": [condition(each, dialect.name) for each in wanted]},
        }


def _foreign(inspector: Inspector, name: str, schema: str | None) -> dict[str, str]:
    return {
        column: f"{each['referred_table']}.{referred}"
        for each in inspector.get_foreign_keys(name, schema=schema)
        for column, referred in zip(each["constrained_columns"], each["referred_columns"], strict=False)
    }


def _types(connection: Connection, name: str) -> dict[str, str]:
    """The declared types of a SQLite table, which SQLAlchemy would translate."""
    if connection.dialect.name != "sqlite":
        return {}
    quoted = name.replace('"', '""')
    return {row[1]: row[2] for row in connection.exec_driver_sql(f'PRAGMA table_info("{quoted}")')}


def _unique_here(connection: Connection, name: str) -> list[list[str]]:
    """What a SQLite table keeps unique, which its own list of indexes tells and its text does not always."""
    quoted = name.replace('"', '""')
    found = []
    for _, index, is_unique, _, is_partial in connection.exec_driver_sql(f'PRAGMA index_list("{quoted}")').all():
        inside = index.replace('"', '""')
        columns = [row[2] for row in connection.exec_driver_sql(f'PRAGMA index_info("{inside}")')]
        if is_unique and not is_partial and None not in columns:
            found.append(columns)
    return found


def _default(column: Any) -> str | None:
    if column.get("identity") is not None:
        return "identity"
    return None if column["default"] is None else str(column["default"])


def _invalid(connection: Connection, name: str, schema: str | None) -> set[str]:
    """The indexes that PostgreSQL began to build and did not finish, which it does not use."""
    if connection.dialect.name != "postgresql":
        return set()
    return {row[0] for row in connection.exec_driver_sql(_INVALID, {"table": name, "schema": schema})}


def _inspector(connection: Connection) -> Inspector:
    from sqlalchemy import inspect  # noqa: PLC0415 - loaded by now

    return inspect(connection)
