"""SQLite and a real PostgreSQL asked read-only, with the window as parameters."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import SourceKind
from pytest_rollout.core.series import SECOND, nanoseconds
from tests import servers
from tests.metrics.conftest import START

Ask = Callable[..., Any]
AN_HOUR_LATER = nanoseconds(START) + 3600 * SECOND


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A PostgreSQL with one table of payments: ten a minute for an hour, every fiftieth failed."""
    with servers.postgresql() as url:
        with servers.owner_of(url) as connection:
            connection.execute("CREATE TABLE payments (at timestamptz, ok boolean, wei numeric(78), town text)")
            connection.execute(
                "INSERT INTO payments SELECT '2026-01-05T00:00:00Z'::timestamptz + n * interval '6 seconds', "
                "n % 50 <> 0, 10::numeric ^ 30 + n, CASE WHEN n % 2 = 0 THEN 'Oslo' ELSE 'Bergen' END "
                "FROM generate_series(1, 600) AS n"
            )
        yield url


@pytest.fixture
def on_postgresql(postgresql: str, ask: Ask) -> Ask:
    return lambda query, **given: ask(**{"kind": SourceKind.SQL, "url": postgresql, "query": query, **given})


@pytest.fixture
def on_sqlite(tmp_path: Path, ask: Ask) -> Ask:
    database = sqlite3.connect(tmp_path / "data.db")
    database.execute("CREATE TABLE payments (at TEXT, ok INTEGER)")
    database.executemany("INSERT INTO payments VALUES (?, ?)", [(f"2026-01-05 00:{n:02}:00", n % 5) for n in range(60)])
    database.commit()
    database.close()
    return lambda query, **given: ask(**{"kind": SourceKind.SQL, "url": "sqlite:///data.db", "query": query, **given})


COUNTS = "SELECT count(*) FILTER (WHERE ok) AS good, count(*) AS total FROM payments WHERE at > :since AND at <= :until"


def test_counts_of_the_window(on_postgresql: Ask) -> None:
    (series,) = on_postgresql(COUNTS, until=START + timedelta(minutes=30)).series

    assert (list(series.good), list(series.total)) == ([294], [300])
    assert list(series.times) == [nanoseconds(START) + 1800 * SECOND]


def test_rows_with_their_own_times_and_labels(on_postgresql: Ask) -> None:
    found = on_postgresql("SELECT at AS time, town, wei AS value FROM payments ORDER BY at")

    assert [dict(each.labels) for each in found.series] == [{"town": "Bergen"}, {"town": "Oslo"}]
    assert found.series[0].column[0] == Fraction(10**30 + 1)


def test_a_double_colon_is_a_cast_and_no_parameter(on_postgresql: Ask) -> None:
    assert list(on_postgresql("SELECT '7'::int AS value").series[0].column) == [7]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM payments RETURNING 1 AS value",
        "WITH gone AS (DELETE FROM payments RETURNING 1) SELECT count(*) AS value FROM gone",
        "SELECT setval('x', 1) AS value",
        "UPDATE payments SET ok = true",
        "DROP TABLE payments",
        "SELECT 1 AS value; COMMIT; DELETE FROM payments",
        "SET transaction_read_only = off; DELETE FROM payments",
    ],
)
def test_nothing_is_ever_written_to_postgresql(postgresql: str, on_postgresql: Ask, query: str) -> None:
    with pytest.raises(MetricError):
        on_postgresql(query)

    with servers.owner_of(postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM payments").fetchone() == (600,)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT ok AS value FROM payments LIMIT 1", None),
        ("SELECT NULL AS value", None),
        ("SELECT 'NaN'::numeric AS value", None),
        ("SELECT 'Infinity'::float8 AS value", None),
        ("SELECT town AS value FROM payments LIMIT 1", None),
    ],
    ids=["a truth value", "null", "NaN", "infinity", "text"],
)
def test_what_is_no_number_is_missing(on_postgresql: Ask, query: str, says: None) -> None:
    (series,) = on_postgresql(query).series

    assert (len(series), len(series.missing)) == (0, 1)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT 1 AS good", "name one 'value', or two 'good' and 'total'"),
        ("SELECT 1 AS value, 2 AS good, 3 AS total", "name one 'value', or two"),
        ("SELECT 1 AS value, 2 AS value", "two columns of one name"),
        ("SELECT 1 AS value UNION ALL SELECT 2", "more than one row and no column 'time'"),
        ("SELECT 1 AS value WHERE :now > 1", "the query has the parameter :now; :since, :until"),
        ("SELECT 1767571200000 AS time, 1 AS value", "is in milliseconds; times are seconds"),
        ("SELECT timestamp '2026-01-05 00:10:00' AS time, 1 AS value", "says no offset from UTC"),
        ("SELECT pg_sleep(9) AS value", "canceling statement due to statement timeout"),
        ("SELECT nothing AS value", 'column "nothing" does not exist'),
        ("SELEKT", "syntax error"),
    ],
    ids=[
        "half a ratio", "both", "a column twice", "rows without times", "a strange parameter", "milliseconds",
        "no zone", "too slow", "no such column", "no SQL",
    ],
)  # fmt: skip
def test_questions_that_cannot_be_meant(on_postgresql: Ask, query: str, says: str) -> None:
    with pytest.raises(MetricError) as caught:
        on_postgresql(query, timeout=timedelta(seconds=0.3))

    assert says in str(caught.value)
    assert "kept-secret" not in str(caught.value)


