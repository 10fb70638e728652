"""Gate files that reach into the recorder: code that could change what is recorded of other tests.

What was recorded is safe; what is still to be recorded passes through a process that the suite
shares. This finds the plain attempts, in source; it is no proof that there are none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_ROOMS = ("pytest_rollout.plugin", "pytest_rollout.runner", "pytest_rollout.recording")
_NAMES = ("rollout-recorder", "rollout-collection", "rollout-context", "rollout-isolation", "PYTEST_ROLLOUT_RECORD")


def reaches(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each place that names the recorder's modules or registered objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.startswith(_ROOMS))
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, name) for name in names if name.startswith(_ROOMS))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            inside = next((name for name in (*_ROOMS, *_NAMES) if name in node.value), None)
            if inside is not None and len(node.value) < len(inside) + 8:
                yield node.lineno, inside
