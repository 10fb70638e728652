"""A database looked at: judged from its structure, counts, sums and tags, before and after migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.criterion import Bound
from pytest_rollout.core.database import Column, DatabaseSettings, Index, Migrations, Risk, Structure, Tag
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.recorded import count, texts
from pytest_rollout.core.sql_words import is_default, type_name

Problem = tuple[Outcome, str]

_SHOWN = 5
_DETAIL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCheck:
    """What one item asks of one database: of ``table`` where it names one.

    With ``migrations`` everything is asked of a copy on which they ran. ``same_as`` is a database whose
    table must have the same rows and the same exact sums. ``models`` is SQLAlchemy metadata to be the
    same as, ``revisions`` a folder of Alembic's whose newest revision must have been applied.
    """

    name: str
    database: DatabaseSettings
    table: str = ""
    structure: Structure = field(default_factory=Structure)
    rows: Bound | None = None
    sums: tuple[str, ...] = ()
    same_as: DatabaseSettings | None = None
    tag: Tag | None = None
    migrations: Migrations | None = None
    models: str = ""
    revisions: Path | None = None
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Databases."""
        return Kind.DATABASE

    @property
    def counts_rows(self) -> bool:
        """Whether rows are counted."""
        return self.rows is not None or self.same_as is not None or bool(self.sums)

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same with ``clean`` applied to what is compared; URLs are never shown."""
        wanted = self.structure
        columns = {name: replace(each, default=clean(each.default)) for name, each in wanted.columns.items()}
        tag = self.tag
        if tag is not None:
            tag = replace(tag, networks={clean(value): network for value, network in tag.networks.items()})
        checks = tuple(map(clean, wanted.checks))
        return replace(self, structure=replace(wanted, columns=columns, checks=checks), tag=tag)

    def judge(self, item: str, seen: Observation) -> Finding:
        """Everything that is not as declared; the gravest decides."""
        value = seen.value if isinstance(seen.value, Mapping) else {}
        told: list[str] = []
        try:
            problems = list(self._problems(value, told))
        except (KeyError, TypeError, ValueError) as error:
            problems = [(Outcome.ERROR, f"not understood ({type(error).__name__}: {error})")]
        problems.sort(key=lambda problem: problem[0].gravity)
        outcome = problems[0][0] if problems else Outcome.PASS
        texts = [why for _, why in problems]
        more = len(texts) - _SHOWN
        shown = "; ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return Finding(
            item=item,
            kind=self.kind,
            title=self.name,
            outcome=outcome,
            measured=shown or ", ".join(told),
            needed=self._needed(),
            source=seen.source,
            remedy="" if outcome is Outcome.PASS else f"mend {self.database.name} or the plan, run the gate again",
            detail=shortened("\n".join(texts), _DETAIL, beginning=1),
            required=self.required,
        )

    def _needed(self) -> str:
        where = f"{self.table} as declared" if self.table else self.database.name
        parts = [where]
        if self.rows is not None:
            parts.append(f"rows {self.rows}")
        if self.same_as is not None:
            parts.append(f"rows{_and(self.sums)} as in {self.same_as.name}")
        if self.tag is not None:
            parts.append(f"every {self.tag.column} that of the row's chain")
        if self.migrations is not None:
            parts.append(f"migrations that keep every row{_and(self.sums)}")
        if self.models:
            parts.append(f"the same as {self.models}")
        if self.revisions is not None:
            parts.append("the newest revision")
        return ", ".join(parts)

    def _problems(self, seen: Mapping[str, Any], told: list[str]) -> Iterator[Problem]:
        if self.migrations is not None:
            yield from _migrated(self.migrations, seen["migrations"], self.table, self.sums, told)
            if not seen["migrations"]["applied"]:
                return
        if self.structure.is_asked:
            yield from _built(self.structure, seen["structure"], told)
        if self.counts_rows:
            yield from self._counted(seen["counts"], told)
        if self.tag is not None:
            yield from _tagged(self.tag, seen["tag"], told)
        if self.models:
            drift = texts(seen["drift"])
            yield from ((Outcome.FAIL, f"drift: {each}") for each in drift)
            told.append("no drift" if not drift else "")
        if self.revisions is not None:
            current, heads = texts(seen["revisions"]["current"]), texts(seen["revisions"]["heads"])
            if not heads:
                yield Outcome.ERROR, "there is no revision in the folder"
            elif sorted(current) != sorted(heads):
                yield Outcome.FAIL, f"at revision {', '.join(current) or 'none'}, the newest is {', '.join(heads)}"
            told.append(f"revision {', '.join(current)}")

    def _counted(self, seen: Mapping[str, Any], told: list[str]) -> Iterator[Problem]:
        rows = count(seen["here"]["rows"])
        told.append(f"{rows} rows")
        if self.rows is not None and not self.rows.holds(Fraction(rows)):
            yield Outcome.FAIL, f"{rows} rows, not {self.rows}"
        if self.same_as is not None:
            if rows == 0:
                yield Outcome.INCONCLUSIVE, "no row to compare"
            yield from _differing(seen["here"], seen["other"], self.sums, f"in {self.same_as.name}")
            told += [f"sum of {name} {seen['here']['sums'][name]['sum']}" for name in self.sums]


def _and(sums: Sequence[str]) -> str:
    return f" and the sums of {', '.join(sums)}" if sums else ""


def _built(wanted: Structure, seen: Mapping[str, Any], told: list[str]) -> Iterator[Problem]:
    columns, indexes = seen["columns"], seen["indexes"]
    for name, column in wanted.columns.items():
        if name not in columns:
            yield Outcome.FAIL, f"no column {name}"
        else:
            yield from _column(name, column, columns[name])
    for name, index in wanted.indexes.items():
        yield from _indexed(name, index, indexes.get(name))
    yield from _constrained(wanted, seen)
    if wanted.exact:
        for what, found, declared in (("column", columns, wanted.columns), ("index", indexes, wanted.indexes)):
            yield from (
                (Outcome.FAIL, f"{what} {each}, which nobody declared") for each in found if each not in declared
            )
    told.append(f"{len(columns)} columns, {len(indexes)} indexes")


def _constrained(wanted: Structure, seen: Mapping[str, Any]) -> Iterator[Problem]:
    if wanted.primary_key and tuple(seen["primary_key"]) != wanted.primary_key:
        yield Outcome.FAIL, f"the primary key is {', '.join(seen['primary_key']) or 'none'}"
    unique = [sorted(each) for each in seen["unique"]]
    yield from (
        (Outcome.FAIL, f"{', '.join(each)} is not unique") for each in wanted.unique if sorted(each) not in unique
    )
    for name, target in wanted.foreign_keys.items():
        if seen["foreign_keys"].get(name) != target:
            yield Outcome.FAIL, f"{name} refers to {seen['foreign_keys'].get(name, 'nothing')}, not {target}"
    checks = seen["checks"]
    for check, spelt in zip(wanted.checks, checks["wanted"], strict=True):
        if spelt not in checks["seen"]:
            yield Outcome.FAIL, f"no constraint {check}"


def _indexed(name: str, wanted: Index, seen: Mapping[str, Any] | None) -> Iterator[Problem]:
    if seen is None:
        yield Outcome.FAIL, f"no index {name}"
    elif (tuple(seen["columns"]), seen["unique"]) != (wanted.columns, wanted.unique):
        unique = "unique " if seen["unique"] else ""
        yield Outcome.FAIL, f"index {name} is {unique}on {', '.join(map(str, seen['columns']))}"
    elif seen["valid"] is not True:
        yield Outcome.FAIL, f"index {name} is invalid: it was not built to its end"
    elif seen["where"]:
        yield Outcome.FAIL, f"index {name} covers only rows where {seen['where']}"


def _column(name: str, wanted: Column, seen: Mapping[str, Any]) -> Iterator[Problem]:
    if wanted.type is not None and type_name(wanted.type) != type_name(seen["type"]):
        yield Outcome.FAIL, f"{name} is {seen['type'].lower()}, not {wanted.type}"
    if wanted.null is not None and seen["null"] is not wanted.null:
        yield Outcome.FAIL, f"{name} {'may' if seen['null'] else 'may not'} be null"
    if wanted.default is not None and not is_default(wanted.default, seen["default"]):
        yield Outcome.FAIL, f"the default of {name} is {seen['default'] or 'none'}, not {wanted.default}"


def _differing(here: Mapping[str, Any], other: Mapping[str, Any], sums: Sequence[str], where: str) -> Iterator[Problem]:
    ours, theirs = count(here["rows"]), count(other["rows"])
    if ours != theirs:
        yield Outcome.FAIL, f"{ours} rows, and {theirs} {where}"
    for name in sums:
        one, two = here["sums"][name], other["sums"][name]
        if count(one["values"]) != count(two["values"]):
            yield Outcome.FAIL, f"{one['values']} rows with {name}, and {two['values']} {where}"
        if Fraction(one["sum"]) != Fraction(two["sum"]):
            yield Outcome.FAIL, f"the sum of {name} is {one['sum']}, and {two['sum']} {where}"


def _tagged(tag: Tag, seen: Mapping[str, Any], told: list[str]) -> Iterator[Problem]:
    rows, wrong, unsure = (count(seen[key]) for key in ("rows", "wrong", "unsure"))
    listed = texts(seen["listed"])
    counts = {str(name): count(number) for name, number in seen["tags"].items()}
    if sum(counts.values()) != rows or wrong > rows * len(tag.references) + rows:
        raise ValueError(f"{counts} are not {rows} rows")
    if not rows:
        yield Outcome.INCONCLUSIVE, f"no row with a {tag.column} to look at"
    if wrong:
        yield Outcome.FAIL, f"{wrong} of {rows} rows wrong about their chain: {'; '.join(listed[:3])}"
    elif unsure:
        yield Outcome.INCONCLUSIVE, f"{unsure} of {rows} rows whose chain nobody can tell: {'; '.join(listed[:3])}"
    told.append(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _migrated(
    wanted: Migrations, seen: Mapping[str, Any], table: str, sums: Sequence[str], told: list[str]
) -> Iterator[Problem]:
    files = seen["files"]
    if not files:
        yield Outcome.NOT_RUN, "no migration is left to run"
    for each in files:
        for risk, statement in each["risks"]:
            if risk not in wanted.allowed:
                yield Outcome.FAIL, f"{each['name']}: {risk}: {statement}; look at it, then allow it"
    if seen["applied"] is not True:
        yield Outcome.FAIL, f"not applied: {seen['error'] or 'nothing was run'}"
        return
    before, after = seen["before"], seen["after"]
    for name, rows in before.items():
        yield from _kept(wanted, name, count(rows), after.get(name), is_compared=name == table)
    if table in after and table in before:
        if sums and not before[table]:
            yield Outcome.INCONCLUSIVE, f"{table} had no row, so nothing shows that its sums are kept"
        yield from _differing(seen["here"], seen["then"], sums, "before")
    elif sums:
        yield Outcome.INCONCLUSIVE, f"there was no table {table} before, so there are no sums to compare"
    told.append(f"{len(files)} migrations on a copy, {sum(before.values())} rows kept")


def _kept(wanted: Migrations, name: str, rows: int, after: object, *, is_compared: bool) -> Iterator[Problem]:
    if after is None:
        if Risk.DROP_TABLE not in wanted.allowed:
            yield Outcome.FAIL, f"table {name} is gone, with {rows} rows"
    elif rows != count(after) and name not in wanted.changing and not is_compared:
        yield Outcome.FAIL, f"{name} had {rows} rows and has {after}"
