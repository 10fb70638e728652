"""Samples from JSON over HTTP: values at a path, observed when the document or its server says.

``query`` (or ``good`` and ``total``) is a path; the option ``time`` is the path of the observation
time. Without it the ``Date`` header counts, which a cache keeps as it was.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceSettings
from pytest_rollout.core.series import SECOND, Samples, Series, moment_text, nanoseconds, ratios, span, values
from pytest_rollout.metrics.address import address
from pytest_rollout.metrics.json_path import found, path
from pytest_rollout.metrics.strict_json import parse
from pytest_rollout.metrics.times import observation_time
from pytest_rollout.metrics.web import Page, Request, Web

OK = 200


class HttpJsonSource:
    """One address that answers JSON."""

    def __init__(self, settings: SourceSettings, web: Web, *, certificates: str | None = None) -> None:
        self._settings = settings
        self._web = web
        self._address = address(settings.url)
        self._certificates = certificates
        self._value, self._good, self._total = map(path, (settings.query, settings.good, settings.total))
        self._time = path(str(settings.options.get("time", "")))
        token = settings.options.get("token")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """What the document holds now, if it was observed in that time."""
        begin, end = nanoseconds(since), nanoseconds(until)
        request = Request(
            address=self._address,
            headers=self._headers,
            timeout_seconds=self._settings.timeout.total_seconds(),
            certificates=self._certificates,
            read=partial(parse, exact=True),
        )
        page = self._web.ask(request)
        shown = self._address.shown
        if page.status != OK:
            raise MetricError(f"{shown}: status {page.status} where 200 is needed.")
        try:
            series = self._series(page, end)
        except MetricError as error:
            raise MetricError(f"{shown}: {error}") from None
        settings = self._settings
        query = f"good: {settings.good} / total: {settings.total}" if settings.total else settings.query
        return Samples(
            metric=metric.name,
            source=f"http at {shown}",
            query=query,
            since=begin,
            until=end,
            series=(series.between(begin, end),),
            attempts=page.attempts,
        )

    def close(self) -> None:
        """Nothing of its own to close: the connections belong to the run."""

    def _series(self, page: Page, end: int) -> Series:
        if not self._settings.total:
            numbers = found(page.document, self._value)
            return values(self._times(page, end, len(numbers)), _plain(numbers))
        good, total = found(page.document, self._good), found(page.document, self._total)
        if len(good) != len(total):
            raise MetricError(f"{len(good)} counts of good stand beside {len(total)} of total.")
        return ratios(self._times(page, end, len(good)), _plain(good), _plain(total))

    def _times(self, page: Page, end: int, count: int) -> list[int]:
        zone = str(self._settings.options.get("zone", ""))
        if self._time:
            times = [observation_time(each, zone=zone) for each in found(page.document, self._time)]
            if len(times) != count:
                raise MetricError(f"{count} values stand beside {len(times)} times; one each is needed.")
        elif count != 1:
            raise MetricError(f"the path gives {count} values, so 'time' must say the path of their times.")
        elif page.made is None:
            raise MetricError("the answer says no time of observation; write its path as 'time'.")
        else:
            times = [nanoseconds(page.made)]
        return times if None in self._time else [self._until(time, end) for time in times]

    def _until(self, time: int, end: int) -> int:
        """What was observed while it was asked for counts as of the moment of asking."""
        if end < time <= end + span(self._settings.timeout) + SECOND:
            return end
        if time > end:
            raise MetricError(
                f"a value of {moment_text(time)} was observed after it was asked for; look at the clocks."
            )
        return time


def _plain(numbers: list[Any]) -> list[Any]:
    """Numbers as they are; tables and lists are no value and become missing, as text does."""
    return [None if isinstance(each, dict | list) else each for each in numbers]
