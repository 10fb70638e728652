"""Durations as a plan writes them: ``1h30m``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta

from pytest_rollout.plan.sentence import GIVEN, Unfit

PATTERN = r"(?:[1-9][0-9]*d)?(?:[1-9][0-9]*h)?(?:[1-9][0-9]*m)?(?:[1-9][0-9]*s)?"
LONGEST = timedelta(days=3650)

_HOW = "write a duration as whole numbers with d, h, m or s, largest unit first, such as '7d' or '1h30m'."
_GRAMMAR = re.compile(PATTERN)
_SHOULD_BE = (
    (re.compile(r"[+-].*"), "has a sign, and time goes one way"),
    (re.compile(r"(?:0+[smhd])+"), "is no time at all"),
    (re.compile(r".*[0-9]M.*"), "has the unit 'M', which may be months or minutes; minutes are 'm'"),
    (re.compile(r".*[0-9][.,][0-9].*"), "has a fraction"),
    (re.compile(r"P.*"), "is written the ISO 8601 way"),
    (re.compile(r"[0-9]+"), "has no unit"),
    (re.compile(r"(?:[1-9][0-9]*[smhd])+"), "has its units out of order, or one of them twice"),
)


def duration(text: str) -> timedelta:
    """The time a text stands for, at most ten years; raises ``Unfit``."""
    if not text or not _GRAMMAR.fullmatch(text):
        reasons = (reason for form, reason in _SHOULD_BE if form.fullmatch(text))
        raise Unfit(f"{GIVEN} {next(reasons, 'is no duration')}; {_HOW}")
    import durationpy  # noqa: PLC0415 - only a plan that is read needs it

    try:
        result: timedelta = durationpy.from_str(text)
    except durationpy.DurationError:
        result = timedelta.max
    if result > LONGEST:
        raise Unfit(f"{GIVEN} is longer than 3650d, the longest there is.")
    return result
