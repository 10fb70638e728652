"""What a watch sees, as Prometheus metrics: in a file for the textfile collector, or on a port.

Names follow Prometheus's own rules: base units, ``_total`` for counters, no label without bound.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.errors import RolloutError, UsageError
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.core.series import SECOND
from pytest_rollout.core.watching import Sight

PREFIX = "rollout_watch_"


class Exporter:
    """The metrics of one watch; ``rollout`` and ``stage`` are labels of each.

    ``overridden`` is how many promotions of the rollout rest on an override.
    """

    def __init__(self, rollout: str, stage: str, *, overridden: int = 0) -> None:
        try:
            import prometheus_client as prometheus  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(
                "rollout watch: prometheus-client is not installed; install it with "
                "`pip install pytest-rollout[exporter]`, or leave out --metrics-file and --metrics-port."
            ) from None
        self._prometheus: Any = prometheus
        self._registry = prometheus.CollectorRegistry()
        self._labels = {"rollout": rollout, "stage": stage}
        self._resources = ExitStack()
        self._file: Path | None = None
        self._stage = self._gauge("stage_info", "1 while the rollout stands at this stage and is watched")
        override = self._gauge("promotions_by_override", "Promotions of the rollout so far that rest on an override")
        self._set(override, overridden)
        self._verdict = self._gauge("verdict", "1 for the verdict of the newest look, 0 for the others", "verdict")
        self._findings = self._gauge("findings", "Watched items of the newest look by outcome", "outcome")
        self._fired = self._gauge("triggers_fired", "Triggers that fired in the newest look", "severity")
        self._looked = self._gauge("look_timestamp_seconds", "When the watch last looked")
        self._blind = self._gauge("blind_seconds", "For how long the watch has seen nothing")
        self._looks = self._counter("looks", "Looks of this watch process")
        self._undelivered = self._counter("undelivered_notices", "Notices that somebody did not get")

    def serve(self, port: int) -> int:
        """Answer on a port of this machine alone; 0 takes a free one. Returns the port."""
        try:
            server, thread = self._prometheus.start_http_server(port, addr="127.0.0.1", registry=self._registry)
        except OSError as error:
            raise RolloutError(f"--metrics-port {port}: cannot be listened on ({error.strerror}).") from None
        self._resources.callback(thread.join)
        self._resources.callback(server.server_close)
        self._resources.callback(server.shutdown)
        return int(server.server_port)

    def write_to(self, file: Path) -> None:
        """Keep a file up to date, each time whole; its name must end in ``.prom`` for the textfile collector."""
        if file.suffix != ".prom":
            raise UsageError(f"--metrics-file {file.name}: its name must end in .prom, or no collector reads it.")
        self._file = file

    def show(self, sight: Sight, undelivered: int) -> None:
        """Take in one look."""
        self._set(self._stage, 1)
        for verdict in Verdict:
            self._set(self._verdict, int(verdict is sight.verdict), verdict=verdict.value)
        for outcome in Outcome:
            count = sum(each.outcome is outcome for each in sight.findings)
            self._set(self._findings, count, outcome=outcome.value)
        for severity in ("immediate", "planned"):
            count = sum(each.trigger.severity.value == severity for each in sight.fired)
            self._set(self._fired, count, severity=severity)
        blind = sight.kept.blind_since
        self._set(self._looked, sight.now / SECOND)
        self._set(self._blind, 0 if blind is None else (sight.now - blind) / SECOND)
        self._looks.labels(**self._labels).inc()
        self._undelivered.labels(**self._labels).inc(undelivered)
        if self._file is not None:
            try:
                self._prometheus.write_to_textfile(str(self._file), self._registry)
            except OSError as error:
                raise RolloutError(f"--metrics-file {self._file.name}: cannot be written ({error.strerror}).") from None

    def close(self) -> None:
        """Stop answering; a file stays as it is, with the time of the last look in it."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gauge(self, name: str, text: str, *labels: str) -> Any:
        return self._prometheus.Gauge(PREFIX + name, text, [*self._labels, *labels], registry=self._registry)

    def _counter(self, name: str, text: str) -> Any:
        return self._prometheus.Counter(PREFIX + name, text, list(self._labels), registry=self._registry)

    def _set(self, gauge: Any, value: float, **labels: str) -> None:
        gauge.labels(**self._labels, **labels).set(value)
