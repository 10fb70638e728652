"""Alertmanager's routes: checked by amtool, and an alert that really arrives."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_rollout.core.errors import UsageError
from pytest_rollout.core.notice import Importance
from pytest_rollout.core.rollout import Notifications
from pytest_rollout.monitoring.routes import routes
from tests.notifications.conftest import Receiver
from tests.servers import alertmanager, program

CRITICAL = ("slack://Ta/Tb/Tc/ops", "pagerduty://integration@key")


def settings(**routes: tuple[str, ...]) -> Notifications:
    return Notifications(routes={Importance(name): urls for name, urls in routes.items()})


def amtool(folder: Path, *arguments: str) -> str:
    command = [program("amtool", "prometheus-alertmanager"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("given", "severity", "receiver"),
    [
        ({"critical": CRITICAL, "info": ("jsons://h/x",)}, "critical", "rollout-critical"),
        ({"critical": CRITICAL, "info": ("jsons://h/x",)}, "info", "rollout-info"),
        ({"critical": CRITICAL, "info": ("jsons://h/x",)}, "warning", "rollout-critical"),
        ({"info": ("discord://1/2",)}, "critical", "rollout-info"),
    ],
    ids=["critical", "info", "nobody for warnings", "only information"],
)
def test_an_alert_goes_to_those_of_its_importance(
    tmp_path: Path, given: dict[str, Any], severity: str, receiver: str
) -> None:
    """Where nobody is routed for it, to the next higher importance: no alarm gets lost."""
    (tmp_path / "am.yml").write_text(json.dumps(routes("toy", settings(**given))))

    assert "SUCCESS" in amtool(tmp_path, "check-config", "am.yml")
    found = amtool(tmp_path, "config", "routes", "test", "--config.file=am.yml", "rollout=toy", f"severity={severity}")
    assert found.strip() == receiver
    others = amtool(tmp_path, "config", "routes", "test", "--config.file=am.yml", "rollout=other", "severity=critical")
    assert others.strip() == "nobody"


def test_a_test_alert_really_arrives(tmp_path: Path) -> None:
    """From Alertmanager, on the route of the plan, at a webhook."""
    receiver = Receiver()
    try:
        config = routes("toy", settings(critical=(f"json://127.0.0.1:{receiver.port}/hook",)))
        config["route"]["routes"][0]["group_wait"] = "10ms"
        labels = {"alertname": "RolloutRollback", "rollout": "toy", "stage": "beta", "severity": "critical"}
        with alertmanager(tmp_path, json.dumps(config)) as url:
            posted = requests.post(
                f"{url}/api/v2/alerts",
                json=[{"labels": labels, "startsAt": datetime.now(UTC).isoformat()}],
                timeout=10,
            )
            assert posted.status_code == 200
            until = time.monotonic() + 20
            while not receiver.posts and time.monotonic() < until:
                time.sleep(0.02)
    finally:
        receiver.close()

    [(path, _, told)] = receiver.posts[:1]
    assert (path, told["alerts"][0]["labels"]) == ("/hook", labels)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "toy: the plan wants nobody told"),
        (
            {"info": ("mailto://u:s3cret-pass@h",)},
            r"notifications.info.urls\[0\] \(mailto\): Alertmanager is written no",
        ),
        ({"info": ("slack://Ta/s3cret-pass",)}, "a slack address has three tokens"),
        ({"info": ("pagerduty://",)}, "a pagerduty address has its key"),
    ],
    ids=["nobody", "mail", "slack", "pagerduty"],
)
def test_an_address_alertmanager_cannot_tell_is_refused_without_being_shown(given: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        routes("toy", settings(**given))

    assert "s3cret" not in str(caught.value)
