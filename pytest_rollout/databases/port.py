"""What a test may ask of every database."""

from __future__ import annotations

from typing import Any, Protocol


class Database(Protocol):
    """Rows, read-only."""

    @property
    def source(self) -> str:
        """What it is, for people; no credentials."""
        ...

    def query(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a question as tables, ``:name`` taken from ``parameters``; raises ``StoreError``."""
        ...
