"""The journal of a replay: one line a finished chunk, durable before the next is counted.

A replay that was killed goes on from it. A line cut in half was not finished, so its chunk is done
again; a chunk that stands there twice, or a journal of another corpus or other engines, is refused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any, Self

from pytest_rollout.core.errors import EngineError


class Journal:
    """The finished chunks of one replay, by number."""

    def __init__(self, path: Path, subject: dict[str, Any]) -> None:
        self.path = path
        self.finished: dict[int, dict[str, Any]] = {}
        whole = self._read(subject)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(whole)
        self._file.seek(whole)
        if not whole:
            self._append({"subject": subject})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def finish(self, number: int, record: dict[str, Any]) -> None:
        """Record a finished chunk; durable when this returns."""
        if number in self.finished:
            raise EngineError(f"{self.path}: chunk {number} was finished before; it is not counted twice.")
        self._append({"chunk": number, **record})
        self.finished[number] = record

    def _append(self, document: dict[str, Any]) -> None:
        self._file.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, subject: dict[str, Any]) -> int:
        """Take in what is finished; returns how many bytes of the file are whole lines."""
        if not self.path.exists():
            return 0
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                try:
                    document = json.loads(line)
                except ValueError:
                    document = None
                if not isinstance(document, dict):
                    raise EngineError(f"{self.path}: line {number + 1} is no line of a replay's journal.")
                if number == 0:
                    self._same(document.get("subject"), subject)
                else:
                    self._take(document, number + 1)
                whole += len(line)
        return whole

    def _same(self, before: Any, subject: dict[str, Any]) -> None:
        if not isinstance(before, dict):
            raise EngineError(f"{self.path}: no journal of a replay.")
        for key, value in subject.items():
            if before.get(key) != value:
                raise EngineError(
                    f"{self.path}: is of another {key}, {str(before.get(key))[:60]} instead of {str(value)[:60]}; "
                    "give another --journal, or delete it."
                )

    def _take(self, document: dict[str, Any], line: int) -> None:
        number = document.pop("chunk", None)
        if type(number) is not int or number in self.finished:
            raise EngineError(f"{self.path}: line {line} is no chunk, or one that was finished before.")
        self.finished[number] = document
