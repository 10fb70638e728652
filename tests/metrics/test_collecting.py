"""All sources asked at the same time: each answers for itself."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.rollout import Metric, SourceKind, SourceSettings
from pytest_rollout.core.series import Samples
from pytest_rollout.core.units import UNITS
from pytest_rollout.metrics import opening
from pytest_rollout.metrics.opening import AT_ONCE, Sources
from pytest_rollout.metrics.port import Asked
from tests.metrics.conftest import START, Answer, Site

UNTIL = START + timedelta(hours=1)


def prometheus(name: str, url: str, query: str = "x") -> Asked:
    settings = SourceSettings(kind=SourceKind.PROMETHEUS, url=url, query=query)
    return Asked(metric=Metric(name=name, unit=UNITS["count"], source=settings), since=START, until=UNTIL)


NO_SERIES = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'
EMPTY = Answer(body={"status": "success", "data": {"resultType": "matrix", "result": []}})


def test_one_trouble_is_not_anothers(sources: Sources, site: Site) -> None:
    site.answers = [EMPTY]
    measured = Metric(name="measured", unit=UNITS["count"])
    asked = [
        prometheus("fine", site.url),
        prometheus("gone", "http://127.0.0.1:1"),
        prometheus("nowhere", "nowhere"),
        Asked(metric=measured, since=START, until=UNTIL),
    ]

    found = {each.metric.name: answer for each, answer in sources.collect(asked)}

    assert isinstance(found["fine"], Samples)
    assert {name: str(answer) for name, answer in found.items() if isinstance(answer, MetricError)} == {
        "gone": "metric gone: http://127.0.0.1:1: nobody answers (connection refused).",
        "nowhere": "metric nowhere: the source's url is no http or https address; "
        "write for example 'http://127.0.0.1:9090'.",
        "measured": "metric measured: tests measure it, there is no source to ask.",
    }


def test_a_hundred_are_asked_at_the_same_time(sources: Sources, site: Site) -> None:
    """None is answered before all have been asked: one after the other would never end."""
    together = threading.Barrier(AT_ONCE, timeout=30)

    def meet(handler: Any) -> None:
        together.wait()
        body = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.answers = [meet]

    found = list(sources.collect(prometheus(f"m{n}", site.url) for n in range(AT_ONCE)))

    assert len(found) == AT_ONCE
    assert all(isinstance(answer, Samples) for _, answer in found)


def test_connections_are_used_again(sources: Sources, site: Site) -> None:
    """One pool: ten questions one after the other need one connection."""
    site.answers = [EMPTY]
    list(sources.collect([prometheus(f"m{n}", site.url) for n in range(10)], at_once=1))

    adapter = sources.web._session.get_adapter(site.url)
    (pool,) = [adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys()]  # noqa: SIM118

    assert (pool.num_requests, pool.num_connections) == (10, 1)


def test_many_samples_are_asked_for_a_few_metrics_at_a_time(
    sources: Sources, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of ten have room at once, and each makes room for the next when it was handed on; a small one slips in."""
    monkeypatch.setattr(opening, "MOST_SAMPLES", 2 * 240)
    at_once, most, lock = 0, 0, threading.Lock()

    def answer(handler: Any) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(NO_SERIES)))
        handler.end_headers()
        handler.wfile.write(NO_SERIES)

    site.answers = [answer]
    assert len(list(sources.collect(prometheus(f"m{n}", site.url) for n in range(10)))) == 10
    assert most <= 2

    for _ in sources.collect(prometheus(f"m{n}", site.url) for n in range(10)):
        break  # whoever stops taking holds nobody up


def test_nothing_to_ask_is_nothing(sources: Sources) -> None:
    assert list(sources.collect([])) == []


@pytest.mark.parametrize("given", ["missing.pem", "."])
def test_certificates_that_are_not_there(sources: Sources, given: str) -> None:
    settings = SourceSettings(kind=SourceKind.PROMETHEUS, url="https://x", query="x", options={"certificates": given})

    with pytest.raises(MetricError, match="with the certificates to trust; paths are relative to the plan"):
        sources.open(settings)
