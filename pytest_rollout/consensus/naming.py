"""What to call a block in a sentence or a folder's name: its height or hash, else the digest of its content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.comparison import Uncomparable, canonical

_NAMES = ("index", "block_index", "number", "height", "block_number", "hash", "id")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def name_of(block: Any) -> str:
    """``17``, ``0xab…`` or ``sha256-9f86d0…``; always fit for a file's name."""
    for key in _NAMES:
        found = block.get(key) if isinstance(block, Mapping) else getattr(block, key, None)
        if isinstance(found, str | int | bytes) and not isinstance(found, bool):
            name = f"0x{found.hex()}" if isinstance(found, bytes) else str(found)
            if _SAFE.fullmatch(name):
                return name
    return f"sha256-{digest_of(block)[:16]}"


def digest_of(block: Any) -> str:
    """SHA-256 of a block's content in canonical form."""
    try:
        content = json.dumps(canonical(block), sort_keys=True, separators=(",", ":"))
    except Uncomparable:
        content = repr(block)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
