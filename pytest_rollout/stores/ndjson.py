"""A file with one JSON record a line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.exact_json import exact_json
from pytest_rollout.core.record import Record

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
        name = self._path.name
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"store {name}: cannot be opened: {error.strerror}.") from None
        with os.fdopen(descriptor, "rb", buffering=1024 * 1024) as file:
            number = 0
            while line := file.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    raise StoreError(f"store {name}: line {number} is longer than {LONGEST // 1024**2} MiB.")
                if line[-1:] != b"\n":
                    yield Record(f"{name}:{number}", None, "was cut off before the end of its line")
                elif line != b"\n":
                    try:
                        yield Record(f"{name}:{number}", exact_json(line), "", line)
                    except ValueError as error:
                        yield Record(f"{name}:{number}", None, f"is no JSON ({str(error)[:100]})")

    def leftovers(self) -> Iterator[str]:
        """None: it is one file."""
        return iter(())
