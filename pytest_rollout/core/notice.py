"""What people and machines are told when a verdict or a stage changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Importance(StrEnum):
    """How much a notice interrupts: who gets it is the plan's matter."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told. ``what`` is a word for machines, such as ``verdict`` or ``stage``.

    ``title`` is one line, ``text`` the reasons, a line each; neither holds a secret. ``facts``
    are for machines: verdict, digest, ledger entry.
    """

    what: str
    importance: Importance
    rollout: str
    stage: str
    title: str
    text: str
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A notice that somebody did not get: which route of the plan, without its address, and why."""

    route: str
    why: str
