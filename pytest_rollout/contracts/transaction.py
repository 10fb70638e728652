"""One submitted transaction, and what became of it (rule 19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pytest_rollout.contracts.attributes import Attributes


class TransactionOutcome(StrEnum):
    """What became of a transaction; only the first one is a success."""

    SUCCEEDED = "succeeded"
    """Included with status 1, and final by the network's rule."""

    INCLUDED = "included"
    """Included with status 1, and not final yet."""

    REVERTED = "reverted"
    """Included with status 0."""

    REPLACED = "replaced"
    """Another transaction of the same sender took its number."""

    REORGED = "reorged"
    """It was included, and its block is no longer part of the chain."""

    DROPPED = "dropped"
    """No node knows it any more, and its number is still free."""

    TIMED_OUT = "timed out"
    """Still waiting past its deadline."""

    PENDING = "pending"
    """Still waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A submitted transaction as it was when it was looked at.

    ``hash`` is 0x hex, ``reason`` why it reverted, ``replaced_by`` the hash of what took its place.
    ``confirmations`` counts the blocks upon its own; ``seconds`` is the time from its submission
    until it was seen final, None where it was not.
    """

    hash: str
    sender: str
    nonce: int
    outcome: TransactionOutcome
    reason: str = ""
    receipt: Attributes | None = None
    confirmations: int = 0
    seconds: float | None = None
    replaced_by: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it was included with status 1 and is final."""
        return self.outcome is TransactionOutcome.SUCCEEDED

    @property
    def gas_used(self) -> int | None:
        """The gas it used, None unless it is included."""
        return None if self.receipt is None else int(self.receipt["gasUsed"])

    @property
    def block(self) -> int | None:
        """The number of its block, None unless it is included."""
        return None if self.receipt is None else int(self.receipt["blockNumber"])


def counts(transactions: Iterable[Transaction]) -> dict[str, int]:
    """``good`` and ``total``: the total is what was submitted, whatever became of it."""
    looked = list(transactions)
    return {"good": sum(each.succeeded for each in looked), "total": len(looked)}
