"""A node's stats document read strictly: every key that is asked for is there, of its kind, and fits the others.

Both spellings of keys and modes are read. A key that is absent is missing, never 0 (rule 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from pytest_rollout.core.errors import EngineError, EvidenceError, listed
from pytest_rollout.core.mode import Mode, mode_of
from pytest_rollout.core.tally import COUNTS, Counts

SPELT = {
    "verifications": "total_verifications",
    "candidate_errors": "rust_errors",
    "fallbacks": "fallback_to_legacy",
}
"""Counters that nodes in the field call otherwise."""

FUTURE = timedelta(seconds=5)
"""Clocks of two machines may differ so much; a document written later than that was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """A node's uninterrupted time on a rung, as it reports it."""

    mode: Mode
    since: datetime
    counts: Counts
    void: bool
    longest_gap: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStats:
    """One reading of a node: the document's content, and when it was read."""

    mode: Mode
    counts: Counts
    run: str
    started_at: datetime
    at: datetime
    read_at: datetime
    visit: Visited
    visits: tuple[Visited, ...]
    ratio: Mapping[str, Any]

    @classmethod
    def read(cls, document: Any, read_at: str) -> Self:
        """The document as values; raises ``EvidenceError`` that names what is missing or wrong."""
        if not isinstance(document, Mapping):
            raise EvidenceError("the stats are no JSON object.")
        needed = ("mode", "run", "started_at", "at", "mode_history", "latency")
        absent = [key for key in needed if key not in document]
        absent += [name for name in COUNTS if name not in document and SPELT.get(name) not in document]
        if absent:
            raise EvidenceError(f"the stats document lacks {listed(absent)}; it has {listed(map(str, document))}.")
        mode = _mode(document["mode"])
        visits = tuple(map(_visit, _list(document["mode_history"])))
        if not visits or visits[-1].mode is not mode:
            raise EvidenceError(f"mode is {mode.value}, but the last of mode_history is another one.")
        latency = document["latency"]
        if not isinstance(latency, Mapping) or not isinstance(latency.get("ratio_millionths"), Mapping):
            raise EvidenceError("latency.ratio_millionths is missing.")
        return cls(
            mode=mode,
            counts=Counts.read(_counts(document)),
            run=_text(document, "run"),
            started_at=_moment(document, "started_at"),
            at=_moment(document, "at"),
            read_at=datetime.fromisoformat(read_at),
            visit=visits[-1],
            visits=visits,
            ratio=latency["ratio_millionths"],
        )

    def is_stale(self, max_age: timedelta) -> str:
        """Why the document is no news, or nothing (rule 14)."""
        age = self.read_at - self.at
        if age > max_age:
            return f"the stats are stale: written {_ago(age)} before they were read, {_ago(max_age)} are allowed"
        if age < -FUTURE:
            return f"the stats were written {_ago(-age)} after they were read; a clock is wrong"
        return ""

    def went_on_from(self, earlier: NodeStats) -> str:
        """Why this reading does not continue an earlier one - a restart, a counter backwards - or nothing (rule 17)."""
        if self.run != earlier.run or self.started_at != earlier.started_at:
            return f"the node was restarted at {self.started_at.isoformat()}; what it counted before is gone"
        for name in COUNTS:
            before, now = getattr(earlier.counts, name), getattr(self.counts, name)
            if now < before:
                return f"{name} ran backwards, from {before} to {now}, without a restart"
        if self.at < earlier.at:
            return "the stats ran backwards in time"
        return ""


def _mode(word: object) -> Mode:
    try:
        return mode_of(word)
    except EngineError as error:
        raise EvidenceError(f"mode: {error}") from None


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name in COUNTS:
        other = SPELT.get(name, name)
        if name in document and other in document and document[name] != document[other]:
            raise EvidenceError(f"{name} is {document[name]!r:.20} and {other} is {document[other]!r:.20}.")
        found[name] = document[name] if name in document else document[other]
    return found


def _visit(document: Any) -> Visited:
    if not isinstance(document, Mapping):
        raise EvidenceError("an entry of mode_history is no table.")
    gap = document.get("longest_gap_seconds")
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, int) or gap < 0):
        raise EvidenceError(f"mode_history: longest_gap_seconds is {gap!r:.40}.")
    return Visited(
        mode=_mode(document.get("mode")),
        since=_moment(document, "since"),
        counts=Counts.read(_counts(document) if "verifications" in document else {}),
        void=document.get("void") is not False,
        longest_gap=None if gap is None else timedelta(seconds=gap),
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise EvidenceError("mode_history is no list.")
    return value


def _text(document: Mapping[str, Any], key: str) -> str:
    if not isinstance(document[key], str) or not document[key]:
        raise EvidenceError(f"{key} is {document[key]!r:.40}; a text is needed.")
    return str(document[key])


def _moment(document: Mapping[str, Any], key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(document[key])
    except (KeyError, TypeError, ValueError):
        raise EvidenceError(f"{key} is {document.get(key)!r:.40}; a date-time is needed.") from None
    if moment.tzinfo is None:
        raise EvidenceError(f"{key} has no offset.")
    return moment


def _ago(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


ago = _ago
"""A time for a sentence: ``7 d``, ``3 h``, ``45 s``."""
