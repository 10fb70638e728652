"""A file with one JSON record a line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import Record
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
        record = self.record
        for number, line in self.raws():
            yield record(number, line)

    def raws(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is not empty, and its number."""
        name = self._path.name
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"store {name}: cannot be opened: {error.strerror}.") from None
        with os.fdopen(descriptor, "rb", buffering=1024 * 1024) as file:
            read = partial(file.readline, LONGEST + 1)
            for number, line in enumerate(iter(read, b""), 1):
                if len(line) > LONGEST:
                    raise StoreError(f"store {name}: line {number} is longer than {LONGEST // 1024**2} MiB.")
                if line != b"\n":
                    yield number, line

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
