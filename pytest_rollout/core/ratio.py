"""How much of something a candidate takes beside a reference: measured in pairs, in one run, until chance is ruled out.

What is judged is the median of the pairs' ratios. Its confidence limits are order statistics (the sign test
turned round): they hold whatever the ratios' distribution, at 95 % one-sided, from five pairs on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import comb
from typing import Any, Self

from pytest_rollout.core.command import Command
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome

LEAST_PAIRS = 5
"""Fewer pairs tell nothing at this confidence: a coin falls on one side five times in 1 of 32."""

_ERROR = Fraction(1, 20)
_HUNDREDTHS = 100


class Measure(StrEnum):
    """What is measured of a command: its time, the most memory of its processes, or a number that it prints."""

    TIME = "time"
    MEMORY = "memory"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Two commands run by turns, and how many times the reference's share the candidate's may be."""

    name: str
    reference: Command
    candidate: Command
    measure: Measure
    at_most: Fraction
    pairs: int = 15
    required: bool = True

    @property
    def kind(self) -> Kind:
        """Ratios."""
        return Kind.RATIO

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same with ``clean`` applied to every text that could hold a secret."""
        return replace(self, reference=self.reference.redacted(clean), candidate=self.candidate.redacted(clean))

    def judge(self, item: str, seen: Observation) -> Finding:
        """Pass and fail are said where chance is ruled out; between them more pairs are needed."""
        try:
            outcome, measured = self._judge(seen.value)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            outcome, measured = Outcome.ERROR, f"not understood ({type(error).__name__}: {error})"
        return Finding(
            item=item,
            kind=self.kind,
            title=self.name,
            outcome=outcome,
            measured=measured,
            needed=f"{self.measure.value} at most {_times(self.at_most)} the reference's, {self.pairs} pairs",
            source=seen.source,
            remedy=_REMEDIES.get(outcome, "run both commands by hand, run the gate again"),
            required=self.required,
        )

    def _judge(self, seen: Any) -> tuple[Outcome, str]:
        if not isinstance(seen, Mapping):
            raise TypeError("no pairs were recorded")
        if why := seen["error"]:
            return Outcome.ERROR, str(why)
        pairs = [(_number(one), _number(other)) for one, other in seen["pairs"]]
        if len(pairs) != self.pairs:
            return Outcome.NOT_RUN, f"{len(pairs)} of {self.pairs} pairs were measured"
        floor = _number(seen["floor"])
        if any(min(pair) <= floor for pair in pairs):
            return (
                Outcome.INCONCLUSIVE,
                "a command took no more than starting one does; let it do more, or report what it measures itself",
            )
        low, middle, high = limits([other / one for one, other in pairs])
        told = f"{_times(middle)} ({_times(low)} to {_times(high)} at 95 %) in {len(pairs)} pairs"
        if high <= self.at_most:
            return Outcome.PASS, told
        if low > self.at_most:
            return Outcome.FAIL, told
        return Outcome.INCONCLUSIVE, f"{told}: on neither side for sure; measure more pairs, or steadier ones"


_REMEDIES: Mapping[Outcome, str] = {
    Outcome.PASS: "",
    Outcome.FAIL: "see what the candidate spends it on",
    Outcome.INCONCLUSIVE: "declare more pairs, or let the commands do more",
}


def limits(ratios: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """The median between its one-sided 95 % limits; at least ``LEAST_PAIRS`` are needed."""
    count = len(ratios)
    if count < LEAST_PAIRS:
        raise ValueError(f"{LEAST_PAIRS} pairs are needed")
    ordered = sorted(ratios)
    below, outside = Fraction(1, 2**count), 0
    while below <= _ERROR:
        outside += 1
        below += Fraction(comb(count, outside), 2**count)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return ordered[outside - 1], middle, ordered[count - outside]


def _number(value: object) -> Fraction:
    """A positive amount; a decimal is ``{"decimal": "0.5"}``. Truth values, text and negatives are none (rule 6)."""
    if isinstance(value, Mapping) and set(value) == {"decimal"}:
        number = Decimal(str(value["decimal"]))
        if number.is_finite() and number >= 0:
            return Fraction(number)
    if type(value) is int and value >= 0:
        return Fraction(value)
    raise ValueError(f"{value!r} is no amount")


def _times(ratio: Fraction) -> str:
    whole = round(ratio * _HUNDREDTHS)
    return f"{whole // _HUNDREDTHS}.{whole % _HUNDREDTHS:02d}x"
