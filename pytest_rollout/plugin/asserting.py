"""Which assertions held and which failed, whoever catches what they raise and in whatever thread they stand.

Pytest rewrites the ``assert`` of tests, conftests and the gate's other modules. Each calls back when it fails, and,
with ``enable_assertion_pass_hook``, when it holds; both are counted before anybody can swallow the exception.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest
from _pytest.assertion import rewrite

_REWRITTEN = "@pytest_ar"
"""How a rewritten assertion names its helpers."""


def watch_assertions(note: Callable[[bool], None]) -> None:
    """From now on ``note`` is told of each rewritten assertion of this process: whether it held."""
    helpers = vars(rewrite)  # private to pytest: the tests of swallowed assertions tell if they move
    is_wanted, explain = helpers["_check_if_assertion_pass_impl"], helpers["_format_explanation"]
    explaining: list[bool] = []

    def held() -> bool:
        note(True)
        wanted = bool(is_wanted())
        if wanted:  # a hook of the project's is told of it, in the same words as of a failure
            explaining.append(True)
        return wanted

    def explained(text: str) -> str:
        if explaining:
            explaining.pop()
        else:
            note(False)
        return str(explain(text))

    helpers.update(_check_if_assertion_pass_impl=held, _format_explanation=explained)


def writes_assertions(code: CodeType) -> bool:
    """Whether the function with this code has assertions of its own, which pytest rewrote."""
    return _REWRITTEN in code.co_names


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
