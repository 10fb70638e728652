"""What a source of samples is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pytest_rollout.core.rollout import Metric
from pytest_rollout.core.series import Samples


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
