"""A bounded number of requests, some at once: how long each took, to the microsecond, none left out."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from pytest_rollout.core.endpoint import Ask, Load, Quota, Service
from pytest_rollout.services.http import Line

_LIMITED = 429
_LONGEST_WAIT = 300.0
_EXTRA = 10


def measure(service: Service, ask: Ask, load: Load, statuses: tuple[int, ...]) -> dict[str, Any]:
    """The raw times of up to ``load.requests`` requests, and what else came back.

    A request that was not answered counts as ``late``, which is slower than all others; one
    answered with another status is timed as well, and told. Each of ``at_once`` threads keeps one
    connection, whose opening belongs to its first request.
    """
    until = time.monotonic() + load.limit.total_seconds()
    left = load.requests
    times: list[int] = []
    others: Counter[str] = Counter()
    late = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal left, late
        line = Line(service)
        try:
            while True:
                with lock:
                    if left <= 0 or time.monotonic() > until:
                        return
                    left -= 1
                answer = line.ask(ask)
                with lock:
                    if answer.error:
                        late += 1
                    else:
                        times.append(answer.microseconds)
                        if answer.status not in statuses:
                            others[str(answer.status)] += 1
        finally:
            line.close()

    threads = [threading.Thread(target=work) for _ in range(load.at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "us": sorted(times),
        "late": late,
        "other": others.total(),
        "others": [f"{count} x {status}" for status, count in others.most_common()],
    }


def exhaust(service: Service, ask: Ask, quota: Quota, statuses: tuple[int, ...]) -> dict[str, Any]:
    """How many requests were answered in a row before one got 429, and whether it answers again afterwards.

    Begins after a whole period without a request, so that nobody else's requests are counted.
    """
    period = quota.period.total_seconds()
    time.sleep(min(period, _LONGEST_WAIT))
    line = Line(service)
    started = time.monotonic()
    answered, error, limited, wait = 0, "", False, period
    most = 2 * quota.requests + _EXTRA
    while answered < most and not limited and not error:
        answer = line.ask(ask)
        limited = answer.status == _LIMITED
        if limited:
            wait = _retry_after(answer.headers.get("retry-after", ""), period)
        elif answer.error or answer.status not in statuses:
            error = answer.error or f"answers {answer.status}"
        else:
            answered += 1
    took = round((time.monotonic() - started) * 1_000_000)
    after = False
    if limited:
        time.sleep(min(wait, _LONGEST_WAIT))
        after = line.ask(ask).status in statuses
    line.close()
    return {"answered": answered, "us": took, "limited": limited, "error": error, "after": after, "wait": round(wait)}


def _retry_after(text: str, period: float) -> float:
    """What the answer asks for in seconds, never longer than the period says."""
    return min(float(text), period) if text.isdecimal() and len(text) < 10 else period  # noqa: PLR2004 - no such wait
