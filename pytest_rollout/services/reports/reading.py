"""A report's file, read once and bounded, and which module understands it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.results import Format, Result
from pytest_rollout.services.reports import coverage, json_value, junit, sarif, tap

LARGEST = 64 * 1024 * 1024
_TICK_NS = 20_000_000
"""File systems stamp with the time of the last tick, a few milliseconds ago."""

_READERS: Mapping[Format, Callable[[bytes, Result], dict[str, Any]]] = {
    Format.JUNIT: lambda content, _: junit.read(content),
    Format.TAP: lambda content, _: tap.read(content),
    Format.JSON: lambda content, result: json_value.read(content, result.pointer),
    Format.SARIF: lambda content, _: sarif.read(content),
    Format.COVERAGE: lambda content, _: coverage.read(content),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A report's file as it was before the command started, to tell a new one from an old one."""

    path: Path
    started_ns: int
    state: tuple[int, ...] | None

    @classmethod
    def of(cls, path: Path, started_ns: int) -> Self:
        """Look at the file, which need not be there."""
        return cls(path=path, started_ns=started_ns, state=_state(path))

    def content(self) -> bytes:
        """What the command wrote; raises ``ServiceError`` for no file, an old one, a link, too large a one."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if self.path.is_symlink():
                raise ServiceError("is a symbolic link; a report is a regular file.") from None
            if not self.path.exists():
                raise ServiceError("no such file was written.") from None
            raise ServiceError(f"cannot be opened: {error.strerror}.") from None
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise ServiceError("is no regular file.")
            if about.st_mtime_ns < self.started_ns - _TICK_NS or self.state == _of(about):
                raise ServiceError("is older than the command, which did not write it.")
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ServiceError(f"is larger than {LARGEST // 1024**2} MiB.")
        return content


def read(result: Result, content: bytes) -> dict[str, Any]:
    """A report as ``Result.judge`` takes it, its own ``error`` where it cannot be understood."""
    try:
        if not content.strip():
            raise ServiceError("is empty.")
        return _READERS[result.format](content, result)
    except ServiceError as error:
        return {"error": str(error)}


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        return _of(path.lstat())
    except OSError:
        return None


def _of(about: os.stat_result) -> tuple[int, ...]:
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
