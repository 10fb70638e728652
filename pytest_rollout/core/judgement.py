"""A verdict with its findings, its subject and the run it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome, Verdict
from pytest_rollout.core.subject import Subject

SCHEMA = "https://pytest-rollout.dev/schema/judgement/v1"
SAFE_INTEGER = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One start of one gate, as it was written ahead in the ledger.

    ``entry`` numbers the visit to the stage (the ledger sequence of the move that entered it, 0
    for the first stage), ``attempt`` counts the starts within that visit, from 1.
    """

    id: str
    rollout: str
    stage: str
    entry: int
    attempt: int
    started_at: datetime
    network: str
    rehearsal: bool
    ledger_id: str
    arguments: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """As it stands in the ledger and in ``verdict.json``."""
        return {
            "id": self.id,
            "rollout": self.rollout,
            "stage": self.stage,
            "entry": self.entry,
            "attempt": self.attempt,
            "started_at": self.started_at.isoformat(),
            "network": self.network,
            "rehearsal": self.rehearsal,
            "ledger_id": self.ledger_id,
            "arguments": list(self.arguments),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its reasons.

    Findings are gravest first; ``manifest`` lists what must run from now on; ``facts`` are the
    chain and tool facts that reports show.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    subject: Subject
    run: Run
    judged_at: datetime
    rollout_title: str
    stage_title: str
    manifest: tuple[str, ...] = ()
    manifest_digest: str = ""
    evidence_digest: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stand in the way, gravest first."""
        return tuple(f for f in self.findings if f.stands_in_the_way)

    def counts(self) -> dict[str, int]:
        """How many findings came out how, required and advisory together; every outcome is named."""
        seen = Counter(f.outcome for f in self.findings)
        return {outcome.value: seen[outcome] for outcome in Outcome}

    def document(self) -> dict[str, object]:
        """The judgement as canonical JSON takes it: strings, integers, booleans, lists, tables."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "rollout": {"name": self.run.rollout, "title": self.rollout_title},
            "stage": {"name": self.run.stage, "title": self.stage_title},
            "run": self.run.document(),
            "subject": self.subject.document(),
            "judged_at": self.judged_at.isoformat(),
            "counts": self.counts(),
            "findings": [finding.document() for finding in self.findings],
            "manifest": list(self.manifest),
            "manifest_digest": self.manifest_digest,
            "evidence_digest": self.evidence_digest,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A judgement with the exact bytes it was recorded as, and their SHA-256 in hex.

    ``entry`` and ``head`` are the ledger entry that holds it and that entry's digest, once there is one.
    """

    judgement: Judgement
    payload: bytes
    digest: str
    entry: int | None = None
    head: str = ""


def exact(value: object) -> object:
    """A value as JSON carries it exactly: integers of 2**53 and beyond become decimal strings."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -SAFE_INTEGER < value < SAFE_INTEGER else str(value)
    if isinstance(value, Mapping):
        return {str(key): exact(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    return str(value)
