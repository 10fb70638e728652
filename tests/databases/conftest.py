"""One table of payments, in a SQLite file and on a real PostgreSQL; every test has its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.databases.checks import observe
from tests import servers

SECRET = "kept-secret"
NUMBERS = count(1)
ESCROW = "0x" + "e5" * 20
TABLES = """
CREATE TABLE escrows (id INTEGER PRIMARY KEY, address VARCHAR(42) NOT NULL);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    escrow_id INTEGER REFERENCES escrows (id),
    amount NUMERIC(78) NOT NULL CHECK (amount > 0),
    status VARCHAR(20) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid')),
    tx_hash VARCHAR(66) UNIQUE
);
CREATE INDEX idx_status ON payments (status, amount);
CREATE UNIQUE INDEX idx_escrow ON payments (escrow_id);
"""
ROWS = [
    f"INSERT INTO escrows VALUES (1, '{ESCROW}'), (2, '{ESCROW}')",
    "INSERT INTO payments VALUES (1, 1, 100, 'paid', '0x01'), (2, 2, 250, 'open', NULL)",
]


class Live:
    """A database as its owner has it: may be written here, and is only read by what is tested."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings

    def run(self, *statements: str) -> None:
        if self.settings.is_sqlite:
            with closing(sqlite3.connect(self.path)) as connection:
                for each in statements:
                    connection.executescript(each)
        else:
            with servers.owner_of(self.settings.url) as connection:
                for each in statements:
                    connection.execute(each)

    def ask(self, question: str) -> Any:
        if self.settings.is_sqlite:
            with closing(sqlite3.connect(self.path)) as connection:
                return connection.execute(question).fetchall()
        with servers.owner_of(self.settings.url) as connection:
            return connection.execute(question).fetchall()

    @property
    def path(self) -> Path:
        return self.settings.folder / self.settings.url.removeprefix("sqlite:///")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with servers.postgresql() as url:
        yield url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Live]:
    server = request.getfixturevalue("server")

    def make() -> Live:
        name = f"own{next(NUMBERS)}"
        with servers.owner_of(server) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = make_url(server).set(database=name)
        shown = url.set(username=None, password=None).render_as_string()
        return Live(
            DatabaseSettings(
                name=name, url=url.render_as_string(hide_password=False), shown=shown, folder=tmp_path, copies=server
            )
        )

    return make


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Callable[[], Live]:
    def make() -> Live:
        name = f"own{next(NUMBERS)}"
        (tmp_path / f"{name}.db").touch()
        url = f"sqlite:///{name}.db"
        return Live(DatabaseSettings(name=name, url=url, shown=url, folder=tmp_path, timeout=timedelta(seconds=20)))

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest) -> Callable[[], Live]:
    """A new and empty database of each sort."""
    return request.getfixturevalue(f"on_{request.param}")


@pytest.fixture
def payments(made: Callable[[], Live]) -> Live:
    live = made()
    live.run(TABLES, *ROWS)
    return live


class Book:
    """The contracts of one network, and the node that is asked for transactions."""

    def __init__(self, *addresses: str, mined: dict[str, Any] | None = None) -> None:
        self._addresses = addresses
        self._mined = mined or {}
        self.chain = SimpleNamespace(batch=self._batch)

    def names(self) -> list[str]:
        return [str(number) for number, _ in enumerate(self._addresses)]

    def where(self, name: str) -> str:
        return self._addresses[int(name)]

    def _batch(self, calls: list[Any]) -> list[Any]:
        return [self._mined.get(call[1][0]) for call in calls]


@pytest.fixture
def judged() -> Callable[..., Finding]:
    """Looks and judges, as a gate does."""

    def judge(live: Live, books: Any = None, **about: Any) -> Finding:
        check = DatabaseCheck(name="it", database=live.settings, **about)
        value, source = observe(check, None, None, books or {})  # type: ignore[arg-type]
        return check.judge("item", Observation(item="item", value=value, source=source))

    return judge


@pytest.fixture
def slow() -> Callable[[Live, float], Live]:
    return lambda live, seconds: Live(replace(live.settings, timeout=timedelta(seconds=seconds)))
