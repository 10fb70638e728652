"""How long comparing two stores takes beside parsing both, how much memory, and our own time a request.

    python benchmarks/stores.py [RECORDS]

Both sides are parsed through the same reader in the same run, round by round, and ratios are of processor
time, since other processes share the machine. Requests are answered by another process.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from fractions import Fraction
from multiprocessing import Process
from pathlib import Path

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, Load, Service
from pytest_rollout.core.record import FieldKind, Identity
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.core.units import UNITS
from pytest_rollout.services.load import measure
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.ndjson import NdjsonStore

ROUNDS = 3
REQUESTS = 1000
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"status":"healthy"}'
ASKED = Asked(identity=Identity(key=("chainId", "contractName")), kinds={"address": FieldKind.ADDRESS})


def write(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            record = {
                "contractName": f"Contract{number}",
                "chainId": 56,
                "address": f"0x{number + 2**150:040x}",
                "factoryByteCodeHash": f"0x{number:064x}",
                "deploymentArgs": [f"0x{number + 2**140:040x}", str(number)],
                "timestamp": 1_700_000_000_000_000_000 + number,
            }
            file.write(json.dumps(record) + "\n")


def stores(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("before.ndjson", "after.ndjson")]
        for path in paths:
            write(path, count)
        one, other = map(NdjsonStore, paths)
        ratios = []
        for _ in range(ROUNDS):
            started = time.process_time()
            for store in (one, other):
                for _record in store.records():
                    pass
            parsed = time.process_time() - started
            started = time.process_time()
            tally = compare(one, other, ASKED)
            compared = time.process_time() - started
            assert tally["same"] == count, tally
            ratios.append(compared / parsed)
            print(f"  parsing both {parsed:6.2f} s, comparing {compared:6.2f} s, ratio {ratios[-1]:.2f}")
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count} records a side: ratio {statistics.median(ratios):.2f}, at most {megabytes:.0f} MB of memory")


def answer(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    while connection.recv(65536):
        connection.sendall(ANSWER)
    os._exit(0)


def requests() -> None:
    bound = Bound(relation=Relation.LESS, limit=Fraction(1), unit=UNITS["s"])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Process(target=answer, args=(listening,))
        server.start()
        service = Service(name="api", url=f"http://127.0.0.1:{listening.getsockname()[1]}", limit=timedelta(seconds=10))
        started = time.process_time()
        seen = measure(service, Ask(path="/health"), Load(p95=bound, requests=REQUESTS), (200,))
        own = (time.process_time() - started) / REQUESTS
        server.join()
    assert len(seen["us"]) == REQUESTS
    print(f"{REQUESTS} requests: {own * 1000:.3f} ms of our own time each, median {statistics.median(seen['us'])} us")


if __name__ == "__main__":
    stores(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
    requests()
