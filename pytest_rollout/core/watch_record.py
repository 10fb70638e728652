"""What a watch records: its verdict with the findings behind it, and what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.records import Record
from pytest_rollout.core.watching import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRecord:
    """One recorded look. ``watch`` names the watch that made it, ``entry`` the visit to the stage.

    ``kept`` is the document of what it remembers; ``samples`` maps metrics to the SHA-256 of the
    attached samples, empty where none were kept.
    """

    rollout: str
    stage: str
    entry: int
    watch: str
    verdict: str
    at: datetime
    kept: Mapping[str, Any]
    findings: tuple[Mapping[str, Any], ...] = ()
    fired: tuple[str, ...] = ()
    samples: Mapping[str, str] | None = None

    kind = EntryKind.WATCH

    @classmethod
    def of(
        cls, sight: Sight, *, rollout: str, stage: str, entry: int, watch: str, at: datetime, samples: Mapping[str, str]
    ) -> WatchRecord:
        """The record of one look."""
        return cls(
            rollout=rollout,
            stage=stage,
            entry=entry,
            watch=watch,
            verdict=sight.verdict.value,
            at=at,
            kept=sight.kept.document(),
            findings=tuple(each.document() for each in sight.findings),
            fired=tuple(f"{each.finding.title}: {each.trigger.severity.value}, {each.trigger}" for each in sight.fired),
            samples=samples,
        )

    @property
    def is_rollback(self) -> bool:
        """Whether a trigger had fired."""
        return self.verdict == Verdict.ROLLBACK.value

    def document(self) -> dict[str, object]:
        """As it stands in the ledger."""
        return {
            "rollout": self.rollout,
            "stage": self.stage,
            "entry": self.entry,
            "watch": self.watch,
            "verdict": self.verdict,
            "at": self.at.isoformat(),
            "kept": dict(self.kept),
            "findings": [dict(each) for each in self.findings],
            "fired": list(self.fired),
            "samples": dict(self.samples or {}),
        }

    @classmethod
    def read(cls, record: Record) -> WatchRecord:
        """The look a ledger entry holds."""
        return cls(
            rollout=record.text("rollout"),
            stage=record.text("stage"),
            entry=record.number("entry"),
            watch=record.text("watch"),
            verdict=record.text("verdict"),
            at=record.moment("at"),
            kept=record.table("kept").document,
            findings=tuple(each.document for each in record.tables("findings")),
            fired=record.texts("fired"),
            samples={key: str(value) for key, value in record.table("samples").document.items()},
        )
