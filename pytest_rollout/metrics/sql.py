"""Samples from a SQL query in a read-only transaction: SQLite and PostgreSQL.

The columns are ``value``, or ``good`` and ``total``, and ``time``; any other is a label. The
parameters ``:since`` and ``:until`` are moments (for SQLite, text in UTC as its own functions write
it), ``:since_seconds`` and ``:until_seconds`` whole seconds since 1970. Without a column ``time``
the one row that is allowed was observed when it was asked for.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Samples, Series, nanoseconds, ratios, values
from pytest_rollout.metrics.times import observation_time

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MOST_ROWS = 5_000_000
_BATCH = 10_000
_INSTALL = "pip install 'pytest-rollout[sql]'"
_OPCODES = 10_000


class SqlSource:
    """One database, asked over one connection that is opened for each question."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        try:
            import sqlalchemy  # noqa: PLC0415 - an extra, and half a second
            from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above
        except ModuleNotFoundError:
            raise MetricError(f"source sql needs SQLAlchemy, which is not installed. Run: {_INSTALL}") from None
        try:
            url = sqlalchemy.make_url(settings.url)
        except (ArgumentError, ValueError):
            raise MetricError("the source's url is no database's; write for example 'sqlite:///data.db'.") from None
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise MetricError(f"no source for {url.get_backend_name()}; SQLite and PostgreSQL can be asked read-only.")
        self._settings = settings
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self._shown = sqlalchemy.URL.create(
            url.get_backend_name(), host=url.host, port=url.port, database=url.database
        ).render_as_string()
        self._seconds = settings.timeout.total_seconds()
        self._engine = self._sqlite(folder, url.database) if self._is_sqlite else self._postgresql(url)

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """What the query answers for that time, all of it from one moment of the database."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - loaded by now

        begin, end = nanoseconds(since), nanoseconds(until)
        try:
            with self._engine.connect() as connection:
                series = self._asked(connection, since, until)
        except SQLAlchemyError as error:
            raise MetricError(f"{self._shown}: {_reason(error)}") from None
        except MetricError as error:
            raise MetricError(f"{self._shown}: {error}") from None
        return Samples(
            metric=metric.name,
            source=f"sql at {self._shown}",
            query=" ".join(self._settings.query.split()),
            since=begin,
            until=end,
            series=tuple(each.between(begin, end) for each in series),
        )

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _sqlite(self, folder: Path, name: str | None) -> Engine:
        import sqlalchemy  # noqa: PLC0415 - loaded by now

        file = folder / (name or "")
        if not name or name == ":memory:" or not file.is_file():
            raise MetricError(f"no database '{name or ''}'; paths are relative to the plan, and none is made.")

        def connect() -> sqlite3.Connection:
            uri = f"{file.resolve().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, timeout=self._seconds, check_same_thread=False)
            until = time.monotonic() + self._seconds
            connection.set_progress_handler(lambda: time.monotonic() > until, _OPCODES)
            return connection

        return sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.NullPool)

    def _postgresql(self, url: Any) -> Engine:
        import sqlalchemy  # noqa: PLC0415 - loaded by now

        milliseconds = int(self._seconds * 1000)
        options = f"-c statement_timeout={milliseconds} -c default_transaction_read_only=on"
        try:
            return sqlalchemy.create_engine(
                url.set(drivername="postgresql+psycopg"),
                poolclass=sqlalchemy.NullPool,
                isolation_level="REPEATABLE READ",
                connect_args={"connect_timeout": max(2, int(self._seconds)), "options": options},
                execution_options={"postgresql_readonly": True},
                hide_parameters=True,
            )
        except ModuleNotFoundError:
            raise MetricError(f"PostgreSQL needs psycopg, which is not installed. Run: {_INSTALL}") from None

    def _asked(self, connection: Connection, since: datetime, until: datetime) -> list[Series]:
        from sqlalchemy import text  # noqa: PLC0415 - loaded by now

        if self._is_sqlite:
            database: Any = connection.connection.driver_connection
            database.set_authorizer(_reading_alone)
        statement = text(self._settings.query)
        known = self._parameters(since, until)
        names = set(statement.compile().params)
        if strange := sorted(names - set(known)):
            raise MetricError(
                f"the query has the parameter :{strange[0]}; :since, :until and their _seconds are known."
            )
        asked = connection.execution_options(stream_results=True, yield_per=_BATCH)
        with closing(asked.execute(statement, {name: known[name] for name in names})) as result:
            if not result.returns_rows:
                raise MetricError("the query returns no rows, so it is no question; write a SELECT.")
            rows = _Rows(columns=tuple(result.keys()), zone=str(self._settings.options.get("zone", "")))
            for number, row in enumerate(result):
                if number >= MOST_ROWS:
                    raise MetricError(f"more than {MOST_ROWS} rows; let the database aggregate them.")
                rows.take(row, nanoseconds(until))
            return rows.series()

    def _parameters(self, since: datetime, until: datetime) -> dict[str, Any]:
        moments = {"since": since.astimezone(UTC), "until": until.astimezone(UTC)}
        seconds = {f"{name}_seconds": nanoseconds(moment) // 10**9 for name, moment in moments.items()}
        if self._is_sqlite:
            return seconds | {name: f"{moment:%Y-%m-%d %H:%M:%S}" for name, moment in moments.items()}
        return seconds | moments


class _Rows:
    """Rows by their labels."""

    def __init__(self, *, columns: tuple[str, ...], zone: str) -> None:
        if len(set(columns)) != len(columns):
            raise MetricError("the query gives two columns of one name; name each apart.")
        is_ratio = {"good", "total"} <= set(columns)
        if is_ratio == ("value" in columns):
            raise MetricError(
                f"the query gives the columns {', '.join(columns)[:200]}; name one 'value', or two 'good' and 'total'."
            )
        self._places = [columns.index(name) for name in (("good", "total") if is_ratio else ("value",))]
        self._time = columns.index("time") if "time" in columns else None
        used = {*self._places, self._time}
        self._labels = [(index, name) for index, name in enumerate(columns) if index not in used]
        self._zone = zone
        self._groups: dict[tuple[tuple[str, str], ...], tuple[list[int], list[list[Any]]]] = {}

    def take(self, row: Sequence[Any], now: int) -> None:
        labels = tuple((name, str(row[index])) for index, name in self._labels)
        times, numbers = self._groups.setdefault(labels, ([], [[] for _ in self._places]))
        if self._time is None and times:
            raise MetricError("more than one row and no column 'time'; name the column of observation times 'time'.")
        times.append(now if self._time is None else observation_time(row[self._time], zone=self._zone))
        for column, place in zip(numbers, self._places, strict=True):
            column.append(row[place])

    def series(self) -> list[Series]:
        make = ratios if len(self._places) > 1 else values
        return [make(times, *numbers, labels=dict(key)) for key, (times, numbers) in sorted(self._groups.items())]


_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})


def _reading_alone(action: int, _first: str | None, name: str | None, *_: object) -> int:
    """Whether SQLite may do this: opened for reading it would still attach, and so create, any other file."""
    is_allowed = action in _READS or (action == sqlite3.SQLITE_FUNCTION and name != "load_extension")
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _reason(error: Exception) -> str:
    """The database's own first line; statements and parameters stay out."""
    text = str(getattr(error, "orig", None) or type(error).__name__).strip()
    if text == "not authorized":
        return "the query does more than read this database; write one SELECT."
    first = text.splitlines()[0] if text else type(error).__name__
    return f"the database refused: {first[:300]}."
