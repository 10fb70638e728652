"""Whether an endpoint's answers, as they were recorded, are what the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.recorded import count, texts
from pytest_rollout.core.results import Problem
from pytest_rollout.core.units import UNITS, show

if TYPE_CHECKING:
    from pytest_rollout.core.endpoint import Endpoint, Load, Quota

_LIMITED = 429
_BROKEN = 500
_SHOWN = 5
_NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)


def judge(endpoint: Endpoint, item: str, seen: Observation) -> Finding:
    """The endpoint's finding; an aspect that is declared and was not recorded is an error."""
    value = seen.value if isinstance(seen.value, Mapping) else {}
    try:
        problems = sorted(_problems(endpoint, value), key=lambda problem: problem[0].gravity)
        measured = "; ".join(why for _, why in problems) or _measured(endpoint, value)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        measured = f"not understood ({type(error).__name__}: {error})"
        problems = [(Outcome.ERROR, measured)]
    outcome = problems[0][0] if problems else Outcome.PASS
    return Finding(
        item=item,
        kind=Kind.ENDPOINT,
        title=endpoint.name,
        outcome=outcome,
        measured=measured,
        needed=", ".join(_needed(endpoint)),
        source=seen.source,
        remedy="" if outcome is Outcome.PASS else f"mend {endpoint.service.name}, or correct the plan",
        required=endpoint.required,
    )


