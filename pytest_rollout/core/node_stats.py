"""A node's stats document read strictly: every key that is asked for is there, of its kind, and fits the others.

Both spellings of keys and modes are read. A key that is absent is missing, never 0 (rule 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from pytest_rollout.core.engines import CLOCKS
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


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a verification, and how much had been verified and compared on this rung before."""

    begin: datetime
    end: datetime
    verified: int
    compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """A node's uninterrupted time on a rung, as it reports it.

    Of the present one it lists every gap of at least ``noted``, None where it lists none.
    """

    mode: Mode
    since: datetime
    counts: Counts
    void: bool
    longest_gap: timedelta | None
    last: datetime | None = None
    noted: timedelta | None = None
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStats:
    """One reading of a node: the document's content, and when it was read.

    ``candidate`` is the version of its candidate, where it tells one. ``waiting`` blocks were asked about before, are
    not compared yet and in no count; a node whose callers wait for the comparison has none, and need not say so.
    """

    mode: Mode
    counts: Counts
    run: str
    clock: str
    started_at: datetime
    at: datetime
    read_at: datetime
    visit: Visited
    visits: tuple[Visited, ...]
    ratio: Mapping[str, Any]
    waiting: int = 0
    candidate: str = ""

    @classmethod
    def read(cls, document: Any, read_at: str) -> Self:
        """The document as values; raises ``EvidenceError`` that names what is missing or wrong."""
        if not isinstance(document, Mapping):
            raise EvidenceError("the stats are no JSON object.")
        needed = ("mode", "run", "clock", "started_at", "at", "mode_history", "latency")
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
            clock=_clock(document),
            started_at=_moment(document, "started_at"),
            at=_moment(document, "at"),
            read_at=datetime.fromisoformat(read_at),
            visit=visits[-1],
            visits=visits,
            ratio=latency["ratio_millionths"],
            waiting=_waiting(document),
            candidate=_candidate(document.get("versions")),
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


def _candidate(versions: object) -> str:
    told = versions.get("candidate", "") if isinstance(versions, Mapping) else None if versions else ""
    if not isinstance(told, str):
        raise EvidenceError("versions.candidate is no text.")
    return told


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
        if name not in document and other not in document:
            raise EvidenceError(f"mode_history: {name} is missing.")
        found[name] = document[name] if name in document else document[other]
    return found


def _waiting(document: Mapping[str, Any]) -> int:
    waiting = document.get("waiting", 0)
    if type(waiting) is not int or waiting < 0:
        raise EvidenceError(f"waiting is {waiting!r:.40}; a whole number of 0 or more is needed.")
    return waiting


def _visit(document: Any) -> Visited:
    if not isinstance(document, Mapping):
        raise EvidenceError("an entry of mode_history is no table.")
    gap = document.get("longest_gap_seconds")
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, int) or gap < 0):
        raise EvidenceError(f"mode_history: longest_gap_seconds is {gap!r:.40}.")
    since = _moment(document, "since")
    counts = Counts.read(_counts(document) if "verifications" in document else {})
    last = None if document.get("last") is None else _moment(document, "last")
    noted = document.get("gaps_from_seconds")
    gaps: tuple[Gap, ...] = ()
    if noted is not None:
        if type(noted) is not int or noted < 1:
            raise EvidenceError(f"mode_history: gaps_from_seconds is {noted!r:.40}.")
        gaps = _gaps(document.get("gaps"), since, last, counts)
    return Visited(
        mode=_mode(document.get("mode")),
        since=since,
        counts=counts,
        void=document.get("void") is not False,
        longest_gap=None if gap is None else timedelta(seconds=gap),
        last=last,
        noted=None if noted is None else timedelta(seconds=noted),
        gaps=gaps,
    )


def _gaps(listed: Any, since: datetime, last: datetime | None, counts: Counts) -> tuple[Gap, ...]:
    """The gaps of a visit, each behind the one before and none beyond its last verification."""
    found: list[Gap] = []
    before = (0, 0, 0)
    for each in _list(listed, "gaps"):
        numbers = each if isinstance(each, list) else []
        if len(numbers) != 4 or any(type(number) is not int for number in numbers):  # noqa: PLR2004 - as written
            raise EvidenceError(f"mode_history: {each!r:.60} is no gap.")
        begin, end, verified, compared = numbers
        if not before[0] <= begin <= end or verified < before[1] or compared < before[2]:
            raise EvidenceError("mode_history: the gaps are not in order.")
        before = (end, verified, compared)
        begun, ended = (since + timedelta(milliseconds=at) for at in (begin, end))
        if last is None or ended > last or verified > counts.verifications or compared > counts.comparisons:
            raise EvidenceError("mode_history: a gap lies beyond the last verification.")
        found.append(Gap(begun, ended, verified, compared))
    return tuple(found)


def _list(value: Any, name: str = "mode_history") -> list[Any]:
    if not isinstance(value, list):
        raise EvidenceError(f"{name} is no list.")
    return value


def _clock(document: Mapping[str, Any]) -> str:
    if document["clock"] not in CLOCKS:
        raise EvidenceError(f"clock is {document['clock']!r:.40}; a node says {listed(CLOCKS)}.")
    return str(document["clock"])


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
