"""Drills run: a copy is made, damaged or crowded or left by a killed command, and looked at."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill
from pytest_rollout.core.errors import ServiceError
from pytest_rollout.core.store_check import StoreCheck, StoreSettings
from pytest_rollout.services import commands

if TYPE_CHECKING:
    from pytest_rollout.services.program import Ended

Look = Callable[[StoreCheck], dict[str, Any]]
"""The tally of a check's stores."""

LARGEST = 4 * 1024**3
"""The largest copy there may be, in bytes."""

COPY, NUMBER = "{copy}", "{number}"

_APART = ("only_left", "only_right", "differing", "broken")
"""What a tally says of stores of which one lacks a write, or has half of one."""


def observe(drill: Drill, folder: Path, look: Look) -> tuple[dict[str, Any], str]:
    """What ``Drill.judge`` asks for, and who said so; ``look`` compares stores. Raises ``ServiceError``."""
    with tempfile.TemporaryDirectory(prefix="rollout-drill-") as private:
        place = Path(private, "copy")
        place.mkdir()
        before = list(_marks(folder, drill.copy))
        for name in drill.copy:
            _copy(folder / name, place / name)
        _stay_inside(place)
        try:
            seen = _Drilled(drill, folder, place, look).seen()
        finally:
            _unlock(place)
        seen["original_changed"] = list(_marks(folder, drill.copy)) != before
    return seen, f"{drill.name}, on a copy" if drill.copy else drill.name


class _Drilled:
    def __init__(self, drill: Drill, folder: Path, place: Path, look: Look) -> None:
        self._drill = drill
        self._folder = folder
        self._place = place
        self._compare = look
        self._stores = None if drill.stores is None else self._moved(drill.stores)

    def seen(self) -> dict[str, Any]:
        drill = self._drill
        seen: dict[str, Any] = {}
        if self._stores is not None:
            seen["before"] = self._compare(self._stores)
        if drill.damage is not None:
            damage(self._place / drill.file, drill.damage)
        recoveries: list[dict[str, Any]] = []
        if drill.kill is not None:
            seen["kills"] = [self._kill(number, recoveries) for number in range(1, drill.kill.times + 1)]
        else:
            with ThreadPoolExecutor(drill.at_once) as pool:
                numbers = range(1, drill.times + 1)
                seen["runs"] = list(pool.map(lambda number: self._run(drill.run, number), numbers))
            if drill.recover is not None:
                _unlock(self._place)
                recoveries.append(self._run(drill.recover, 1))
        seen["recoveries"] = recoveries
        if self._stores is not None:
            seen["after"] = self._compare(self._stores)
        return seen

    def _kill(self, number: int, recoveries: list[dict[str, Any]]) -> dict[str, Any]:
        """One run that is killed, what it left, and what is left after recovering."""
        kill, drill = self._drill.kill, self._drill
        assert kill is not None  # noqa: S101 - asked only where there is one
        command = drill.run
        if kill.within is not None:
            moment = kill.within.total_seconds() * number / kill.times
            command = replace(command, limit=timedelta(seconds=moment))
        ended = self._end(command, number, kill.when)
        found: dict[str, Any] = {"killed": ended.timed_out, "between": False}
        if self._stores is not None:
            left = self._compare(self._stores)
            found["between"] = any(left["counts"].get(sort) for sort in _APART)
        if drill.recover is not None:
            recoveries.append(self._run(drill.recover, number))
        if self._stores is not None:
            found["after"] = self._compare(self._stores)
        return found

    def _end(self, command: Command, number: int, when: str) -> Ended:
        from pytest_rollout.services.program import EndNow, run  # noqa: PLC0415 - for those who kill

        pattern = re.compile(when, re.MULTILINE) if when else None

        def listen(text: str) -> None:
            if pattern is not None and pattern.search(text):
                raise EndNow

        prepared = self._prepared(command, number)
        return run(
            commands.arguments(prepared, self._place),
            folder=prepared.folder,
            environment=commands.environment(prepared, os.environ) | {"ROLLOUT_COPY": str(self._place)},
            limit_seconds=prepared.limit.total_seconds(),
            listen=listen if pattern is not None else None,
        )

    def _run(self, command: Command, number: int) -> dict[str, Any]:
        try:
            value, _ = commands.observe(
                self._prepared(command, number), os.environ, more={"ROLLOUT_COPY": str(self._place)}
            )
        except ServiceError as error:
            return {"error": str(error)}
        return value

    def _prepared(self, command: Command, number: int) -> Command:
        run = (each.replace(COPY, str(self._place)).replace(NUMBER, str(number)) for each in command.run)
        return replace(command, run=tuple(run))

    def _moved(self, check: StoreCheck) -> StoreCheck:
        """The check of the copied stores."""
        right = None if check.right is None else self._there(check.right)
        return replace(check, left=self._there(check.left), right=right)

    def _there(self, settings: StoreSettings) -> StoreSettings:
        for name in self._drill.copy:
            source = self._folder / name
            if settings.path == source or settings.path.is_relative_to(source):
                return replace(settings, path=self._place / settings.path.relative_to(self._folder))
        return settings


