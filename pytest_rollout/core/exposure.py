"""Whether the users a flag lets in are the share a stage declares, and stay the same users.

The share is accepted by a two-sided exact binomial test with equal tails: of ``sample`` users the
numbers k are accepted for which P(X <= k) and P(X >= k) both exceed (1 - confidence) / 2, where X
is binomial with the declared share. It is the test behind the interval of C. J. Clopper and
E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26 (1934), 404-413, and unlike the normal approximation it holds for small shares.
0 % and 100 % accept nothing but nobody and everybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pytest_rollout.core.errors import EvidenceError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.rollout import Exposure
from pytest_rollout.core.units import UNITS, show

_NEGLIGIBLE = 1e-30
_MOST_USERS = 10**9
_COUNTS = ("sample", "enabled", "unsticky", "errors", "left", "joined")


def accepted(share: Fraction, sample: int, confidence: Fraction) -> tuple[int, int]:
    """The least and the greatest number of users inside that a sample may have; both are accepted.

    Probabilities are taken relative to the likeliest number and built from it by the ratio of
    neighbours, with the four basic operations only: the same bounds on every machine.
    """
    if not (0 <= share <= 1 and 0 < confidence < 1 and sample >= 0):
        raise EvidenceError(f"no acceptance bounds for share {share}, sample {sample}, confidence {confidence}")
    if share in {0, 1}:
        return int(share) * sample, int(share) * sample
    mode = min(sample, math.floor((sample + 1) * share))
    odds = float(share / (1 - share))
    below = list(_weights(mode, lambda k: k / ((sample - k + 1) * odds), step=-1, last=0))
    above = list(_weights(mode, lambda k: (sample - k) * odds / (k + 1), step=1, last=sample))
    total = math.fsum([*below, 1.0, *above])
    tail = float((1 - confidence) / 2) * total
    low = mode - len(below) + _beyond([*reversed(below), 1.0, *above], tail)
    high = mode + len(above) - _beyond([*reversed(above), 1.0, *below], tail)
    return low, high


def _weights(mode: int, ratio: Callable[[int], float], *, step: int, last: int) -> Iterator[float]:
    weight, k = 1.0, mode
    while k != last:
        weight *= ratio(k)
        if weight < _NEGLIGIBLE:
            return
        k += step
        yield weight


def _beyond(weights: list[float], tail: float) -> int:
    """The first index up to which the weights add up to more than ``tail``."""
    gathered = 0.0
    for index, weight in enumerate(weights):
        gathered += weight
        if gathered > tail:
            return index
    return len(weights) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The observation's counts, each a number of users of the sample."""

    sample: int
    enabled: int
    unsticky: int
    errors: int
    left: int
    joined: int
    previous: int | None

    @classmethod
    def of(cls, observation: Mapping[str, Any]) -> _Reading | None:
        """The counts, or None where one is absent, no whole number, or larger than a sample can be."""
        counts = {key: observation.get(key) for key in _COUNTS}
        previous = observation.get("previous")
        for value in [*counts.values(), 0 if previous is None else previous]:
            if type(value) is not int or not 0 <= value <= min(counts["sample"] or 0, _MOST_USERS):
                return None
        return cls(previous=previous, **counts)  # type: ignore[arg-type]  # each was just found to be an int


def judge_exposure(
    item: str,
    exposure: Exposure,
    observation: Any,
    *,
    earlier: Exposure | None = None,
    source: str = "",
) -> Finding:
    """Judge the share of a stage on what its flag answered for a sample of users.

    ``observation`` counts users: ``sample`` asked, ``enabled`` inside, ``unsticky`` that got
    another answer when asked again, ``errors`` without an answer (``error`` is the first one's
    text), ``previous`` inside at the earlier stage or None, ``left`` of those no longer inside,
    ``joined`` inside now and not then; ``examples`` names a few for each. ``earlier`` is the
    exposure the stage before declares: where it has a share, both cohorts must be nested - none
    leaves when the share rises, none enters when it falls.
    """
    if exposure.share is None:
        raise EvidenceError(f"{item}: an exposure without a share has nothing to compare with a sample")
    # What the recorder handed over may be anything at all; what is no table says nothing.
    observed: Mapping[str, Any] = observation if isinstance(observation, Mapping) else {}
    outcome, measured, details = _decide(exposure, exposure.share, observed, earlier)
    steered = f" by flag {exposure.flag}" if exposure.flag else ""
    return Finding(
        item=item,
        kind=Kind.EXPOSURE,
        title=f"exposure {_percent(exposure.share)}{steered}",
        outcome=outcome,
        measured=measured,
        needed=f"{_percent(exposure.share)} at {_percent(exposure.confidence)} confidence, sticky, none lost",
        source=source,
        remedy=_REMEDY.get(outcome, ""),
        detail="; ".join(details),
    )


