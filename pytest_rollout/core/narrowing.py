"""What lets one run look at less than its gate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """An option, or a state of the machine, that lets a run look at less than the gate.

    ``selects`` says that it only chose items: together with the runs that looked at the rest, such a
    run can still be a part of a whole one.
    """

    what: str
    why: str
    selects: bool = False
