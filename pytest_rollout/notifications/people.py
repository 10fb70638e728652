"""Slack, PagerDuty, Discord, mail, webhooks: whatever apprise knows, by URL.

The addresses are secrets. apprise logs them, and what a server answers; so its logger is kept
silent, urllib3's as well, and a route is named by its place in the plan and its scheme.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_rollout.core.errors import UsageError
from pytest_rollout.core.notice import Importance, Notice, Undelivered

CONNECT_SECONDS = 4.0
READ_SECONDS = 8.0
"""How long one route may take; apprise takes the times as parameters of the URL."""

LONGEST = 3000
"""How many characters of reasons are sent: chat services cut or refuse longer ones."""


class People:
    """Tells those whom the plan routes a notice of this importance to."""

    def __init__(self, routes: Mapping[Importance, Sequence[str]]) -> None:
        """``routes`` are apprise URLs; raises ``UsageError`` for one that apprise does not know."""
        try:
            import apprise  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(
                "notifications: apprise is not installed; install it with `pip install pytest-rollout[notifications]`."
            ) from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        logging.getLogger("urllib3").setLevel(logging.WARNING)  # below that it writes every address it asks
        asset = apprise.AppriseAsset(app_id="pytest-rollout", async_mode=False, secure_logging=True)
        self._routes: dict[Importance, list[tuple[str, Any]]] = {}
        for importance, urls in routes.items():
            for index, url in enumerate(urls):
                name = f"notifications.{importance.value}.urls[{index}] ({_scheme(url)})"
                target = apprise.Apprise.instantiate(_bounded(url), asset=asset, suppress_exceptions=True)
                if target is None:
                    raise UsageError(
                        f"{name}: apprise knows no such address; write one such as slack://TokenA/TokenB/TokenC "
                        "or jsons://host/path."
                    )
                self._routes.setdefault(importance, []).append((name, target))

    def tell(self, notice: Notice) -> list[Undelivered]:
        """Deliver on every route of the notice's importance, one after the other."""
        failed = []
        for name, target in self._routes.get(notice.importance, ()):
            try:
                is_delivered = target.notify(
                    title=notice.title, body=_cut(notice.text) or notice.title, notify_type=_TYPES[notice.importance]
                )
            except Exception as error:  # noqa: BLE001 - a hundred services, each with errors of its own
                failed.append(Undelivered(route=name, why=type(error).__name__))
            else:
                if not is_delivered:
                    failed.append(Undelivered(route=name, why="the service did not take it, or did not answer"))
        return failed


_TYPES = {Importance.CRITICAL: "failure", Importance.WARNING: "warning", Importance.INFO: "info"}


def _scheme(url: str) -> str:
    scheme, colon, _ = url.partition("://")
    return scheme if colon and scheme.isalnum() else "no scheme"


def _bounded(url: str) -> str:
    """The URL with apprise's time limits, unless it sets its own."""
    given = url.partition("?")[2]
    limits = [
        f"{key}={value}" for key, value in (("cto", CONNECT_SECONDS), ("rto", READ_SECONDS)) if f"{key}=" not in given
    ]
    if not limits:
        return url
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(limits)}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} characters cut"