_REMEDY = {
    Outcome.FAIL: "correct the flag's targeting or the plan's share",
    Outcome.ERROR: "correct the flag or the provider",
    Outcome.INCONCLUSIVE: "raise the exposure's sample",
}


def _decide(
    exposure: Exposure, share: Fraction, observation: Mapping[str, Any], earlier: Exposure | None
) -> tuple[Outcome, str, list[str]]:
    seen = _Reading.of(observation)
    if seen is None:
        told = str(observation.get("error") or "the observation is incomplete or contradicts itself")
        return Outcome.ERROR, "no reading", [told]
    if broken := _broken_promises(seen, observation, share, earlier):
        return Outcome.FAIL, _measured(seen, share, exposure), broken
    if seen.errors or observation.get("error"):
        who = f"{seen.errors:,} users got no answer: " if seen.errors else ""
        return Outcome.ERROR, "no reading", [f"{who}{observation.get('error') or 'no reason given'}"]
    if seen.sample == 0:
        return Outcome.INCONCLUSIVE, "0 users asked", [f"{exposure.sample:,} users have to be asked"]
    if earlier is not None and earlier.share is not None and seen.previous is None:
        return Outcome.ERROR, _measured(seen, share, exposure), ["not compared with the stage before"]
    low, high = accepted(share, seen.sample, exposure.confidence)
    outcome, details = Outcome.PASS, list[str]()
    if not low <= seen.enabled <= high:
        outcome = Outcome.FAIL
        details = [f"{seen.enabled:,} users are inside, {low:,} to {high:,} are accepted"]
    elif missing := _missing_users(exposure, share, seen.sample):
        outcome, details = Outcome.INCONCLUSIVE, [missing]
    return outcome, _measured(seen, share, exposure), details


def _broken_promises(
    seen: _Reading, observation: Mapping[str, Any], share: Fraction, earlier: Exposure | None
) -> list[str]:
    examples = observation.get("examples")
    named = examples if isinstance(examples, Mapping) else {}

    def told(key: str, count: int, what: str) -> str:
        some = named.get(key)
        users = ", ".join(map(str, some)) if isinstance(some, list) else ""
        return f"{count:,} {'user' if count == 1 else 'users'} {what}{f' ({users}, …)' if users else ''}"

    falls = earlier is not None and earlier.share is not None and share < earlier.share
    broken = []
    if seen.unsticky:
        broken.append(told("unsticky", seen.unsticky, "got another answer when asked again"))
    if seen.left and not falls:
        broken.append(told("left", seen.left, "inside at the stage before left again"))
    if seen.joined and seen.previous is not None and falls:
        broken.append(told("joined", seen.joined, "entered although the share fell"))
    return broken


def _missing_users(exposure: Exposure, share: Fraction, sample: int) -> str:
    """What a sample lacks that fits the share but would fit nobody or everybody just as well."""
    if sample < exposure.sample:
        return f"{exposure.sample - sample:,} more users have to be asked"
    low, high = accepted(share, sample, exposure.confidence)
    if share in {0, 1} or (low > 0 and high < sample):
        return ""
    rarer = min(share, 1 - share)
    least = math.ceil(math.log(float((1 - exposure.confidence) / 2)) / math.log1p(-float(rarer)))
    lacking = "nobody" if low == 0 else "everybody"
    return f"{sample:,} users cannot tell {_percent(share)} from {lacking}; at least {least:,} are needed"


def _measured(seen: _Reading, share: Fraction, exposure: Exposure) -> str:
    low, high = accepted(share, seen.sample, exposure.confidence)
    bounds = f"{_percent(Fraction(low, seen.sample))} … {_percent(Fraction(high, seen.sample))}"
    return f"{_percent(Fraction(seen.enabled, seen.sample))} of {seen.sample:,} (accepted {bounds})"


def _percent(share: Fraction) -> str:
    return show(share, UNITS["%"])
