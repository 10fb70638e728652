"""Comparisons counted: each relation apart, and the two latencies of each block side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from pytest_rollout.core.answer import Relation
from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.latency import percentiles, ratios

KEPT_PAIRS = 10_000
"""So many newest pairs of latencies are kept: percentiles are of these, and memory stays flat."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """How blocks came out; ``verifications`` are all, every other count is a part of them.

    ``comparisons`` had two answers; ``divergences`` are those that did not agree: ``differing``
    answers, ``candidate_errors`` and ``reference_errors`` (these two also count crashes of an engine
    that answers alone). ``fallbacks`` were answered by the reference because the candidate could not.
    ``timeouts``, ``sampled_out``, ``skipped`` and
    ``ignored`` (equal but for fields the plan leaves out) are four separate things (rule 24).
    """

    verifications: int = 0
    comparisons: int = 0
    divergences: int = 0
    differing: int = 0
    candidate_errors: int = 0
    reference_errors: int = 0
    agreed_refusals: int = 0
    fallbacks: int = 0
    timeouts: int = 0
    sampled_out: int = 0
    skipped: int = 0
    ignored: int = 0

    def count(self, relation: Relation) -> None:
        """Take one comparison's relation in; the caller counts the verification itself."""
        if relation is Relation.TIMEOUT:
            self.timeouts += 1
            return
        self.comparisons += 1
        if relation.is_divergence:
            self.divergences += 1
        name = _FIELD.get(relation)
        if name is not None:
            setattr(self, name, getattr(self, name) + 1)

    def add(self, other: Counts) -> None:
        """Take the counts of another process in."""
        for each in COUNTS:
            setattr(self, each, getattr(self, each) + getattr(other, each))

    def document(self) -> dict[str, int]:
        """The counts by name."""
        return {each: getattr(self, each) for each in COUNTS}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Counts from a document; raises ``EvidenceError`` on an absent, negative or impossible one."""
        for each in COUNTS:
            if type(document.get(each)) is not int or document[each] < 0:
                raise EvidenceError(f"{each} is {document.get(each)!r:.40}; a whole number of 0 or more is needed.")
        counts = cls(**{each: document[each] for each in COUNTS})
        if problem := counts.contradiction():
            raise EvidenceError(problem)
        return counts

    def contradiction(self) -> str:
        """Why these counts cannot be of one run, or nothing."""
        parts = self.differing + self.candidate_errors + self.reference_errors
        if not self.differing <= self.divergences <= parts:
            return f"{self.divergences} divergences do not fit {self.differing} differing answers and {parts} in all."
        if self.divergences + self.agreed_refusals + self.ignored > self.comparisons:
            return f"{self.comparisons} comparisons are fewer than what came out of them."
        looked = self.comparisons + self.timeouts + self.sampled_out + self.skipped
        if looked > self.verifications or self.fallbacks > self.verifications:
            return f"{self.verifications} verifications are fewer than what came out of them."
        return ""


_FIELD = {
    Relation.DIFFERING: "differing",
    Relation.CANDIDATE_ERROR: "candidate_errors",
    Relation.REFERENCE_ERROR: "reference_errors",
    Relation.AGREED_REFUSAL: "agreed_refusals",
    Relation.IGNORED: "ignored",
}
COUNTS = tuple(each.name for each in fields(Counts))
"""The names of all counts."""


@dataclass(slots=True)
class Latencies:
    """The newest latencies in nanoseconds, and the newest paired ratios; None stands for a timeout."""

    reference: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT_PAIRS))
    candidate: deque[int | None] = field(default_factory=lambda: deque(maxlen=KEPT_PAIRS))
    pairs: deque[tuple[int, int] | None] = field(default_factory=lambda: deque(maxlen=KEPT_PAIRS))

    def add(self, reference: int | None, candidate: int | None, *, is_late: bool = False) -> None:
        """Take one block in; a late candidate is slower than any (rule 12)."""
        if reference is not None:
            self.reference.append(reference)
        if candidate is not None or is_late:
            self.candidate.append(candidate)
            if reference is not None:
                self.pairs.append(None if candidate is None else (reference, candidate))

    def pair(self, reference: int, candidate: int) -> None:
        """Take in one block that both answered in time."""
        self.reference.append(reference)
        self.candidate.append(candidate)
        self.pairs.append((reference, candidate))

    def copied(self) -> Latencies:
        """The same, safe from what is added later."""
        return Latencies(self.reference.copy(), self.candidate.copy(), self.pairs.copy())

    def document(self) -> dict[str, Any]:
        """Percentiles of each engine in nanoseconds and of the paired ratio in millionths; None is slower than any."""
        candidate = [each for each in self.candidate if each is not None]
        pairs = [each for each in self.pairs if each is not None]
        return {
            "reference_ns": _of(self.reference),
            "candidate_ns": _of(candidate, len(self.candidate) - len(candidate)),
            "ratio_millionths": _of(ratios(pairs), len(self.pairs) - len(pairs)),
        }


def _of(samples: Collection[int], infinite: int = 0) -> dict[str, Any]:
    return {"samples": len(samples) + infinite, **percentiles(samples, infinite=infinite)}


def tally(records: Iterable[tuple[str, int, int]]) -> tuple[Counts, dict[str, Any]]:
    """Recorded comparisons - relation, nanoseconds of each engine - as counts and the paired ratio.

    Raises ``EvidenceError`` for a record whose relation is none.
    """
    by_relation: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for relation, ours, theirs in records:
        by_relation[relation] = by_relation.get(relation, 0) + 1
        if relation != "timeout":
            pairs.append((ours, theirs))
    counts = Counts(verifications=sum(by_relation.values()))
    for word, number in by_relation.items():
        if word not in set(Relation):
            raise EvidenceError(f"a record's relation is {word!r:.40}; none of {', '.join(Relation)}.")
        relation = Relation(word)
        if not relation.is_comparison:
            counts.timeouts += number
            continue
        counts.comparisons += number
        counts.divergences += number if relation.is_divergence else 0
        if name := _FIELD.get(relation):
            setattr(counts, name, number)
    return counts, _of(ratios(pairs), counts.timeouts)
