"""Spellings of SQL that mean the same: types and defaults, as a plan and a database write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SYNONYMS: Mapping[str, str] = {
    "int": "integer",
    "int4": "integer",
    "serial": "integer",
    "int2": "smallint",
    "smallserial": "smallint",
    "int8": "bigint",
    "bigserial": "bigint",
    "decimal": "numeric",
    "bool": "boolean",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "double_precision": "double precision",
    "character varying": "varchar",
    "character": "char",
    "bpchar": "char",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
}
_TYPE = re.compile(r"(?P<name>[^()\[\]]+?) ?(?:\((?P<size>[^()]*)\)(?P<rest>[^()\[\]]*))?(?P<array>(?:\[\])*)")
_CAST = re.compile(r"::(?:\"?[a-z_][a-z0-9_ \"]*)(?:\([0-9, ]*\))?(?:\[\])*$", re.IGNORECASE)
_NOW = frozenset({"now()", "current_timestamp", "transaction_timestamp()"})


def type_name(text: str) -> str:
    """A type the way it is compared: ``INT4`` is ``integer``, ``numeric(78)`` is ``numeric(78,0)``."""
    plain = " ".join(text.casefold().split())
    match = _TYPE.fullmatch(plain)
    if match is None:
        return plain
    name = " ".join(f"{match['name']} {match['rest'] or ''}".split())
    size = (match["size"] or "").replace(" ", "")
    name = _SYNONYMS.get(name, name)
    if name == "numeric" and size and "," not in size:
        size += ",0"
    return name + (f"({size})" if size else "") + match["array"]


def default_of(text: str | None) -> str:
    """A default the way it is compared: without casts and brackets around it; none and ``NULL`` are the same."""
    plain = "null" if text is None else text.strip()
    while True:
        shorter = _CAST.sub("", plain).strip()
        if shorter.startswith("(") and shorter.endswith(")") and _closes_at_its_end(shorter):
            shorter = shorter[1:-1].strip()
        if shorter == plain:
            break
        plain = shorter
    if plain.startswith("'"):
        return plain
    folded = plain.casefold()
    return "now()" if folded in _NOW else folded


def is_default(wanted: str, seen: str | None) -> bool:
    """Whether a default is the one that a plan writes, with or without its SQL quotes."""
    found = default_of(seen)
    if wanted.casefold() == "null":
        return found == "null"
    quoted = "'" + wanted.replace("'", "''") + "'"
    return found in {default_of(wanted), quoted}


def _closes_at_its_end(text: str) -> bool:
    """Whether the bracket at the beginning is closed by the one at the end."""
    depth = 0
    is_text = False
    for place, each in enumerate(text):
        if each == "'":
            is_text = not is_text
        elif not is_text:
            depth += (each == "(") - (each == ")")
            if depth == 0:
                return place == len(text) - 1
    return False
