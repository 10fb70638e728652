"""A hundred criteria asked of one server that takes its time, against its slowest single query.

Run: ``python benchmarks/metrics_sources.py [seconds a query takes] [hours it looks back]``. The server
is a process of its own. Prints the time of the slowest query alone, of all hundred together, and the bound of 1.3 times
the one plus half a second.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CRITERIA = 100
REPEATS = 5
SINCE = datetime(2026, 1, 5, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
SAMPLES = int((UNTIL - SINCE).total_seconds()) // 15


def serve(delay: float, ports: Any) -> None:
    """Answers samples every 15 s, for the value and for the scrapes behind it, after a delay."""
    steps = range(int(SINCE.timestamp()) + 15, int(UNTIL.timestamp()) + 1, 15)
    result = [
        {"metric": {"rollout_part": "value"}, "values": [[step, "0.125"] for step in steps]},
        {"metric": {"rollout_part": "observed"}, "values": [[step, str(step)] for step in steps]},
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    body = json.dumps(answer, separators=(",", ":")).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)["query"][0]
            time.sleep(delay * (0.5 if "fast" in query else 1.0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    ports.put(server.server_port)
    server.serve_forever()


def main() -> int:
    from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
    from pytest_rollout.core.series import Samples
    from pytest_rollout.core.units import UNITS
    from pytest_rollout.metrics.opening import Sources
    from pytest_rollout.metrics.port import Asked

    delay = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    ports: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(delay, ports), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ports.get()}"

    def asked(number: int) -> Asked:
        speed = "slow" if number == 0 else "fast"
        settings = SourceSettings(kind=SourceKind.PROMETHEUS, url=url, query=f"sum({speed}_{number})")
        metric = Metric(name=f"m{number}", unit=UNITS["count"], source=settings)
        return Asked(metric=metric, since=SINCE, until=UNTIL)

    def seconds(count: int) -> float:
        begin = time.perf_counter()
        with Sources(Path.cwd()) as sources:
            samples = 0
            for _, answer in sources.collect(map(asked, range(count))):
                assert isinstance(answer, Samples), answer
                samples += len(answer.series[0])
        assert samples == count * SAMPLES
        return time.perf_counter() - begin

    seconds(1)
    alone, together = [], []
    for _ in range(REPEATS):
        alone.append(seconds(1))
        together.append(seconds(CRITERIA))
    slowest, gate = statistics.median(alone), statistics.median(together)
    bound = 1.3 * slowest + 0.5
    print(f"load {os.getloadavg()[0]:.1f}; {CRITERIA} queries of {SAMPLES} samples each, {REPEATS} repeats, medians")
    print(
        f"slowest query alone {slowest:.2f} s, all together {gate:.2f} s, bound {bound:.2f} s: {gate / bound:.2f} of it"
    )
    server.terminate()
    return 0 if gate <= bound else 1


if __name__ == "__main__":
    sys.exit(main())
