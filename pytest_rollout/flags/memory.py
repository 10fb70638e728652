"""Flags written in the plan, served by OpenFeature's in-memory provider."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from openfeature.provider import FeatureProvider
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from pytest_rollout.core.rollout import Value

VARIANT = "plan"
"""The one variant of every flag: its value as the plan has it."""


class MemorySource:
    """The plan's own values: the same for every stage and every user."""

    name = "memory"

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)

    def names(self) -> Collection[str]:
        """The flags the plan gives values to."""
        return self._values

    def provider(self) -> FeatureProvider:
        """A provider with one variant for each flag."""
        return InMemoryProvider(
            {
                key: InMemoryFlag(default_variant=VARIANT, variants={VARIANT: value})
                for key, value in self._values.items()
            }
        )

    def refresh(self, provider: FeatureProvider) -> None:
        """Nothing to look at: the plan was read before."""

    def end(self, provider: FeatureProvider) -> None:
        """Shut the provider down; it has no threads."""
        provider.shutdown()
