"""What the double and every real database owe a test: rows by name, parameters, and no way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_rollout.core.errors import StoreError
from pytest_rollout.databases.opening import Databases
from pytest_rollout.databases.port import Database
from pytest_rollout.testing.databases import MemoryDatabase
from tests.databases.conftest import SECRET, Live

SCRIPT = (
    "CREATE TABLE payments (id INTEGER PRIMARY KEY, amount NUMERIC(78), note VARCHAR(20))",
    "INSERT INTO payments VALUES (1, 100, 'ü'), (2, 250, NULL)",
)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "memory":
        memory = MemoryDatabase(";".join(SCRIPT))
        yield memory
        memory.close()
        return
    make: Callable[[], Live] = request.getfixturevalue(f"on_{request.param}")
    live = make()
    live.run(*SCRIPT)
    yield Databases({"own": live.settings}).own


def test_rows_are_tables(database: Database) -> None:
    rows = database.query("SELECT id, amount, note FROM payments WHERE amount > :least ORDER BY id", least=0)

    assert rows == [{"id": 1, "amount": 100, "note": "ü"}, {"id": 2, "amount": 250, "note": None}]
    assert database.query("SELECT id FROM payments WHERE id > 5") == []
    assert SECRET not in database.source


@pytest.mark.parametrize("statement", ["DELETE FROM payments", "DROP TABLE payments", "UPDATE payments SET amount = 1"])
def test_nothing_can_be_written(database: Database, statement: str) -> None:
    with pytest.raises(StoreError):
        database.query(statement)

    assert database.query("SELECT sum(amount) AS total FROM payments") == [{"total": 350}]


@pytest.mark.parametrize(
    "statement", ["SELECT nothing FROM payments", "SELEKT", "SELECT 1 FROM payments WHERE id = :gone"]
)
def test_what_cannot_be_answered_is_one_sentence(database: Database, statement: str) -> None:
    with pytest.raises(StoreError) as caught:
        database.query(statement)

    message: Any = str(caught.value)
    assert len(message.splitlines()) == 1
    assert SECRET not in message
