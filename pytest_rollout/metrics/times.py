"""Observation times as sources write them: ISO 8601 with an offset, or seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.series import SECOND, nanoseconds

EARLIEST, LATEST = 946_684_800, 4_102_444_800
"""2000 and 2100 in seconds since 1970: no observation lies outside."""
_SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
_NO_YEAR = 1900


def observation_time(given: Any, *, zone: str = "", form: str = "") -> int:
    """Nanoseconds since 1970; ``MetricError`` for what is no time, in another unit, or in no time zone.

    ``zone`` is the time zone that times without an offset are declared to be in: UTC, Europe/Berlin.
    ``form`` is how text is written, for ``strptime``; ISO 8601 without it.
    """
    if isinstance(given, datetime):
        return nanoseconds(_aware(given, str(given), zone))
    if isinstance(given, str) and form:
        return nanoseconds(_aware(_written(given, form), given, zone))
    if isinstance(given, str) and not _SECONDS.fullmatch(given.strip()):
        try:
            moment = datetime.fromisoformat(given.strip())
        except ValueError:
            raise MetricError(f"'{given[:40]}' is no time; ISO 8601 or seconds since 1970 are read.") from None
        return nanoseconds(_aware(moment, given, zone))
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        raise MetricError(f"{given!r:.40} is no time; ISO 8601 or seconds since 1970 are read.")
    return _since_1970(Decimal(str(given).strip()))


def _since_1970(seconds: Decimal) -> int:
    if not seconds.is_finite() or not EARLIEST <= seconds < LATEST:
        for unit, size in (("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)):
            if seconds.is_finite() and EARLIEST <= seconds / size < LATEST:
                raise MetricError(f"the time {seconds} is in {unit}; times are seconds since 1970 or ISO 8601.")
        raise MetricError(f"the time {seconds:.40} is in no year between 2000 and 2100.")
    return int(seconds * SECOND)


def _written(given: str, form: str) -> datetime:
    try:
        moment = datetime.strptime(given.strip(), form)  # noqa: DTZ007 - the zone is looked at next
    except ValueError:
        raise MetricError(f"'{given[:40]}' is not written as '{form}'.") from None
    if moment.year == _NO_YEAR:
        raise MetricError(f"'{given[:40]}' says no year, so it is no time; write logs with the year.")
    return moment


def _aware(moment: datetime, given: str, zone: str) -> datetime:
    if moment.utcoffset() is not None:
        return moment
    if zone == "UTC":
        return moment.replace(tzinfo=UTC)
    if not zone:
        raise MetricError(f"'{given[:40]}' says no offset from UTC; write times with one, or declare their zone.")
    local = moment.replace(tzinfo=_zone(zone))
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise MetricError(f"'{given[:40]}' is there twice or not at all in {zone}, where clocks changed; write UTC.")
    return local


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MetricError(f"no time zone '{name[:40]}'; write for example UTC or Europe/Berlin.") from None
