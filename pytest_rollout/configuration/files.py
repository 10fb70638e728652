"""Declared files, found and read: regular, below the plan's folder, of a bounded size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_rollout.core.errors import ConfigurationError

LARGEST = 4 * 1024 * 1024
"""The largest file there may be, in bytes."""

_MOST = 2_000
_WILD = frozenset("*?[")


@dataclass(slots=True)
class Looked:
    """What one look at files found, as ``core.configuration`` judges it."""

    looked: int = 0
    said: str = ""
    problems: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As it is recorded."""
        told = {"problems": self.problems, "troubles": self.troubles}
        return {"looked": self.looked, "said": self.said} | {key: list(dict.fromkeys(told[key])) for key in told}


def find(folder: Path, wanted: Iterable[str]) -> list[Path]:
    """The files meant, sorted; a path or pattern that means none raises ``ConfigurationError``."""
    found: dict[Path, None] = {}
    for each in wanted:
        here = list(_meant(folder, each))
        if not here:
            raise ConfigurationError(f"{each}: no such file beside the plan; correct the path.")
        found |= dict.fromkeys(here)
        if len(found) > _MOST:
            raise ConfigurationError(f"{each}: means more than {_MOST} files; name fewer.")
    return sorted(found)


def _meant(folder: Path, wanted: str) -> Iterator[Path]:
    if not _WILD & set(wanted):
        path = folder / wanted
        if path.is_dir():
            raise ConfigurationError(
                f"{wanted}: is a folder; write a pattern, such as '{wanted.rstrip('/')}/**/*.yaml'."
            )
        yield from [path] if path.exists() or path.is_symlink() else []
        return
    try:
        yield from (each for each in folder.glob(wanted) if not each.is_dir())
    except (ValueError, NotImplementedError) as error:
        raise ConfigurationError(
            f"{wanted}: is no pattern of files ({error}); write it such as 'k8s/*.yaml'."
        ) from None


def read(path: Path, folder: Path) -> str:
    """A file's text; ``folder`` must hold it, links followed. Raises ``ConfigurationError``."""
    name = shown(path, folder)
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(f"{name}: lies outside of the folder of the plan; put the file itself there.")
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as file:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{name}: is no regular file.")
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise ConfigurationError(f"{name}: is larger than {LARGEST // 1024**2} MiB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: is no UTF-8 text.") from None


def shown(path: Path, folder: Path) -> str:
    """A path as the plan would write it."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