def _problems(endpoint: Endpoint, seen: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _answer(endpoint, seen["answer"])
    if not seen["answer"]["error"]:
        yield from _said(endpoint, seen)
        yield from _asked_again(endpoint, seen)


def _said(endpoint: Endpoint, seen: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the one answer: its text, its values, its headers."""
    for what in texts(seen["secrets"]):
        yield Outcome.FAIL, f"an answer holds {what}"
    said = seen["never_says"]
    if not isinstance(said, list):
        raise TypeError("what was said was not compared")
    for pattern, found in zip(endpoint.never_says, said, strict=True):
        if found is not None:
            yield Outcome.FAIL, f"an answer holds {str(found)[:100]!r}, which {pattern!r} must never find"
    if endpoint.schema is not None:
        errors = texts(seen["schema"])
        if errors:
            yield Outcome.FAIL, f"is not of its schema: {_some(errors)}"
    for result, each in zip(endpoint.values, seen["values"], strict=True):
        yield from result.judge(each, _NO_CLOCK)[1]
    for (name, pattern), (found, meets) in zip(endpoint.headers, seen["headers"], strict=True):
        if meets is not True:
            told = f"is {str(found)[:100]!r}" if found else "is missing"
            yield Outcome.FAIL, f"header {name} {told}, needs {pattern!r}"


def _asked_again(endpoint: Endpoint, seen: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with everything else that was asked."""
    if endpoint.certificate is not None:
        yield from _certificate(endpoint.certificate, seen["tls"])
    if endpoint.origins or endpoint.refused_origins:
        yield from _origins(endpoint, seen["origins"])
    if endpoint.load is not None:
        yield from _load(endpoint.load, seen["load"])
    if endpoint.refuses:
        yield from _refused(endpoint, seen["refused"])
    if endpoint.quota is not None:
        yield from _quota(endpoint.quota, seen["quota"])


def _answer(endpoint: Endpoint, answer: Mapping[str, Any]) -> Iterator[Problem]:
    if answer["error"]:
        yield Outcome.FAIL, f"{endpoint.ask.method} {endpoint.ask.path}: {answer['error']}"
    elif _status(answer) not in endpoint.statuses:
        to = f" to {answer['location']}, which is not followed" if answer.get("location") else ""
        yield Outcome.FAIL, f"answers {answer['status']}{to}"


def _certificate(needed: timedelta, tls: Mapping[str, Any]) -> Iterator[Problem]:
    seconds = tls["seconds"]
    if type(seconds) is not int:
        raise TypeError("no expiry of a certificate was recorded")
    if seconds < needed.total_seconds():
        yield Outcome.FAIL, f"its certificate is valid for {_days(seconds)} more"


def _origins(endpoint: Endpoint, seen: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    asked = (*((each, True) for each in endpoint.origins), *((each, False) for each in endpoint.refused_origins))
    for (origin, is_allowed), answer in zip(asked, seen, strict=True):
        if answer["error"] or _status(answer) >= _BROKEN:
            yield Outcome.ERROR, f"origin {origin}: {answer['error'] or 'answers ' + str(answer['status'])}"
            continue
        admitted = [answer["preflight"], answer["simple"]]
        if is_allowed and not all(each is True for each in admitted):
            yield Outcome.FAIL, f"origin {origin} is refused"
        if not is_allowed and not all(each is False for each in admitted):
            yield Outcome.FAIL, f"origin {origin} is let in"


def _load(load: Load, seen: Mapping[str, Any]) -> Iterator[Problem]:
    times, late, other = seen["us"], count(seen["late"]), count(seen["other"])
    if not isinstance(times, list) or not all(type(each) is int and each >= 0 for each in times):
        raise TypeError("the times of the requests were not recorded")
    done = len(times) + late
    if other:
        yield Outcome.FAIL, f"{other} of {done} requests under load got another answer: {_some(texts(seen['others']))}"
    if done < load.requests:
        limit = show(Fraction(load.limit.total_seconds()), UNITS["s"])
        yield Outcome.INCONCLUSIVE, f"{done} of {load.requests} requests were done within {limit}"
    slow = percentile(times, late)
    if slow is None:
        yield Outcome.FAIL, f"p95 is no answer at all: {late} of {done} requests were not answered in time"
    elif not load.p95.holds(slow):
        yield Outcome.FAIL, f"p95 {show(slow, UNITS['ms'])}, not {load.p95}"


def percentile(times: Sequence[int], late: int) -> Fraction | None:
    """The 95th percentile of microseconds in seconds, nearest rank; an answer that never came is slowest (rule 12)."""
    total = len(times) + late
    rank = -(-95 * total // 100)
    if total == 0:
        raise ValueError("no request was measured")
    return Fraction(sorted(times)[rank - 1], 10**6) if rank <= len(times) else None


def _refused(endpoint: Endpoint, seen: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    for bad, answer in zip(endpoint.refuses, seen, strict=True):
        if answer["error"]:
            yield Outcome.FAIL, f"{bad.name}: {answer['error']}"
        elif _status(answer) >= _BROKEN:
            yield Outcome.FAIL, f"{bad.name}: broke it, {answer['status']}"
        elif _status(answer) not in bad.statuses:
            yield Outcome.FAIL, f"{bad.name}: answers {answer['status']}"


def _quota(quota: Quota, seen: Mapping[str, Any]) -> Iterator[Problem]:
    answered, took = count(seen["answered"]), count(seen["us"])
    if seen["error"]:
        yield Outcome.FAIL, f"under the rate limit: {seen['error']}"
    elif seen["limited"] is not True:
        yield Outcome.FAIL, f"{answered} requests were answered and none got {_LIMITED}"
    elif answered < quota.requests:
        yield Outcome.FAIL, f"request {answered + 1} of {quota.requests} got {_LIMITED}"
    elif answered > most_answered(quota, took):
        yield Outcome.FAIL, f"{answered} requests were answered before one got {_LIMITED}"
    elif seen["after"] is not True:
        yield Outcome.FAIL, "did not answer again when the period was over"


def most_answered(quota: Quota, microseconds: int) -> int:
    """How many requests may be answered in a time: the quota, and what flows in meanwhile."""
    flowed = Fraction(quota.requests * microseconds, 10**6) / Fraction(quota.period.total_seconds())
    return quota.requests + -(-flowed.numerator // flowed.denominator)


def _measured(endpoint: Endpoint, seen: Mapping[str, Any]) -> str:
    parts = [str(seen["answer"]["status"])]
    if endpoint.load is not None:
        load = seen["load"]
        slow = percentile(load["us"], load["late"])
        parts.append(f"p95 {show(slow or Fraction(0), UNITS['ms'])} of {len(load['us']) + load['late']} requests")
    if endpoint.certificate is not None:
        parts.append(f"certificate valid for {_days(seen['tls']['seconds'])}")
    if endpoint.quota is not None:
        parts.append(f"{_LIMITED} after {seen['quota']['answered']} requests")
    if endpoint.refuses:
        parts.append(f"{len(endpoint.refuses)} bad inputs refused")
    return ", ".join(parts)


def _needed(endpoint: Endpoint) -> Iterator[str]:
    yield " or ".join(map(str, endpoint.statuses))
    if endpoint.schema is not None:
        yield f"of {endpoint.schema.name}"
    yield from (each.needed for each in endpoint.values)
    if endpoint.load is not None:
        yield f"p95 {endpoint.load.p95} of {endpoint.load.requests} requests"
    if endpoint.certificate is not None:
        yield f"certificate valid for {_days(int(endpoint.certificate.total_seconds()))}"
    if endpoint.headers:
        yield f"{len(endpoint.headers)} headers"
    if endpoint.origins or endpoint.refused_origins:
        yield f"{len(endpoint.origins)} origins let in, {len(endpoint.refused_origins)} refused"
    if endpoint.refuses:
        yield f"{len(endpoint.refuses)} bad inputs refused"
    if endpoint.quota is not None:
        yield f"{_LIMITED} after {endpoint.quota.requests} requests"


def _status(answer: Mapping[str, Any]) -> int:
    status = answer["status"]
    if type(status) is not int:
        raise TypeError("no status was recorded")
    return status


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _days(seconds: int) -> str:
    return f"{seconds // 86400} days"
