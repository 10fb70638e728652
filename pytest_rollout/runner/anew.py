"""Assertions in processes that a test starts anew: ``multiprocessing`` by ``spawn`` or ``forkserver``.

Such a process imports the gate's modules by itself, without pytest. What is unpickled in it first, before any of
them, is a ``Counted``: from then on what they assert is noted where the test's own process looks. No pytest is
imported for it.
"""

from __future__ import annotations

import ast
import mmap
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from pytest_rollout.runner.noting import noted, tell

HELD_AND_FAILED = 2
"""Bytes of the file that both processes see: whether one held, whether one failed."""


class Counted:
    """Begins to count in the process in which it is unpickled: the modules below ``suite``, into ``file``."""

    def __init__(self, file: Path, suite: Path) -> None:
        self._file = file
        self._suite = suite

    def __reduce__(self) -> tuple[Callable[[str, str], None], tuple[str, str]]:
        return begin, (str(self._file), str(self._suite))


def begin(file: str, suite: str) -> None:
    """Note the assertions of modules that are imported from below ``suite`` from now on."""
    flags = shared(Path(file))

    def note(held: bool) -> None:
        flags[not held] = 1

    tell(note)
    sys.meta_path.insert(0, _Finder(suite + os.sep))


def shared(file: Path) -> mmap.mmap:
    """The bytes of the file, which are there, as every process that asks for them sees them."""
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), HELD_AND_FAILED)


class _Finder:
    """Finds the modules of a suite, and nothing else."""

    def __init__(self, below: str) -> None:
        self._below = below

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of such a module, with a loader of ours."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or not self._is_of_suite(spec.loader.path):
            return None
        spec.loader = _Loader(name, spec.loader.path)
        return spec

    def _is_of_suite(self, file: str) -> bool:
        """Below it, and not in what is installed or hidden there."""
        _, below, rest = file.partition(self._below)
        return bool(below) and file.startswith(self._below) and f"{os.sep}site-packages{os.sep}" not in rest


class _Loader(SourceFileLoader):
    """Compiles a module with its assertions noted."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as importlib asks
        """Of the source, never of cached bytecode."""
        tree = ast.parse(self.get_data(self.path), self.path)
        noted(tree, asserts=True)
        return compile(tree, self.path, "exec", dont_inherit=True)
