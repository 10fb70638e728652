"""What a plan asks of one node on one rung, aspect by aspect; nodes do not borrow from one another (rule 17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any, Self

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.mode import Mode, demoted
from pytest_rollout.core.node_memory import facts_of
from pytest_rollout.core.node_soak import NodeSoak, judge_soak
from pytest_rollout.core.node_stats import NodeStats, ago
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rung import Latency, Problem, enough


class Aspect(StrEnum):
    """What is asked of a node; each is one item."""

    MODE = "mode"
    TRAFFIC = "traffic"
    DIVERGENCES = "divergences"
    CANDIDATE_ERRORS = "candidate_errors"
    REFERENCE_ERRORS = "reference_errors"
    FALLBACKS = "fallbacks"
    TIMEOUTS = "timeouts"
    LATENCY = "latency"
    SOAK = "soak"
    ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRung:
    """The rung a node must stand on, and what must have been gathered there.

    ``follows`` is how long the node before it must have stood on the rung when this one came.
    """

    mode: Mode
    min_comparisons: int = 0
    min_verifications: int = 0
    latency: Latency | None = None
    soak: timedelta | None = None
    max_gap: timedelta = timedelta(minutes=15)
    interval: timedelta | None = None
    coverage: Fraction = Fraction(1)
    follows: timedelta | None = None
    demote_to: Mode | None = None

    @property
    def soaks(self) -> NodeSoak | None:
        """What its soak needs; None where none is asked for."""
        if self.soak is None:
            return None
        return NodeSoak(
            period=self.soak,
            max_gap=self.max_gap,
            interval=self.interval or self.max_gap,
            coverage=self.coverage,
            min_comparisons=self.min_comparisons,
            min_verifications=self.min_verifications,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCheck:
    """One aspect of one node. ``after`` is the node it follows, for its order.

    ``clock`` is the clock that is accepted: under a ``rehearsed`` one weeks may be seconds.
    """

    node: str
    aspect: Aspect
    rung: NodeRung
    max_age: timedelta = timedelta(minutes=1)
    after: str | None = None
    clock: str = "system"
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Nodes."""
        return Kind.NODE

    @property
    def name(self) -> str:
        """``node-1.divergences``."""
        return f"{self.node}.{self.aspect.value}"

    def redacted(self, _clean: Callable[[Any], Any]) -> Self:
        """The check itself; it holds no text of the user's but the node's name."""
        return self

    def judge(self, item: str, seen: Observation) -> Finding:
        """The aspect's finding; stats that cannot be believed are an error of every aspect."""
        measured, problems, detail = "", [(Outcome.ERROR, "nothing was observed")], ""
        now: NodeStats | None = None
        if isinstance(seen.value, Mapping):
            try:
                now, measured, problems, detail = self._judge(seen.value)
            except (EvidenceError, KeyError, TypeError, ValueError, IndexError) as error:
                text = str(error) if isinstance(error, EvidenceError) else f"not understood ({type(error).__name__})"
                problems = [(Outcome.ERROR, text.rstrip("."))]
        outcome = min((each for each, _ in problems), key=lambda each: each.gravity, default=Outcome.PASS)
        measured = "; ".join(dict.fromkeys(why for _, why in problems)) or measured
        if now is not None and now.clock == "rehearsed":
            measured = f"{measured} (rehearsed clock)".lstrip()
        return Finding(
            item=item,
            kind=Kind.NODE,
            title=f"{self.node} {self.aspect.value}",
            outcome=outcome,
            measured=measured,
            needed=self._needed(),
            source=seen.source,
            remedy="" if outcome is Outcome.PASS else self._remedy(outcome),
            detail=detail,
            required=self.required,
            facts=facts_of(now) if now is not None and self.aspect is Aspect.MODE else {},
        )

    def _judge(self, value: Mapping[str, Any]) -> tuple[NodeStats, str, list[Problem], str]:
        readings = [NodeStats.read(each["document"], each["read_at"]) for each in value["readings"][self.node]]
        now = readings[-1]
        problems: list[Problem] = []
        if stale := now.is_stale(self.max_age):
            problems.append((Outcome.ERROR, stale))
        for earlier, later in pairwise(readings):
            if broken := later.went_on_from(earlier):
                problems.append((Outcome.ERROR, broken))
        if len(readings) < 2:  # noqa: PLR2004 - a counter that runs backwards shows in two
            problems.append((Outcome.ERROR, "the stats were read once; two readings are owed"))
        if now.clock not in {"system", self.clock}:
            problems.append((Outcome.ERROR, f"its clock is {now.clock}, so no time of it is evidence"))
        if self.aspect is Aspect.SOAK:
            assert self.rung.soaks is not None  # noqa: S101 - the plan makes this aspect where there is one
            measured, found, detail = judge_soak(self.rung.soaks, now)
            return now, measured, [*problems, *self._mode(now), *found], detail
        measured, found = self._aspect(now, value)
        return now, measured, [*problems, *found], ""

    def _aspect(self, now: NodeStats, value: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        if self.aspect is Aspect.MODE:
            return now.mode.value, list(self._mode(now))
        if self.aspect is Aspect.TRAFFIC:
            return self._traffic(now)
        if self.aspect is Aspect.LATENCY and self.rung.latency is not None:
            return self.rung.latency.judge(now.ratio)
        if self.aspect is Aspect.ORDER:
            return self._order(now, value)
        return self._count(now)

    def _mode(self, now: NodeStats) -> Iterator[Problem]:
        if now.mode is not self.rung.mode:
            yield Outcome.FAIL, f"is in {now.mode.value} ({now.mode.spelt})"
        elif now.visit.void:
            yield Outcome.FAIL, "was demoted from this rung since; its evidence is void"

    def _traffic(self, now: NodeStats) -> tuple[str, list[Problem]]:
        """Only what was gathered on this rung, in this visit, counts: evidence is not carried over."""
        counts = now.visit.counts
        short = list(enough(counts, comparisons=self.rung.min_comparisons, verifications=self.rung.min_verifications))
        return f"{counts.verifications} verifications, {counts.comparisons} compared", [*self._mode(now), *short]

    def _count(self, now: NodeStats) -> tuple[str, list[Problem]]:
        """Counted since the node started, so what an earlier rung showed is not forgotten."""
        counts = now.counts
        number = counts.timeouts + counts.skipped if self.aspect is Aspect.TIMEOUTS else getattr(counts, self.aspect)
        looked = now.visit.counts.comparisons if self.rung.mode is Mode.SHADOW else now.visit.counts.verifications
        told = f"{number} of {looked}"
        if number:
            return told, [(Outcome.FAIL, told)]
        if now.waiting:
            return told, [(Outcome.INCONCLUSIVE, f"{told}, and {now.waiting} wait to be compared")]
        if not looked:
            return told, [(Outcome.INCONCLUSIVE, "no traffic on this rung, so nothing could show")]
        return told, list(self._mode(now))

    def _order(self, now: NodeStats, value: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        """Whether the node before it stood on this rung, for its soak, when this one followed."""
        assert self.after is not None  # noqa: S101 - the plan makes this aspect where there is one
        reading = value["readings"][self.after][-1]
        first = NodeStats.read(reading["document"], reading["read_at"])
        if first.mode.rung < now.mode.rung:
            return "", [(Outcome.FAIL, f"{self.after} is in {first.mode.value}, below {now.mode.value}")]
        if elsewhere := list(self._mode(now)):
            return "", elsewhere
        entered = [each.since for each in first.visits if each.mode is now.mode and not each.void]
        ours = next(each.since for each in reversed(now.visits) if each.mode is now.mode)
        if not entered:
            return "", [(Outcome.FAIL, f"{self.after} tells of no time in {now.mode.value}")]
        ahead = ours - min(entered)
        lead = self.rung.follows or timedelta()
        if ahead < lead:
            return "", [(Outcome.FAIL, f"followed {self.after} after {_signed(ahead)}; {ago(lead)} are needed")]
        return f"followed {self.after} after {ago(ahead)}", []

    def _needed(self) -> str:
        rung = self.rung
        words = {
            Aspect.MODE: f"{rung.mode.value} ({rung.mode.spelt})",
            Aspect.TRAFFIC: " and ".join(
                f"{number} {what} in {rung.mode.value}"
                for number, what in (
                    (rung.min_comparisons, "comparisons"),
                    (rung.min_verifications, "verifications"),
                )
                if number
            ),
            Aspect.LATENCY: rung.latency.needed if rung.latency else "",
            Aspect.SOAK: rung.soaks.needed if rung.soaks else "",
            Aspect.ORDER: f"{ago(rung.follows or timedelta())} after {self.after}",
        }
        return words.get(self.aspect, "none")

    def _remedy(self, outcome: Outcome) -> str:
        if outcome is Outcome.FAIL and self.aspect not in {Aspect.MODE, Aspect.LATENCY, Aspect.ORDER}:
            if self.rung.mode is Mode.REFERENCE_ONLY:
                return f"look at {self.node}'s log"
            target = demoted(self.rung.mode, self.rung.demote_to)
            return f"demote {self.node} to {target.value} ({target.spelt}); what it gathered above is void"
        if outcome is Outcome.FAIL and self.aspect is Aspect.MODE:
            return f"set {self.node} to {self.rung.mode.value} ({self.rung.mode.spelt}), or wait for its turn"
        return f"look at {self.node}, then run the gate again"


def _signed(time: timedelta) -> str:
    return f"-{ago(-time)}" if time < timedelta() else ago(time)


_COUNTED = {
    Mode.REFERENCE_ONLY: (),
    Mode.SHADOW: (Aspect.DIVERGENCES, Aspect.CANDIDATE_ERRORS, Aspect.REFERENCE_ERRORS, Aspect.TIMEOUTS),
    Mode.CANDIDATE_PRIMARY: (Aspect.DIVERGENCES, Aspect.CANDIDATE_ERRORS, Aspect.FALLBACKS, Aspect.TIMEOUTS),
    Mode.CANDIDATE_ONLY: (Aspect.CANDIDATE_ERRORS, Aspect.TIMEOUTS),
}


def node_checks(
    node: str, rung: NodeRung, *, max_age: timedelta, after: str | None, clock: str = "system"
) -> tuple[NodeCheck, ...]:
    """Every aspect of one node that its rung asks for."""
    aspects = [Aspect.MODE]
    if rung.min_comparisons or rung.min_verifications:
        aspects.append(Aspect.TRAFFIC)
    aspects += _COUNTED[rung.mode]
    aspects += [Aspect.LATENCY] if rung.latency else []
    aspects += [Aspect.SOAK] if rung.soak else []
    aspects += [Aspect.ORDER] if rung.follows is not None and after is not None else []
    return tuple(
        NodeCheck(node=node, aspect=each, rung=rung, max_age=max_age, after=after, clock=clock) for each in aspects
    )
