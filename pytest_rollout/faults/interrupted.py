"""Samples as they would have come: with a gap, too seldom, or of something that was restarted on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from pytest_rollout.core.rollout import SourceSettings
from pytest_rollout.core.series import SECOND
from pytest_rollout.core.soak import Soak

_HALF = 2


def _all(_at: float) -> bool:
    return True


def _same(_at: float, value: Decimal) -> Decimal:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """Which samples came, and what they were: by their time in seconds since 1970."""

    came: Callable[[float], bool] = _all
    value: Callable[[float, Decimal], Decimal] = _same


def gap(soak: Soak, source: SourceSettings) -> Interruption:
    """None for longer than is allowed, in the middle of the period."""
    middle = time.time() - soak.period / SECOND / _HALF
    length = soak.max_gap / SECOND + 2 * source.interval.total_seconds()
    return Interruption(came=lambda at: not middle - length < at <= middle)


def thin(soak: Soak, source: SourceSettings) -> Interruption | None:
    """One in so many, none longer after another than is allowed; None where that would be coverage enough."""
    interval, longest = source.interval.total_seconds(), soak.max_gap / SECOND
    each = int(longest / interval) - 1
    if each < _HALF or 1 - 1 / each <= 1 - float(soak.coverage):
        return None
    return Interruption(came=lambda at: int(at // interval) % each == 0)


def restarted(soak: Soak, source: SourceSettings) -> Interruption:
    """From the middle of the period on a counter is half of what it was, and a start time another."""
    del source
    middle = time.time() - soak.period / SECOND / _HALF
    return Interruption(value=lambda at, value: value // _HALF if at > middle else value)
