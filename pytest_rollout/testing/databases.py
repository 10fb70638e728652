"""A database at hand, made of a script: the public double of the port."""

from __future__ import annotations

import sqlite3
from typing import Any

from pytest_rollout.core.errors import StoreError


class MemoryDatabase:
    """SQLite in memory, after a script that fills it; then it is only read."""

    def __init__(self, script: str, *, name: str = "memory") -> None:
        self._name = name
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.executescript(script)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.row_factory = sqlite3.Row

    @property
    def source(self) -> str:
        """Its name."""
        return self._name

    def query(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question."""
        try:
            found = self._connection.execute(statement, parameters)
            if found.description is None:
                raise StoreError(f"database {self._name}: this is no question; write a SELECT.")
            return [dict(row) for row in found]
        except sqlite3.Error as error:
            raise StoreError(f"database {self._name}: the database refused: {error}.") from None

    def close(self) -> None:
        """Forget it."""
        self._connection.close()
