"""CSV and NDJSON files that somebody recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.errors import EvidenceError, MetricError
from pytest_rollout.core.rollout import SourceKind
from pytest_rollout.metrics.numbers import number
from pytest_rollout.metrics.times import observation_time

Ask = Callable[..., Any]


@pytest.fixture
def recorded(tmp_path: Path, ask: Ask) -> Ask:
    def read(text: str, name: str = "r.csv", **given: Any) -> Any:
        (tmp_path / name).write_bytes(text.encode())
        return ask(**{"kind": SourceKind.RECORDED, "path": name, "query": "v", **given})

    return read


def test_numbers_stay_exact(recorded: Ask) -> None:
    text = "time,v\n2026-01-05T00:00:01Z,0.1\n2026-01-05T00:00:02+00:00,115792089237316195423570985008687907853269984665640564039457584007913129639935\n"

    (series,) = recorded(text).series

    assert list(series.column) == [Fraction(1, 10), 2**256 - 1]


def test_a_pair_of_counts_thing_by_thing(recorded: Ask) -> None:
    text = "at,node,ok,all\n1767571201,b,9,10\n1767571201,a,1,2\n1767571216.5,b,8,10\n"

    found = recorded(text, query="", good="ok", total="all", per="node", options={"time": "at"})

    assert [(dict(s.labels), list(s.good), list(s.total)) for s in found.series] == [
        ({"node": "a"}, [1], [2]),
        ({"node": "b"}, [9, 8], [10, 10]),
    ]


def test_texts_and_truth_values_of_json_are_missing(recorded: Ask) -> None:
    rows = ["1", '"1"', "true", "null", "[1]", "1.5"]
    text = "".join(f'{{"time": {1767571201 + n}, "v": {row}}}\n' for n, row in enumerate(rows))

    (series,) = recorded(text, "r.ndjson").series

    assert list(series.column) == [1, Fraction(3, 2)]
    assert len(series.missing) == 4


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("r.txt", "time,v\n", "neither CSV nor NDJSON"),
        ("r.csv", "", "there is no 'v' in it; it has none"),
        ("r.csv", "time,v\n", "there is no row in it"),
        ("r.ndjson", "", "there is no row in it"),
        ("r.csv", "time,V\n1767571201,1\n", "there is no 'v' in it; it has time, V. Did you mean 'V'?"),
        ("r.csv", "time,v,v\n1767571201,1,2\n", "two columns have one name"),
        ("r.csv", "time,v\n1767571201\n", "line 2 has 1 fields, the header 2"),
        ("r.csv", "time,v\n1767571201000,1\n", "line 2: the time 1767571201000 is in milliseconds"),
        ("r.csv", "time,v\n2026-01-05 00:00:01,1\n", "line 2: '2026-01-05 00:00:01' says no offset from UTC"),
        ("r.csv", "time,v\n,1\n", "line 2: '' is no time"),
        ("r.csv", 'time,v\n"1767571201,1\n', "it cannot be read"),
        ("r.ndjson", '{"time": 1767571201, "v": NaN}\n', "line 1 has NaN, which is no JSON"),
        ("r.ndjson", '{"time": 1767571201, "v": 1, "v": 2}\n', "line 1 has the key 'v' twice"),
        ("r.ndjson", "[1]\n", "line 1 is no JSON object"),
        ("r.ndjson", '{"time": true, "v": 1}\n', "line 1: True is no time"),
        ("r.ndjson", '{"time": 1767571201, "v": 1\n', "line 1 is no JSON document"),
    ],
)
def test_files_that_cannot_be_meant(recorded: Ask, name: str, text: str, says: str) -> None:
    with pytest.raises(MetricError) as caught:
        recorded(text, name)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    "rows", ["1767571202,1\n1767571201,2\n", "1767571201,1\n1767571201,1\n"], ids=["back", "twice"]
)
def test_rows_out_of_order_and_doubled_are_refused(recorded: Ask, rows: str) -> None:
    with pytest.raises(EvidenceError, match="in order of time, once each"):
        recorded("time,v\n" + rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.jsonl", '{"time": 1767571201, "v": 1}\n{"time": 1767571202, "v"'),
        ("r.jsonl", '{"time": 1767571201, "v": 1}\n{"time": 1767571202, "v": 15}'),
        ("r.csv", "time,v\n1767571201,1\n1767571202,15"),
        ("r.csv", "time,v\r\n1767571201,1\r\n17675"),
    ],
    ids=["half a line", "a line without its end", "half of 1500", "half a time"],
)
def test_a_line_being_written_waits(recorded: Ask, name: str, text: str) -> None:
    """Half of 1500 is 15, which is a good answer and a wrong one."""
    (series,) = recorded(text, name).series

    assert list(series.column) == [1]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-0.5", Decimal("-0.5")), ("1e3", Decimal(1000)), (" 7 ", 7)]
    + [(text, None) for text in ("", "NaN", "inf", "true", "1_000", "0x10", "1,5", "5 %", "٣", "1e9999", "--1", "1.")],
)
def test_numbers_as_text(text: str, value: object) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "given", ["1767571201", 1767571201, 1767571201.0, "2026-01-05T00:00:01Z", "2026-01-05T01:00:01+01:00"], ids=repr
)
def test_times_that_are_one(given: Any) -> None:
    assert observation_time(given) == 1767571201 * 10**9


@pytest.mark.parametrize(
    "given", [None, True, "", "now", 0, -1, 1767571201000, "1767571201000000", float("nan"), 10**30, [1]], ids=repr
)
def test_times_that_are_none(given: Any) -> None:
    with pytest.raises(MetricError):
        observation_time(given)


def test_a_declared_zone_is_the_one_that_counts() -> None:
    assert observation_time("2026-01-05 01:00:01", zone="Europe/Berlin") == 1767571201 * 10**9


@pytest.mark.parametrize(
    ("given", "zone", "says"),
    [
        ("2026-10-25 02:30:00", "Europe/Berlin", "twice or not at all in Europe/Berlin"),
        ("2026-03-29 02:30:00", "Europe/Berlin", "twice or not at all in Europe/Berlin"),
        ("2026-01-05 01:00:01", "Europe/Nowhere", "no time zone 'Europe/Nowhere'"),
        ("2026-01-05 01:00:01", "../etc/passwd", "no time zone"),
        ("2026-01-05 01:00:01", "", "declare their zone"),
    ],
)
def test_times_of_which_nobody_knows_when_they_were(given: str, zone: str, says: str) -> None:
    with pytest.raises(MetricError, match=says):
        observation_time(given, zone=zone)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["a pipe", "a device"])
@pytest.mark.parametrize("name", ["r.csv", "r.ndjson"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, ask: Ask, make: Callable[[Path], None], name: str) -> None:
    """A test that replaces the file while it is judged cannot hold up who judges, nor fill its memory."""
    make(tmp_path / name)

    with pytest.raises(MetricError, match="is no regular file"):
        ask(kind=SourceKind.RECORDED, path=name, query="v")
