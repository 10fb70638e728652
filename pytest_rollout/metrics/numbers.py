"""Numbers written as text, read strictly: anything else is no number, never a guess."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")


def number(text: str | None) -> int | Decimal | None:
    """The number; None for nothing, 'NaN', 'n/a', 'true', '1_000', '0x10' and other text."""
    if text is None or not text.isascii() or _NUMBER.fullmatch(text := text.strip()) is None:
        return None
    return int(text) if _WHOLE.fullmatch(text) else Decimal(text)
