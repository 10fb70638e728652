"""Patches of modules that not every gate imports: made now, or as soon as somebody imports them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType

Patch = Callable[[ModuleType], None]


def when_imported(patches: Mapping[str, Patch]) -> None:
    """Patch these modules, by their names, now or when they are first imported."""
    waiting = dict(patches)
    for name in [each for each in patches if each in sys.modules]:
        waiting.pop(name)(sys.modules[name])
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
