"""Line coverage as counts: Cobertura XML, LCOV, coverage.py's JSON, Istanbul's summary (solidity-coverage's too)."""

from __future__ import annotations

import re
from typing import Any

from pytest_rollout.core.errors import ServiceError
from pytest_rollout.services.reports.json_value import find, parse
from pytest_rollout.services.reports.junit import parse as parse_xml

_LCOV = re.compile(rb"^(LF|LH):([0-9]{1,12})\s*$", re.MULTILINE)
_COUNTS = (
    ("/totals/covered_lines", "/totals/num_statements"),
    ("/total/lines/covered", "/total/lines/total"),
)
"""Where coverage.py and Istanbul keep covered lines, and all of them."""


def read(content: bytes) -> dict[str, Any]:
    """Covered lines of all lines, whichever program wrote the report."""
    start = content.lstrip()[:1]
    covered, lines = _xml(content) if start == b"<" else _json(content) if start == b"{" else _lcov(content)
    if not lines:
        raise ServiceError("counts no line, so nothing was measured.")
    return {"covered": covered, "lines": lines}


def _xml(content: bytes) -> tuple[int, int]:
    root = parse_xml(content)
    if root.tag != "coverage":
        raise ServiceError(f"is no Cobertura report, its root is <{str(root.tag)[:40]}>.")
    seen: dict[tuple[str, str], bool] = {}
    for each in root.iter("class"):
        for line in each.findall("./lines/line"):
            place = (each.get("filename", ""), line.get("number", ""))
            seen[place] = seen.get(place, False) or line.get("hits", "0") != "0"
    claimed = root.get("lines-valid")
    if claimed is not None and claimed.isdecimal() and int(claimed[:12]) > len(seen):
        raise ServiceError(f"claims {claimed[:20]} lines and holds {len(seen)}.")
    return sum(seen.values()), len(seen)


def _json(content: bytes) -> tuple[int, int]:
    document = parse(content)
    for pointers in _COUNTS:
        try:
            covered, lines = (find(document, pointer) for pointer in pointers)
        except ServiceError:
            continue
        if type(covered) is int and type(lines) is int:
            return covered, lines
    raise ServiceError("is no coverage report of coverage.py or Istanbul.")


def _lcov(content: bytes) -> tuple[int, int]:
    found: dict[bytes, list[int]] = {b"LF": [], b"LH": []}
    for match in _LCOV.finditer(content):
        found[match[1]].append(int(match[2]))
    if not found[b"LF"] or len(found[b"LF"]) != len(found[b"LH"]):
        raise ServiceError("is no coverage report; LCOV has one LF and one LH for each file.")
    if not content.rstrip().endswith(b"end_of_record"):
        raise ServiceError("is an LCOV report without its end.")
    return sum(found[b"LH"]), sum(found[b"LF"])
