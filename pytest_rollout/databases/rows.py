"""Rows counted and columns summed up, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import StoreError
from pytest_rollout.sql.opening import known

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH = 10_000
_MOST_DIGITS = 400
_NOT_COUNTED = frozenset({"alembic_version"})


def counts(connection: Connection, table: str, schema: str | None, sums: Sequence[str]) -> dict[str, Any]:
    """``{rows, sums: {column: {sum, values}}}`` of a table; a column of floats has no exact sum and is refused."""
    from sqlalchemy import column, func, select  # noqa: PLC0415 - loaded by now

    known(connection, table, schema)
    source = named(table, schema, sums)
    rows = connection.execute(select(func.count()).select_from(source)).scalar_one()
    adding = _added_here if connection.dialect.name == "sqlite" else _added_there
    return {"rows": int(rows), "sums": {name: adding(connection, source, column(name), name) for name in sums}}


def every_count(connection: Connection, names: Sequence[str], schema: str | None) -> dict[str, int]:
    """The rows of each table, without those of a migration tool."""
    return {name: counts(connection, name, schema, ())["rows"] for name in names if name not in _NOT_COUNTED}


def named(table: str, schema: str | None, columns: Sequence[str]) -> Any:
    """A table to select from, its name and columns quoted as they must be."""
    from sqlalchemy import column  # noqa: PLC0415 - loaded by now
    from sqlalchemy import table as made  # noqa: PLC0415

    return made(table, *(column(name) for name in columns), schema=schema)


def _added_there(connection: Connection, source: Any, _column: Any, name: str) -> dict[str, Any]:
    """PostgreSQL adds numeric numbers exactly, as long as the column holds such."""
    from sqlalchemy import Numeric, Text, cast, func, select  # noqa: PLC0415 - loaded by now

    value = source.c[name]
    kinds = select(cast(func.pg_typeof(value), Text)).select_from(source).limit(1)
    kind = connection.execute(kinds).scalar()
    if kind in {"real", "double precision"}:
        raise StoreError(f"{name} is {kind}, and floats have no exact sum; compare another column.")
    total = cast(func.sum(cast(value, Numeric)), Text)
    summed, values = connection.execute(select(total, func.count(value)).select_from(source)).one()
    return {"sum": str(_exact(summed or "0", name)), "values": int(values)}


def _added_here(connection: Connection, source: Any, _column: Any, name: str) -> dict[str, Any]:
    """SQLite adds floats, or overflows, so its values are added here: integers, and decimals written as text."""
    from sqlalchemy import select  # noqa: PLC0415 - loaded by now

    total, values = Fraction(0), 0
    result = connection.execution_options(stream_results=True).execute(select(source.c[name]))
    for batch in result.partitions(_BATCH):
        for (value,) in batch:
            if value is None:
                continue
            if type(value) is float:
                raise StoreError(
                    f"{name} holds the float {value!r}, and floats have no exact sum; keep integers or text."
                )
            total += value if type(value) is int else _exact(value, name)
            values += 1
    return {"sum": str(total), "values": values}


def _exact(value: object, name: str) -> Fraction:
    try:
        number = Decimal(str(value))
        if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS:
            return Fraction(number)
    except InvalidOperation:
        pass
    raise StoreError(f"{name} holds {str(value)[:40]!r}, which is no number.")
