"""How one item came out, and why: the object every report prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_rollout.core.outcome import Kind, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item's outcome with everything a reader needs to believe or mend it.

    ``item`` is the node id (or ``<plan>::<stage>::<kind>::<name>`` for what is judged rather
    than run), ``measured`` and ``needed`` are for people, ``source`` says who observed it,
    ``remedy`` is the next command to type. ``seconds`` is how long the item took, measured by
    the recorder, or None. ``facts`` are what a program may want of it, name by name.
    """

    item: str
    kind: Kind
    title: str
    outcome: Outcome
    measured: str = ""
    needed: str = ""
    source: str = ""
    remedy: str = ""
    detail: str = ""
    required: bool = True
    seconds: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def stands_in_the_way(self) -> bool:
        """Whether this finding alone keeps the gate from promoting (rules 1 and 4)."""
        return self.required and self.outcome is not Outcome.PASS

    def advisory(self) -> Finding:
        """The same finding, shown but never counted (rule 4)."""
        return replace(self, required=False)

    def document(self) -> dict[str, object]:
        """The finding as it stands in ``verdict.json``: no floats, no nulls."""
        document: dict[str, object] = {
            "item": self.item,
            "kind": self.kind.value,
            "title": self.title,
            "outcome": self.outcome.value,
            "required": self.required,
        }
        for key in ("measured", "needed", "source", "remedy", "detail"):
            if value := getattr(self, key):
                document[key] = value
        if self.seconds is not None:
            document["milliseconds"] = round(self.seconds * 1000)
        if self.facts:
            document["facts"] = dict(self.facts)
        return document


def gravest_first(findings: list[Finding]) -> list[Finding]:
    """Required before advisory, then by gravity; otherwise in the order they were found."""
    return sorted(findings, key=lambda f: (not f.required, f.outcome.gravity))
