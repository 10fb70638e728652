"""People are told over real HTTP; who was not reached is told, and no address ever is."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from pytest_rollout.core.errors import UsageError
from pytest_rollout.core.notice import Importance
from pytest_rollout.notifications.people import LONGEST, People

TOKEN = "s3cr3t-t0ken-of-a-channel"


def test_a_notice_reaches_every_route_of_its_importance(receiver, notice) -> None:
    """And none of another: information wakes nobody."""
    url = f"json://127.0.0.1:{receiver.port}/{TOKEN}"
    people = People({Importance.CRITICAL: [f"{url}/a", f"{url}/b"], Importance.INFO: [f"{url}/c"]})

    assert people.tell(notice) == []

    assert [path for path, _, _ in receiver.posts] == [f"/{TOKEN}/a", f"/{TOKEN}/b"]
    told = receiver.posts[0][2]
    assert (told["title"], told["type"]) == (notice.title, "failure")
    assert notice.text in told["message"]


@pytest.mark.parametrize("status", [403, 500, 302])
def test_what_a_service_does_not_take_is_told_without_its_address(receiver, notice, caplog, status) -> None:
    """A redirect is no delivery either."""
    receiver.status = status
    people = People({Importance.CRITICAL: [f"json://127.0.0.1:{receiver.port}/{TOKEN}?redirect=no"]})

    with caplog.at_level(logging.DEBUG):
        [failed] = people.tell(notice)

    assert failed.route == "notifications.critical.urls[0] (json)"
    assert TOKEN not in f"{failed} {caplog.text}"


def test_a_server_that_is_not_there_is_told(notice, caplog) -> None:
    people = People({Importance.CRITICAL: [f"json://127.0.0.1:9/{TOKEN}"]})

    [failed] = people.tell(notice)

    assert failed.why == "the service did not take it, or did not answer"
    assert TOKEN not in caplog.text


def test_one_that_fails_keeps_no_other_from_being_told(receiver, notice) -> None:
    people = People({Importance.CRITICAL: ["json://127.0.0.1:9/x", f"json://127.0.0.1:{receiver.port}/y"]})

    assert [each.route for each in people.tell(notice)] == ["notifications.critical.urls[0] (json)"]
    assert len(receiver.posts) == 1


def test_a_server_that_never_answers_ends_in_time(receiver, notice) -> None:
    """The plan may set its own limits; without, apprise's are set for it."""
    receiver.silent_seconds = 1.5
    people = People({Importance.CRITICAL: [f"json://127.0.0.1:{receiver.port}/x?cto=0.2&rto=0.2"]})

    assert len(people.tell(notice)) == 1


def test_an_address_that_apprise_does_not_know_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as caught:
        People({Importance.INFO: [f"slak://{TOKEN}"]})

    assert str(caught.value) == (
        "notifications.info.urls[0] (slak): apprise knows no such address; write one such as "
        "slack://TokenA/TokenB/TokenC or jsons://host/path."
    )


def test_long_reasons_are_cut_and_the_cut_is_told(receiver, notice) -> None:
    people = People({Importance.CRITICAL: [f"json://127.0.0.1:{receiver.port}/x"]})

    assert people.tell(replace(notice, text="x" * (LONGEST + 5))) == []

    assert receiver.posts[0][2]["message"].endswith("… 5 characters cut")