def damage(path: Path, how: Damage) -> None:
    """Do it to a file of the copy; raises ``ServiceError`` where it cannot be done, or would do nothing."""
    if not path.exists():
        raise ServiceError(f"the copy has no {path.name} to damage; correct damage.file.")
    if how in {Damage.UNREADABLE, Damage.READ_ONLY}:
        _forbid(path, how)
        if os.access(path, os.R_OK if how is Damage.UNREADABLE else os.W_OK):
            raise ServiceError("no permission stops root, as whom the gate runs; run it as another user.")
        return
    if not path.is_file():
        raise ServiceError(f"{path.name} is a folder; name a file of it to damage.")
    if how is Damage.REMOVE:
        path.unlink()
        return
    content = path.read_bytes()
    if not content:
        raise ServiceError(f"{path.name} is empty already, so it cannot be damaged.")
    middle = len(content) // 2
    damaged = {
        Damage.EMPTY: b"",
        Damage.TRUNCATE: content[:middle],
        Damage.FLIP: content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
        Damage.GARBAGE: os.urandom(len(content)),
    }
    path.write_bytes(damaged[how])


def _forbid(path: Path, how: Damage) -> None:
    """Take permissions away: all of them, or those to write; of a folder, with everything below it."""
    below = sorted(path.rglob("*"), reverse=True) if path.is_dir() else []
    taken = 0o777 if how is Damage.UNREADABLE else 0o222
    for each in (*below, path):
        each.chmod(stat.S_IMODE(each.stat().st_mode) & ~taken)


def _unlock(path: Path) -> None:
    """Give the owner back what a drill took away, so that it can be mended or thrown away."""
    if path.is_symlink():
        return
    path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o700 if path.is_dir() else 0o600))
    if path.is_dir():
        for each in path.iterdir():
            _unlock(each)


def _copy(source: Path, target: Path) -> None:
    if sum(size for _, size, _ in _marks(source.parent, (source.name,))) > LARGEST:
        raise ServiceError(f"{source.name} is larger than {LARGEST // 1024**3} GiB; drill on a smaller one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)
    except (OSError, shutil.Error) as error:
        raise ServiceError(f"{source.name} cannot be copied: {str(error)[:200]}.") from None


def _stay_inside(place: Path) -> None:
    """Through a link out of the copy a drill would reach what is no copy."""
    inside = os.path.realpath(place)
    for each in place.rglob("*"):
        if each.is_symlink() and not Path(os.path.realpath(each)).is_relative_to(inside):
            raise ServiceError(f"{each.relative_to(place)} is a link that leads out of the copy; drill on files.")


def _marks(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Each file with its size and the time of its last change, which no program can set back."""
    for name in names:
        root = folder / name
        for path in sorted([root, *root.rglob("*")] if root.is_dir() else [root]):
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                yield str(path), found.st_size, found.st_ctime_ns
