"""Watching a stage: asking its sources again and again, recording what matters, telling who is owed it.

What the watch remembers is in the ledger, so one that was killed goes on where it stopped: no
interval is counted twice, and what happened meanwhile is looked at all the same.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from pytest_rollout.core.entries import Entry
from pytest_rollout.core.errors import LedgerError, Refused, UsageError
from pytest_rollout.core.history import History
from pytest_rollout.core.notice import Importance, Notice, Undelivered
from pytest_rollout.core.outcome import Outcome, Severity, Verdict
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.core.series import Samples, moment, nanoseconds, span
from pytest_rollout.core.series_form import packed
from pytest_rollout.core.watch_record import WatchRecord
from pytest_rollout.core.watching import Kept, Sight, Watched, look
from pytest_rollout.ledger.journal import read_on
from pytest_rollout.metrics.opening import Sources
from pytest_rollout.metrics.port import Asked
from pytest_rollout.operations.nodes_again import findings_of_nodes, node_checks_of
from pytest_rollout.operations.recording import append, history_of
from pytest_rollout.operations.workspace import Workspace
from pytest_rollout.runner.chains import Chains
from pytest_rollout.runner.kept import kept_plan
from pytest_rollout.runner.pinning import plan_prefix

if TYPE_CHECKING:  # paid for where somebody is told, or a ledger opened
    from pytest_rollout.ledger.port import Ledger
    from pytest_rollout.notifications.port import Notifier

NODES_EVERY = timedelta(minutes=1)
"""How often nodes are asked where the plan does not say."""
RECORD_EVERY = timedelta(minutes=10)
"""How often a look is recorded while nothing changes."""

_ATTEMPTS = 5
"""How often a record is tried while others write to the ledger."""

Collect = Callable[[Sequence[Asked]], Mapping[str, Samples | str]]
"""Asks the sources: each metric's samples, or the sentence for why there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look as its user gets it: what was seen, what was recorded, and who was not told."""

    sight: Sight
    entry: Entry | None
    undelivered: tuple[Undelivered, ...] = ()


