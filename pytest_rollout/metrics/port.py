"""What a source of samples is, and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One metric to ask for, and from when to when."""

    metric: Metric
    since: datetime
    until: datetime

    @property
    def samples(self) -> int:
        """How many samples are to be expected."""
        source = self.metric.source
        return 0 if source is None else max(0, (self.until - self.since) // source.interval)


class MetricSource(Protocol):
    """Where samples come from.

    A source is asked from several threads at once. It never answers a trouble of its own with a
    value: what it could not be asked for is an ``Outage`` of the answer, with the rest kept, and
    where nothing could be asked at all it raises ``MetricError``.
    """

    def samples(self, metric: Metric, since: datetime, until: datetime) -> Samples:
        """All samples with ``since`` < observation time <= ``until``, one series for each thing."""
        ...

    def close(self) -> None:
        """Let go of connections; asking afterwards is an error."""
        ...
