"""JSON read strictly - no NaN, no key twice, numbers exact - and one value of it by its pointer (RFC 6901)."""

from __future__ import annotations

import json
from typing import Any

from pytest_rollout.core.errors import ServiceError, suggestion

_DIGITS = 4000


def parse(content: bytes) -> Any:
    """The value; numbers with a fraction or an exponent as ``{"decimal": "0.5"}``. Raises ``ServiceError``."""
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_float=lambda text: {"decimal": text[:_DIGITS]},
            parse_constant=_refuse,
            object_pairs_hook=_table,
        )
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ServiceError(f"is no JSON ({reason[:200]}).") from None


def read(content: bytes, pointer: str) -> dict[str, Any]:
    """The value that ``pointer`` finds; raises ``ServiceError`` where it finds none."""
    return {"value": find(parse(content), pointer)}


def find(document: Any, pointer: str) -> Any:
    """The value at an RFC 6901 pointer."""
    value, place = document, ""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            near = suggestion(key, value) if isinstance(value, dict) else ""
            raise ServiceError(f"has nothing at {place}/{token}.{near}")
        place += f"/{token}"
    if value is None:
        raise ServiceError(f"has null at {place or '/'}, which is missing data.")
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in {k for k, _ in pairs[:index]})
        raise ValueError(f"key {twice[:80]!r} stands twice in one object")
    return table
