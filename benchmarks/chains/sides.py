"""Sides that take turns: medians of wall clock and of CPU, so that what else the machine does falls on all of them."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests" / "contracts" / "artifacts" / "out" / "hardhat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Medians of seconds by the clock, and of CPU seconds, children's included."""

    wall: float
    cpu: float


def alternate(rounds: int, **sides: Callable[[], object]) -> dict[str, Cost]:
    """What each side costs; whoever begins changes with every round."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides)
        for name in order if number % 2 == 0 else reversed(order):
            seen[name].append(_timed(sides[name]))
    return {
        name: Cost(wall=statistics.median(each[0] for each in all_), cpu=statistics.median(each[1] for each in all_))
        for name, all_ in seen.items()
    }


def _timed(side: Callable[[], object]) -> tuple[float, float]:
    cpu, start = _cpu(), time.perf_counter()
    side()
    return time.perf_counter() - start, _cpu() - cpu


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def command(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Callable[[], None]:
    """A side that is a process, from start to exit; one that fails ends the benchmark with what it said."""

    def run() -> None:
        done = subprocess.run(
            arguments, cwd=folder, env=environment or clean(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    return run


def clean(**more: str) -> dict[str, str]:
    """The environment without what changes how Python and pytest start."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))} | more


class Figures:
    """Prints each figure beside its limit; ``missed`` names those that do not keep theirs."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def at_most(self, what: str, value: float, limit: float, *, unit: str = "x", note: str = "") -> None:
        """A figure that must not be above its limit."""
        self._say(what, value, f"at most {limit:g}", unit, note, fits=value <= limit)

    def at_least(self, what: str, value: float, limit: float, *, unit: str = "x", note: str = "") -> None:
        """A figure that must not be below its limit."""
        self._say(what, value, f"at least {limit:g}", unit, note, fits=value >= limit)

    def _say(self, what: str, value: float, limit: str, unit: str, note: str, *, fits: bool) -> None:
        if not fits:
            self.missed.append(what)
        said = "within" if fits else "MISSED"
        print(f"{what:46} {value:8.2f} {unit:2} {said} {limit:13} {note}", flush=True)


def both(ours: Cost, theirs: Cost) -> str:
    """Two sides in milliseconds, and the ratio of their CPU."""
    walls = f"{ours.wall * 1000:.1f} ms against {theirs.wall * 1000:.1f}"
    ratio = ours.cpu / max(theirs.cpu, 1e-9)
    return f"{walls}; CPU {ours.cpu * 1000:.0f} ms against {theirs.cpu * 1000:.0f}: {ratio:.2f} x"
