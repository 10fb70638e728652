"""Which assertions held and which failed, whoever catches what they raise and in whatever thread they stand.

Pytest rewrites the ``assert`` of tests, conftests and the gate's other modules. Each calls back when it fails, and,
by one statement that is added here, when it holds; both are counted before anybody can swallow the exception. So are
the assertions of ``unittest`` and ``pytest.fail()``, and all of them in processes that a test forks. (Pytest's own
``enable_assertion_pass_hook`` tells as much, and makes the rewriting of a file half as long again.)
"""

from __future__ import annotations

import ast
import functools
import mmap
import os
import unittest
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from _pytest.assertion import rewrite

from pytest_rollout.runner.anew import Counted, shared
from pytest_rollout.runner.noting import LOOKED

_REWRITTEN = "@pytest_ar"
"""How pytest names its helpers in what it rewrites."""

_OWN = frozenset({_REWRITTEN, LOOKED})
"""How a function with a rewritten assertion, or with what stands around a failing call, names its helpers."""

_HELD = "_rollout_held"
"""The helper that an assertion calls when it has held."""

_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")

_OF_UNITTEST = frozenset(name for name in dir(unittest.TestCase) if name.startswith("assert"))
"""What a case of ``unittest`` asserts with."""


class Asserted:
    """What was asserted since the last ``take``, in this process and in those it forked."""

    def __init__(self, folder: Path) -> None:
        self._own = os.getpid()
        self._counts = [0, 0]
        self._forked = mmap.mmap(-1, len(self._counts))
        self._file = folder / f"asserted-{self._own}"
        self._anew: mmap.mmap | None = None

    def counted(self, suite: Path) -> Counted:
        """What counts in a process that is started anew; its file lies in the run's own folder."""
        if self._anew is None:
            self._file.write_bytes(bytes(len(self._counts)))
            self._anew = shared(self._file)
        return Counted(self._file, suite)

    def note(self, held: bool) -> None:
        """Count one; of a fork no more is kept than that there was one."""
        if os.getpid() == self._own:
            self._counts[not held] += 1
        else:
            self._forked[not held] = 1

    def take_back(self) -> None:
        """Let the next one that holds count for nothing."""
        if os.getpid() == self._own:
            self._counts[0] -= 1

    def take(self) -> list[int]:
        """How many held and how many failed, and begin anew; what a fork asserts late is the next one's."""
        counts, self._counts = [max(0, count) for count in self._counts], [0, 0]
        for flags in (self._forked, self._anew):
            if flags is not None:
                counts = [count + flag for count, flag in zip(counts, flags[:], strict=True)]
                flags[:] = bytes(len(counts))
        return counts


def watch_assertions(note: Callable[[bool], None]) -> None:
    """From now on ``note`` is told of each rewritten assertion of this process: whether it held."""
    helpers = vars(rewrite)  # private to pytest: the tests of swallowed assertions tell if they move
    is_wanted, explain = helpers["_check_if_assertion_pass_impl"], helpers["_format_explanation"]
    rewritten = rewrite.AssertionRewriter.visit_Assert
    explaining: list[bool] = []

    def visit(rewriter: rewrite.AssertionRewriter, node: ast.Assert) -> list[ast.stmt]:
        here = {name: getattr(node, name) for name in _PLACE}
        helper = ast.Attribute(ast.Name(_REWRITTEN, ast.Load(), **here), _HELD, ast.Load(), **here)
        return [*rewritten(rewriter, node), ast.Expr(ast.Call(helper, [], [], **here), **here)]

    def wanted() -> bool:
        if is_wanted():  # a hook of the project's is told of one that held, in the same words as of a failure
            explaining.append(True)
            return True
        return False

    def explained(text: str) -> str:
        if explaining:
            explaining.pop()
        else:
            note(False)
        return str(explain(text))

    rewrite.AssertionRewriter.visit_Assert = visit  # type: ignore[method-assign,assignment]
    helpers.update(
        {_HELD: lambda: note(True), "_check_if_assertion_pass_impl": wanted, "_format_explanation": explained}
    )
    for name in (*_OF_UNITTEST, "fail"):
        setattr(unittest.TestCase, name, noting(getattr(unittest.TestCase, name), note))
    failure: Any = pytest.fail.Exception
    made = failure.__init__

    def failed(self: Any, *arguments: Any, **named: Any) -> None:
        note(False)
        made(self, *arguments, **named)

    failure.__init__ = failed


def noting(method: Callable[..., Any], note: Callable[[bool], None]) -> Callable[..., Any]:
    """An assertion of ``unittest`` that tells whether it held; one that opens a context is noted as it opens."""

    @functools.wraps(method)
    def told(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        try:
            given = method(*arguments, **named)
        except AssertionError:
            note(False)
            raise
        note(True)
        return given

    return told


def writes_assertions(code: CodeType, *, is_case: bool) -> bool:
    """Whether this code asserts by itself: rewritten, around a ``pytest.fail()``, or with those of ``unittest``."""
    return not _OWN.isdisjoint(code.co_names) or (is_case and not _OF_UNITTEST.isdisjoint(code.co_names))


def hear_telling_warnings() -> None:
    """Set the filters of this item once more, for a marker of its own may have silenced what the command line asks."""
    for category in (pytest.PytestWarning, SyntaxWarning):
        warnings.simplefilter("always", category)
    warnings.filterwarnings("always", "coroutine", RuntimeWarning)


def rewrite_helpers(suite: Path) -> None:
    """Let the modules of a suite that are no tests be rewritten as well, by whatever name they are imported."""
    files = [path.relative_to(suite) for path in suite.rglob("*.py")]
    names = {suite.name, *(each.stem for each in files), *(part for each in files for part in each.parts[:-1])}
    pytest.register_assert_rewrite(*sorted(names))