def test_a_wrong_password_is_not_repeated(postgresql: str, ask: Ask) -> None:
    with pytest.raises(MetricError, match="password authentication failed") as caught:
        ask(kind=SourceKind.SQL, url=postgresql.replace("kept-secret", "other-secret"), query=COUNTS)

    assert "other-secret" not in str(caught.value)


def test_the_window_is_text_as_sqlite_writes_it(on_sqlite: Ask) -> None:
    query = "SELECT sum(ok > 0) AS good, count(*) AS total FROM payments WHERE at > :since AND at <= :until"

    (series,) = on_sqlite(query, until=START + timedelta(minutes=30)).series

    assert (list(series.good), list(series.total)) == ([24], [30])


def test_sqlite_times_are_declared_to_be_utc(on_sqlite: Ask) -> None:
    query = "SELECT at AS time, ok AS value FROM payments"

    with pytest.raises(MetricError, match="declare their zone"):
        on_sqlite(query)
    assert len(on_sqlite(query, options={"zone": "UTC"}).series[0]) == 59


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM payments", "PRAGMA user_version = 3", "VACUUM", "SELECT 1 AS value; DROP TABLE x",
        "ATTACH 'other.db' AS other", "ATTACH 'file:other.db?mode=rwc' AS other", "VACUUM INTO 'other.db'",
        "CREATE TEMP TABLE t (x)", "SELECT load_extension('other.so') AS value", "PRAGMA query_only = OFF",
    ],
)  # fmt: skip
def test_nothing_is_ever_written_to_sqlite(
    tmp_path: Path, on_sqlite: Ask, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even an empty file beside it, or where the gate happens to run."""
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "data.db").read_bytes()

    with pytest.raises(MetricError):
        on_sqlite(query)

    assert (tmp_path / "data.db").read_bytes() == before
    assert [each.name for each in tmp_path.glob("*.db*")] == ["data.db"]


def test_a_query_without_end_is_stopped(on_sqlite: Ask) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS value FROM n"

    with pytest.raises(MetricError, match="interrupted"):
        on_sqlite(endless, timeout=timedelta(seconds=0.2))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is no database's"),
        ("mysql://me:kept-secret@x/y", "no source for mysql"),
        ("sqlite://", "no database ''"),
        ("sqlite:///:memory:", "no database ':memory:'"),
        ("not a url with kept-secret", "is no database's"),
    ],
)
def test_databases_that_are_none(ask: Ask, url: str, says: str) -> None:
    with pytest.raises(MetricError, match=says) as caught:
        ask(kind=SourceKind.SQL, url=url, query="SELECT 1 AS value")

    assert "kept-secret" not in str(caught.value)
