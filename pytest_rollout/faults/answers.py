"""What a metric's source says in a drill: NaN for every number, nothing newer than it was long ago, nothing at all."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from pytest_rollout.core.rollout import SourceSettings
from pytest_rollout.faults.interrupted import Interruption
from pytest_rollout.faults.standin import Alters, Said

_LONG_AGO = timedelta(days=30)
_DEAD_SECONDS = 3600


def prometheus_nan(_asked: bytes, said: Said) -> Said:
    """Every sample is NaN, as 0/0 is."""
    return _json(said, lambda document: _series(document, lambda pair: [pair[0], "NaN"]))


def prometheus_stale(_asked: bytes, said: Said) -> Said:
    """The exporter died an hour ago: no later sample of a range is there; a single sample is a month old."""
    died = time.time() - _DEAD_SECONDS

    def old(pair: list[Any]) -> list[Any]:
        return [float(pair[0]) - _LONG_AGO.total_seconds(), pair[1]]

    def cut(document: Any) -> Any:
        data = document["data"]
        if data.get("resultType") == "matrix":
            for series in data["result"]:
                series["values"] = [pair for pair in series["values"] if float(pair[0]) < died]
            data["result"] = [series for series in data["result"] if series["values"]]
        return _series(document, old, keys=("value",))

    return _json(said, cut)


def http_nan(_asked: bytes, said: Said) -> Said:
    """Every number of the document is NaN."""
    return _json(said, lambda document: _numbers(document, float("nan")))


def http_stale(_asked: bytes, said: Said) -> Said:
    """The answer was made a month ago."""
    made = format_datetime(datetime.now(UTC) - _LONG_AGO, usegmt=True)
    others = {name: value for name, value in said.headers.items() if name.lower() != "date"}
    return replace(said, headers={**others, "Date": made})


def prometheus_empty(_asked: bytes, said: Said) -> Said:
    """No series at all."""

    def emptied(document: Any) -> Any:
        document["data"]["result"] = []
        return document

    return _json(said, emptied)


def http_empty(_asked: bytes, said: Said) -> Said:
    """A document without any key."""
    return _json(said, lambda document: [] if isinstance(document, list) else {})


def interrupted(by: Interruption) -> Alters:
    """Prometheus's series, interrupted."""

    def cut(document: Any) -> Any:
        for series in document["data"]["result"]:
            if "values" in series:
                pairs = [(float(at), str(value)) for at, value in series["values"] if by.came(float(at))]
                series["values"] = [[at, str(by.value(at, Decimal(value)))] for at, value in pairs]
        return document

    return lambda _asked, said: _json(said, cut)


def node_without_results(method: str, _params: Sequence[Any], told: Any) -> Any:
    """A node that knows nothing but its chain."""
    return told if method == "eth_chainId" else None


def node_stalled(method: str, params: Sequence[Any], told: Any) -> Any:
    """A node that has seen no block and no transaction for a month."""
    if method == "eth_getTransactionReceipt":
        return None
    if method == "eth_getBlockByNumber" and not str(params[0]).startswith("0x") and isinstance(told, dict):
        return told | {"timestamp": hex(int(told["timestamp"], 16) - int(_LONG_AGO.total_seconds()))}
    return told


def recorded_empty(_source: SourceSettings, path: Path) -> str:
    """The recorded file without a row."""
    return _rows(path, lambda _: [])


def recorded_interrupted(by: Interruption) -> Callable[[SourceSettings, Path], str]:
    """The recorded file, interrupted."""

    def cut(source: SourceSettings, path: Path) -> str:
        name = str(source.options.get("time", "time"))
        columns = [each for each in (source.query, source.good, source.total) if each]

        def row_of(row: dict[str, Any], at: float) -> dict[str, Any]:
            return row | {each: str(by.value(at, Decimal(str(row[each])))) for each in columns if each in row}

        def rows_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            times = [(row, float(_seconds(row[name]))) for row in rows]
            return [row_of(row, at) for row, at in times if by.came(at)]

        return _rows(path, rows_of)

    return cut


def recorded_nan(source: SourceSettings, path: Path) -> str:
    """The recorded file with NaN in the columns that are read."""
    names = [name for name in (source.query, source.good, source.total) if name]
    return _rows(path, lambda rows: [{**row, **dict.fromkeys(names, float("nan"))} for row in rows])


def recorded_stale(source: SourceSettings, path: Path) -> str:
    """The recorded file, every row of it a month older."""
    name = str(source.options.get("time", "time"))
    return _rows(path, lambda rows: [{**row, name: _earlier(row[name])} if name in row else row for row in rows])


def _earlier(written: Any) -> Any:
    """The same time a month before, as it was written: a count since 1970 in seconds or parts of them, or ISO 8601."""
    text = str(written)
    try:
        number = Decimal(text)
    except ArithmeticError:
        return (datetime.fromisoformat(text) - _LONG_AGO).isoformat()
    moved = number - int(_LONG_AGO.total_seconds()) * _parts(number)
    return str(moved) if isinstance(written, str) else type(written)(moved)


def _seconds(written: Any) -> Decimal:
    """A time as it was written, in seconds since 1970."""
    try:
        number = Decimal(str(written))
    except ArithmeticError:
        moment = datetime.fromisoformat(str(written))
        return Decimal((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return number / _parts(number)


def _parts(number: Decimal) -> int:
    """How many of a second's parts it counts: 1, a thousand, a million or more."""
    return int(10 ** max(0, 3 * ((number.adjusted() - 9) // 3)))


def _json(said: Said, change: Callable[[Any], Any]) -> Said:
    try:
        document = change(json.loads(said.body))
    except (ValueError, KeyError, TypeError, IndexError):
        return said  # the real one did not answer what can be altered
    return replace(said, body=json.dumps(document).encode())


def _series(
    document: Any, change: Callable[[list[Any]], list[Any]], keys: tuple[str, ...] = ("value", "values")
) -> Any:
    data = document["data"]
    if data.get("resultType") in {"scalar", "string"}:
        data["result"] = change(data["result"])
        return document
    for series in data["result"]:
        if "value" in keys and "value" in series:
            series["value"] = change(series["value"])
        if "values" in keys and "values" in series:
            series["values"] = [change(each) for each in series["values"]]
    return document


def _numbers(value: Any, number: float) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each, number) for each in value]
    return value if isinstance(value, bool | str) or value is None else number


def _rows(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> str:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(text))
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(reader.fieldnames or ()))
        writer.writeheader()
        writer.writerows(change(list(reader)))
        return out.getvalue()
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    return "".join(json.dumps(row) + "\n" for row in change(rows))
