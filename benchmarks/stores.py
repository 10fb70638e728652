"""How long comparing two stores takes beside parsing both, how much memory, and our own time a request.

    python benchmarks/stores.py [RECORDS] [ROUNDS]

Both sides are parsed in the same run, round by round, by ``json.loads`` - which takes a key twice and rounds
numbers - and by the strict reader of stores. Ratios are of processor time, since other processes share the
machine. The right store holds the records in the same order, in another one, each spelt otherwise - with other blanks,
with an alias too, and with an alias, a short name, addresses in another case, integers as text and its fields in
another order - and each with one field that differs.
Requests are answered by another process.
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
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from multiprocessing import Process
from pathlib import Path
from typing import Any

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.endpoint import Ask, Load, Service
from pytest_rollout.core.record import FieldKind, Identity
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.core.units import UNITS
from pytest_rollout.services.load import measure
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.ndjson import NdjsonStore

ROUNDS = 3
PRIME = 611_953
REQUESTS = 1000
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"status":"healthy"}'
Order = Callable[[int, int], int]
Made = Callable[[int], dict[str, Any]]
ASKED = Asked(identity=Identity(key=("chainId", "contractName")), kinds={"address": FieldKind.ADDRESS})
SPELT = Asked(
    identity=Identity(key=("networkName", "contractName"), aliases={"networkName": {"bsc": "56"}}, short_names=True),
    kinds={"address": FieldKind.ADDRESS, "deploymentArgs": FieldKind.HASH, "timestamp": FieldKind.INTEGER},
)


def same(number: int, _count: int) -> int:
    return number


def other_order(number: int, count: int) -> int:
    """Every number once, far from where it was."""
    return number * PRIME % count


def plain(number: int) -> dict[str, Any]:
    return {
        "contractName": f"Contract{number}",
        "chainId": 56,
        "address": f"0x{number + 2**150:040x}",
        "factoryByteCodeHash": f"0x{number:064x}",
        "deploymentArgs": [f"0x{number + 2**140:040x}", str(number)],
        "timestamp": 1_700_000_000_000_000_000 + number,
    }


def named(number: int) -> dict[str, Any]:
    record = plain(number)
    return {"networkName": "56", **{key: each for key, each in record.items() if key != "chainId"}}


def spelt_otherwise(number: int) -> dict[str, Any]:
    record = named(number) | {
        "networkName": "bsc",
        "contractName": f"contracts/Contract.sol:Contract{number}",
        "address": f"0x{number + 2**150:040X}",
        "timestamp": str(1_700_000_000_000_000_000 + number),
    }
    return dict(reversed(record.items()))


def aliased(number: int) -> dict[str, Any]:
    return named(number) | {"networkName": "bsc"}


def differing(number: int) -> dict[str, Any]:
    return plain(number) | {"factoryByteCodeHash": f"0x{number + 1:064x}"}


def write(path: Path, count: int, order: Order, record: Made, separators: tuple[str, str] = (", ", ": ")) -> None:
    with path.open("w", encoding="utf-8") as file:
        for place in range(count):
            file.write(json.dumps(record(order(place, count)), separators=separators) + "\n")


COMPACT = (",", ":")
CASES: dict[str, tuple[Asked, Made, Order, Made, tuple[str, str], str]] = {
    "the same order": (ASKED, plain, same, plain, (", ", ": "), "same"),
    "another order": (ASKED, plain, other_order, plain, (", ", ": "), "same"),
    "other blanks": (ASKED, plain, same, plain, COMPACT, "same"),
    "an alias": (SPELT, named, same, aliased, COMPACT, "same"),
    "every declared spelling": (SPELT, named, other_order, spelt_otherwise, COMPACT, "same"),
    "every record differing": (ASKED, plain, same, differing, COMPACT, "differing"),
}


def stores(count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.ndjson"), Path(folder, "after.ndjson")
        for name, (asked, left, order, right, separators, sort) in CASES.items():
            write(before, count, same, left)
            write(after, count, order, right, separators)
            ratios = [measured(before, after, asked, count, sort) for _ in range(rounds)]
            print(f"{count} records a side, {name}: ratio {statistics.median(ratios):.2f}")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"at most {megabytes:.0f} MB of memory")


def measured(before: Path, after: Path, asked: Asked, count: int, sort: str) -> float:
    """Comparing beside parsing: with the standard library's parser, and by the stores' own reader."""
    started = time.process_time()
    for path in (before, after):
        with path.open("rb") as file:
            for line in file:
                json.loads(line)
    parsed = time.process_time() - started
    one, other = NdjsonStore(before), NdjsonStore(after)
    started = time.process_time()
    for store in (one, other):
        for _record in store.records():
            pass
    read = time.process_time() - started
    started = time.process_time()
    tally = compare(one, other, asked)
    compared = time.process_time() - started
    assert {"same": tally["same"]} | tally["counts"] == {"same": 0} | {sort: count}, tally
    print(
        f"  json.loads of both {parsed:6.2f} s, reading both {read:6.2f} s, comparing {compared:6.2f} s, "
        f"ratios {compared / parsed:.2f} and {compared / read:.2f}"
    )
    return compared / parsed


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
    given = [int(each) for each in sys.argv[1:]]
    stores(*(given + [200_000, ROUNDS][len(given) :]))
    requests()
