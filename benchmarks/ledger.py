"""How long the ledger takes: verifying and reading against a bare loop in the same run, appending, moving, attesting.

    python benchmarks/ledger.py [ENTRIES...]

The bare loop reads the same rows and hashes their bytes, which nothing that verifies can avoid. The move is
everything that ``rollout promote`` does under its own clock: verify, read, measure, judge again, append, read
back. PostgreSQL is a server of Debian's package, started for this run, with fsync on.
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pytest_rollout.core.entries import Entry, EntryKind, next_entry
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.chained import ChainedLedger
from pytest_rollout.ledger.journal import read_history, read_on
from pytest_rollout.ledger.opening import create_ledger, open_ledger
from pytest_rollout.ledger.rows import row_of
from pytest_rollout.ledger.sqlite import SqliteLedger

sys.path.insert(0, str(Path(__file__).parents[1]))
ROUNDS = 3
APPENDS = 200
PROMOTERS = 50
ITEMS = 10_000
LONG = 1_000_000
"""What is measured fewer times, for it takes its time."""
_COLUMNS = "ledger_id, sequence, previous, kind, payload, digest"


def tick(number: int) -> bytes:
    return encode(
        {
            "rollout": "toy",
            "stage": "alpha",
            "entry": 0,
            "number": number % 12 + 1,
            "text": "Audit letter received",
            "person": "ann",
            "at": "2026-11-02T10:00:00+00:00",
            "note": "x" * 100,
            "evidence_digest": "",
            "evidence_name": "",
            "ticked": True,
        }
    )


def chain(ledger: ChainedLedger, count: int) -> Iterator[Entry]:
    head = ledger.head()
    for number in range(1, count):
        head = next_entry(head, ledger_id=ledger.id, kind=EntryKind.TICK, payload=tick(number))
        yield head


def fill(path: Path, ledger: SqliteLedger, count: int) -> None:
    """Put entries in quickly: one transaction, straight into the table, chained as ever."""
    connection = sqlite3.connect(path)
    connection.executemany(
        f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", map(row_of, chain(ledger, count))
    )
    connection.commit()
    connection.close()


def hashed(rows: Iterable[tuple[Any, ...]]) -> None:
    """Hash the bytes of every row: all of them, as a digest covers all of them."""
    for ledger_id, sequence, previous, kind, payload, _ in rows:
        state = hashlib.sha256(ledger_id.encode())
        for part in (sequence.to_bytes(8, "big"), bytes.fromhex(previous), kind.encode(), payload):
            state.update(part)
        state.hexdigest()


def bare(path: Path) -> None:
    """Read every row and hash it, in the fewest lines."""
    connection = sqlite3.connect(path)
    hashed(connection.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY sequence"))
    connection.close()


def bare_postgres(url: str) -> None:
    """The same from a server, some rows at a time."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor("bare") as cursor:
        cursor.itersize = 1000
        hashed(cursor.execute(f"SELECT {_COLUMNS} FROM rollout_ledger.entries ORDER BY sequence", binary=True))


def payloads(path: Path) -> int:
    """Less than that: the payloads alone."""
    connection = sqlite3.connect(path)
    count = 0
    for row in connection.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY sequence"):
        hashlib.sha256(row[4]).hexdigest()
        count += 1
    connection.close()
    return count


