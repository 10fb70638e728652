"""Every gate of a blockchain rollout as an executable pytest suite: promote, hold or rollback."""

from typing import TYPE_CHECKING, Any

from pytest_rollout.core.errors import (
    ContractError,
    EngineError,
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

if TYPE_CHECKING:
    from pytest_rollout.consensus.dual import DualRun

__all__ = [
    "ContractError",
    "DualRun",
    "EngineError",
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


def __getattr__(name: str) -> Any:
    """``DualRun`` is imported when it is first asked for: gates that compare no engines do not pay for it."""
    if name == "DualRun":
        from pytest_rollout.consensus.dual import DualRun  # noqa: PLC0415 - as said above

        return DualRun
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
