"""KnowTon's machine, as its exporter tells: processor seconds and memory, by the names that node_exporter uses."""

from __future__ import annotations

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from web import App, arguments


class Machine:
    """Read anew at each scrape."""

    def collect(self):
        """Two families."""
        seconds = CounterMetricFamily("node_cpu_seconds", "Processor seconds by mode.", labels=["mode"])
        for mode, value in psutil.cpu_times()._asdict().items():
            if mode in {"user", "system", "idle", "iowait", "nice"}:
                seconds.add_metric([mode], value)
        yield seconds
        memory = psutil.virtual_memory()
        yield GaugeMetricFamily("node_memory_MemTotal_bytes", "Memory.", value=memory.total)
        yield GaugeMetricFamily("node_memory_MemAvailable_bytes", "Memory that can be had.", value=memory.available)


if __name__ == "__main__":
    given = arguments()
    app = App("knowton-node")
    app.registry.register(Machine())
    app.route("GET", "/health")(lambda: {"status": "healthy"})
    app.start(given.port)
