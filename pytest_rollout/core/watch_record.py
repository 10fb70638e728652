"""What a watch records: its verdict with the findings behind it, and what it remembers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.records import Record

if TYPE_CHECKING:
    from pytest_rollout.core.watching import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRecord:
    """One recorded look. ``watch`` names the watch that made it, ``entry`` the visit to the stage.

    ``kept`` is the document of what it remembers, JSON within the entry; ``evidence_digest`` is the SHA-256 of the
    attached samples, a metric a line, empty where none were kept.
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
    evidence_digest: str = ""

    kind = EntryKind.WATCH

    @classmethod
    def of(
        cls, sight: Sight, *, rollout: str, stage: str, entry: int, watch: str, at: datetime, evidence_digest: str
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
            evidence_digest=evidence_digest,
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
            "kept": json.dumps(self.kept, sort_keys=True, separators=(",", ":")),
            "findings": [dict(each) for each in self.findings],
            "fired": list(self.fired),
            "evidence_digest": self.evidence_digest,
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
            kept=_kept(record),
            findings=tuple(each.document for each in record.tables("findings")),
            fired=record.texts("fired"),
            evidence_digest=record.text("evidence_digest"),
        )


def _kept(record: Record) -> dict[str, Any]:
    try:
        kept = json.loads(record.text("kept"))
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise LedgerError(
            f"{record.where}: 'kept' is not what a watch remembers; watch with the version that wrote it."
        )
    return kept
