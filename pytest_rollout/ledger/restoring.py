"""A ledger made from an export, or an older copy of it brought up to date."""

from __future__ import annotations

from pathlib import Path

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger.export import ExportedLedger
from pytest_rollout.ledger.opening import create_ledger, ledger_exists, open_ledger


def restore(exported: ExportedLedger, url: str | None, root: Path) -> tuple[int, int]:
    """How many entries there were and how many there are now, after everything in the export was taken over.

    The export is verified first, and what is there must be its beginning: nothing is ever replaced. A
    restore that was interrupted goes on where it was.
    """
    head = exported.verify()
    before = 0
    if not ledger_exists(url, root):
        ledger = create_ledger(url, root, first=next(exported.entries()))
    else:
        ledger = open_ledger(url, root)
        own = ledger.verify()
        before = own.sequence + 1
        if ledger.id != exported.id:
            raise LedgerError(f"{exported.shown}: is of ledger {exported.id}, and there is {ledger.id} already.")
        theirs = next(exported.entries(own.sequence), None)
        if theirs is None or theirs.digest != own.digest:
            raise LedgerError(
                f"{exported.shown}: the ledger that is there has entries which the export has not (its entry "
                f"{own.sequence} is {own.digest[:12]}…): it is newer, or they went different ways. Nothing was changed."
            )
    have = ledger.head().sequence
    ledger.extend(exported.entries(have + 1), exported.attachment)
    if (now := ledger.verify()).digest != head.digest:
        raise LedgerError(
            f"{exported.shown}: the ledger ends in entry {now.sequence} after the import, not as it should."
        )
    return before, now.sequence + 1
