"""A source of samples that holds them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import Samples, Series, nanoseconds


class MemoryMetrics:
    """Answers what it was given: for each metric's name its series, or the error that asking it raises.

    ``asked`` holds the name, beginning and end of each question, for a test to look at.
    """

    def __init__(self, answers: Mapping[str, Sequence[Series] | MetricError]) -> None:
        self._answers = dict(answers)
        self.asked: list[tuple[str, datetime, datetime]] = []
        self.is_closed = False

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """The samples of that time; a metric it was not given has no series, which is no data."""
        self.asked.append((metric.name, since, until))
        answer = self._answers.get(metric.name, ())
        if isinstance(answer, MetricError):
            raise answer
        begin, end = nanoseconds(since), nanoseconds(until)
        return Samples(
            metric=metric.name,
            source="memory",
            query=metric.name,
            since=begin,
            until=end,
            series=tuple(each.between(begin, end) for each in answer),
        )

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True
