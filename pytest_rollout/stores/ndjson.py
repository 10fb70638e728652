"""A file with one JSON record a line."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Record
from pytest_rollout.stores.port import MOST_BYTES
from pytest_rollout.stores.quick_json import quick_json, quick_jsons

LONGEST = 16 * 1024 * 1024
"""The longest line there may be, in bytes."""


class NdjsonStore:
    """Newline-delimited JSON; a last line without its end was cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """The file."""
        return self._path.name

    def records(self) -> Iterator[Record]:
        """A record a line; empty lines are none."""
        for places, raws in self.raws():
            yield from map(self.record, places, raws)

    def raws(self) -> Iterator[tuple[Sequence[int], Sequence[bytes]]]:
        """Each line that is not empty, and its number."""
        name, number, rest = self._path.name, 1, b""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"store {name}: cannot be opened: {error.strerror}.") from None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StoreError(f"store {name}: is no regular file.")
            while block := file.read(max(MOST_BYTES, len(rest))):
                lines = BytesIO(rest + block).readlines()
                rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
                self._measure(number, [*lines, rest])
                numbers: Sequence[int] = range(number, number + len(lines))
                number += len(lines)
                if b"\n" in lines:
                    numbers = [each for each, line in zip(numbers, lines, strict=True) if line != b"\n"]
                    lines = [line for line in lines if line != b"\n"]
                if lines:
                    yield numbers, lines
        if rest:
            yield [number], [rest]

    def _measure(self, number: int, lines: Sequence[bytes]) -> None:
        sizes = list(map(len, lines))
        if (size := max(sizes)) > LONGEST:
            line = number + sizes.index(size)
            raise StoreError(f"store {self._path.name}: line {line} is longer than {LONGEST // 1024**2} MiB.")

    def value(self, raw: bytes) -> Any:
        """What one whole line means."""
        if raw[-1:] != b"\n":
            raise ValueError("was cut off before the end of its line")
        return quick_json(raw)

    def values(self, raws: Sequence[bytes]) -> list[Any] | None:
        """What whole lines mean."""
        return quick_jsons(raws) if raws[-1][-1:] == b"\n" else None

    def place(self, place: int) -> str:
        """The file, and the number of the line."""
        return f"{self._path.name}:{place}"

    def record(self, place: int, raw: bytes) -> Record:
        """The record of one line."""
        where = self.place(place)
        if raw[-1:] != b"\n":
            return Record(where, None, "was cut off before the end of its line")
        try:
            return Record(where, quick_json(raw))
        except ValueError as error:
            return Record(where, None, f"is no JSON ({str(error)[:100]})")

    def leftovers(self) -> Iterator[str]:
        """None: it is one file."""
        return iter(())
