"""One gate from "run started" to its judgement: pin, record, judge, write the ledger, then reports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_rollout.core.errors import LedgerError, ReportError
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.networks.homes import GATE, Home
from pytest_rollout.runner import tree
from pytest_rollout.runner.channel import Inbox
from pytest_rollout.runner.gate import Gate
from pytest_rollout.runner.recorder import Recorder
from pytest_rollout.runner.started import Clock, Started
from pytest_rollout.runner.witnessing import Watch

if TYPE_CHECKING:
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.runner.judged import Judged


def run_gate(
    gate: Gate, recorder: Recorder, open_ledger: Callable[[], Ledger], clock: Clock = lambda: datetime.now(UTC)
) -> Judged:
    """Judge one gate. The ledger has the judgement before any report is written."""
    home = _home()
    socket = home.path / "record"
    evidence = Evidence()
    try:
        inbox = Inbox(socket, evidence.fold, Redactor(gate.rollout.secrets))
        tree.forget_bytecode(gate.rollout.folder, gate.root)
        recorder.begin(gate.pytest_arguments(), root=gate.root, socket=socket, variables=gate.rollout.environment)
        ledger = open_ledger()
        started = Started.write_ahead(gate, gate.network, ledger, clock)
        _clear_reports(gate)
        writes = gate.request.allow_writes
        watch = Watch(gate.rollout, gate.stage, gate.network, clock, may_write=writes)
        watch.before()
        inbox.brief(replace(started.briefing, pins=watch.pins, unread=watch.unread, allow_writes=writes), pin=watch.pin)
        from pytest_rollout.runner.judged import asked, record, with_witnesses  # noqa: PLC0415 - while the recorder works
        from pytest_rollout.runner.record import pack  # noqa: PLC0415 - as above

        ending = recorder.follow(inbox, gate.stage.deadline.total_seconds())
        inbox.close()
        refusals = tuple(inbox.refusals)
        question = with_witnesses(asked(started, evidence, ending, refusals, clock(), ledger), watch.after())
        if not started.is_recorded_in(ledger):
            raise LedgerError(
                "the ledger lost the start of this run while it ran; nothing was judged. Restore it from a backup."
            )
        return record(started, ledger, question, inbox.everything(pack(question)))
    finally:
        home.remove()


def _home() -> Home:
    """A folder for the socket."""
    try:
        return Home(GATE)
    except OSError as error:
        raise LedgerError(
            f"nothing can be recorded: no folder for temporary files takes one ({error.strerror}). "
            "Free some space, or name another folder with TMPDIR."
        ) from None


def _clear_reports(gate: Gate) -> None:
    """No earlier verdict stands while this one is made; what cannot be cleared is told when writing."""
    from pytest_rollout.reporting.clearing import clear  # noqa: PLC0415 - while the recorder starts

    with suppress(ReportError):
        clear(gate.reports)
