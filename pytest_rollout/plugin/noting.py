"""Assertions that no ``assert`` makes, and those of processes that a test starts anew, told as all others are."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from _pytest.assertion import rewrite

from pytest_rollout.plugin.asserting import noting
from pytest_rollout.plugin.imported import when_imported
from pytest_rollout.runner.anew import Counted
from pytest_rollout.runner.noting import noted, tell

Note = Callable[[bool], None]


_TELLING = (b"raise", b"fail", b"all(")
"""Words without which a file has nothing for us."""


def watch_others(note: Note, take_back: Callable[[], None], counted: Callable[[], Counted]) -> None:
    """From now on ``note`` is told of raised assertions and of those of mocks; ``counted`` goes to new processes.

    ``take_back`` is told of an assertion that is about to hold and has looked at nothing.
    """
    tell(note, take_back)
    helpers = vars(rewrite)  # private to pytest, as in ``asserting``
    rewrites = helpers["rewrite_asserts"]

    def rewritten(tree: Any, source: bytes, *about: Any) -> None:
        if any(word in source for word in _TELLING):
            noted(tree)
        rewrites(tree, source, *about)

    helpers["rewrite_asserts"] = rewritten

    def watch_mocks(mock: ModuleType) -> None:
        for owner in (mock.NonCallableMock, mock.AsyncMockMixin):
            for name in [each for each in vars(owner) if each.startswith("assert_")]:
                setattr(owner, name, noting(getattr(owner, name), note))

    def watch_processes(spawn: ModuleType) -> None:
        prepares = spawn.get_preparation_data

        def prepared(name: str) -> dict[str, Any]:
            return {**prepares(name), "pytest_rollout": counted()}

        spawn.get_preparation_data = prepared  # type: ignore[attr-defined]

    when_imported({"unittest.mock": watch_mocks, "multiprocessing.spawn": watch_processes})
