"""A real PostgreSQL for stores; every test has a database of its own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from tests import servers

NUMBERS = count(1)


class Owner:
    """A database as its owner has it, who may write."""

    def __init__(self, server: str, *, encoding: str = "UTF8") -> None:
        name = f"store{next(NUMBERS)}"
        with servers.owner_of(server) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0")
        self.url = make_url(server).set(drivername="postgresql", database=name)

    def run(self, *statements: str) -> list[Any]:
        """What the last statement answers."""
        with servers.owner_of(str(self.url.render_as_string(hide_password=False))) as connection:
            for each in statements:
                cursor = connection.execute(each)
            return cursor.fetchall() if cursor.description else []

    def store(self, table: str = "", *, seconds: float = 30, user: str = "", **about: Any) -> StoreSettings:
        """A store of it: a table, or ``query``; for another ``user``, if named."""
        url = self.url.set(username=user, password="other-secret") if user else self.url
        database = DatabaseSettings(
            name="own",
            url=url.render_as_string(hide_password=False),
            shown=f"postgresql://127.0.0.1/{url.database}",
            folder=Path(),
            namespace=about.pop("namespace", ""),
            timeout=timedelta(seconds=seconds),
        )
        return StoreSettings(name="own", kind=StoreKind.SQL, table=table, database=database, **about)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with servers.postgresql() as url:
        yield url


@pytest.fixture
def owner(server: str) -> Owner:
    return Owner(server)


@pytest.fixture
def made(server: str) -> Callable[..., Owner]:
    return lambda **about: Owner(server, **about)
