"""Telling who is owed it that a rollout moved, once the move is durable; nobody's silence undoes a move."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_rollout.core.entries import Entry
from pytest_rollout.core.errors import RolloutError
from pytest_rollout.core.moves import COMPLETE, Move, Rollback
from pytest_rollout.core.notice import Importance, Notice, Undelivered
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.operations.workspace import Workspace


def tell_move(workspace: Workspace, move: Move, entry: Entry) -> Sequence[Undelivered]:
    """Tell people and machines of a recorded move; returns who was not told, and why."""
    rollout = workspace.rollout(move.rollout)
    if not rollout.notifications.routes and not rollout.notifications.cdevents:
        return ()
    from pytest_rollout.notifications.opening import open_notifiers  # noqa: PLC0415 - apprise, for those who route

    try:
        return open_notifiers(rollout.notifications).tell(_notice(move, entry, Redactor(rollout.secrets)))
    except RolloutError as error:
        return (Undelivered(route="notifications", why=str(error)),)


def _notice(move: Move, entry: Entry, redactor: Redactor) -> Notice:
    is_back = isinstance(move, Rollback)
    where = "complete" if move.to == COMPLETE else f"at {move.to}"
    overrides = () if isinstance(move, Rollback) else move.overrides
    by_override = " by override" if overrides else ""
    how = f"rolled back from {move.stage}" if is_back else f"promoted{by_override} from {move.stage}"
    reason = f": {move.reason}" if isinstance(move, Rollback) else ""
    reason += "".join(f"; override of {each}" for each in overrides)
    facts = {"from": move.stage, "to": move.to, "ledger_entry": str(entry.sequence), "head": entry.digest}
    if overrides:
        facts["override"] = redactor.text("; ".join(map(str, overrides)))
    return Notice(
        what="stage",
        importance=Importance.CRITICAL if is_back else Importance.WARNING if overrides else Importance.INFO,
        rollout=move.rollout,
        stage=move.to or move.stage,
        title=redactor.text(f"{move.rollout}: {where}, {how}"),
        text=redactor.text(f"by {move.person}{reason}; ledger entry {entry.sequence}, head {entry.digest}"),
        at=move.at,
        facts=facts,
    )
