"""The three windows a trigger may look through, and what is remembered while looking (rule 16)."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.series import Column, duration_text


class WindowKind(StrEnum):
    """``every`` sample bad for the duration, the ``aggregate`` of it bad, or k of the last n samples bad."""

    EVERY = "every"
    AGGREGATE = "aggregate"
    K_OF_N = "k of n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a trigger looks at. ``over`` is in nanoseconds and 0 for k of n, which counts samples.

    It asks for *more* than ``over``: bad for exactly 15 minutes does not trip "15m" (rule 7).
    """

    kind: WindowKind
    over: int = 0
    k: int = 0
    n: int = 0

    def __str__(self) -> str:
        if self.kind is WindowKind.K_OF_N:
            return f"{self.k} of {self.n} samples"
        what = "every sample" if self.kind is WindowKind.EVERY else "in aggregate"
        return f"{what} for more than {duration_text(self.over)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one trigger has seen of one series so far; hand it in again with the samples that follow.

    ``clock`` is the time seen until ``last``, the newest sample: gaps longer than the plan allows
    are cut out of it, so that they neither count as bad time nor clear it. ``bad_since`` is the
    clock at which the run of bad samples began, None after a good one. ``clocks`` and the columns
    are the samples that still lie in the window. ``first_fired`` and ``last_fired`` are sample times.
    """

    last: int | None = None
    clock: int = 0
    bad_since: int | None = None
    clocks: array[int] = field(default_factory=lambda: array("q"))
    columns: tuple[Column, ...] = ()
    first_fired: int | None = None
    last_fired: int | None = None
    is_firing: bool = False

    @property
    def fired(self) -> bool:
        """Whether the trigger has fired at any sample so far."""
        return self.first_fired is not None

    def document(self) -> dict[str, Any]:
        """As it is kept between two looks: exact, with numbers that JSON carries as text."""
        return {
            "last": _text(self.last),
            "clock": str(self.clock),
            "bad_since": _text(self.bad_since),
            "clocks": [str(each) for each in self.clocks],
            "columns": [_column_document(each) for each in self.columns],
            "first_fired": _text(self.first_fired),
            "last_fired": _text(self.last_fired),
            "is_firing": self.is_firing,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Looked:
        """What ``document`` wrote; raises ``EvidenceError`` for anything else."""
        try:
            return cls(
                last=_number(document["last"]),
                clock=int(document["clock"]),
                bad_since=_number(document["bad_since"]),
                clocks=array("q", map(int, document["clocks"])),
                columns=tuple(_column(each) for each in document["columns"]),
                first_fired=_number(document["first_fired"]),
                last_fired=_number(document["last_fired"]),
                is_firing=document["is_firing"] is True,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise EvidenceError(f"no remembered window can be read ({type(error).__name__}: {error}).") from None


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _column_document(column: Column) -> list[Any]:
    if isinstance(column, list):
        return ["x", *map(str, column)]
    return [column.typecode, *map(repr, column)]


def _column(document: list[str]) -> Column:
    kind, *entries = document
    if kind == "x":
        return [Fraction(each) if "/" in each else int(each) for each in entries]
    return array("d", map(float, entries)) if kind == "d" else array("q", map(int, entries))
