"""Samples from a file that somebody recorded: CSV with a header, or one JSON object a line.

``query`` (or ``good`` and ``total``) names the column or key; the option ``time`` that of the
observation time, ``time`` without it; ``per`` that which tells things apart.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import MetricError, listed, suggestion
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import Samples, Series, nanoseconds, ratios, values
from pytest_rollout.metrics.numbers import number
from pytest_rollout.metrics.strict_json import BadJsonError, parse
from pytest_rollout.metrics.times import observation_time

LONGEST_LINE = 1024 * 1024
SUFFIXES = (".csv", ".ndjson", ".jsonl")

Row = Mapping[str, Any]


class RecordedSource:
    """One file, read anew each time it is asked."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        self._settings = settings
        self._file = folder / settings.path
        if self._file.suffix not in SUFFIXES:
            raise MetricError(f"'{settings.path}' is neither CSV nor NDJSON; name it {', '.join(SUFFIXES)}.")
        names = [settings.good, settings.total] if settings.total else [settings.query]
        self._columns = names
        self._time = str(settings.options.get("time", "time"))

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """The rows of that time; a file that lacks the column, or has no row at all, is an error."""
        begin, end = nanoseconds(since), nanoseconds(until)
        zone = str(self._settings.options.get("zone", ""))
        groups: dict[str, tuple[list[int], list[list[Any]]]] = {}
        per = self._settings.per
        try:
            for line, row in self._rows():
                time = _time(row.get(self._time), zone, line)
                times, columns = groups.setdefault(str(row.get(per)) if per else "", ([], [[] for _ in self._columns]))
                if begin < time <= end:
                    times.append(time)
                    for column, name in zip(columns, self._columns, strict=True):
                        column.append(row.get(name))
        except MetricError as error:
            raise MetricError(f"{self._settings.path}: {error}") from None
        except (OSError, UnicodeError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or f"it cannot be read ({type(error).__name__})"
            raise MetricError(f"{self._settings.path}: {reason.lower()}.") from None
        if not groups:
            raise MetricError(f"{self._settings.path}: there is no row in it.")
        return Samples(
            metric=metric.name,
            source=f"recorded in {self._settings.path}",
            query=" of ".join(self._columns),
            since=begin,
            until=end,
            series=tuple(self._series(name, *groups[name]) for name in sorted(groups)),
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _series(self, name: str, times: list[int], columns: list[list[Any]]) -> Series:
        labels = {self._settings.per: name} if self._settings.per else {}
        return ratios(times, *columns, labels=labels) if len(columns) > 1 else values(times, *columns, labels=labels)

    def _rows(self) -> Iterator[tuple[int, Row]]:
        """Rows with their line numbers, as many as are complete; a pipe is not waited for, a device not read."""
        if self._file.exists() and not self._file.is_file():
            raise MetricError("it is no regular file.")
        yield from self._csv() if self._file.suffix == ".csv" else self._ndjson()

    def _csv(self) -> Iterator[tuple[int, Row]]:
        with self._file.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(filter(_is_complete, file), strict=True)
            header = [name.strip() for name in next(lines, [])]
            if len(set(header)) != len(header):
                raise MetricError("two columns have one name.")
            self._need(header)
            for row in lines:
                if not row:
                    continue
                if len(row) != len(header):
                    raise MetricError(f"line {lines.line_num} has {len(row)} fields, the header {len(header)}.")
                fields = dict(zip(header, row, strict=True))
                yield lines.line_num, fields | {name: number(fields[name]) for name in self._columns}

    def _ndjson(self) -> Iterator[tuple[int, Row]]:
        with self._file.open("rb") as file:
            count = 0
            while raw := file.readline(LONGEST_LINE + 1):
                if len(raw) > LONGEST_LINE:
                    raise MetricError(f"line {count + 1} is longer than {LONGEST_LINE} bytes.")
                if not raw.endswith(b"\n"):
                    return  # being written: it counts when it is complete
                try:
                    row = parse(raw, exact=True)
                except BadJsonError as error:
                    raise MetricError(f"line {count + 1} {error}.") from None
                if not isinstance(row, dict):
                    raise MetricError(f"line {count + 1} is no JSON object.")
                if count == 0:
                    self._need(row)
                count += 1
                yield count, row

    def _need(self, names: Any) -> None:
        for name in (*self._columns, self._time, *([self._settings.per] if self._settings.per else [])):
            if name not in names:
                raise MetricError(f"there is no '{name}' in it; it has {listed(names)}.{suggestion(name, names)}")


def _is_complete(line: str) -> bool:
    """Whether all of a line is there; half of the last one's number would be another number."""
    return line.endswith(("\n", "\r"))


def _time(given: Any, zone: str, line: int) -> int:
    try:
        return observation_time(given, zone=zone)
    except MetricError as error:
        raise MetricError(f"line {line}: {error}") from None
