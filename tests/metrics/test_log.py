"""Log lines: values, counts and both sorts of a ratio, through rotations, half lines and time zones."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import SourceKind
from pytest_rollout.core.series import SECOND, nanoseconds
from tests.metrics.conftest import START

Ask = Callable[..., Any]
SHAPE = r"^(?P<time>\S+) (?P<level>\w+)"
BEGIN = nanoseconds(START)


@pytest.fixture
def read(ask: Ask) -> Ask:
    return lambda **given: ask(
        **{"kind": SourceKind.LOG, "path": "app.log", "pattern": SHAPE, "interval": timedelta(minutes=1), **given}
    )


def lines(*seconds: int, level: str = "INFO", rest: str = "") -> str:
    return "".join(f"{(START + timedelta(seconds=n)).isoformat()} {level} {rest}\n" for n in seconds)


def test_lines_of_a_sort_are_counted_interval_by_interval(tmp_path: Path, read: Ask) -> None:
    (tmp_path / "app.log").write_text(lines(10, 20) + lines(30, 70, level="ERROR") + lines(80))

    (series,) = read(query="ERROR").series

    assert list(series.column) == [1, 1]
    assert [time - BEGIN for time in series.times] == [30 * SECOND, 80 * SECOND]


def test_a_silent_log_is_not_a_log_without_errors(tmp_path: Path, read: Ask) -> None:
    """Zero is counted only where something was written at all."""
    (tmp_path / "app.log").write_text(lines(10, 250))

    (series,) = read(query="ERROR").series

    assert list(series.column) == [0, 0]
    assert read(query="ERROR", until=START + timedelta(seconds=5)).series == ()


def test_a_ratio_by_two_patterns(tmp_path: Path, read: Ask) -> None:
    text = lines(1, 2, 3, rest="request 200") + lines(4, rest="request 500") + lines(5, rest="tick")
    (tmp_path / "app.log").write_text(text)

    (series,) = read(good=r"request 2\d\d", total="request").series

    assert (list(series.good), list(series.total)) == ([3], [4])


def test_a_ratio_by_groups(tmp_path: Path, read: Ask) -> None:
    (tmp_path / "app.log").write_text(lines(1, 2, rest="ok") + lines(3, rest="failed") + lines(4, rest="tick"))

    (series,) = read(pattern=r"^(?P<time>\S+) \w+ (?:(?P<good>ok)|(?P<bad>failed)|)").series

    assert (list(series.good), list(series.total)) == ([2], [3])


def test_rotated_files_are_read_oldest_first(tmp_path: Path, read: Ask) -> None:
    shape = r"^(?P<time>\S+) \w+ (?P<value>\d+)"
    (tmp_path / "app.log").write_text(lines(40, rest="4"))
    (tmp_path / "app.log.1").write_text(lines(30, rest="3"))
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(lines(20, rest="2").encode()))
    (tmp_path / "app.log.10.gz").write_bytes(gzip.compress(lines(15, rest="1").encode()))
    (tmp_path / "app.log-20260105").write_text(lines(10, rest="0"))
    (tmp_path / "app.log.swp").write_text("no log\n")
    (tmp_path / "app.logs").write_text("no log\n")

    (series,) = read(pattern=shape).series

    assert list(series.column) == [0, 1, 2, 3, 4]


def test_files_that_ended_before_are_not_opened(tmp_path: Path, read: Ask) -> None:
    (tmp_path / "app.log").write_text(lines(40))
    old = tmp_path / "app.log.1.gz"
    old.write_bytes(b"damaged")
    os.utime(old, (0, 0))

    assert len(read(query="ERROR").series) == 1


@pytest.mark.parametrize("tail", ["2026-01-05T00:00:50+00:00 ERROR", "2026-01-05T00:0", "\x00\x00"])
def test_a_line_being_written_waits(tmp_path: Path, read: Ask, tail: str) -> None:
    (tmp_path / "app.log").write_text(lines(40) + tail)

    assert list(read(query="ERROR").series[0].column) == [0]


def test_lines_of_a_traceback_belong_to_no_time(tmp_path: Path, read: Ask) -> None:
    (tmp_path / "app.log").write_text(lines(40, level="ERROR") + "  File x, line 3\n    ERROR\n" + lines(41))

    assert list(read(query="ERROR").series[0].column) == [1]


def test_other_forms_of_time(tmp_path: Path, read: Ask) -> None:
    (tmp_path / "app.log").write_text("[05/Jan/2026:01:00:40 +0100] ERROR\n[05/Jan/2026:00:00:41 +0000] INFO\n")

    (series,) = read(
        query="ERROR", pattern=r"^\[(?P<time>[^]]+)\]", options={"time_format": "%d/%b/%Y:%H:%M:%S %z"}
    ).series

    assert [time - BEGIN for time in series.times] == [41 * SECOND]


@pytest.mark.parametrize(
    ("text", "given", "says"),
    [
        ("2026-01-05 00:00:40 ERROR\n", {"pattern": r"^(?P<time>\S+ \S+)"}, "app.log: '2026-01-05 00:00:40' says no offset"),
        ("Jan  5 00:00:40 host\n", {"pattern": "^(?P<time>.{15})", "options": {"time_format": "%b %d %H:%M:%S"}}, "no year"),
        ("1767571240000 ERROR\n", {}, "in milliseconds; times are seconds since 1970"),
        ("yesterday ERROR\n", {}, "'yesterday' is no time"),
        ("-\n-\n", {}, "the pattern reads none of 2 lines"),
    ],
    ids=["no zone", "no year", "milliseconds", "no time", "nothing is read"],
)  # fmt: skip
def test_lines_that_cannot_be_read(tmp_path: Path, read: Ask, text: str, given: dict[str, Any], says: str) -> None:
    (tmp_path / "app.log").write_text(text)

    with pytest.raises(MetricError) as caught:
        read(**{"query": "ERROR", **given})

    assert says in str(caught.value)


def test_times_declared_to_be_utc(tmp_path: Path, read: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own zone is never asked."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    (tmp_path / "app.log").write_text("2026-01-05 00:00:40 ERROR\n")

    (series,) = read(query="ERROR", pattern=r"^(?P<time>\S+ \S+)", options={"zone": "UTC"}).series

    assert [time - BEGIN for time in series.times] == [40 * SECOND]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pattern": "(", "query": "x"}, "pattern is no regular expression"),
        ({"pattern": "x", "query": "x"}, "pattern has no group 'time'"),
        ({"query": "["}, "query is no regular expression"),
        ({}, "it is not plain what to read"),
        ({"query": "a", "good": "b", "total": "c"}, "it is not plain what to read"),
    ],
)
def test_settings_that_cannot_be_meant(read: Ask, given: dict[str, Any], says: str) -> None:
    with pytest.raises(MetricError, match=says.replace("(", r"\(")):
        read(**given)


def test_a_damaged_archive_is_an_error(tmp_path: Path, read: Ask) -> None:
    """Half an archive reads as half as many errors."""
    whole = gzip.compress(lines(*range(1, 900), level="ERROR").encode())
    (tmp_path / "app.log.1.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "app.log").write_text(lines(1000))

    with pytest.raises(MetricError, match=r"app\.log\.1\.gz: (cut off|.*ended)"):
        read(query="ERROR")


def test_memory_does_not_grow_with_the_log(tmp_path: Path, read: Ask) -> None:
    moments = [datetime.isoformat(START + timedelta(seconds=n % 3000)) for n in range(1, 3000)]
    with (tmp_path / "app.log").open("w") as file:
        for _ in range(2):
            file.writelines(f"{moment} INFO {'x' * 400}\n" for moment in moments)

    tracemalloc.start()
    read(query="ERROR")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (tmp_path / "app.log").stat().st_size > 2_400_000
    assert peak < 800_000
