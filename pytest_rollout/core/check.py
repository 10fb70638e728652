"""What every declared check is: something a plan asks for, looked at in a run and judged by what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind


class Check(Protocol):
    """One declared check: one pytest item, one observation, one finding.

    Its room looks (``<room>/checks.py``); the check itself is a value and judges what was seen,
    once in the recorder so that the item fails where the judge will, and again by the judge.
    """

    @property
    def kind(self) -> Kind:
        """What sort of thing it is about."""
        ...

    @property
    def name(self) -> str:
        """The last part of its node id; unique among the checks of its kind and stage."""
        ...

    @property
    def required(self) -> bool:
        """Whether it counts (rule 4)."""
        ...

    def judge(self, item: str, seen: Observation) -> Finding:
        """The finding of node id ``item``; what was seen and not understood is an error, never a pass."""
        ...

    def redacted(self, clean: Callable[[Any], Any]) -> Self:
        """The same check with ``clean`` applied to every text that could hold a secret."""
        ...
