"""Chain ids and block numbers as records write them."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}")


def number(value: object) -> int | None:
    """A whole number written as one, as decimal text or as 0x hex; None for anything else, booleans among it."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and _WRITTEN.fullmatch(value.strip()):
        text = value.strip()
        return int(text, 16) if text[:2] in {"0x", "0X"} else int(text)
    return None
