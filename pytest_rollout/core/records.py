"""Reading a recorded document strictly: every field typed, nothing guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pytest_rollout.core.errors import LedgerError

T = TypeVar("T")

_LONGEST_COUNT = 78
"""The digits of 2**256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Generic[T]):
    """A value with the sequence number of the ledger entry that holds it."""

    sequence: int
    value: T


@dataclass(frozen=True, slots=True)
class Record:
    """A document and where it stands (``ledger entry 7``), for sentences about its fields.

    Every reader raises ``LedgerError`` when the field is missing or of another type. Fields
    nobody asks for are left alone: what a reader must know is guarded by schema versions.
    """

    document: Mapping[str, Any]
    where: str

    def text(self, key: str) -> str:
        """The string under ``key``; may be empty."""
        value = self._field(key)
        if not isinstance(value, str):
            raise self._mistyped(key, "a string", value)
        return value

    def number(self, key: str) -> int:
        """The integer under ``key``, never a truth value."""
        value = self._field(key)
        if type(value) is not int:
            raise self._mistyped(key, "an integer", value)
        return value

    def count(self, key: str) -> int:
        """The natural number under ``key``, written in decimal digits: block numbers and chain ids have no bound."""
        text = self.text(key)
        if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_COUNT:
            raise self._mistyped(key, "a natural number in digits", text)
        return int(text)

    def truth(self, key: str) -> bool:
        """The truth value under ``key``."""
        value = self._field(key)
        if not isinstance(value, bool):
            raise self._mistyped(key, "true or false", value)
        return value

    def moment(self, key: str) -> datetime:
        """The time under ``key``: ISO 8601 with its offset from UTC."""
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._mistyped(key, "a time such as 2026-11-02T10:00:00+00:00", text) from None
        if moment.tzinfo is None:
            raise self._mistyped(key, "a time with its offset from UTC", text)
        return moment

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of strings under ``key``."""
        value = self._field(key)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._mistyped(key, "a list of strings", value)
        return tuple(value)

    def numbers(self, key: str) -> tuple[int, ...]:
        """The list of integers under ``key``, no truth value among them."""
        value = self._field(key)
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            raise self._mistyped(key, "a list of integers", value)
        return tuple(value)

    def table(self, key: str) -> Record:
        """The table under ``key``, to be read in turn."""
        value = self._field(key)
        if not isinstance(value, dict):
            raise self._mistyped(key, "a table", value)
        return Record(value, f"{self.where}: {key}")

    def tables(self, key: str) -> tuple[Record, ...]:
        """The list of tables under ``key``."""
        value = self._field(key)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self._mistyped(key, "a list of tables", value)
        where = f"{self.where}: {key}"
        return tuple(Record(each, f"{where}[{index}]") for index, each in enumerate(value))

    def _field(self, key: str) -> object:
        try:
            return self.document[key]
        except KeyError:
            raise LedgerError(
                f"{self.where}: no '{key}'; it was not written by this version of pytest-rollout. "
                "Read it with the version that wrote it."
            ) from None

    def _mistyped(self, key: str, expected: str, value: object) -> LedgerError:
        return LedgerError(
            f"{self.where}: '{key}' is {str(value)[:60]!r} where {expected} belongs; "
            "read it with the version of pytest-rollout that wrote it."
        )
