"""Killed, cut off or left by a crashed server at every single message of one append to a real PostgreSQL.

A tracer stops the appending process before each message it sends and each answer it takes, and there ends the
process, its session on the server, or the server's process itself, which takes all others with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.ledger.postgres import PostgresLedger
from tests.servers import postgresql

TRACER = r"""
import hashlib, json, os, signal, sys, time
from itertools import count
from pathlib import Path

import psycopg

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.canonical import encode, parse
from pytest_rollout.ledger.postgres import PostgresLedger
from tests.ledger.tracing import HERE, MESSAGES, SENT, killed, stopped_at

HOW, URL, PAYLOAD = sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()
SESSIONS = "FROM pg_stat_activity WHERE application_name = 'pytest-rollout'"


def patiently(ask):
    # a server that crashed is back as soon as it has replayed its log
    until = time.monotonic() + 30
    while True:
        try:
            return ask()
        except (LedgerError, psycopg.Error):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def appended(ledger, what):
    # with evidence of its own, so that half of an append would be an entry without it
    content = f"{what} of {point}".encode()
    digest = hashlib.sha256(content).hexdigest()
    payload = encode(parse(PAYLOAD) | {"evidence_digest": digest, "evidence_name": "e.txt"})
    return ledger.append(EntryKind.TICK, payload, attachments={digest: content})


def begin():
    ledger = PostgresLedger.open(URL)
    return lambda: appended(ledger, "the first")


def asked(query):
    with psycopg.connect(URL, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def cut_off(pid):
    asked(f"SELECT pg_terminate_backend(pid, 10000) {SESSIONS}")


def crashed(pid):
    for (process,) in asked(f"SELECT pid {SESSIONS}"):
        os.kill(process, signal.SIGKILL)
    # the server ends every other session and comes back by itself
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if not asked(f"SELECT pid {SESSIONS}"):
                return
        except psycopg.Error:
            pass
        time.sleep(0.02)


# a crash takes a second to recover from, and what was heard makes no difference to the server
CALLS = (SENT if HOW == "crash" else MESSAGES)[HERE]
for point in count(1):
    before = patiently(lambda: PostgresLedger.open(URL).head().sequence)
    came, done, status = stopped_at(point, CALLS, begin, {"kill": killed, "cut": cut_off, "crash": crashed}[HOW])
    newest = patiently(lambda: PostgresLedger.open(URL).verify().sequence)
    again = patiently(lambda: appended(PostgresLedger.open(URL), "the next").sequence)
    print(json.dumps({"point": point, "came": came, "done": done, "status": status,
                      "kept": newest - before, "again": again - newest}), flush=True)
    if not came:
        break
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real server whose writes are synced."""
    with postgresql(durable=True) as url:
        yield url.replace("+psycopg", "")


def traced(how: str, server: str, folder: Path, payload: bytes) -> list[dict[str, Any]]:
    (folder / "payload").write_bytes(payload)
    done = subprocess.run(
        [sys.executable, "-c", TRACER, how, server, str(folder / "payload")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def ledger(server: str) -> PostgresLedger:
    return PostgresLedger.create(server)


@pytest.mark.parametrize(
    ("how", "ends"), [("kill", {-9, 0}), ("cut", {3, 0}), ("crash", {3, 0})], ids=["process", "session", "server"]
)
def test_an_end_at_every_message_loses_nothing_acknowledged(
    server: str, ledger: PostgresLedger, tmp_path: Path, tick: Callable[..., bytes], how: str, ends: set[int]
) -> None:
    """The entry is there whole or not at all, and it is there if anybody was told so; the next one finds its place."""
    points = traced(how, server, tmp_path, tick(note="y" * 6000))

    assert len(points) > 8
    for each in points:
        assert each["kept"] in (0, 1), each
        assert each["again"] == 1, each
        assert not each["done"] or each["kept"] == 1, each
        assert (each["status"] == 0) == each["done"], each
    assert {each["status"] for each in points} == ends
    assert {each["kept"] for each in points} == {0, 1}
    assert not points[-1]["came"]
    assert points[-1]["done"]
    assert ledger.verify().kind is EntryKind.TICK
