"""Assertions that no ``assert`` makes, and those of processes that a test starts anew, told as all others are."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from _pytest.assertion import rewrite

from pytest_rollout.plugin.asserting import noting
from pytest_rollout.runner.anew import Counted
from pytest_rollout.runner.noting import noted, tell

Note = Callable[[bool], None]
Patch = Callable[[ModuleType], None]


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

    _when_imported({"unittest.mock": watch_mocks, "multiprocessing.spawn": watch_processes})


def _when_imported(patches: dict[str, Patch]) -> None:
    """Patch these modules now or, lest every gate pay for them, as soon as somebody imports them."""
    waiting = {}
    for name, patch in patches.items():
        if name in sys.modules:
            patch(sys.modules[name])
        else:
            waiting[name] = patch
    sys.meta_path.insert(0, _Waiting(waiting))


class _Waiting:
    """Finds no module by itself; it is asked first, and patches what another one found."""

    def __init__(self, patches: dict[str, Patch]) -> None:
        self._patches = patches

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """The module's own spec, whose loader patches it as well."""
        patch = self._patches.pop(name, None)
        spec = None if patch is None else importlib.util.find_spec(name)
        if patch is None or spec is None or spec.loader is None:
            return None
        executes = spec.loader.exec_module

        def execute(module: ModuleType) -> None:
            executes(module)
            patch(module)

        spec.loader.exec_module = execute  # type: ignore[method-assign]
        return spec
