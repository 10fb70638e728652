"""``rollout drill``: what was tried, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_rollout.core.drilled import Drill
from pytest_rollout.core.entries import Entry
from pytest_rollout.core.errors import UsageError, listed, suggestion
from pytest_rollout.core.faults import Came, Fault
from pytest_rollout.faults.running import Asked
from pytest_rollout.reporting.text import line

_WIDE = 110
_WORDS = {
    Came.NOTICED: "noticed",
    Came.MISSED: "MISSED",
    Came.UNPROVEN: "unproven",
    Came.OUT_OF_REACH: "not tried",
}


def asked(faults: Sequence[str], *, tests: bool, network: str | None, ledger: str | None) -> Asked:
    """What the command line asks for; raises ``UsageError`` for a fault that nobody knows."""
    names = [each.value for each in Fault]
    for name in faults:
        if name not in names:
            raise UsageError(f"--fault {name}: no such fault; there are {listed(names)}.{suggestion(name, names)}")
    chosen = tuple(each for each in Fault if each.value in faults) if faults else tuple(Fault)
    return Asked(faults=chosen, tests=tests, network=network, ledger=ledger)


def document(drill: Drill, entry: Entry | None) -> dict[str, Any]:
    """For programs."""
    return {
        **drill.document(),
        "counts": {came.value: drill.count(came) for came in Came},
        "score": f"{drill.count(Came.NOTICED)}/{drill.counted}",
        "is_clean": drill.is_clean,
        "ledger_entry": None if entry is None else entry.sequence,
        "head": None if entry is None else entry.digest,
    }


def text(drill: Drill, entry: Entry | None) -> str:
    """A line a fault and item, gravest first, and what it comes to."""
    order = (Came.MISSED, Came.UNPROVEN, Came.OUT_OF_REACH, Came.NOTICED)
    prefix = _shared(drill)
    lines = [
        line(f"{_WORDS[came]:>9}  {each.fault.value:<15} {each.item.removeprefix(prefix)}{_why(each.why)}", _WIDE)
        for came in order
        for each in drill.tried
        if each.came is came
    ]
    lines += [line(f"    quiet  passes under every fault: {each}", _WIDE) for each in drill.quiet]
    where = f" on {drill.network}" if drill.network else ""
    lines.append(
        f"{drill.rollout}:{drill.stage}{where}: {drill.count(Came.NOTICED)} of {drill.counted} faults noticed, "
        f"{drill.count(Came.MISSED)} missed, {drill.count(Came.UNPROVEN)} unproven"
    )
    if not drill.is_about_something:
        lines.append("nothing in the world could be altered: the plan declares nothing of this gate that a drill knows")
    if entry is None:
        lines.append("a part of a drill, not recorded")
    else:
        lines.append(f"ledger entry {entry.sequence}, head {entry.digest}")
    return "\n".join(lines)


def _why(why: str) -> str:
    return f" ({why})" if why else ""


def _shared(drill: Drill) -> str:
    """What the ids of all declared items begin with."""
    first = next((each.item for each in drill.tried if f"::{drill.stage}::" in each.item), "")
    return f"{first.partition('::')[0]}::{drill.stage}::" if first else ""
