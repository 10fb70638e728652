"""Who a plan wants told, and where machines are told."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_rollout.core.notice import Importance
from pytest_rollout.core.rollout import Notifications
from pytest_rollout.plan.sentence import Place, Unfit, Written

if TYPE_CHECKING:
    from pytest_rollout.plan.notification_shape import CdeventsTable, NotificationsTable


def notifications(
    written: Written, table: NotificationsTable | None, cdevents: CdeventsTable | None
) -> tuple[Notifications, dict[str, str]]:
    """The settings, and every address by its place in the plan: all of them open doors."""
    routes: dict[Importance, tuple[str, ...]] = {}
    secrets: dict[str, str] = {}
    for importance in Importance:
        route = getattr(table, importance.value, None)
        if route is None:
            continue
        for index, url in enumerate(route.urls):
            place: Place = ("notifications", importance.value, "urls", index)
            written.read(place, url, _address)
            secrets[f"notifications.{importance.value}.urls[{index}]"] = url
        routes[importance] = tuple(route.urls)
    sink = ""
    if cdevents is not None:
        sink = written.read(("cdevents", "sink"), cdevents.sink, _http)
        secrets["cdevents.sink"] = sink
    return Notifications(routes=routes, cdevents=sink), secrets


def _address(text: str) -> str:
    scheme, colon, rest = text.partition("://")
    if not colon or not scheme.isalnum() or not rest.strip() or not text.isprintable():
        raise Unfit("is no address; write it as apprise does, such as 'slack://TokenA/TokenB/TokenC'.")
    return text


def _http(text: str) -> str:
    try:
        url = urlsplit(text)
        is_one = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        is_one = False
    if not is_one or not text.isprintable():
        raise Unfit("is no http or https address; write it such as 'https://events.example/in'.")
    return text
