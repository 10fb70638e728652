"""Reading what a ledger says about a rollout, and adding to it what was read for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.history import History
from pytest_rollout.core.rollout import Rollout

if TYPE_CHECKING:  # paid for where a ledger is opened
    from pytest_rollout.ledger.port import Ledger


def history_of(ledger: Ledger, rollout: Rollout, *, whole: bool = False) -> History:
    """Everything recorded about ``rollout``, every link checked; with ``whole`` all evidence and the store as well."""
    from pytest_rollout.ledger.journal import read_history  # noqa: PLC0415 - as above

    return read_history(ledger, rollout.name, whole=whole)


def histories_of(ledger: Ledger, rollouts: Sequence[Rollout]) -> list[History]:
    """``history_of`` several rollouts, the ledger read once."""
    from pytest_rollout.ledger.journal import read_histories  # noqa: PLC0415 - as above

    return read_histories(ledger, [each.name for each in rollouts])


def append(
    ledger: Ledger,
    kind: EntryKind,
    document: dict[str, object],
    history: History,
    attachments: Mapping[str, bytes],
) -> Entry:
    """Record ``document``, if nothing was recorded since ``history`` was read."""
    from pytest_rollout.ledger.canonical import encode  # noqa: PLC0415 - as above

    if history.head is None:
        raise LedgerError("the ledger has no entries; create one with `rollout init`.")
    return ledger.append(kind, encode(document), expected_head=history.head.digest, attachments=attachments)
