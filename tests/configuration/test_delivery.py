"""A test alert through a real Alertmanager to the webhook that the gate opens."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest

from pytest_rollout.core.configuration import AlertCheck
from pytest_rollout.core.endpoint import Service
from pytest_rollout.core.outcome import Outcome
from tests.servers import alertmanager, free_port


@pytest.fixture(scope="module")
def routed(tmp_path_factory):
    """An Alertmanager that tells critical alerts to a port of ours, and others to nobody; with that port."""
    port = free_port()
    config = {
        "route": {
            "receiver": "nobody",
            "group_wait": "10ms",
            "group_interval": "50ms",
            "routes": [{"receiver": "oncall", "matchers": ['severity="critical"']}],
        },
        "receivers": [
            {"name": "nobody"},
            {"name": "oncall", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/hook"}]},
        ],
    }
    with alertmanager(tmp_path_factory.mktemp("am"), json.dumps(config)) as url:
        yield Service(name="alertmanager", url=url), port


@pytest.fixture
def sent(routed, look):
    def finding(**more):
        service, port = routed
        given = {
            "labels": {"alertname": "HighErrorRate", "severity": "critical"},
            "listen": f"127.0.0.1:{port}",
            "alertmanager": service,
            "receiver": "oncall",
        }
        return look(AlertCheck(name="alerts arrive", **(given | more)))

    return finding


def test_a_test_alert_arrives_again_and_again(sent):
    """Each run tells its own alert from the last one's."""
    first, second = sent(), sent()

    assert (first.outcome, second.outcome) == (Outcome.PASS, Outcome.PASS), first.measured
    assert first.measured.endswith(" s as oncall")


def test_an_alert_that_goes_to_nobody_or_to_another_is_told(sent):
    short = timedelta(milliseconds=700)
    lost = sent(labels={"alertname": "HighErrorRate", "severity": "info"}, within=short)
    other = sent(receiver="platform")

    assert (lost.outcome, other.outcome) == (Outcome.FAIL, Outcome.FAIL)
    assert "no alert arrived at 127.0.0.1:" in lost.measured
    assert "arrived as 'oncall', not as 'platform'" in other.measured


def test_no_alertmanager_and_no_place_to_listen_are_errors(sent):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        occupied = sent(listen=f"127.0.0.1:{taken.getsockname()[1]}")
    down = sent(alertmanager=Service(name="alertmanager", url="http://127.0.0.1:1"))

    assert (occupied.outcome, down.outcome) == (Outcome.ERROR, Outcome.ERROR)
    assert "cannot listen there (Address already in use)" in occupied.measured
    assert "alertmanager/api/v2/alerts: does not answer" in down.measured