class Watch:
    """The watch over one stage's current visit; close it, or use it with ``with``."""

    def __init__(self, workspace: Workspace, place: str, *, now: datetime, collect: Collect | None = None) -> None:
        """Raises ``UsageError`` where there is nothing to watch, ``Refused`` where the rollout stands elsewhere."""
        rollout, stage = workspace.gate(place)
        # The sources need the plan as it is; whatever is kept comes from the plan without its secrets.
        real = workspace.rollout(rollout.name)
        self.rollout: Rollout = kept_plan(real)
        self.stage: Stage = stage
        self._redactor = Redactor(real.secrets)
        self._ledger: Ledger = workspace.open()
        self.id = secrets.token_hex(8)
        self._resources = ExitStack()
        self._real = Watched(
            stage=real.stage(stage.name),
            metrics=real.metrics,
            prefix=f"{plan_prefix(real, workspace.root)}::{stage.name}",
        )
        if not self._real.asked and not node_checks_of(self._real.stage):
            raise UsageError(
                f"{self.place}: nothing to watch: no criterion or soak of this stage has a metric with a source, "
                "and it asks nothing of a node; give a metric a source, such as prometheus."
            )
        self._plan = real
        self._read: History | None = None
        history = self._history()
        self._begun_with, self._entry = history, history.entry
        self.overridden = len(history.overridden)
        self._subject = self.rollout.plan_digest
        begun = history.entered(real.began)
        self._watched = Watched(
            stage=self._real.stage,
            metrics=self._real.metrics,
            prefix=self._real.prefix,
            not_before=None if begun is None else nanoseconds(begun),
        )
        self.kept = self._remembered(history, now)
        self._recorded: datetime | None = None
        self._told: Verdict | None = self.kept.verdict
        if collect is None:
            chains = self._resources.enter_context(Chains(real))
            sources = self._resources.enter_context(Sources(real.folder, rpc=chains.rpc))
            collect = _asking(sources, self._redactor)
        self._collect = collect
        self._notifier = self._open_notifier(real)

    @property
    def place(self) -> str:
        """``takumi:alpha``."""
        return f"{self.rollout.name}:{self.stage.name}"

    @property
    def unwatched(self) -> tuple[str, ...]:
        """Criteria that a watch cannot ask: the gate's tests measure them."""
        return self._watched.unwatched

    @property
    def interval(self) -> timedelta:
        """How often to look: the stage's own interval, else the shortest of its sources', a minute for nodes."""
        if self.stage.watch.interval is not None:
            return self.stage.watch.interval
        sources = [self._watched.metrics[name].source for name in self._watched.asked]
        every = [each.interval for each in sources if each is not None]
        every += [NODES_EVERY] if node_checks_of(self.stage) else []
        return max(timedelta(seconds=1), min(every))

    def look(self, now: datetime) -> Seen:
        """Ask all sources and nodes, judge what is new, record it where something changed, tell who is owed it."""
        time = nanoseconds(now)
        if self.kept.until is not None and time < self.kept.until:
            raise Refused(
                f"{self.place}: the watch has looked until {moment(self.kept.until).isoformat()}, and now it is "
                f"{now.isoformat()}: a clock runs backwards. Set it, then watch again."
            )
        asked = [
            Asked(
                metric=self._watched.metrics[name],
                since=moment(self._watched.since(name, self.kept, time)),
                until=now,
            )
            for name in self._watched.asked
        ]
        answers = self._collect(asked)
        of_nodes = findings_of_nodes(self._plan, self._watched.stage, self._begun_with, self._watched.prefix)
        sight = look(self._watched, self.kept, answers, time, of_nodes)
        is_worse = bool(sight.kept.bad - self.kept.bad)  # a divergence while a soak is pending is held like the soak
        has_changed = is_worse or sight.verdict is not self.kept.verdict
        self.kept = sight.kept
        is_due = self._recorded is None or now - self._recorded >= RECORD_EVERY
        entry = self._record(sight, answers, now) if has_changed or is_due else None
        undelivered: list[Undelivered] = []
        if is_worse or sight.verdict is not self._told:
            self._told = sight.verdict
            undelivered = list(self._notifier.tell(self._notice(sight, now, entry)))
        return Seen(sight=sight, entry=entry, undelivered=tuple(undelivered))

    def has_ended(self, seen: Seen) -> bool:
        """Whether there is nothing more to wait for: promote, rollback, or blind for longer than the plan allows."""
        if seen.sight.verdict is not Verdict.HOLD:
            return True
        blind = seen.sight.kept.blind_since
        return blind is not None and seen.sight.now - blind >= span(self.stage.watch.max_blind)

    def close(self) -> None:
        """Let go of the sources."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _history(self) -> History:
        history = self._read
        if history is None:
            history = self._read = history_of(self._ledger, self.rollout)
        else:
            read_on(self._ledger, history)
        current = history.position(self.rollout.stages).stage
        if current != self.stage.name:
            where = f"stands at '{current}'" if current else "is complete"
            raise Refused(f"{self.place}: {self.rollout.name} {where}; only its current stage is watched.")
        return history

    def _remembered(self, history: History, now: datetime) -> Kept:
        """Where an earlier watch of this visit and this plan stopped; another subject begins anew."""
        last = history.newest_watch(self.stage.name)
        if last is None or last.entry != history.entry:
            return Kept(subject=self._subject)
        kept = Kept.read(last.kept)
        if kept.until is not None and nanoseconds(now) < kept.until:
            raise Refused(
                f"{self.place}: a watch has looked until {moment(kept.until).isoformat()}, and now it is "
                f"{now.isoformat()}: a clock is wrong. Set it, then watch again."
            )
        return kept if kept.subject == self._subject else Kept(subject=self._subject)

    def _record(self, sight: Sight, answers: Mapping[str, Samples | str], now: datetime) -> Entry:
        """Samples are kept with the look that fired; every other look keeps what it remembers."""
        kept = b"\n".join(packed(each) for _, each in sorted(answers.items()) if isinstance(each, Samples))
        digest = hashlib.sha256(kept).hexdigest() if sight.fired else ""
        record = WatchRecord.of(
            sight,
            rollout=self.rollout.name,
            stage=self.stage.name,
            entry=self._entry,
            watch=self.id,
            at=now,
            evidence_digest=digest,
        )
        document = self._redactor.value(record.document())
        attachments = {digest: kept} if digest else {}
        for attempt in range(_ATTEMPTS):
            history = self._history()
            if history.entry != self._entry:
                raise Refused(f"{self.place}: the stage was left and entered again meanwhile; watch it anew.")
            try:
                entry = append(self._ledger, WatchRecord.kind, document, history, attachments)
            except LedgerError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._recorded = now
                return entry
        raise AssertionError("unreachable")

    def _notice(self, sight: Sight, now: datetime, entry: Entry | None) -> Notice:
        reasons = [f"{each.title}: {each.measured}" for each in sight.findings if each.outcome is not Outcome.PASS]
        fired = [
            f"{each.trigger.severity.value} rollback: {each.finding.title}, {each.trigger}" for each in sight.fired
        ]
        clean = self._redactor.text
        return Notice(
            what="verdict",
            importance=_importance(sight),
            rollout=self.rollout.name,
            stage=self.stage.name,
            title=f"{self.place}: {sight.verdict.value.upper()}",
            text=clean("\n".join([*fired, *reasons]) or "everything that is watched holds"),
            at=now,
            facts={"verdict": sight.verdict.value, "ledger_entry": "" if entry is None else str(entry.sequence)},
        )

    @staticmethod
    def _open_notifier(real: Rollout) -> Notifier:
        from pytest_rollout.notifications.opening import open_notifiers  # noqa: PLC0415 - apprise, for those who route

        return open_notifiers(real.notifications)


def _importance(sight: Sight) -> Importance:
    if sight.severity is Severity.IMMEDIATE:
        return Importance.CRITICAL
    if sight.severity is Severity.PLANNED or sight.is_blind or sight.verdict is Verdict.HOLD:
        return Importance.WARNING
    return Importance.INFO


def _asking(sources: Sources, redactor: Redactor) -> Collect:
    def collect(asked: Sequence[Asked]) -> dict[str, Samples | str]:
        return {
            each.metric.name: answer if isinstance(answer, Samples) else redactor.text(str(answer))
            for each, answer in sources.collect(asked)
        }

    return collect
