"""What a metric's source says in a drill: NaN for every number, or nothing newer than it was long ago."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from pytest_rollout.core.rollout import SourceSettings
from pytest_rollout.faults.standin import Said

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
    scale = 10 ** max(0, 3 * ((number.adjusted() - 9) // 3))
    moved = number - int(_LONG_AGO.total_seconds()) * scale
    return str(moved) if isinstance(written, str) else type(written)(moved)


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
        rows = list(csv.DictReader(io.StringIO(text)))
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(change(rows))
        return out.getvalue()
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    return "".join(json.dumps(row) + "\n" for row in change(rows))
