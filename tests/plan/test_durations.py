"""Durations: one grammar, and a reason for what is outside it."""

from datetime import timedelta

import pytest

from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import Unfit

HOW = "; write a duration as whole numbers with d, h, m or s, largest unit first, such as '7d' or '1h30m'."


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("7m", timedelta(minutes=7)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_exact(text: str, span: timedelta) -> None:
    assert duration(text) == span


REFUSED = {
    "-7d": "has a sign, and time goes one way",
    "+7d": "has a sign, and time goes one way",
    "0d": "is no time at all",
    "0h0m": "is no time at all",
    "7M": "has the unit 'M', which may be months or minutes; minutes are 'm'",
    "7.5d": "has a fraction",
    "1,5h": "has a fraction",
    "P1D": "is written the ISO 8601 way",
    "90": "has no unit",
    "30m1h": "has its units out of order, or one of them twice",
    "1h1h": "has its units out of order, or one of them twice",
    "": "is no duration",
    "7 d": "is no duration",
    " 7d": "is no duration",
    "7d\n": "is no duration",
    "07d": "is no duration",
    "7w": "is no duration",
    "7days": "is no duration",
    "\u0667d": "is no duration",
    "1ms": "is no duration",
    "1h-5m": "is no duration",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_what_is_no_duration_is_refused_with_the_reason(text: str, reason: str) -> None:
    """Elsewhere 7M is seven minutes, -7d counts backwards and 1d12h is an hour."""
    with pytest.raises(Unfit) as caught:
        duration(text)

    assert str(caught.value) == "{given} " + reason + HOW


@pytest.mark.parametrize("text", ["3651d", "3650d1s", "99999999999999999999d", "9" * 39 + "s", "9" * 5000 + "d"])
def test_a_duration_ends_after_ten_years(text: str) -> None:
    with pytest.raises(Unfit) as caught:
        duration(text)

    assert str(caught.value) == "{given} is longer than 3650d, the longest there is."
