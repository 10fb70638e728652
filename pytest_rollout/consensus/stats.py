"""What a dual run counts, and the stats document a node serves.

The document has the keys that nodes in the field serve - ``mode``, ``total_verifications``,
``divergences``, ``rust_errors``, ``fallback_to_legacy``, ``divergence_rate``, ``rust_error_rate`` -
and those they lack. A rate without traffic is null, never 0.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pytest_rollout.core.answer import Answer, Relation
from pytest_rollout.core.mode import Mode, voided
from pytest_rollout.core.tally import Counts, Latencies

MOST_VISITS = 200
"""So many newest switches of mode are remembered."""
NOTED = timedelta(minutes=1)
"""Gaps between verifications that last so long are listed one by one."""
MOST_GAPS = 200
"""Of one visit; where more are owed, gaps under twice as long as before are listed no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How one block was verified: who answered, and how the two compared (None if they did not)."""

    answered_by: str
    relation: Relation | None = None
    is_fallback: bool = False
    is_sampled_out: bool = False


@dataclass(slots=True, kw_only=True)
class Visit:
    """One uninterrupted time on a rung, with what was counted there; void once it was demoted from."""

    mode: Mode
    since: datetime
    last: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    void: bool = False
    longest_gap: timedelta = timedelta()
    noted: timedelta = NOTED
    gaps: list[tuple[datetime, datetime, int, int]] = field(default_factory=list)

    def note(self, at: datetime) -> None:
        """A verification that is about to be counted; the time since the one before is a gap."""
        before = self.last or self.since
        gap = at - before
        self.longest_gap = max(self.longest_gap, gap)
        if gap >= self.noted:
            self._list(before, at)
        if self.last is None or at > self.last:  # two threads may look at the clock in one order and count in another
            self.last = at

    def _list(self, before: datetime, at: datetime) -> None:
        counts = self.counts
        self.gaps.append((before, at, counts.verifications, counts.comparisons - counts.agreed_refusals))
        while len(self.gaps) > MOST_GAPS:
            self.noted *= 2
            self.gaps = [each for each in self.gaps if each[1] - each[0] >= self.noted]

    def document(self, at: datetime, *, whole: bool) -> dict[str, Any]:
        """The visit as JSON as of ``at``; a gap that still lasts counts, rounded up.

        The ``whole`` visit lists its gaps: from and until in milliseconds since it began, and how much
        had been verified and compared before.
        """
        gap = max(self.longest_gap, at - (self.last or self.since))
        document = {
            "mode": self.mode.spelt,
            "since": self.since.isoformat(),
            "void": self.void,
            "longest_gap_seconds": max(0, math.ceil(gap.total_seconds())),
            **self.counts.document(),
        }
        if whole:
            document |= {
                "last": None if self.last is None else self.last.isoformat(),
                "gaps_from_seconds": int(self.noted.total_seconds()),
                "gaps": [
                    [self._millis(begin), self._millis(end), verified, compared]
                    for begin, end, verified, compared in self.gaps
                ],
            }
        return document

    def _millis(self, at: datetime) -> int:
        return (at - self.since) // timedelta(milliseconds=1)


class Stats:
    """Counts of all calls of one dual run; safe to use from any thread."""

    def __init__(self, mode: Mode, started_at: datetime, *, clock: str = "system") -> None:
        self._clock = clock
        self._begin_run(mode, started_at)

    def _begin_run(self, mode: Mode, started_at: datetime) -> None:
        self._lock = threading.Lock()
        self._started_at = started_at
        self._run = uuid.uuid4().hex
        self._earlier = Counts()  # of visits no longer remembered
        self._visits = [Visit(mode=mode, since=started_at)]
        self._latencies = Latencies()
        self._callback_errors = 0
        self._last_at: datetime | None = None

    @property
    def present(self) -> Visit:
        """The present visit; a call reads it once and is counted for it, whatever is switched meanwhile (rule 27)."""
        return self._visits[-1]

    def begin_anew(self, at: datetime) -> None:
        """Another run on the same rung, with nothing counted: a forked process is one, and borrows from no other."""
        self._begin_run(self._visits[-1].mode, at)

    def verified(
        self,
        visit: Visit,
        seen: Verification,
        at: datetime,
        *,
        reference: Answer | None = None,
        candidate: Answer | None = None,
        covers: bool = True,
    ) -> None:
        """Count one call for the visit it read; ``covers`` says whether it is a sign of life at ``at``."""
        with self._lock:
            if covers:
                visit.note(at)
            _count(visit.counts, visit.mode, seen, reference, candidate)
            self._last_at = at if self._last_at is None else max(at, self._last_at)
            self._latencies.add(
                None if reference is None else reference.nanoseconds,
                None if candidate is None else candidate.nanoseconds,
                is_late=seen.relation is Relation.TIMEOUT,
            )

    def agreed_in_shadow(self, visit: Visit, at: datetime, reference: int, candidate: int) -> None:
        """Count a block that was verified in shadow and on which both agreed; nanoseconds each. The same, sooner."""
        with self._lock:
            visit.note(at)
            visit.counts.verifications += 1
            visit.counts.comparisons += 1
            if self._last_at is None or at > self._last_at:
                self._last_at = at
            self._latencies.pair(reference, candidate)

    def callback_failed(self) -> None:
        """A callback raised, hung, or a divergence could not be kept."""
        with self._lock:
            self._callback_errors += 1

    def switch(self, mode: Mode, at: datetime) -> None:
        """A new visit begins."""
        with self._lock:
            self._begin(mode, at)

    def demote(self, mode: Mode, at: datetime) -> None:
        """A new visit begins below, and what was gathered on the rungs above is void."""
        with self._lock:
            climbed = voided(tuple(each.mode for each in self._visits), mode)
            for visit in self._visits:
                visit.void = visit.void or visit.mode in climbed
            self._begin(mode, at)

    def _with_ends(self, at: datetime) -> Iterator[tuple[Visit, datetime]]:
        """Each visit and when it ended: where the next began."""
        return zip(self._visits, [*(each.since for each in self._visits[1:]), at], strict=True)

    def _begin(self, mode: Mode, at: datetime) -> None:
        self._visits.append(Visit(mode=mode, since=at))
        while len(self._visits) > MOST_VISITS:
            forgotten = self._visits.pop(0)
            self._earlier.add(forgotten.counts)
            forgotten.counts = self._earlier  # what is still under way in it counts there

    def document(self, at: datetime, versions: dict[str, str], waiting: int = 0) -> dict[str, Any]:
        """The stats document as of ``at``; so many blocks are ``waiting`` and in no count yet."""
        with self._lock:
            total = Counts(**self._earlier.document())
            for visit in self._visits:
                total.add(visit.counts)
            mode = self._visits[-1].mode
            present = self._visits[-1]
            visits = [each.document(min(at, ended), whole=each is present) for each, ended in self._with_ends(at)]
            latencies = self._latencies.copied()
            callback_errors, last_at = self._callback_errors, self._last_at
        return {
            "mode": mode.spelt,
            "rung": mode.value,
            "total_verifications": total.verifications,
            "rust_errors": total.candidate_errors,
            "fallback_to_legacy": total.fallbacks,
            "divergence_rate": _rate(total.divergences, total.comparisons),
            "rust_error_rate": _rate(total.candidate_errors, total.comparisons),
            "fallback_rate": _rate(total.fallbacks, total.verifications),
            **{name: count for name, count in total.document().items() if name != "verifications"},
            "waiting": waiting,
            "callback_errors": callback_errors,
            "run": self._run,
            "clock": self._clock,
            "started_at": self._started_at.isoformat(),
            "at": at.isoformat(),
            "last_verification_at": None if last_at is None else last_at.isoformat(),
            "latency": latencies.document(),
            "mode_history": visits,
            "versions": versions,
        }


def _count(counts: Counts, mode: Mode, seen: Verification, reference: Answer | None, candidate: Answer | None) -> None:
    counts.verifications += 1
    counts.fallbacks += seen.is_fallback
    if seen.relation is not None:
        counts.count(seen.relation)
    elif seen.is_sampled_out:
        counts.sampled_out += 1
    elif mode is Mode.SHADOW or seen.is_fallback or seen.answered_by == "nobody":
        counts.skipped += 1
    elif mode is Mode.CANDIDATE_ONLY and candidate is not None and _is_crash(candidate):
        counts.candidate_errors += 1
    elif mode is Mode.REFERENCE_ONLY and reference is not None and _is_crash(reference):
        counts.reference_errors += 1


def _is_crash(answer: Answer) -> bool:
    return answer.refusal is not None and answer.refusal.is_crash


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
