"""A command of the runbook and how it must end: its status, its reports and what it prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.results import Problem, Result

_DETAIL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: what is run and what must come of it.

    ``run`` are the arguments, or one line for the shell where ``shell`` says so; ``{results}`` in
    them is a folder that is empty when the command starts. ``environment`` names the variables it
    gets besides the usual ones. ``must_print`` and ``never_print`` are regular expressions, asked
    line by line of everything it prints.
    """

    name: str
    run: tuple[str, ...]
    folder: Path
    shell: bool = False
    environment: tuple[str, ...] = ()
    limit: timedelta = timedelta(minutes=10)
    statuses: tuple[int, ...] = (0,)
    must_print: tuple[str, ...] = ()
    never_print: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Commands."""
        return Kind.COMMAND

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same command with ``clean`` applied to every text that could hold a secret."""
        return replace(
            self,
            run=tuple(map(clean, self.run)),
            must_print=tuple(map(clean, self.must_print)),
            never_print=tuple(map(clean, self.never_print)),
            results=tuple(each.redacted(clean) for each in self.results),
        )

    def judge(self, item: str, seen: Observation) -> Finding:
        """Every way in which it did not do as declared; the gravest decides."""
        value = seen.value
        try:
            measured, problems = self._problems(value if isinstance(value, Mapping) else {}, seen.judged_at)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            measured, problems = "", [(Outcome.ERROR, f"not understood ({type(error).__name__}: {error})")]
        outcome = min((each for each, _ in problems), key=lambda each: each.gravity, default=Outcome.PASS)
        ordered = sorted(problems, key=lambda problem: problem[0].gravity)
        output = value.get("output", "") if isinstance(value, Mapping) else ""
        return Finding(
            item=item,
            kind=self.kind,
            title=self.name,
            outcome=outcome,
            measured="; ".join(why for _, why in ordered) or measured,
            needed=self._needed(),
            source=seen.source,
            remedy="" if outcome is Outcome.PASS else "run the command by hand, mend what it finds, run the gate again",
            detail="" if outcome is Outcome.PASS else shortened(str(output), _DETAIL, beginning=0),
            required=self.required,
        )

    def _needed(self) -> str:
        statuses = " or ".join(map(str, self.statuses))
        parts = [f"status {statuses} within {_time(self.limit)}", *(each.needed for each in self.results)]
        parts += [f"prints {pattern!r}" for pattern in self.must_print]
        parts += [f"never prints {pattern!r}" for pattern in self.never_print]
        return ", ".join(parts)

    def _problems(self, seen: Mapping[str, Any], judged_at: datetime | None) -> tuple[str, list[Problem]]:
        """Excuses expire by the judge's clock; the recorder's own counts until the judge has spoken."""
        at = judged_at or datetime.fromisoformat(seen["at"])
        problems = [*self._ending(seen), *self._printed(seen)]
        results: Sequence[Any] = seen["results"]
        if len(results) != len(self.results):
            raise ValueError(f"{len(results)} of {len(self.results)} reports were recorded")
        measured = [f"status {seen['status']}"]
        for result, each in zip(self.results, results, strict=True):
            said, found = result.judge(each, at)
            measured.append(said)
            problems += found
        return ", ".join(filter(None, measured)), problems

    def _ending(self, seen: Mapping[str, Any]) -> list[Problem]:
        status, signal, left = seen["status"], seen["signal"], seen["left"]
        if type(left) is not int or not isinstance(signal, str) or type(seen["timed_out"]) is not bool:
            raise TypeError("how the command ended was not recorded")
        problems: list[Problem] = []
        if seen["timed_out"]:
            problems.append((Outcome.FAIL, f"did not end within {_time(self.limit)} and was ended"))
        elif signal:
            problems.append((Outcome.FAIL, f"was ended by {signal}"))
        elif type(status) is not int:
            raise TypeError("no exit status was recorded")
        elif status not in self.statuses:
            problems.append((Outcome.FAIL, f"ended with status {status}"))
        if left and not seen["timed_out"]:
            what = "a process" if left == 1 else f"{left} processes"
            problems.append((Outcome.INCONCLUSIVE, f"left {what} running, which nobody waited for and which was ended"))
        return problems

    def _printed(self, seen: Mapping[str, Any]) -> list[Problem]:
        must, never = seen["must_print"], seen["never_print"]
        if not isinstance(must, list) or not isinstance(never, list):
            raise TypeError("what it printed was not compared")
        if len(must) != len(self.must_print) or len(never) != len(self.never_print):
            raise ValueError("what it printed was not compared with every pattern")
        problems: list[Problem] = [
            (Outcome.FAIL, f"never printed {pattern!r}")
            for pattern, line in zip(self.must_print, must, strict=True)
            if not isinstance(line, str)
        ]
        problems += [
            (Outcome.FAIL, f"printed {str(line)[:200]!r}, which {pattern!r} must never find")
            for pattern, line in zip(self.never_print, never, strict=True)
            if line is not None
        ]
        return problems


def _time(limit: timedelta) -> str:
    seconds = int(limit.total_seconds())
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
