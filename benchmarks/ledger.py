"""How long the ledger takes: verifying against a bare loop in the same run, and one append.

    python benchmarks/ledger.py [ENTRIES]

The bare loop reads the same rows and hashes each payload, which nothing that verifies can avoid.
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from pytest_rollout.core.entries import Entry, EntryKind, next_entry
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.journal import read_history
from pytest_rollout.ledger.sqlite import SqliteLedger

ROUNDS = 3
APPENDS = 200


def tick(number: int) -> bytes:
    return encode(
        {
            "rollout": "toy",
            "stage": "alpha",
            "entry": 0,
            "number": number,
            "text": "Audit letter received",
            "person": "ann",
            "at": "2026-11-02T10:00:00+00:00",
            "note": "x" * 100,
            "evidence_digest": "",
            "evidence_name": "",
            "ticked": True,
        }
    )


def fill(path: Path, ledger: SqliteLedger, count: int) -> None:
    """Put entries in quickly: one transaction, straight into the table, chained as ever."""

    def rows() -> object:
        head: Entry = ledger.head()
        for number in range(1, count):
            head = next_entry(head, ledger_id=ledger.id, kind=EntryKind.TICK, payload=tick(number))
            yield head.ledger_id, head.sequence, head.previous, head.kind.value, head.payload, head.digest

    connection = sqlite3.connect(path)
    connection.executemany(
        "INSERT INTO entries (ledger_id, sequence, previous, kind, payload, digest) VALUES (?, ?, ?, ?, ?, ?)",
        rows(),
    )
    connection.commit()
    connection.close()


def bare(path: Path) -> int:
    connection = sqlite3.connect(path)
    query = "SELECT ledger_id, sequence, previous, kind, payload, digest FROM entries ORDER BY sequence"
    count = 0
    for row in connection.execute(query):
        hashlib.sha256(row[4]).hexdigest()
        count += 1
    connection.close()
    return count


def best(what: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        what()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        ledger = SqliteLedger.create(path)
        fill(path, ledger, count)

        loop, verify = best(lambda: bare(path)), best(ledger.verify)
        print(f"{count} entries, {path.stat().st_size / 2**20:.0f} MiB")
        print(f"verify        {verify:6.2f} s = {verify / loop:.2f} x a bare loop that reads and hashes ({loop:.2f} s)")

        tracemalloc.start()
        ledger.verify()
        print(f"verify peaks at {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB of Python memory")
        tracemalloc.stop()

        own, other = best(lambda: read_history(ledger, "toy")), best(lambda: read_history(ledger, "other"))
        print(f"read_history  {own:6.2f} s where every entry is the rollout's, {other:.2f} s where none is")

        taken = []
        for number in range(APPENDS):
            payload = tick(number)
            begun = time.perf_counter()
            ledger.append(EntryKind.TICK, payload)
            taken.append((time.perf_counter() - begun) * 1000)
        print(
            f"append        {statistics.median(taken):6.2f} ms median, {max(taken):.2f} ms worst of {APPENDS}, synced"
        )


if __name__ == "__main__":
    main()
