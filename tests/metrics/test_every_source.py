"""What every source of samples owes: the double, Prometheus, JSON over HTTP, SQL, logs and recorded files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import Samples, nanoseconds, values
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics.opening import Sources
from pytest_rollout.metrics.port import MetricSource
from pytest_rollout.testing.metrics import MemoryMetrics
from tests.metrics.conftest import START, STEP, Answer, Site

READINGS = [n if n not in {100, 101} else None for n in range(480)]
"""What each source of this module holds: a reading every 15 s, the 100th and 101st of them no number."""
TIMES = [START + n * STEP for n in range(480)]


@pytest.fixture(params=["memory", "prometheus", "http", "sql", "log", "csv", "ndjson"])
def made(request: pytest.FixtureRequest, tmp_path: Path, sources: Sources) -> tuple[MetricSource, Metric]:
    """A source of each kind with the same readings."""
    makers: dict[str, Callable[[], SourceSettings | None]] = {
        "memory": lambda: None,
        "prometheus": lambda: SourceSettings(
            kind=SourceKind.PROMETHEUS, url=request.getfixturevalue("prometheus"), query="broken"
        ),
        "http": lambda: _http(request.getfixturevalue("site")),
        "sql": lambda: _sql(tmp_path),
        "log": lambda: _log(tmp_path),
        "csv": lambda: _csv(tmp_path),
        "ndjson": lambda: _ndjson(tmp_path),
    }
    settings = makers[request.param]()
    metric = Metric(name="probe", unit=UNITS["count"], source=settings)
    if settings is None:
        return MemoryMetrics({"probe": [values(list(map(nanoseconds, TIMES)), READINGS)]}), metric
    return sources.open(settings), metric


def _http(site: Site) -> SourceSettings:
    rows = [{"t": time.isoformat(), "v": reading} for time, reading in zip(TIMES, READINGS, strict=True)]
    site.answers = [Answer(body={"rows": rows})]
    return SourceSettings(kind=SourceKind.HTTP, url=site.url, query="rows[*].v", options={"time": "rows[*].t"})


def _sql(folder: Path) -> SourceSettings:
    with sqlite3.connect(folder / "data.db") as database:
        database.execute("CREATE TABLE readings (at INTEGER, reading INTEGER)")
        rows = [(int(time.timestamp()), reading) for time, reading in zip(TIMES, READINGS, strict=True)]
        database.executemany("INSERT INTO readings VALUES (?, ?)", rows)
    database.close()
    query = "SELECT at AS time, reading AS value FROM readings WHERE at > :since_seconds AND at <= :until_seconds"
    return SourceSettings(kind=SourceKind.SQL, url="sqlite:///data.db", query=f"{query} ORDER BY at")


def _log(folder: Path) -> SourceSettings:
    lines = [f"{time.isoformat()} reading={reading}\n" for time, reading in zip(TIMES, READINGS, strict=True)]
    (folder / "app.log").write_text("".join(lines))
    return SourceSettings(
        kind=SourceKind.LOG, path="app.log", pattern=r"^(?P<time>\S+) reading=(?P<value>\S+)", query=""
    )


def _csv(folder: Path) -> SourceSettings:
    lines = [f"{time.isoformat()},{'NaN' if v is None else v}\n" for time, v in zip(TIMES, READINGS, strict=True)]
    (folder / "r.csv").write_text("time,reading\n" + "".join(lines))
    return SourceSettings(kind=SourceKind.RECORDED, path="r.csv", query="reading")


def _ndjson(folder: Path) -> SourceSettings:
    rows = [json.dumps({"time": t.timestamp(), "reading": v}) + "\n" for t, v in zip(TIMES, READINGS, strict=True)]
    (folder / "r.ndjson").write_text("".join(rows))
    return SourceSettings(kind=SourceKind.RECORDED, path="r.ndjson", query="reading")


class TestEverySource:
    def test_gives_the_samples_after_the_beginning_up_to_the_end(self, made: tuple[MetricSource, Metric]) -> None:
        """since < time <= until: two questions one after the other neither miss nor double a sample."""
        source, metric = made

        found = source.samples(metric, TIMES[10], TIMES[20])

        assert list(found.series[0].times) == [nanoseconds(time) for time in TIMES[11:21]]
        assert list(found.series[0].column or ()) == READINGS[11:21]
        assert (found.since, found.until) == (nanoseconds(TIMES[10]), nanoseconds(TIMES[20]))

    def test_what_is_no_number_is_missing_and_never_zero(self, made: tuple[MetricSource, Metric]) -> None:
        source, metric = made

        (series,) = source.samples(metric, TIMES[98], TIMES[103]).series

        assert list(series.column or ()) == [99, 102, 103]
        assert list(series.missing) == [nanoseconds(TIMES[100]), nanoseconds(TIMES[101])]

    def test_a_time_without_samples_has_none(self, made: tuple[MetricSource, Metric]) -> None:
        source, metric = made

        found = source.samples(metric, START - timedelta(days=2), START - timedelta(days=1))

        assert [len(each) + len(each.missing) for each in found.series] in ([], [0])

    def test_says_who_was_asked_what_how_often(self, made: tuple[MetricSource, Metric]) -> None:
        source, metric = made

        found = source.samples(metric, TIMES[0], TIMES[9])

        assert found.metric == "probe"
        assert found.source
        assert found.query
        assert found.attempts == 1

    def test_answers_several_at_once(self, made: tuple[MetricSource, Metric]) -> None:
        source, metric = made

        def one(number: int) -> Samples:
            return source.samples(metric, TIMES[number], TIMES[number + 10])

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(one, range(24)))

        assert [list(each.series[0].column or ()) for each in found] == [
            READINGS[number + 1 : number + 11] for number in range(24)
        ]


@pytest.fixture
def broken(sources: Sources) -> Callable[..., Samples]:
    def ask(kind: SourceKind, **given: Any) -> Samples:
        settings = SourceSettings(kind=kind, **given)
        metric = Metric(name="probe", unit=UNITS["count"], source=settings)
        return sources.open(settings).samples(metric, START, datetime.fromisoformat("2026-01-05T01:00:00Z"))

    return ask


URL = "http://reader:kept-secret@127.0.0.1:1/api?key=kept-secret"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": SourceKind.PROMETHEUS, "url": URL, "query": "up"}, "http://127.0.0.1:1: nobody answers (connection"),
        ({"kind": SourceKind.HTTP, "url": URL, "query": "a"}, "http://127.0.0.1:1: nobody answers (connection"),
        (
            {"kind": SourceKind.SQL, "url": "postgresql://me:kept-secret@127.0.0.1:1/x", "query": "SELECT 1 AS value"},
            "postgresql://127.0.0.1:1/x: the database refused: connection failed",
        ),
        ({"kind": SourceKind.SQL, "url": "sqlite:///no.db", "query": "SELECT 1"}, "no database 'no.db'"),
        ({"kind": SourceKind.LOG, "path": "no.log", "pattern": "(?P<time>.)", "query": "x"}, "no.log: no such file"),
        ({"kind": SourceKind.RECORDED, "path": "no.csv", "query": "x"}, "no.csv: no such file"),
        ({"kind": SourceKind.CHAIN, "query": "gas"}, "a chain cannot be asked here"),
    ],
    ids=["prometheus", "http", "postgresql", "sqlite", "log", "recorded", "chain"],
)
def test_a_source_that_is_not_there_is_an_error_without_secrets(
    broken: Callable[..., Any], given: dict[str, Any], says: str
) -> None:
    """Never no data, which would read as a service without traffic, and never the password."""
    with pytest.raises(MetricError) as caught:
        broken(**given)

    assert str(caught.value).startswith(says)
    assert "kept-secret" not in str(caught.value)
    assert "reader" not in str(caught.value)
