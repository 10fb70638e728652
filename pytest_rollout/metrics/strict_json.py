"""JSON read strictly: a key given twice, NaN, a half document or another encoding is refused, not guessed at."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn


class BadJsonError(ValueError):
    """What was read is not JSON; the message ends the sentence "it ..."."""


def parse(body: bytes, *, exact: bool = False) -> Any:
    """The document; with ``exact``, numbers with a fraction are ``Decimal`` rather than ``float``."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadJsonError("is not UTF-8") from None
    if not text.strip():
        raise BadJsonError("is empty")
    try:
        return json.loads(
            text,
            parse_constant=_constant,
            object_pairs_hook=_object,
            parse_float=_decimal if exact else float,
        )
    except BadJsonError:
        raise
    except RecursionError:
        raise BadJsonError("is nested too deeply") from None
    except ValueError:  # cut off, no JSON at all, or a number of thousands of digits
        raise BadJsonError("is no JSON document") from None


def _constant(name: str) -> NoReturn:
    raise BadJsonError(f"has {name}, which is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadJsonError(f"has the key '{twice[:80]}' twice")
    return found


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond every range
        raise BadJsonError(f"has the number {text[:40]}, which is none") from None