def best(*what: Callable[[], object], rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """The least seconds that each took, and the least of the processor: in turns, so that a load hits them alike."""
    taken: list[list[tuple[float, float]]] = [[] for _ in what]
    for _ in range(rounds):
        for each, times in zip(what, taken, strict=True):
            begun, busy = time.perf_counter(), time.process_time()
            each()
            times.append((time.perf_counter() - begun, time.process_time() - busy))
    return [(min(wall for wall, _ in times), min(busy for _, busy in times)) for times in taken]


def against(name: str, taken: tuple[float, float], loop: tuple[float, float]) -> None:
    print(f"{name:<42} {taken[0]:6.2f} s = {taken[0] / loop[0]:.2f} x, by processor time {taken[1] / loop[1]:.2f} x")


def verifying(folder: Path, count: int) -> None:
    path = folder / "ledger.db"
    ledger = SqliteLedger.create(path)
    fill(path, ledger, count)
    loop, less, verify, own, other, whole = best(
        lambda: bare(path),
        lambda: payloads(path),
        ledger.verify,
        lambda: read_history(ledger, "toy"),
        lambda: read_history(ledger, "other"),
        lambda: read_history(ledger, "toy", whole=True),
    )
    print(f"{count} entries, {path.stat().st_size / 2**20:.0f} MiB, against a bare loop that reads and hashes rows:")
    against("the loop", loop, loop)
    against("one that hashes payloads alone", less, loop)
    against("verify", verify, loop)
    against("read_history, every entry the rollout's", own, loop)
    against("read_history, none of them", other, loop)
    against("read_history for a move, every entry", whole, loop)
    tracemalloc.start()
    SqliteLedger.open(path).verify()
    print(f"verify peaks at {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB of Python memory")
    tracemalloc.stop()
    history = read_history(ledger, "toy")
    ((on, _),) = best(lambda: read_on(ledger, history))
    print(f"read on {on * 1000:6.2f} ms from a history that is kept, as a watch does")


def appending(name: str, ledger: ChainedLedger) -> None:
    taken = []
    for number in range(APPENDS):
        payload = tick(number)
        begun = time.perf_counter()
        ledger.append(EntryKind.TICK, payload)
        taken.append((time.perf_counter() - begun) * 1000)
    print(
        f"append {name:<10} {statistics.median(taken):6.2f} ms median, {max(taken):.2f} ms worst of {APPENDS}, synced"
    )


def promoting(name: str, url: str, root: Path) -> None:
    """Everybody has read the same head; who is first writes."""
    head = open_ledger(url, root).head()

    def one(number: int) -> bool:
        own = open_ledger(url, root, busy_seconds=60)
        try:
            own.append(EntryKind.TICK, tick(number), expected_head=head.digest)
        except LedgerError:
            return False
        return True

    begun = time.perf_counter()
    with ThreadPoolExecutor(PROMOTERS) as pool:
        came = sum(pool.map(one, range(PROMOTERS)))
    took = time.perf_counter() - begun
    print(f"promoters {name:<7} {came} entry of {PROMOTERS} at once, all answered in {took:.2f} s")


PLAN = """
[rollout]
name = "toy"
[stages.alpha]
[stages.beta]
"""


def project(folder: Path, tests: int) -> Path:
    """A committed project whose alpha gate has so many tests."""
    (folder / "suites" / "alpha").mkdir(parents=True)
    (folder / "suites" / "beta").mkdir()
    (folder / "rollout.toml").write_text(PLAN)
    body = "".join(f"def test_{number}():\n    assert True\n\n\n" for number in range(tests))
    (folder / "suites" / "alpha" / "test_a.py").write_text(body)
    (folder / "suites" / "beta" / "test_b.py").write_text("def test_b():\n    assert True\n")
    (folder / ".gitignore").write_text(".rollout/\nreports/\n")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    return folder


def moving(name: str, url: str, root: Path, count: int, loop: Callable[[], None]) -> None:
    """The whole promotion over so many entries of its rollout: one pass over the record, then the move itself.

    The move itself is what keeps others waiting: append, sync, read back; the pass holds no lock.
    """
    from pytest_rollout import operations

    ledger = create_ledger(url, root)
    if isinstance(ledger, SqliteLedger):
        fill(root / ".rollout" / "ledger.db", ledger, count)
    else:
        ledger.extend(chain(ledger, count), lambda _: b"")
    command = [sys.executable, "-m", "pytest", "--stage=alpha", "--rollout-formats=", f"--rollout-ledger={url}"]
    whole, passes, itself = [], [], []
    for _ in range(5 if count < LONG else 2):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        workspace = operations.Workspace.at(root, url, environment={})
        begun = time.perf_counter()
        operations.promote(workspace, "alpha", person="b", now=datetime.now(UTC))
        whole.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        history = read_history(ledger, "toy", whole=True)
        passes.append((time.perf_counter() - begun) * 1000)
        assert history.head is not None
        begun = time.perf_counter()
        ledger.append(EntryKind.TICK, tick(1), expected_head=history.head.digest)
        itself.append((time.perf_counter() - begun) * 1000)
        operations.roll_back(workspace, "beta", person="b", reason="again", now=datetime.now(UTC))
    ((taken, _),) = best(loop)
    taken, bottom = taken * 1000, min(passes)
    print(
        f"promote {name:<10} over {count:>7} entries: {statistics.median(whole):8.1f} ms median, "
        f"{max(whole):.1f} worst; "
        f"reads the record in {bottom:.1f} ms = {bottom / taken:.2f} x a bare loop ({taken:.1f} ms), "
        f"the move itself {statistics.median(itself):.1f} ms median, {max(itself):.1f} worst"
    )


def attesting(folder: Path) -> None:
    """A gate of ten thousand tests: attested once, verified by the public key alone."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner

    from pytest_rollout.core.attestation import Expected
    from pytest_rollout.ledger.canonical import parse
    from pytest_rollout.runner.attesting import attested, verified

    root = project(folder, ITEMS)
    ledger = create_ledger(None, root)
    command = [sys.executable, "-m", "pytest", "--stage=alpha", "--rollout-formats=", "-q"]
    subprocess.run(command, cwd=root, capture_output=True, check=False)
    head = ledger.head()
    document = parse(head.payload)
    evidence = ledger.attachment(document["evidence_digest"])
    key = CryptoSigner(Ed25519PrivateKey.generate())
    now = datetime.fromisoformat(document["judged_at"])
    file = attested(head, evidence, head, key, now)
    ((taken, _),) = best(lambda: verified(file, [key.public_key], Expected(), now))
    print(
        f"verify of {len(document['findings'])} items, {document['verdict']}: {taken:.2f} s, judged again; "
        f"the file has {len(file) / 2**20:.1f} MiB, {len(evidence) / 2**20:.1f} MiB of evidence in it"
    )


def main() -> None:
    counts = [int(each) for each in sys.argv[1:]] or [1_000, 100_000, 1_000_000]
    from tests.servers import postgresql

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        verifying(folder, max(counts))
        appending("SQLite", SqliteLedger.create(folder / "append.db"))
        promoting("SQLite", f"sqlite:///{folder / 'append.db'}", folder)
        for count in counts:
            root = project(folder / f"moved-{count}", 20)
            moving(
                "SQLite", "sqlite:///.rollout/ledger.db", root, count, partial(bare, root / ".rollout" / "ledger.db")
            )
        with postgresql(durable=True) as server:
            import psycopg

            def database(of: str) -> str:
                with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {of}")
                return server.replace("/postgres", f"/{of}").replace("+psycopg", "")

            url = database("appended")
            ledger = create_ledger(url, folder)
            appending("PostgreSQL", ledger)
            promoting("PostgreSQL", url, folder)
            for count in counts:
                url = database(f"moved_{count}")
                moving("PostgreSQL", url, project(folder / f"team-{count}", 20), count, partial(bare_postgres, url))
        attesting(folder / "large")


if __name__ == "__main__":
    main()
