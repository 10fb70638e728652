"""Alertmanager's routes for the alerts of a plan, to those whom the plan wants told.

The file holds addresses, which open doors: it is for Alertmanager alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_rollout.core.errors import UsageError, listed
from pytest_rollout.core.notice import Importance
from pytest_rollout.core.rollout import Notifications

Integration = tuple[str, dict[str, Any]]
"""Alertmanager's name of a kind of integration, and one entry of it."""


def routes(rollout: str, settings: Notifications) -> dict[str, Any]:
    """The configuration, as a document; raises ``UsageError`` for an address Alertmanager cannot tell.

    An alert of the plan reaches the receiver of its importance; one of an importance that nobody is
    routed for goes to the next higher one, and alerts of others are left alone.
    """
    if not settings.routes:
        raise UsageError(
            f"{rollout}: the plan wants nobody told; name them under notifications.critical.urls, warning or info."
        )
    receivers: list[dict[str, Any]] = [{"name": "nobody"}]
    below = []
    for importance in Importance:
        if urls := settings.routes.get(importance):
            receivers.append(_receiver(importance, urls))
        below.append(
            {
                "matchers": [f'severity="{importance.value}"'],
                "receiver": f"rollout-{_routed(importance, settings).value}",
            }
        )
    return {
        "route": {
            "receiver": "nobody",
            "routes": [
                {
                    "matchers": [f'rollout="{rollout}"'],
                    "receiver": f"rollout-{_routed(Importance.WARNING, settings).value}",
                    "group_by": ["rollout", "stage", "severity"],
                    "routes": below,
                }
            ],
        },
        "receivers": receivers,
    }


def _routed(importance: Importance, settings: Notifications) -> Importance:
    """Who hears of this: those of the importance, else of the next higher, else of the next lower one."""
    order = list(Importance)
    place = order.index(importance)
    nearest = [*reversed(order[: place + 1]), *order[place + 1 :]]
    return next(each for each in nearest if each in settings.routes)


def _receiver(importance: Importance, urls: tuple[str, ...]) -> dict[str, Any]:
    receiver: dict[str, Any] = {"name": f"rollout-{importance.value}"}
    for index, url in enumerate(urls):
        scheme = url.partition("://")[0]
        if scheme not in _INTEGRATIONS:
            raise UsageError(
                f"notifications.{importance.value}.urls[{index}] ({scheme}): Alertmanager is written no such receiver; "
                f"allowed for `rollout rules` are {listed(_INTEGRATIONS)}. Use a webhook, jsons://host/path."
            )
        kind, entry = _INTEGRATIONS[scheme](url)
        receiver.setdefault(kind, []).append({"send_resolved": True, **entry})
    return receiver


def _webhook(url: str) -> Integration:
    """``jsons://host/path`` is a webhook at ``https://host/path``."""
    scheme, _, rest = url.partition("://")
    return "webhook_configs", {"url": f"{'https' if scheme == 'jsons' else 'http'}://{rest}"}


def _slack(url: str) -> Integration:
    """``slack://TokenA/TokenB/TokenC[/channel]``."""
    parts = [unquote(part) for part in url.partition("://")[2].partition("?")[0].split("/") if part]
    if len(parts) < 3:  # noqa: PLR2004 - three tokens
        raise UsageError("notifications: a slack address has three tokens, slack://TokenA/TokenB/TokenC.")
    entry: dict[str, Any] = {"api_url": "https://hooks.slack.com/services/" + "/".join(parts[:3])}
    if len(parts) > 3:  # noqa: PLR2004 - as above
        entry["channel"] = parts[3] if parts[3].startswith(("#", "@")) else f"#{parts[3]}"
    return "slack_configs", entry


def _pagerduty(url: str) -> Integration:
    """``pagerduty://integrationkey@apikey``."""
    key = urlsplit(url).username or ""
    if not key:
        raise UsageError("notifications: a pagerduty address has its key, pagerduty://integrationkey@apikey.")
    return "pagerduty_configs", {"routing_key": unquote(key)}


def _discord(url: str) -> Integration:
    """``discord://WebhookID/WebhookToken``."""
    return "discord_configs", {"webhook_url": f"https://discord.com/api/webhooks/{url.partition('://')[2]}"}


_INTEGRATIONS: Mapping[str, Callable[[str], Integration]] = {
    "json": _webhook,
    "jsons": _webhook,
    "slack": _slack,
    "pagerduty": _pagerduty,
    "discord": _discord,
}
