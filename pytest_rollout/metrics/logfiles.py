"""A log file with those it was rotated into, line by line, the oldest first, without keeping them."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.series import SECOND

LONGEST_LINE = 64 * 1024
_NUMBERED = re.compile(r"\.(?P<number>[0-9]{1,5})(?:\.gz)?")
_DATED = re.compile(r"[.-](?P<date>[0-9]{8}(?:[-.]?[0-9]{2,6})?)(?:\.gz)?")


def rotated(file: Path) -> list[Path]:
    """The file and what it was rotated into, oldest first: ``x-20260105``, ``x.2.gz``, ``x.1``, ``x``."""
    numbered: list[tuple[int, Path]] = []
    dated: list[tuple[str, Path]] = []
    for each in file.parent.glob(f"{_escaped(file.name)}*"):
        rest = each.name.removeprefix(file.name)
        if match := _NUMBERED.fullmatch(rest):
            numbered.append((-int(match["number"]), each))
        elif match := _DATED.fullmatch(rest):
            dated.append((match["date"], each))
    found = [path for _, path in sorted(dated)] + [path for _, path in sorted(numbered)]
    if file.is_file():
        found.append(file)
    if not found:
        raise MetricError("no such file; paths are relative to the plan.")
    return found


def lines(files: list[Path], since: int) -> Iterator[str]:
    """The complete lines of the files that were written to after ``since``; ``MetricError`` for a broken file."""
    for number, file in enumerate(files):
        try:
            if file.stat().st_mtime_ns < since - SECOND and number < len(files) - 1:
                continue
            with _opened(file) as stream:
                yield from _complete(stream)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or "cut off or damaged"
            raise MetricError(f"{file.name}: {reason.lower()}.") from None


def _complete(stream: IO[bytes]) -> Iterator[str]:
    while raw := stream.readline(LONGEST_LINE):
        if raw.endswith(b"\n"):
            yield raw.decode("utf-8", "replace").rstrip("\r\n")
            continue
        rest = stream.readline(LONGEST_LINE)
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)
        if rest:
            yield raw.decode("utf-8", "replace")  # a line beyond every length: its beginning
        # else it is being written, or was cut off: it counts when it is complete


def _opened(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]  # a GzipFile is one


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
