"""Samples from a SQL query in a read-only transaction: SQLite and PostgreSQL.

The columns are ``value``, or ``good`` and ``total``, and ``time``; any other is a label. The
parameters ``:since`` and ``:until`` are moments (for SQLite, text in UTC as its own functions write
it), ``:since_seconds`` and ``:until_seconds`` whole seconds since 1970. Without a column ``time``
the one row that is allowed was observed when it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import MetricError, StoreError
from pytest_rollout.core.faults import Fault
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Samples, Series, nanoseconds, ratios, values
from pytest_rollout.metrics.times import observation_time
from pytest_rollout.sql.files import as_it_is, reading_alone
from pytest_rollout.sql.opening import connected, needs, postgresql_engine, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MOST_ROWS = 5_000_000
_BATCH = 10_000
_MONTH_SECONDS = 30 * 24 * 3600


class SqlSource:
    """One database, asked over one connection that is opened for each question."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        try:
            import sqlalchemy  # noqa: PLC0415 - an extra, and half a second
            from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above
        except ModuleNotFoundError:
            raise MetricError(f"source {needs('SQLAlchemy')}") from None
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
        self._file = _file(folder, url.database) if self._is_sqlite else folder

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """What the query answers for that time, all of it from one moment of the database."""
        begin, end = nanoseconds(since), nanoseconds(until)
        try:
            with self._opened() as engine, connected(engine, self._shown, allowed=reading_alone) as connection:
                series = self._asked(connection, since, until)
        except StoreError as error:
            raise MetricError(str(error)) from None
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

    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the query gives; raises ``MetricError``."""
        from sqlalchemy import text  # noqa: PLC0415 - loaded by now

        statement, now = text(self._settings.query), datetime.now(UTC)
        known = self._parameters(now, now)
        try:
            with self._opened() as engine, connected(engine, self._shown, allowed=reading_alone) as connection:
                return tuple(connection.execute(statement, {n: known[n] for n in statement.compile().params}).keys())
        except StoreError as error:
            raise MetricError(str(error)) from None

    def spoilt(self, fault: Fault) -> dict[str, str]:
        """What takes the place of a column, in the database's own words: no number, or a time a month before."""
        if fault is Fault.METRIC_NAN:
            return dict.fromkeys(("value", "good", "total"), "NULL" if self._is_sqlite else "'NaN'::float8")
        if not self._is_sqlite:
            return {"time": f"\"time\" - interval '{_MONTH_SECONDS} seconds'"}
        number = f'"time" - {_MONTH_SECONDS} * CASE WHEN "time" > 100000000000 THEN 1000 ELSE 1 END'
        written = f"strftime('%Y-%m-%dT%H:%M:%fZ', \"time\", '-{_MONTH_SECONDS} seconds')"
        return {"time": f"CASE WHEN typeof(\"time\") IN ('integer', 'real') THEN {number} ELSE {written} END"}

    def close(self) -> None:
        """Nothing stays open between two questions."""

    @contextmanager
    def _opened(self) -> Iterator[Engine]:
        if self._is_sqlite:
            with as_it_is(self._file, self._shown) as uri:
                yield sqlite_engine(uri, self._seconds)
        else:
            yield postgresql_engine(self._settings.url, self._seconds, read_only=True)

    def _asked(self, connection: Connection, since: datetime, until: datetime) -> list[Series]:
        from sqlalchemy import text  # noqa: PLC0415 - loaded by now

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


def _file(folder: Path, name: str | None) -> Path:
    file = folder / (name or "")
    if not name or name == ":memory:" or not file.is_file():
        raise MetricError(f"no database '{name or ''}'; paths are relative to the plan, and none is made.")
    return file


def otherwise(fault: Fault, settings: SourceSettings, folder: Path) -> str:
    """A query around the source's own, whose answer is spoilt: NaN, a month older, or without a row.

    Empty where the answer tells no times, so that none could be older. Raises ``MetricError``.
    """
    query = settings.query.strip().rstrip(";")
    nothing = f"SELECT * FROM ({query}) AS asked WHERE 1 = 0"  # noqa: S608 - the plan's own query
    if fault is Fault.METRIC_EMPTY:
        return nothing
    with closing(SqlSource(replace(settings, query=nothing), folder)) as source:
        columns = source.columns()
        spoilt = source.spoilt(fault)
    if not set(spoilt) & set(columns):
        return ""
    names = [f'{spoilt[name]} AS "{name}"' if name in spoilt else f'"{name}"' for name in columns]
    return f"SELECT {', '.join(names)} FROM ({query}) AS asked"  # noqa: S608 - as above
