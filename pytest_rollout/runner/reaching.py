"""Gate files that reach into this package: code that could change what is looked at, or recorded of other tests.

What was recorded is safe; what is still to be recorded passes through a process that the suite
shares, and so do the declared checks. This finds the plain attempts, in source; it is no proof
that there are none. What ``pytest_rollout`` itself offers may be imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_PACKAGE = "pytest_rollout"
_MODULE = re.compile(r"pytest_rollout(\.\w+)+(:\w+)?")
_NAMES = (
    *("rollout-recorder", "rollout-collection", "rollout-context", "rollout-isolation", "rollout-redaction"),
    "rollout-unseen",
    "PYTEST_ROLLOUT_RECORD",
)
_LONGEST_NEAR = 8
"""A text is about such a name if it has little else in it."""


def reaches(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each place that names a module inside the package, or one of its registered objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names if each.name.startswith(f"{_PACKAGE}."))
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, name) for name in _imported(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if (name := _named(node.value)) is not None:
                yield node.lineno, name
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == _PACKAGE and not node.attr[:1].isupper():
            yield node.lineno, f"{_PACKAGE}.{node.attr}"


def _imported(node: ast.ImportFrom) -> Iterator[str]:
    """The modules that a ``from … import …`` names; what the package offers is written with a capital."""
    if node.level == 0 and (node.module or "").startswith(f"{_PACKAGE}."):
        yield str(node.module)
    elif node.level == 0 and node.module == _PACKAGE:
        yield from (f"{_PACKAGE}.{each.name}" for each in node.names if not each.name[:1].isupper())


def _named(text: str) -> str | None:
    if (match := _MODULE.fullmatch(text.strip())) is not None:
        return match[0]
    return next((name for name in _NAMES if name in text and len(text) < len(name) + _LONGEST_NEAR), None)
