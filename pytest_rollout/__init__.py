"""Every gate of a blockchain rollout as an executable pytest suite: promote, hold or rollback."""

from pytest_rollout.core.errors import (
    ContractError,
    EvidenceError,
    FlagError,
    LedgerError,
    NetworkError,
    PlanError,
    Refused,
    ReportError,
    Reverted,
    RolloutError,
    UsageError,
)
from pytest_rollout.core.outcome import Outcome, Verdict

__all__ = [
    "ContractError",
    "EvidenceError",
    "FlagError",
    "LedgerError",
    "NetworkError",
    "Outcome",
    "PlanError",
    "Refused",
    "ReportError",
    "Reverted",
    "RolloutError",
    "UsageError",
    "Verdict",
]
