"""JSON files that others wrote: artifacts and records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEEPEST = 200
"""Levels of nesting; real artifacts have about ten.

web3.py's dependencies raise the interpreter's recursion limit to 100,000, and with it a file of
open brackets ends the process instead of raising.
"""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[{]|[\]}]")


def read_json(
    path: Path, *, content: bytes | None = None, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """What the file holds; raises ``OSError``, or ``ValueError`` for what is not JSON or nested too deep.

    ``content`` are its bytes where they were read already; ``pairs`` makes an object of its
    members, as in ``json.loads``.
    """
    content = path.read_bytes() if content is None else content
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", content)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
    return json.loads(content, object_pairs_hook=pairs)
