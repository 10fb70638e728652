"""A real ledger in a folder of its own, and documents to put into it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.sqlite import SqliteLedger

Payload = Callable[..., bytes]
Child = Callable[..., "subprocess.Popen[str]"]
Edit = Callable[..., None]

PRELUDE = """
import sys
from pathlib import Path
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.sqlite import SqliteLedger

def tick(number, note=""):
    return encode({
        "rollout": "toy", "stage": "alpha", "entry": 0, "number": number, "text": "t", "person": "p",
        "at": "2026-11-02T10:00:00+00:00", "note": note, "evidence_digest": "", "evidence_name": "",
        "ticked": True,
    })
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger lies."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> SqliteLedger:
    """A new ledger."""
    return SqliteLedger.create(path, shown="ledger.db", busy_seconds=0.2)


@pytest.fixture
def tick() -> Payload:
    """Makes the payload of a tick; keywords replace fields."""

    def made(number: int = 1, **changes: object) -> bytes:
        document: dict[str, object] = {
            "rollout": "toy",
            "stage": "alpha",
            "entry": 0,
            "number": number,
            "text": "Audit letter received",
            "person": "ann",
            "at": "2026-11-02T10:00:00+00:00",
            "note": "",
            "evidence_digest": "",
            "evidence_name": "",
            "ticked": True,
        }
        return encode(document | changes)

    return made


@pytest.fixture
def child() -> Child:
    """Starts a Python process of its own that has the ledger's names imported."""

    def started(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PRELUDE + script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    return started


@pytest.fixture
def by_hand(path: Path) -> Edit:
    """Runs statements on the file the way somebody with a shell would, triggers dropped if asked."""

    def edit(*statements: str, guards: bool = False) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            if not guards:
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()

    return edit


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """Python's own, as where ledgers are read: a process that has imported web3 has a far higher one, and crashes."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)
