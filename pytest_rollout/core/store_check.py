"""A store, or two that must hold the same: judged from the tally of their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.recorded import count
from pytest_rollout.core.store_tally import Asked

_SHOWN = 3
_DETAIL = 2000

SORTS: Mapping[str, str] = {
    "broken": "cannot be read",
    "nameless": "do not say who they are",
    "doubles": "of one identity",
    "placeholders": "addresses of nothing",
    "foreign": "out of scope",
    "leftovers": "left over",
    "missing": "of the inventory missing",
    "unexpected": "not in the inventory",
    "only_left": "only in {left}",
    "only_right": "only in {right}",
    "differing": "differing",
    "unseen": "of the declared fields in no record",
}
"""What is wrong, in words; ``set_aside`` alone is not."""


class StoreKind(StrEnum):
    """The sorts of store that can be read."""

    LEVELDB = "leveldb"
    JSON = "json"
    UNIFIED = "unified"
    NDJSON = "ndjson"
    SQLITE = "sqlite"
    SQL = "sql"
    FILES = "files"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """One declared store: where it is, and the table of it, or the question to it, where it has tables.

    A store of kind sql is in a ``database`` and has no path.
    """

    name: str
    kind: StoreKind
    path: Path = Path()
    table: str = ""
    query: str = ""
    database: DatabaseSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """One store looked through, or two compared: ``right`` is None for one alone.

    ``at_least`` is how many records the left one must hold; an empty store is never right.
    """

    name: str
    left: StoreSettings
    right: StoreSettings | None
    asked: Asked
    at_least: int = 1
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Stores."""
        return Kind.STORE

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same check; only its inventory could hold a secret."""
        return replace(self, asked=replace(self.asked, inventory=tuple(map(clean, self.asked.inventory))))

    def judge(self, item: str, seen: Observation) -> Finding:
        """Same in every record, none missing, none doubled; everything else is told by name."""
        try:
            outcome, measured, detail = self._judge(seen.value)
        except (KeyError, TypeError, ValueError) as error:
            outcome, detail = Outcome.ERROR, ""
            measured = f"not understood ({type(error).__name__}: {error})"
        return Finding(
            item=item,
            kind=Kind.STORE,
            title=self.name,
            outcome=outcome,
            measured=measured,
            needed=self._needed(),
            source=seen.source,
            remedy="" if outcome is Outcome.PASS else self._remedy(),
            detail=shortened(detail, _DETAIL, beginning=1),
            required=self.required,
        )

    def _judge(self, seen: Any) -> tuple[Outcome, str, str]:
        if not isinstance(seen, Mapping) or seen["pair"] is not (self.right is not None):
            raise TypeError("no tally of these stores was recorded")
        left, right, same = (count(seen[key]) for key in ("left", "right", "same"))
        counts = {sort: count(number) for sort, number in seen["counts"].items()}
        if unknown := set(counts) - {*SORTS, "set_aside"}:
            raise ValueError(f"an unknown sort {min(unknown)!r}")
        names = {"left": self.left.name, "right": self.right.name if self.right else ""}
        wrong = [
            f"{counts[sort]} {words.format(**names)}: {_some(seen['listed'][sort], counts[sort])}"
            for sort, words in SORTS.items()
            if counts.get(sort)
        ]
        owed = max(self.at_least, len(self.asked.inventory))
        if not wrong and (same < owed or (self.right is not None and not left == right == same)):
            wrong.append(f"{same} of {owed} records" if same < owed else f"{left} and {right} records, {same} the same")
        aside = f", {counts['set_aside']} set aside" if counts.get("set_aside") else ""
        good = f"{same} of {max(left, right)} records {'the same' if self.right else 'looked through'}{aside}"
        if not wrong:
            return Outcome.PASS, good, ""
        outcome = Outcome.ERROR if left == 0 and right == 0 else Outcome.FAIL
        return outcome, "; ".join([*wrong, good]), _table(seen["listed"])

    def _needed(self) -> str:
        owed = max(self.at_least, len(self.asked.inventory))
        if self.right is None:
            return f"{owed} records or more in {self.left.name}, each readable and once"
        what = ", ".join(self.asked.fields) or "every field"
        return f"{owed} records or more, the same in {self.left.name} and {self.right.name} in {what}"

    def _remedy(self) -> str:
        if self.right is None:
            return f"mend {self.left.name}, run the gate again"
        return f"rollout compare {self.left.name} {self.right.name}"


def _table(listed: Mapping[str, Any]) -> str:
    """Every listed record, a line each."""
    lines = [
        f"{name} {field}: {one} | {other}"
        for name, fields in listed.get("differing", ())
        for field, one, other in fields
    ]
    lines += [f"{sort}: {each}" for sort in SORTS if sort != "differing" for each in listed.get(sort, ())]
    return "\n".join(lines)


def _some(listed: list[Any], count: int) -> str:
    names = [
        each if isinstance(each, str) else f"{each[0]} ({', '.join(field for field, *_ in each[1])})"
        for each in listed[:_SHOWN]
    ]
    return ", ".join(names) + (f" and {count - len(names)} more" if count > len(names) else "")
