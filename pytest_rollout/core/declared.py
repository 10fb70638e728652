"""What a plan declares, by name and as attributes, each opened when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from pytest_rollout.core.errors import RolloutError, listed, suggestion

Settings = TypeVar("Settings")
Opened = TypeVar("Opened")


class Declared(Mapping[str, Opened], Generic[Settings, Opened]):
    """``stores["before"]`` and ``stores.before``; a name that is not declared raises ``error`` with the nearest one."""

    what: str
    """What it is a mapping of, in a sentence: ``store``."""
    error: type[RolloutError]

    def __init__(self, declared: Mapping[str, Settings], opened: Callable[[Settings], Opened]) -> None:
        self._declared = declared
        self._opened = opened

    def __getitem__(self, name: str) -> Opened:
        if name not in self._declared:
            raise self.error(
                f"no {self.what} '{name}'; the plan has {listed(self._declared)}.{suggestion(name, self._declared)}"
            )
        return self._opened(self._declared[name])

    def __getattr__(self, name: str) -> Opened:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)
