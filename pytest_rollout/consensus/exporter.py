"""A dual run's counts as metrics for Prometheus (extra ``exporter``).

Counters are those of ``stats()``; the mode is one series a rung, 1 where the node stands. There is
no rate without traffic to make one of: alert rules divide counters.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode
from pytest_rollout.core.tally import COUNTS

PREFIX = "rollout_consensus"
HELP = {
    "verifications": "Blocks that were asked about.",
    "comparisons": "Blocks that both engines answered.",
    "divergences": "Comparisons that did not agree.",
    "differing": "Divergences in which both gave an answer.",
    "candidate_errors": "Divergences in which the candidate raised.",
    "reference_errors": "Divergences in which the reference raised.",
    "agreed_refusals": "Comparisons in which both refused for the same reason.",
    "fallbacks": "Blocks the reference answered because the candidate could not.",
    "timeouts": "Blocks the candidate did not answer within its limit.",
    "sampled_out": "Blocks the candidate was not shown, by share.",
    "skipped": "Blocks the candidate could not be shown.",
    "ignored": "Comparisons that agreed but for fields that are left out.",
}


class Counting(Protocol):
    """What has stats: a dual run."""

    def stats(self) -> dict[str, Any]:
        """Its stats document."""
        ...


class Collector:
    """Reads the stats whenever Prometheus asks; register it in a registry of your own or the default one."""

    def __init__(self, dual: Counting) -> None:
        try:
            from prometheus_client import core  # noqa: PLC0415 - an extra
        except ImportError:
            raise EngineError("metrics need the extra 'exporter': pip install 'pytest-rollout[exporter]'.") from None
        self._dual = dual
        self._core = core

    def collect(self) -> Iterator[Any]:
        """Every metric, from one reading of the stats."""
        stats = self._dual.stats()
        counter, gauge = self._core.CounterMetricFamily, self._core.GaugeMetricFamily
        for name in COUNTS:
            value = stats["total_verifications"] if name == "verifications" else stats[name]
            yield counter(f"{PREFIX}_{name}", HELP[name], value=value)
        yield gauge(f"{PREFIX}_waiting", "Blocks that wait to be compared, in no count yet.", value=stats["waiting"])
        yield counter(f"{PREFIX}_callback_errors", "Callbacks that raised or hung.", value=stats["callback_errors"])
        mode = gauge(f"{PREFIX}_mode", "1 on the rung the node stands on.", labels=["mode"])
        for each in Mode:
            mode.add_metric([each.value], float(stats["rung"] == each.value))
        yield mode
        yield gauge(f"{PREFIX}_start_time_seconds", "When the node started.", value=_seconds(stats["started_at"]))
        if stats["last_verification_at"] is not None:
            last = _seconds(stats["last_verification_at"])
            yield gauge(f"{PREFIX}_last_verification_time_seconds", "When a block was last asked about.", value=last)
        yield from self._latencies(stats["latency"])
        versions = gauge(f"{PREFIX}_engine_info", "Versions of both engines.", labels=["engine", "version"])
        for engine, version in stats["versions"].items():
            versions.add_metric([engine, version], 1.0)
        yield versions

    def _latencies(self, latency: dict[str, Any]) -> Iterator[Any]:
        gauge = self._core.GaugeMetricFamily
        seconds = gauge(f"{PREFIX}_latency_seconds", "Latency of each engine.", labels=["engine", "quantile"])
        ratio = gauge(f"{PREFIX}_latency_ratio", "Candidate over reference, same block.", labels=["quantile"])
        for name, family, scale in (
            ("reference", seconds, 1e9),
            ("candidate", seconds, 1e9),
            ("ratio", ratio, 1e6),
        ):
            table = latency[f"{name}_{'millionths' if name == 'ratio' else 'ns'}"]
            for quantile, key in (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")):
                if key in table:
                    value = float("inf") if table[key] is None else table[key] / scale
                    family.add_metric([quantile] if name == "ratio" else [name, quantile], value)
        yield seconds
        yield ratio


def exposition(dual: Counting) -> bytes:
    """The metrics as text, for a node that serves ``/metrics`` itself."""
    collector = Collector(dual)
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra, which is there

    registry = CollectorRegistry()
    registry.register(collector)
    return bytes(generate_latest(registry))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
