"""The inputs and outputs of an ABI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Parameter = Mapping[str, Any]
"""One input or output as an ABI describes it."""


def type_of(parameter: Parameter) -> str:
    """The type as signatures spell it: a structure is the list of its fields, ``(uint256,address)[]``."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(type_of, parameter['components']))}){kind.removeprefix('tuple')}"
