"""What the rest of the house may ask of feature flags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_rollout.core.rollout import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One evaluation with its details, as the provider told them.

    ``error`` is empty where the flag was evaluated, else code and message. ``reason`` and
    ``variant`` are OpenFeature's words, empty where the provider gave none.
    """

    value: Any
    reason: str = ""
    variant: str = ""
    error: str = ""


class Flags(Protocol):
    """The flags of one rollout as the audience of one stage gets them."""

    @property
    def stage(self) -> str:
        """The stage whose audience asks."""

    @property
    def source(self) -> str:
        """Who answers, as the plan names it: ``memory``, ``flagd:flags.json``."""

    @property
    def client(self) -> Any:
        """The OpenFeature client for project code, bound to the same audience."""

    def names(self) -> Collection[str]:
        """The flags that exist, for an error's suggestion."""

    def ask(self, key: str, default: Value, *, user: str | None = None) -> Answer:
        """Evaluate one flag as the type of ``default``, for one user or for the audience as a whole."""

    def ask_many(self, key: str, *, default: bool, users: Iterable[str]) -> Iterator[Answer]:
        """What ``ask`` answers for a boolean flag, one answer for each user in turn, at less cost."""

    def trouble(self) -> str:
        """Why answers cannot be believed at this moment, looked up anew; empty if they can."""

    def again(self) -> Flags:
        """The same flags through a provider and a client of their own; close them too."""

    def close(self) -> None:
        """Stop the provider and wait until nothing of it runs; a second call does nothing."""
