"""Mistakes and troubles a user can act on, each told in one sentence.

A sentence says where, what was given, what is allowed and what to try. Rooms turn foreign
exceptions into these; the plugin turns these into ``pytest.UsageError``; the command line
prints them. Nothing else escapes to a user.
"""

from __future__ import annotations

from collections.abc import Iterable


class RolloutError(Exception):
    """Something a user can act on; ``str(error)`` is the whole sentence."""


class UsageError(RolloutError):
    """The command line asks for something that does not exist or does not go together."""


class PlanError(RolloutError):
    """``rollout.toml`` says something it cannot mean."""


class EvidenceError(RolloutError):
    """What a run handed over cannot be read as evidence."""


class NetworkError(RolloutError):
    """A network is missing, is another one than declared, or stopped answering."""


class ContractError(RolloutError):
    """A contract, artifact or deployment record cannot be used as asked."""


class Reverted(ContractError):
    """A call or transaction was refused by the contract.

    ``reason`` is the decoded reason string, ``Panic(0x11)`` or custom error with its
    arguments (``NoProfile(0xAb…)``); ``data`` the raw return data, empty where the node
    gave none; ``error`` the bare name of the custom error, ``Error`` or ``Panic``.
    ``transaction`` is the hash of what was mined with status 0, empty where nothing was.
    """

    transaction = ""

    def __init__(self, reason: str, *, error: str = "", data: bytes = b"") -> None:
        super().__init__(f"reverted: {reason}" if reason else "reverted without a reason")
        self.reason = reason
        self.error = error
        self.data = data

    def __reduce__(self) -> tuple[object, ...]:
        return _reverted, (self.reason, self.error, self.data, self.transaction)


def _reverted(reason: str, error: str, data: bytes, transaction: str) -> Reverted:
    made = Reverted(reason, error=error, data=data)
    made.transaction = transaction
    return made


class FlagError(RolloutError):
    """A feature flag provider cannot be loaded or a flag cannot be evaluated."""


class MetricError(RolloutError):
    """A source of samples cannot be reached, or answers something that is none."""


class EngineError(RolloutError):
    """A consensus engine, a node or their modes are missing, or cannot be used as asked."""


class LedgerError(RolloutError):
    """The ledger is missing, locked, full, foreign or does not verify."""


class ServiceError(RolloutError):
    """A command cannot be run, or an endpoint cannot be asked."""


class ConfigurationError(RolloutError):
    """A file beside the chain, or what is asked about it, cannot be read."""


class StoreError(RolloutError):
    """A store or database is missing, locked, broken or not what it is declared to be."""


class Refused(RolloutError):
    """A move was asked for that the record does not allow."""


class ReportError(RolloutError):
    """A report could not be written, or did not read back as it was written."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``name`` was most likely meant to be, or None."""
    import difflib  # noqa: PLC0415 - for mistakes alone

    candidates = list(names)
    folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(name.casefold().strip(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggestion(name: str, names: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading space, or nothing."""
    close = nearest(name, names)
    return f" Did you mean '{close}'?" if close is not None and close != name else ""


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: ``a, b, c``, or ``none``."""
    return ", ".join(names) or "none"
