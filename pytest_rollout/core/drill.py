"""An exercised emergency: commands run on a copy that is torn, killed or crowded, and what stores hold afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from pytest_rollout.core.command import Command
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.inert import shortened
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.recorded import count
from pytest_rollout.core.store_check import StoreCheck

Problem = tuple[Outcome, str]

_SHOWN = 4
_DETAIL = 2000


class Damage(StrEnum):
    """What is done to a file of the copy."""

    EMPTY = "empty"
    TRUNCATE = "truncate"
    FLIP = "flip"
    GARBAGE = "garbage"
    REMOVE = "remove"
    UNREADABLE = "unreadable"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """How a command is killed: when it prints what ``when`` finds, or at ever later moments ``within`` a time."""

    times: int
    when: str = ""
    within: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill. ``copy`` are files and folders, relative to the plan, that the commands work on copies of.

    ``run`` is run ``times`` times, ``at_once`` of them at a time, and must come out as it declares. ``recover``
    is run after the damage or each kill. ``stores`` then must hold; with ``grows`` each run writes so many new
    records to both. ``{copy}`` in a command's arguments is the copy's folder, ``{number}`` counts the runs.
    """

    name: str
    run: Command
    copy: tuple[str, ...] = ()
    damage: Damage | None = None
    file: str = ""
    times: int = 1
    at_once: int = 1
    kill: Kill | None = None
    recover: Command | None = None
    stores: StoreCheck | None = None
    grows: int = 0
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Drills."""
        return Kind.DRILL

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same with ``clean`` applied to every text that could hold a secret."""
        return replace(
            self,
            run=self.run.redacted(clean),
            recover=None if self.recover is None else self.recover.redacted(clean),
            stores=None if self.stores is None else self.stores.redacted(clean),
        )

    def judge(self, item: str, seen: Observation) -> Finding:
        """Everything that did not go as declared; the gravest decides."""
        value = seen.value if isinstance(seen.value, Mapping) else {}
        try:
            problems = list(self._problems(value, seen))
        except (KeyError, TypeError, ValueError) as error:
            problems = [(Outcome.ERROR, f"not understood ({type(error).__name__}: {error})")]
        problems = sorted(dict.fromkeys(problems), key=lambda problem: problem[0].gravity)
        outcome = problems[0][0] if problems else Outcome.PASS
        texts = [why for _, why in problems]
        more = len(texts) - _SHOWN
        return Finding(
            item=item,
            kind=self.kind,
            title=self.name,
            outcome=outcome,
            measured="; ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            if texts
            else self._good(value),
            needed=self._needed(),
            source=seen.source,
            remedy="" if outcome is Outcome.PASS else "run the drill by hand on a copy, mend what it finds",
            detail=shortened("\n".join(texts), _DETAIL, beginning=1),
            required=self.required,
        )

    def _needed(self) -> str:
        parts = [f"{self.file} {self.damage.value}"] if self.damage else []
        if self.kill is not None:
            parts.append(f"{self.kill.times} kills, one between the two writes or more")
        else:
            many = f"{self.times} runs" if self.times > 1 else "one run"
            parts.append(f"{many}{f', {self.at_once} at once' if self.at_once > 1 else ''}, each as declared")
        if self.recover is not None:
            parts.append("then recovered")
        if self.stores is not None:
            parts.append(
                f"both stores as in '{self.stores.name}'" if self.stores.right else f"as in '{self.stores.name}'"
            )
        return ", ".join(parts)

    def _good(self, seen: Mapping[str, Any]) -> str:
        if self.kill is not None:
            between = sum(each["between"] for each in seen["kills"])
            return f"{len(seen['kills'])} kills, {between} between the two writes, recovered from each"
        same = f", {seen['after']['same']} records hold" if self.stores is not None else ""
        return f"{self.times} runs as declared{same}"

    def _problems(self, seen: Mapping[str, Any], about: Observation) -> Iterator[Problem]:
        if seen["original_changed"] is not False:
            yield Outcome.FAIL, "the drill reached the original, not only its copy; use {copy} in the command"
        if self.kill is not None:
            yield from self._killed(self.kill, seen, about)
        else:
            yield from self._ran(self.run, seen["runs"], self.times, about)
        if self.recover is not None:
            expected = self.kill.times if self.kill is not None else 1
            yield from self._ran(self.recover, seen["recoveries"], expected, about, "recovering: ")
        if self.stores is None:
            return
        before, after = seen["before"], seen["after"]
        yield from self._held(after, "", about)
        if not self.grows and self.kill is None:
            yield from self._lost(before, after, "")
        if self.grows:
            for side, store in self._sides():
                came = count(after[side]) - count(before[side])
                if came != self.grows * self.times:
                    yield Outcome.FAIL, f"{came} records came to {store}, not {self.grows * self.times}"

    def _killed(self, kill: Kill, seen: Mapping[str, Any], about: Observation) -> Iterator[Problem]:
        kills = seen["kills"]
        if len(kills) != kill.times:
            yield Outcome.NOT_RUN, f"{len(kills)} of {kill.times} kills were tried"
        killed = [each for each in kills if each["killed"] is True]
        if len(killed) < len(kills):
            yield (
                Outcome.INCONCLUSIVE,
                f"{len(kills) - len(killed)} of {len(kills)} runs ended before they could be killed",
            )
        if self.stores is not None and not any(each["between"] is True for each in killed):
            yield (
                Outcome.INCONCLUSIVE,
                "no kill came between the two writes; kill when the first is told, or more often",
            )
        if self.stores is None:
            return
        yield from self._held(seen["before"], "before the first kill: ", about)
        for number, each in enumerate(kills, 1):
            yield from self._held(each["after"], f"after kill {number}: ", about)
            yield from self._lost(seen["before"], each["after"], f"after kill {number}: ")

    def _lost(self, before: Mapping[str, Any], after: Mapping[str, Any], where: str) -> Iterator[Problem]:
        for side, store in self._sides():
            if (lost := count(before[side]) - count(after[side])) > 0:
                yield Outcome.FAIL, f"{where}{lost} records of {store} are lost"

    def _sides(self) -> Iterator[tuple[str, str]]:
        """The sides of the tally of the stores, and what each store is called."""
        if self.stores is not None:
            yield "left", self.stores.left.name
            if self.stores.right is not None:
                yield "right", self.stores.right.name

    def _ran(
        self, command: Command, runs: Any, expected: int, about: Observation, where: str = ""
    ) -> Iterator[Problem]:
        if len(runs) != expected:
            yield Outcome.NOT_RUN, f"{where}{len(runs)} of {expected} runs"
        for each in runs:
            if error := each.get("error"):
                yield Outcome.ERROR, f"{where}{error}"
                continue
            finding = command.judge("", replace(about, value=each, error=""))
            if finding.outcome is not Outcome.PASS:
                yield finding.outcome, f"{where}{finding.measured}"

    def _held(self, tally: Any, where: str, about: Observation) -> Iterator[Problem]:
        assert self.stores is not None  # noqa: S101 - asked only where there is one
        finding = self.stores.judge("", replace(about, value=tally, error=""))
        if finding.outcome is not Outcome.PASS:
            yield finding.outcome, f"{where}{finding.measured}"
