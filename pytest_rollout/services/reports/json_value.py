"""One value of a JSON document by its pointer (RFC 6901)."""

from __future__ import annotations

from typing import Any

from pytest_rollout.core.errors import ServiceError, suggestion
from pytest_rollout.core.exact_json import exact_json

def parse(content: bytes) -> Any:
    """The value, as ``exact_json`` reads it; raises ``ServiceError``."""
    try:
        return exact_json(content)
    except ValueError as error:
        raise ServiceError(f"is no JSON ({str(error)[:200]}).") from None


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
