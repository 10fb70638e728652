"""What a program's own report must say - tests, findings, coverage, one JSON value - and whether it does.

A report is read where the program ran and recorded as counts; these values judge the counts. What was
read and is not understood is an error, and a report of nothing is one too: it is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.recorded import count, texts
from pytest_rollout.core.state import agree
from pytest_rollout.core.units import UNITS, Unit, show

if TYPE_CHECKING:  # the plan knows its checks, and so do they its values
    from pytest_rollout.core.rollout import Value

Problem = tuple[Outcome, str]
"""One thing that keeps a report from being what the plan asks for."""

_SHOWN = 5
_LONGEST = 400


class Format(StrEnum):
    """The reports that can be read."""

    JUNIT = "junit"
    TAP = "tap"
    JSON = "json"
    SARIF = "sarif"
    COVERAGE = "coverage"


LEVELS = ("error", "warning", "note")
"""SARIF's levels that say something was found, gravest first."""


def at_least(count: int) -> Bound:
    """``>= count``."""
    return Bound(relation=Relation.AT_LEAST, limit=Fraction(count), unit=UNITS["count"])


def none() -> Bound:
    """``== 0``."""
    return Bound(relation=Relation.EQUAL, limit=Fraction(0), unit=UNITS["count"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """A test of somebody else's suite that may fail until ``expires``, and who answers for it (rule 30)."""

    test: str
    owner: str
    reason: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One report and what it must say.

    ``file`` is relative to the command's folder, may begin with ``{results}``, and is empty for
    standard output. ``tests``, ``skipped`` and ``excuses`` are about JUnit and TAP; ``pointer`` (RFC
    6901), ``unit``, ``bound`` and ``equals`` about JSON; ``levels`` about SARIF; ``bound`` about coverage.
    """

    format: Format
    file: str = ""
    tests: Bound = field(default_factory=lambda: at_least(1))
    skipped: Bound = field(default_factory=none)
    excuses: tuple[Excuse, ...] = ()
    pointer: str = ""
    unit: Unit = UNITS["count"]
    bound: Bound | None = None
    equals: Value | None = None
    levels: Mapping[str, Bound] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The report in words."""
        return f"{self.format.value} {self.file or 'on standard output'}"

    @property
    def needed(self) -> str:
        """What it must say, for people."""
        if self.format is Format.JSON:
            wanted = str(self.bound) if self.bound is not None else _shown(self.equals)
            return f"{self.pointer or 'the value'} {wanted}"
        if self.format is Format.COVERAGE:
            return f"coverage {self.bound}"
        if self.format is Format.SARIF:
            return ", ".join(f"{level}s {bound}" for level, bound in self.levels.items())
        return f"tests {self.tests}, all passed" + (f", {len(self.excuses)} excused" if self.excuses else "")

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same with ``clean`` applied to every text that could hold a secret."""
        excuses = tuple(
            replace(each, owner=clean(each.owner), reason=clean(each.reason), test=clean(each.test))
            for each in self.excuses
        )
        return replace(self, file=clean(self.file), equals=clean(self.equals), excuses=excuses)

    def judge(self, seen: object, at: datetime) -> tuple[str, list[Problem]]:
        """What was measured, for people, and everything that stands in the way; ``at`` is when it ran."""
        if not isinstance(seen, Mapping):
            return "nothing", [(Outcome.ERROR, f"{self.title}: nothing was recorded")]
        if error := seen.get("error"):
            return "", [(Outcome.ERROR, f"{self.title}: {error}")]
        try:
            measured, problems = _JUDGES[self.format](self, seen, at)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            return "", [(Outcome.ERROR, f"{self.title}: not understood ({type(error).__name__}: {error})")]
        return measured, [(outcome, f"{self.title}: {why}") for outcome, why in problems]


def _tests(result: Result, seen: Mapping[str, Any], at: datetime) -> tuple[str, list[Problem]]:
    tests, passed, skipped = (count(seen[key]) for key in ("tests", "passed", "skipped"))
    unnamed, failed = count(seen["unnamed"]), texts(seen["failed"])
    if tests != passed + skipped + len(failed) or tests == 0:
        return "", [(Outcome.ERROR, f"{tests} tests, {passed} passed, {skipped} skipped, {len(failed)} failed")]
    problems: list[Problem] = []
    if not result.tests.holds(Fraction(tests)):
        problems.append((Outcome.FAIL, f"{tests} tests, not {result.tests}"))
    if not result.skipped.holds(Fraction(skipped)):
        problems.append((Outcome.FAIL, f"{skipped} skipped, not {result.skipped}"))
    if unnamed:
        problems.append((Outcome.FAIL, f"{unnamed} failures are counted that no test shows"))
    problems += _unexcused(result, failed, at)
    return f"{passed} of {tests} tests passed", problems


def _unexcused(result: Result, failed: Sequence[str], at: datetime) -> list[Problem]:
    excuses = {each.test: each for each in result.excuses}
    problems: list[Problem] = []
    unknown = [name for name in failed if name not in excuses]
    if unknown:
        problems.append((Outcome.FAIL, f"failed: {_some(unknown)}"))
    problems += [
        (Outcome.FAIL, f"{name}: excused until {excuses[name].expires.isoformat()}, which has passed")
        for name in failed
        if name in excuses and at >= excuses[name].expires
    ]
    problems += [
        (Outcome.FAIL, f"{name} failed {failed.count(name)} times; the excuse is for one")
        for name in excuses
        if failed.count(name) > 1
    ]
    problems += [
        (Outcome.INCONCLUSIVE, f"{name} is listed as a known failure and did not fail; correct the list")
        for name in excuses
        if name not in failed
    ]
    return problems


def _json(result: Result, seen: Mapping[str, Any], _at: datetime) -> tuple[str, list[Problem]]:
    value = seen["value"]
    shown = _shown(value)
    if result.bound is None:
        agrees = result.equals is not None and agree(result.equals, value)
        return shown, [] if agrees else [(Outcome.FAIL, f"{result.pointer} is {shown}, not {_shown(result.equals)}")]
    number = _number(value)
    if number is None:
        return shown, [(Outcome.ERROR, f"{result.pointer} is {shown}, which is no number")]
    base = number * result.unit.scale
    measured = show(base, result.bound.unit)
    return measured, [] if result.bound.holds(base) else [(Outcome.FAIL, f"{measured}, not {result.bound}")]


def _sarif(result: Result, seen: Mapping[str, Any], _at: datetime) -> tuple[str, list[Problem]]:
    counts = {level: count(seen[f"{level}s"]) for level in LEVELS}
    suppressed, examples = count(seen["suppressed"]), texts(seen["examples"])
    measured = ", ".join(f"{count} {level}s" for level, count in counts.items())
    measured += f", {suppressed} suppressed" if suppressed else ""
    problems: list[Problem] = [
        (Outcome.FAIL, f"{counts[level]} {level}s, not {bound}: {_some(examples)}")
        for level, bound in result.levels.items()
        if not bound.holds(Fraction(counts[level]))
    ]
    return measured, problems


def _coverage(result: Result, seen: Mapping[str, Any], _at: datetime) -> tuple[str, list[Problem]]:
    covered, lines = count(seen["covered"]), count(seen["lines"])
    if not lines or covered > lines or result.bound is None:
        return "", [(Outcome.ERROR, f"{covered} of {lines} lines is no coverage")]
    share = Fraction(covered, lines)
    measured = f"{show(share, UNITS['%'])} of {lines} lines"
    return measured, [] if result.bound.holds(share) else [(Outcome.FAIL, f"{measured}, not {result.bound}")]


_JUDGES: Mapping[Format, Callable[[Result, Mapping[str, Any], datetime], tuple[str, list[Problem]]]] = {
    Format.JUNIT: _tests,
    Format.TAP: _tests,
    Format.JSON: _json,
    Format.SARIF: _sarif,
    Format.COVERAGE: _coverage,
}


def _number(value: object) -> Fraction | None:
    """An exact number: an integer, or a decimal as ``{"decimal": "0.5"}``; text and booleans are none (rule 6)."""
    if type(value) is int:
        return Fraction(value)
    if isinstance(value, Mapping) and set(value) == {"decimal"} and len(str(value["decimal"])) <= _LONGEST:
        number = Decimal(str(value["decimal"]))
        if number.is_finite() and abs(number.adjusted()) <= _LONGEST:
            return Fraction(number)
    return None


def _shown(value: object) -> str:
    if isinstance(value, Mapping) and set(value) == {"decimal"}:
        return str(value["decimal"])
    return str(value).lower() if isinstance(value, bool) else str(value)[:_LONGEST]


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
