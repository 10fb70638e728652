"""Machines are told by CDEvents in CloudEvents, posted to one sink."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_rollout.core.notice import Undelivered
from pytest_rollout.notifications.cdevents import Sink, event


def test_an_event_is_a_cdevent_in_a_cloudevent(receiver, notice) -> None:
    """As CDEvents 0.4 and CloudEvents 1.0 have it."""
    assert Sink(f"http://127.0.0.1:{receiver.port}/in").tell(notice) == []

    [(path, headers, posted)] = receiver.posts
    assert path == "/in"
    assert headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"
    assert posted == event(notice)
    assert posted["type"] == posted["data"]["context"]["type"] == "dev.cdeventsx.pytestrollout-gate.judged.0.1.0"
    assert {key: posted[key] for key in ("specversion", "source", "subject", "time")} == {
        "specversion": "1.0",
        "source": "/pytest-rollout/takumi",
        "subject": "takumi:alpha",
        "time": "2031-05-04T02:00:00+00:00",
    }
    assert posted["data"]["subject"]["content"]["verdict"] == "rollback"


def test_the_same_notice_has_the_same_id_and_another_has_another(notice) -> None:
    """So that a sink can drop what it was sent twice."""
    assert event(notice)["id"] == event(replace(notice))["id"]
    assert event(notice)["id"] != event(replace(notice, title="x"))["id"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_sink_that_does_not_take_it_is_told(receiver, notice, status) -> None:
    """Redirects are not followed: only the address of the plan is ever contacted."""
    receiver.status = status

    assert Sink(f"http://127.0.0.1:{receiver.port}/in").tell(notice) == [
        Undelivered(route="cdevents.sink", why=f"it answered with status {status}")
    ]


def test_a_sink_that_is_not_there_is_told(notice) -> None:
    assert Sink("http://127.0.0.1:9/in").tell(notice) == [Undelivered(route="cdevents.sink", why="ConnectionError")]
