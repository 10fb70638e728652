"""CDEvents for machines: what happened to a gate or a stage, as a CloudEvent posted to one sink.

Formats: CDEvents 0.4 (custom events, ``dev.cdeventsx.<tool>-<subject>.<predicate>.<version>``) in
CloudEvents 1.0 structured JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pytest_rollout.core.notice import Notice, Undelivered

SPECIFICATION = "0.4.1"
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
PATIENCE_SECONDS = (4.0, 8.0)
ROUTE = "cdevents.sink"

_TYPES = {
    "verdict": ("gate", "judged"),
    "stage": ("stage", "entered"),
    "soak": ("soak", "covered"),
    "source": ("source", "lost"),
}
_ACCEPTED = range(200, 300)


def event(notice: Notice) -> dict[str, Any]:
    """The CloudEvent of a notice; the same notice has the same id, so a sink may drop doubles."""
    subject, predicate = _TYPES.get(notice.what, (notice.what, "changed"))
    kind = f"dev.cdeventsx.pytestrollout-{subject}.{predicate}.0.1.0"
    source = f"/pytest-rollout/{notice.rollout}"
    said = json.dumps([kind, notice.rollout, notice.stage, notice.at.isoformat(), notice.title, dict(notice.facts)])
    name = hashlib.sha256(said.encode()).hexdigest()[:32]
    at = notice.at.isoformat()
    content = {
        "rollout": notice.rollout,
        "stage": notice.stage,
        "importance": notice.importance.value,
        "title": notice.title,
        "text": notice.text,
        **notice.facts,
    }
    data = {
        "context": {"version": SPECIFICATION, "id": name, "source": source, "type": kind, "timestamp": at},
        "subject": {
            "id": f"{notice.rollout}:{notice.stage}",
            "source": source,
            "type": f"pytestrollout-{subject}",
            "content": content,
        },
    }
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "time": at,
        "subject": f"{notice.rollout}:{notice.stage}",
        "datacontenttype": "application/json",
        "data": data,
    }


class Sink:
    """Posts the event of every notice to one address; follows no redirect and asks no proxy."""

    def __init__(self, url: str, post: Callable[..., Any] | None = None) -> None:
        self._url = url
        self._post = post or _post

    def tell(self, notice: Notice) -> list[Undelivered]:
        """Post it once; a sink that does not take it is told, never raised."""
        try:
            status = self._post(self._url, json.dumps(event(notice)).encode())
        except Exception as error:  # noqa: BLE001 - whatever keeps it from being delivered changes no verdict
            return [Undelivered(route=ROUTE, why=type(error).__name__)]
        return [] if status in _ACCEPTED else [Undelivered(route=ROUTE, why=f"it answered with status {status}")]


def _post(url: str, body: bytes) -> int:
    import requests  # noqa: PLC0415 - only where there is a sink

    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            url,
            data=body,
            headers={"Content-Type": CONTENT_TYPE},
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
            stream=True,
        )
        answer.close()
        return int(answer.status_code)
