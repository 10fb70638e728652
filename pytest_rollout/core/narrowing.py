"""What lets one run look at less than its gate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """An option, or a state of the machine, that lets a run look at less than the gate."""

    what: str
    why: str
