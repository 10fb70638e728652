"""Everybody a plan wants told, behind one door."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_rollout.core.notice import Notice, Undelivered
from pytest_rollout.core.rollout import Notifications
from pytest_rollout.notifications.port import Notifier


class Everybody:
    """Tells every notifier in turn."""

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = tuple(notifiers)

    def tell(self, notice: Notice) -> list[Undelivered]:
        """Deliver everywhere; returns who did not get it."""
        return [each for notifier in self._notifiers for each in notifier.tell(notice)]


def open_notifiers(settings: Notifications) -> Notifier:
    """The notifiers of a plan, none if it wants nobody told; raises ``UsageError``."""
    notifiers: list[Notifier] = []
    if settings.routes:
        from pytest_rollout.notifications.people import People  # noqa: PLC0415 - apprise, for those who route

        notifiers.append(People(settings.routes))
    if settings.cdevents:
        from pytest_rollout.notifications.cdevents import Sink  # noqa: PLC0415 - as above

        notifiers.append(Sink(settings.cdevents))
    return Everybody(notifiers)
