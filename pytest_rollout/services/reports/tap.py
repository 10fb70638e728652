"""TAP, the Test Anything Protocol (versions 12 to 14): its plan, kept; its points, each once."""

from __future__ import annotations

import re
from typing import Any

from pytest_rollout.core.errors import ServiceError

_PLAN = re.compile(r"1\.\.(?P<last>[0-9]{1,9})(?:\s*#\s*(?P<why>.*))?")
_POINT = re.compile(
    r"(?P<not>not )?ok\b[ \t]*(?P<number>[0-9]{1,9})?[ \t]*(?:- )?(?P<text>.*?)"
    r"(?:(?<!\\)#[ \t]*(?P<directive>skip|todo)\b.*)?",
    re.IGNORECASE,
)
_MOST_NAMES = 1000


def read(content: bytes) -> dict[str, Any]:
    """Counts of test points and the names of those that failed; subtests are summed up by their parent."""
    planned: int | None = None
    numbers: list[int] = []
    failed: list[str] = []
    skipped = 0
    for line in content.decode("utf-8", "replace").splitlines():
        if line.startswith("Bail out!"):
            raise ServiceError(f"bailed out: {line.removeprefix('Bail out!').strip()[:200] or 'no reason given'}.")
        if match := _PLAN.fullmatch(line.rstrip()):
            if planned is not None:
                raise ServiceError("has two plans.")
            planned = int(match["last"])
        elif (line.startswith(("ok", "not ok"))) and (match := _POINT.fullmatch(line.rstrip())):
            numbers.append(int(match["number"] or len(numbers) + 1))
            if match["not"]:
                failed.append(match["text"].strip() or f"test {numbers[-1]}")
            elif match["directive"]:
                skipped += 1
    _check(planned, numbers, failed)
    return {
        "tests": len(numbers),
        "passed": len(numbers) - len(failed) - skipped,
        "skipped": skipped,
        "failed": failed,
        "unnamed": 0,
    }


def _check(planned: int | None, numbers: list[int], failed: list[str]) -> None:
    if planned is None:
        raise ServiceError("has no plan such as 1..9, so nobody knows whether all tests ran.")
    if planned != len(numbers):
        raise ServiceError(f"plans {planned} tests and holds {len(numbers)}.")
    if sorted(numbers) != list(range(1, planned + 1)):
        raise ServiceError(f"does not number its {planned} tests 1 to {planned}, each once.")
    if not numbers:
        raise ServiceError("holds no test.")
    if len(failed) > _MOST_NAMES:
        raise ServiceError(f"holds {len(failed)} failed tests.")
