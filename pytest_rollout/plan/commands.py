"""A stage's commands: what is run, and reports whose bounds fit what they count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_rollout.core.command import Command
from pytest_rollout.core.criterion import Bound
from pytest_rollout.core.results import LEVELS, Excuse, Format, Result, at_least, none
from pytest_rollout.core.units import UNITS, Unit
from pytest_rollout.plan import texts
from pytest_rollout.plan.bounds import bound
from pytest_rollout.plan.durations import duration
from pytest_rollout.plan.sentence import GIVEN, Place, Unfit, Written, some

if TYPE_CHECKING:
    from pytest_rollout.plan.command_shape import CommandTable, ResultTable

_TESTS = ("tests", "skipped", "known_failures")
_KEYS: dict[Format, tuple[str, ...]] = {
    Format.JUNIT: _TESTS,
    Format.TAP: _TESTS,
    Format.JSON: ("pointer", "unit", "bound", "equals"),
    Format.SARIF: ("levels",),
    Format.COVERAGE: ("bound",),
}
"""Which keys go with which format."""

_LONGEST_PATTERN = 1000


def commands(
    written: Written, stage: str, tables: Sequence[CommandTable], folder: Path, environment: Sequence[str]
) -> tuple[Command, ...]:
    """The stage's commands in the order written; raises ``PlanError``.

    ``folder`` holds the plan, ``environment`` are the variables that reach the gate at all.
    """
    found: dict[str, Command] = {}
    for index, table in enumerate(tables):
        place: Place = ("stages", stage, "commands", index)
        name = written.read((*place, "name"), table.name, texts.item_name)
        if texts.folded(name) in found:
            raise written.wrong((*place, "name"), "is the name of two commands of this stage; give each its own.")
        reader = _Reader(written=written, place=place, folder=folder, environment=environment)
        found[texts.folded(name)] = reader.command(name, table)
    return tuple(found.values())


def one_command(
    written: Written,
    place: Place,
    folder: Path,
    environment: Sequence[str],
    name: str,
    table: CommandTable,
    run_at: Place = (),
) -> Command:
    """One command of another table, its keys at ``place``; ``run_at`` is where its arguments stand, if elsewhere."""
    return _Reader(written=written, place=place, folder=folder, environment=environment, run_at=run_at).command(
        name, table
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    written: Written
    place: Place
    folder: Path
    environment: Sequence[str]
    run_at: Place = ()

    def command(self, name: str, table: CommandTable) -> Command:
        written, place = self.written, self.place
        self._check_run(table)
        patterns = [
            tuple(written.read((*place, key, index), text, pattern) for index, text in enumerate(getattr(table, key)))
            for key in ("must_print", "never_print")
        ]
        for index, variable in enumerate(table.environment):
            if variable not in self.environment:
                raise written.wrong(
                    (*place, "environment", index), f"{GIVEN} does not reach the gate; add it to rollout.environment."
                )
        results = tuple(self._result((*place, "results", index), each) for index, each in enumerate(table.results))
        if any(table.status) and not results and not patterns[0]:
            raise written.wrong(
                (*place, "status"),
                "takes a status other than 0 and nothing else is looked at; add results, or must_print.",
            )
        return Command(
            name=name,
            run=tuple(table.run),
            folder=written.read((*place, "cwd"), table.cwd, self._folder),
            shell=table.shell,
            environment=tuple(table.environment),
            limit=written.read((*place, "timeout"), table.timeout, duration),
            statuses=tuple(table.status),
            must_print=patterns[0],
            never_print=patterns[1],
            results=results,
            required=not table.advisory,
        )

    def _check_run(self, table: CommandTable) -> None:
        where = self.run_at or (*self.place, "run")
        for index, text in enumerate(table.run):
            if "\0" in text:
                raise self.written.wrong((*where, index), "has a NUL character, which no argument can have.")
        if not table.run[0].strip():
            raise self.written.wrong((*where, 0), "names no program.")
        if table.shell and len(table.run) > 1:
            raise self.written.wrong(where, "has several entries, and a shell takes one line; write one string.")
        if not table.shell and len(table.run) == 1 and " " in table.run[0].strip():
            raise self.written.wrong(
                where,
                f"is one text with blanks in it; write an array, such as {_split(table.run[0])}, or shell = true.",
            )

    def _folder(self, text: str) -> Path:
        path = self.folder / texts.line(text)
        if not path.is_dir():
            raise Unfit(f"no folder {GIVEN}; it is looked for relative to the plan.")
        return path

    def _result(self, place: Place, table: ResultTable) -> Result:
        form = Format(table.format)
        given = self.written.at(place)
        for key in given if isinstance(given, dict) else ():
            if key not in {"format", "file", *_KEYS[form]}:
                raise self.written.wrong(
                    (*place, key), f"does not go with {form.value}; allowed are {some(('file', *_KEYS[form]))}."
                )
        reader = _Report(written=self.written, place=place, table=table)
        return Result(
            format=form,
            file=self.written.read((*place, "file"), table.file, _file) if table.file is not None else "",
            tests=reader.bound("tests", UNITS["count"]) or at_least(1),
            skipped=reader.bound("skipped", UNITS["count"]) or none(),
            excuses=reader.excuses(),
            pointer=reader.pointer(),
            unit=UNITS[table.unit],
            bound=reader.wanted(form),
            equals=table.equals,
            levels=reader.levels() if form is Format.SARIF else {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    written: Written
    place: Place
    table: ResultTable

    def bound(self, key: str, unit: Unit) -> Bound | None:
        text = getattr(self.table, key)
        return None if text is None else self.written.read((*self.place, key), text, lambda each: bound(each, unit))

    def wanted(self, form: Format) -> Bound | None:
        """The bound of a JSON value or of coverage; one of bound and equals is needed, and never both."""
        if form is Format.JSON and (self.table.bound is None) == (self.table.equals is None):
            raise self.written.wrong(self.place, 'needs bound or equals, one of the two, such as bound = "== 0".')
        if form is Format.COVERAGE and self.table.bound is None:
            raise self.written.wrong(self.place, 'needs a bound, such as bound = ">= 95 %".')
        unit = UNITS["ratio"] if form is Format.COVERAGE or self.table.unit == "%" else UNITS[self.table.unit]
        return self.bound("bound", unit)

    def pointer(self) -> str:
        text = self.table.pointer
        if text is None:
            if self.table.format == Format.JSON:
                raise self.written.wrong(self.place, 'needs a pointer, such as pointer = "/totals/passed".')
            return ""
        if text and not text.startswith("/"):
            raise self.written.wrong(
                (*self.place, "pointer"), f"{GIVEN} is no JSON pointer; write it such as '/totals/passed'."
            )
        return text

    def excuses(self) -> tuple[Excuse, ...]:
        found: dict[str, Excuse] = {}
        for index, entry in enumerate(self.table.known_failures):
            place = (*self.place, "known_failures", index)
            test = self.written.read((*place, "test"), entry.test, texts.line)
            if test in found:
                raise self.written.wrong((*place, "test"), "is listed twice; list each test once.")
            found[test] = Excuse(
                test=test,
                owner=self.written.read((*place, "owner"), entry.owner, texts.line),
                reason=self.written.read((*place, "reason"), entry.reason, texts.line),
                expires=entry.expires,
            )
        return tuple(found.values())

    def levels(self) -> dict[str, Bound]:
        table = self.table.levels
        bounds = {"error": none()}
        for level in LEVELS:
            text = None if table is None else getattr(table, level)
            if text is not None:
                bounds[level] = self.written.read(
                    (*self.place, "levels", level), text, lambda each: bound(each, UNITS["count"])
                )
        return bounds


def pattern(text: str) -> str:
    """A regular expression that does not find everything; raises ``Unfit``."""
    try:
        form = re.compile(text, re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise Unfit(f"{GIVEN} is no regular expression: {error}.") from None
    if len(text) > _LONGEST_PATTERN:
        raise Unfit(f"has {len(text)} characters; {_LONGEST_PATTERN} are the most.")
    if form.search(""):
        raise Unfit(f"{GIVEN} is found in any text, even in none; write one that is not.")
    return text


def _file(text: str) -> str:
    if texts.line(text).endswith("/"):
        raise Unfit(f"{GIVEN} names a folder; write the report's file.")
    if "{results}" in text and not text.startswith("{results}/"):
        raise Unfit(f"{GIVEN} has {{results}} in its midst; begin with it, such as '{{results}}/junit.xml'.")
    return text


def _split(text: str) -> str:
    return "[" + ", ".join(f'"{each[:30]}"' for each in text.split()[:4]) + "]"
