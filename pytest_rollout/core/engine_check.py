"""What a plan asks of both engines in a gate: golden vectors, and a corpus of blocks replayed in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rung import Latency, Problem, clean, enough
from pytest_rollout.core.tally import Counts

SIDES = ("reference", "candidate")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck:
    """A file of inputs and the answers both engines must give."""

    file: Path
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Engines."""
        return Kind.ENGINE

    @property
    def name(self) -> str:
        """Its item's."""
        return "golden"

    def redacted(self, _clean: Callable[[Any], Any]) -> Self:
        """The same; a path is no secret."""
        return replace(self)

    def judge(self, item: str, seen: Observation) -> Finding:
        """Every vector matched by both; none at all is nothing."""
        measured, problems = _guarded(self._judge, seen)
        return _finding(self, item, f"golden vectors {self.file.name}", measured, problems, "all by both engines", seen)

    def _judge(self, value: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        vectors = value["vectors"]
        if type(vectors) is not int or vectors < 1:
            raise EvidenceError(f"{vectors!r:.40} vectors were tried.")
        told: list[str] = []
        problems: list[Problem] = []
        for side in SIDES:
            matched, first = value[side]["matched"], value[side]["first"]
            if type(matched) is not int or not 0 <= matched <= vectors or not isinstance(first, str):
                raise EvidenceError(f"{side} matched {matched!r:.40} of {vectors} vectors.")
            told.append(f"{side} {matched} of {vectors}")
            if matched < vectors:
                problems.append((Outcome.FAIL, f"{side} {matched} of {vectors}, first {first or 'not told'}"))
        return ", ".join(told), problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCheck:
    """One part of a corpus through both engines: part ``part`` of ``parts``, counted from 1."""

    file: Path
    part: int = 1
    parts: int = 1
    min_comparisons: int = 1
    latency: Latency | None = None
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Engines."""
        return Kind.ENGINE

    @property
    def name(self) -> str:
        """``replay`` or ``replay-2-of-8``."""
        return "replay" if self.parts == 1 else f"replay-{self.part}-of-{self.parts}"

    def redacted(self, _clean: Callable[[Any], Any]) -> Self:
        """The same; a path is no secret."""
        return replace(self)

    def judge(self, item: str, seen: Observation) -> Finding:
        """Enough comparisons, and none of them a divergence, an error or a timeout (rules 23 to 25)."""
        measured, problems = _guarded(self._judge, seen)
        needed = f"{self.min_comparisons} comparisons without a divergence"
        needed += f", {self.latency.needed}" if self.latency else ""
        return _finding(self, item, f"replay of {self.file.name}", measured, problems, needed, seen)

    def _judge(self, value: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        counts = Counts.read(value["counts"])
        if value["blocks"] != counts.verifications:
            raise EvidenceError(f"{value['blocks']!r:.40} blocks were read and {counts.verifications} verified.")
        told = f"{counts.comparisons} comparisons of {counts.verifications} blocks"
        problems = [*clean(counts), *enough(counts, comparisons=self.min_comparisons)]
        if problems and isinstance(value.get("first"), str) and value["first"]:
            problems.append((problems[0][0], f"first {value['first']}"))
        if self.latency is not None:
            said, slow = self.latency.judge(value["ratio_millionths"])
            told += f", {said}"
            problems += slow
        return told, problems


def _guarded(
    judge: Callable[[Mapping[str, Any]], tuple[str, list[Problem]]], seen: Observation
) -> tuple[str, list[Problem]]:
    if not isinstance(seen.value, Mapping):
        return "", [(Outcome.ERROR, "nothing was observed")]
    try:
        return judge(seen.value)
    except (EvidenceError, KeyError, TypeError, ValueError, IndexError) as error:
        text = str(error) if isinstance(error, EvidenceError) else f"not understood ({type(error).__name__}: {error})"
        return "", [(Outcome.ERROR, text)]


def _finding(
    check: GoldenCheck | ReplayCheck,
    item: str,
    title: str,
    measured: str,
    problems: list[Problem],
    needed: str,
    seen: Observation,
) -> Finding:
    outcome = min((each for each, _ in problems), key=lambda each: each.gravity, default=Outcome.PASS)
    kept = seen.value.get("kept") if isinstance(seen.value, Mapping) else None
    remedy = f"rollout replay {kept}" if isinstance(kept, str) and kept else "mend the candidate, then run it again"
    return Finding(
        item=item,
        kind=check.kind,
        title=title,
        outcome=outcome,
        measured="; ".join(why for _, why in problems) or measured,
        needed=needed,
        source=seen.source,
        remedy="" if outcome is Outcome.PASS else remedy,
        required=check.required,
    )
