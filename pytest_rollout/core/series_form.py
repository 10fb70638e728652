"""Samples as bytes: canonical ones for a digest, and one line of JSON for the evidence of a judgement.

The line keeps every raw sample. Times are written as differences, which are nearly all alike, and
columns are packed, so a week of readings every 15 seconds takes some 100 KB or less. The digest is
over the samples themselves, so that no other packing changes it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import accumulate, islice
from typing import Any

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import Column, Outage, Samples, Series

_FASTEST = 1
_EVEN = 3
_MOST = 20_000_000


def digest(samples: Samples) -> str:
    """SHA-256 over everything that was answered, in hex."""
    state = hashlib.sha256()
    for part in _canonical(samples):
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()


def packed(samples: Samples) -> bytes:
    """One line of JSON without its newline, and every sample in it."""
    document = _head(samples) | {"series": [_packed_series(each) for each in samples.series]}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def unpacked(line: bytes) -> Samples:
    """The samples that ``packed`` wrote; raises ``EvidenceError`` if it did not write this."""
    try:
        document = json.loads(line)
        return Samples(
            metric=document["metric"],
            source=document["source"],
            query=document["query"],
            since=document["since"],
            until=document["until"],
            attempts=document["attempts"],
            step=document["step"],
            warnings=tuple(document["warnings"]),
            outages=tuple(Outage(since=since, until=until, why=why) for since, until, why in document["outages"]),
            series=tuple(map(_unpacked_series, document["series"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise EvidenceError(f"recorded samples cannot be read ({type(error).__name__}: {error}).") from None


class Recorded(Mapping[str, Samples]):
    """Packed samples by their metric's name, unpacked one at a time and not kept: a gate may hold gigabytes."""

    def __init__(self, lines: Mapping[str, bytes]) -> None:
        self._lines = lines

    def __getitem__(self, metric: str) -> Samples:
        return unpacked(self._lines[metric])

    def __contains__(self, metric: object) -> bool:
        return metric in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def _head(samples: Samples) -> dict[str, Any]:
    return {
        "metric": samples.metric,
        "source": samples.source,
        "query": samples.query,
        "since": samples.since,
        "until": samples.until,
        "attempts": samples.attempts,
        "step": samples.step,
        "warnings": list(samples.warnings),
        "outages": [[each.since, each.until, each.why] for each in samples.outages],
    }


def _canonical(samples: Samples) -> Iterator[bytes]:
    yield _json(_head(samples))
    for series in samples.series:
        yield _json({"labels": dict(series.labels), "events": series.events})
        yield _raw(series.times)
        yield _raw(series.missing)
        for column in (series.column, series.good, series.total):
            yield b"" if column is None else _kind(column).encode() + _raw(column)


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _kind(column: Column) -> str:
    return "x" if isinstance(column, list) else column.typecode


def _raw(column: Column) -> bytes:
    """The column's bytes, little-endian; exact numbers as text."""
    if isinstance(column, list):
        return " ".join(map(str, column)).encode()
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _column(kind: str, raw: bytes) -> Any:
    if kind == "x":
        return [Fraction(each) if "/" in each else int(each) for each in raw.decode().split()]
    if kind not in {"q", "d"}:
        raise ValueError(f"no column of kind {kind[:20]!r}")
    column: Any = array(kind)
    column.frombytes(raw)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _squeezed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, _FASTEST)).decode()


def _expanded(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))


def _packed_series(series: Series) -> dict[str, Any]:
    document: dict[str, Any] = {
        "labels": dict(series.labels),
        "events": series.events,
        "times": _packed_times(series.times),
        "missing": _packed_times(series.missing),
    }
    for name in ("column", "good", "total"):
        if (column := getattr(series, name)) is not None:
            document[name] = [_kind(column), _squeezed(_raw(column))]
    return document


def _unpacked_series(document: Mapping[str, Any]) -> Series:
    columns = {
        name: _column(document[name][0], _expanded(document[name][1]))
        for name in ("column", "good", "total")
        if name in document
    }
    series = Series(
        times=_unpacked_times(document["times"]),
        missing=_unpacked_times(document["missing"]),
        labels=dict(document["labels"]),
        events=document["events"] is True,
        **columns,
    )
    if not columns or any(len(column) != len(series.times) for column in columns.values()):
        raise ValueError("times and values are not equally many")
    return series


def _packed_times(times: array[int]) -> str | list[int]:
    """The differences; of times evenly spaced the first, the difference and their number."""
    if len(times) >= _EVEN:
        first, step = times[0], times[1] - times[0]
        is_even = step > 0 and times[-1] - first == step * (len(times) - 1)
        if is_even and times == array("q", range(first, times[-1] + 1, step)):
            return [first, step, len(times)]
    return _squeezed(_raw(array("q", (*times[:1], *map(operator.sub, islice(times, 1, None), times)))))


def _unpacked_times(given: str | list[int]) -> array[int]:
    if isinstance(given, str):
        return array("q", accumulate(_column("q", _expanded(given))))
    first, step, count = given
    if not (step > 0 and 0 <= count <= _MOST):
        raise ValueError("no such times")
    return array("q", range(first, first + step * count, step))
