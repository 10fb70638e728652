"""The dual run: two engines behind one ``verify_block``, switched from rung to rung while it serves.

Whatever the candidate does in shadow - raise, hang, change its input, answer what cannot be read -
the caller gets what the reference said (rule 26): at once, or at most ``limit`` later where the
comparison is not ``deferred``. Callbacks and the keeping of divergences are asked the same guarded way.
Safe to call from any number of threads and tasks; a forked process counts for itself.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from pytest_rollout.consensus.backlog import MOST_WAITING, Backlog, Missed
from pytest_rollout.consensus.forks import begin_after_fork
from pytest_rollout.consensus.guard import LateError, StuckError, ask_here
from pytest_rollout.consensus.loading import checked, version_of
from pytest_rollout.consensus.naming import name_of
from pytest_rollout.consensus.stats import Stats, Verification, Visit
from pytest_rollout.consensus.trial import NOT_SHOWN, TIMEOUT, Copies, Seen, Trial, copies_of
from pytest_rollout.core.answer import AGREED, Answer, Comparison, Refusal, Relation, compare
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode, demoted, mode_of

LIMIT_SECONDS = 2.0
WAITS = 4
"""A reference that computes for less than this part of its time waits for something: nobody need give way to it."""
KEPT_DIVERGENCES = 100
"""So many newest divergences are held in memory; all of them are counted, and handed to ``keep``."""

Callback = Callable[[Divergence], object]
Keep = Callable[[Any, Divergence], object]


class CandidateTimeout(EngineError):  # noqa: N818 - what happened, as Reverted is
    """The candidate alone answers, and did not within its limit."""


class _Deferred(NamedTuple):
    """A block whose caller has the reference's answer; block and answer are as they were then."""

    visit: Visit
    at: datetime
    copies: Copies | None
    is_sampled: bool
    value: Copies
    refusal: Refusal | None
    nanoseconds: int

    def answer(self, value: Any) -> Answer:
        """The reference's, with the value that is made of its copy."""
        return Answer(value=value, refusal=self.refusal, nanoseconds=self.nanoseconds)


_Found = tuple[Answer, Seen]


class DualRun:
    """``dual.verify_block(block)`` in place of an engine's own.

    ``limit`` are the seconds a candidate may take, ``sample`` the share of blocks it is shown in
    shadow, ``ignore`` and ``reasons`` those of the plan, ``on_divergence`` is told of each
    divergence and ``keep`` handed it with its input. ``now`` gives the time of events where it is not
    the system's: the stats then say that the clock is ``rehearsed``, and no soak by it is a real one.

    A caller in shadow does not wait for the candidate: block and answer are copied and compared by a
    thread, in their order. Divergences are told a little later; whoever reads counts or divergences,
    or switches the mode, waits until what was asked before is compared, and what cannot be so in time
    is told as ``waiting`` - call ``settle`` to give it more. At most ``backlog`` blocks wait, in memory;
    where there is no room a caller waits up to ``limit`` for it, and a block that finds none counts as
    skipped. The thread gives way to callers whose reference computes, for up to a second, unless the
    candidate runs elsewhere. Where both engines ran at once all the same, the reference's time is its
    thread's processor time, which holds no waiting for the candidate, and the candidate's is still by
    the clock: their ratio may come out too high, never too low.

    With ``deferred=False`` a caller waits until its block is compared and a divergence told, which costs
    it two handings over from thread to thread besides.
    """

    def __init__(
        self,
        reference: Any,
        candidate: Any,
        *,
        mode: Mode | str = Mode.SHADOW,
        limit: float = LIMIT_SECONDS,
        sample: float = 1.0,
        ignore: tuple[str, ...] = (),
        reasons: Mapping[str, str] | None = None,
        on_divergence: Callback | None = None,
        keep: Keep | None = None,
        now: Callable[[], datetime] | None = None,
        deferred: bool = True,
        backlog: int = MOST_WAITING,
    ) -> None:
        if not (0 < sample <= 1 and limit > 0):
            raise EngineError(f"limit {limit:g} s and sample {sample:g}: both are more than 0, a sample at most 1.")
        if backlog < 1:
            raise EngineError(f"backlog {backlog}: at least one block must be able to wait.")
        if candidate is reference:
            raise EngineError("reference and candidate are one engine, which always agrees with itself; give two.")
        self.reference = checked(reference, "reference")
        self.candidate = checked(candidate, "candidate")
        self.versions = {"reference": version_of(reference), "candidate": version_of(candidate)}
        self._limit = limit
        self._sample = sample
        self._ignore = ignore
        self._reasons = dict(reasons or {})
        self._on_divergence = on_divergence
        self._keep = keep
        self._now = now or _system_clock
        self._trial = Trial(self.candidate, limit=limit, ignore=ignore, reasons=self._reasons)
        self._switching = threading.Lock()
        self._stats = Stats(self._fit(mode_of(mode)), self._now(), clock="system" if now is None else "rehearsed")
        self._divergences: deque[tuple[Any, Divergence]] = deque(maxlen=KEPT_DIVERGENCES)
        begin_after_fork(self._begin_anew)
        self._backlog: Backlog[_Deferred, _Found] | None = None
        if deferred:
            self._backlog = Backlog(self._show_later, self._count_later, limit=limit, most=backlog)
            self._is_here = not getattr(candidate, "is_elsewhere", False)

    @classmethod
    def open(
        cls,
        reference: str,
        candidate: str,
        folder: Path,
        *,
        limit: float = LIMIT_SECONDS,
        memory: int | None = None,
        kept: Path | None = None,
        **more: Any,
    ) -> Self:
        """A dual run of two engines by import path, files relative to ``folder``; ``EngineError`` if one does not load.

        ``memory``, in bytes, gives the candidate a process of its own with that bound; divergences
        are kept below ``kept``; ``more`` is what the class itself takes.
        """
        from pytest_rollout.consensus.opening import keeper, open_both  # noqa: PLC0415 - which imports this module

        if reference == candidate:
            raise EngineError(f"engine {reference}: is both reference and candidate, and always agrees with itself.")
        specs = [EngineSpec(kind=EngineKind.IMPORT, target=each) for each in (reference, candidate)]
        isolation = Isolation.THREAD if memory is None else Isolation.PROCESS
        settings = EngineSettings(
            reference=specs[0],
            candidate=specs[1],
            isolation=isolation,
            memory=memory,
            limit=timedelta(seconds=limit),
        )
        return cls(
            *open_both(settings, folder),
            limit=limit,
            keep=None if kept is None else keeper(kept),
            **more,
        )

    @property
    def mode(self) -> Mode:
        """The rung it is on."""
        return self._stats.present.mode

    @property
    def divergences(self) -> deque[tuple[Any, Divergence]]:
        """The newest divergences with their blocks; ``EngineError`` while blocks wait of which none is known."""
        if waiting := self.settle():
            raise EngineError(
                f"{waiting} blocks wait to be compared, so the divergences are not known; call settle() with more time."
            )
        return self._divergences

    def set_mode(self, mode: Mode | str) -> Mode:
        """Switch; an unknown mode, or one whose engine is not ready, raises ``EngineError`` and changes nothing."""
        wanted = self._fit(mode_of(mode))
        with self._switching:
            if wanted is not self.mode:
                self._stats.switch(wanted, self._now())
        self.settle()
        return wanted

    def demote(self, to: Mode | str | None = None) -> Mode:
        """One rung down, or to a named lower one; what was gathered above no longer counts (rule 28)."""
        with self._switching:
            target = self._fit(demoted(self.mode, None if to is None else mode_of(to)))
            self._stats.demote(target, self._now())
        self.settle()
        return target

    def verify_block(self, block: Any) -> Any:
        """What the engine that decides in this mode says of the block; raises what it raises."""
        visit = self._stats.present  # once: a switch in between concerns the next call (rule 27)
        mode = visit.mode
        if mode is Mode.SHADOW:
            return self._in_shadow(visit, block)
        if mode is Mode.REFERENCE_ONLY:
            answer, error = ask_here(self.reference.verify_block, block, self._reasons)
            self._stats.verified(visit, Verification(answered_by="reference"), self._now(), reference=answer)
            return _given(answer, error)
        if mode is Mode.CANDIDATE_PRIMARY:
            return self._in_primary(visit, block)
        return self._alone(visit, block)

    async def verify_block_async(self, block: Any) -> Any:
        """The same for an event loop: the engines run in a thread, the loop goes on."""
        return await asyncio.to_thread(self.verify_block, block)

    def stats(self) -> dict[str, Any]:
        """The node's stats document; see ``consensus.stats``. What waits to be compared is so first, see ``settle``."""
        waiting = self.settle()
        return self._stats.document(self._now(), self.versions, waiting)

    def settle(self, seconds: float | None = None) -> int:
        """Wait until what was asked before is compared, 3 s if nothing is said; how many blocks then still are not.

        Within a callback it does not wait: the block that is being told waits for the callback.
        """
        return 0 if self._backlog is None else self._backlog.settle(seconds)

    def metrics(self) -> bytes:
        """The same as text for Prometheus (extra ``exporter``), for a node that serves ``/metrics``."""
        from pytest_rollout.consensus.exporter import exposition  # noqa: PLC0415 - an extra

        return exposition(self)

    def close(self) -> None:
        """Settle, end the threads that wait for calls, and engines that have a process.

        What cannot be settled in time counts as skipped.
        """
        if self._backlog is not None:
            self._backlog.close()
        self._trial.close()
        for engine in (self.reference, self.candidate):
            close = getattr(engine, "close", None)
            if callable(close):
                close()

    def _fit(self, mode: Mode) -> Mode:
        for engine, runs in ((self.reference, mode.runs_reference), (self.candidate, mode.runs_candidate)):
            ready = getattr(engine, "ready", None)
            if runs and callable(ready):
                ready()
        return mode

    def _begin_anew(self) -> None:
        self._switching = threading.Lock()
        self._divergences.clear()
        self._stats.begin_anew(self._now())

    def _in_shadow(self, visit: Visit, block: Any) -> Any:
        is_sampled = self._sample >= 1 or random.random() < self._sample  # noqa: S311 - a share, not a secret
        if self._backlog is not None:
            return self._go_on(self._backlog, visit, block, is_sampled=is_sampled)
        copies = copies_of(block) if is_sampled else None  # before the reference can change it
        answer, error = ask_here(self.reference.verify_block, block, self._reasons)
        self._compare_now(visit, answer, copies, is_sampled=is_sampled)
        return _given(answer, error)

    def _compare_now(self, visit: Visit, answer: Answer, copies: Copies | None, *, is_sampled: bool) -> None:
        found = NOT_SHOWN if copies is None else self._trial.show_in_time(answer, copies)
        self._count(visit, self._now(), answer, copies, found, is_sampled=is_sampled)

    def _go_on(self, backlog: Backlog[_Deferred, _Found], visit: Visit, block: Any, *, is_sampled: bool) -> Any:
        """The reference's answer at once; the candidate is asked when this thread is out of the way."""
        asking = backlog.asking
        asking.append(None)
        try:
            copies = copies_of(block) if is_sampled else None  # before the reference can change it
            begun, is_beside, processor = backlog.put_so_far, backlog.waiting > 0, time.thread_time_ns()
            answer, error = ask_here(self.reference.verify_block, block, self._reasons)
            processor = time.thread_time_ns() - processor
            value = copies_of(answer.value)  # before the caller can change it
        finally:
            asking.pop()
        if value is None:
            self._compare_now(visit, answer, copies, is_sampled=is_sampled)
            return _given(answer, error)
        backlog.gives_way = self._is_here and processor * WAITS > answer.nanoseconds
        took = processor if is_beside or backlog.put_so_far != begun else answer.nanoseconds
        at = self._now()
        if not backlog.put(_Deferred(visit, at, copies, is_sampled, value, answer.refusal, took)):
            self._stats.verified(visit, Verification(answered_by="reference"), at, reference=answer, covers=False)
        return _given(answer, error)

    def _show_later(self, entry: _Deferred) -> _Found:
        """The reference's answer is made of its copy once: it may not let itself be made again."""
        if entry.copies is None:
            return entry.answer(None), NOT_SHOWN
        try:
            answer = entry.answer(entry.value())
        except BaseException:  # noqa: BLE001 - whatever an object's own copying raises
            return entry.answer(None), NOT_SHOWN
        return answer, self._trial.show(answer, entry.copies)

    def _count_later(self, entry: _Deferred, found: _Found | Missed) -> None:
        if isinstance(found, Missed):
            found = entry.answer(None), TIMEOUT if found is Missed.LATE else NOT_SHOWN
        answer, seen = found
        self._count(entry.visit, entry.at, answer, entry.copies, seen, is_sampled=entry.is_sampled)

    def _count(
        self, visit: Visit, at: datetime, ours: Answer, copies: Copies | None, seen: Seen, *, is_sampled: bool
    ) -> None:
        """Count a block that was verified in shadow, and tell its divergence."""
        theirs, comparison = seen
        if comparison is AGREED and theirs is not None:  # nearly every block; this is paid on each
            self._stats.agreed_in_shadow(visit, at, ours.nanoseconds, theirs.nanoseconds)
            return
        relation = None if comparison is None else comparison.relation
        counted = Verification(answered_by="reference", relation=relation, is_sampled_out=not is_sampled)
        self._stats.verified(visit, counted, at, reference=ours, candidate=theirs)
        if comparison is not None and comparison.relation.is_divergence and copies is not None and theirs is not None:
            self._tell(visit.mode, copies, ours, theirs, comparison)

    def _in_primary(self, visit: Visit, block: Any) -> Any:
        copies = copies_of(block)
        theirs: Answer | None = None
        comparison: Comparison | None = None
        if copies is not None:
            try:
                theirs, _ = self._trial.ask(copies())
            except LateError:
                _, comparison = TIMEOUT
            except Exception:  # noqa: BLE001, S110 - too many hang, or the copy cannot be made: it was not asked
                pass
        if theirs is not None and theirs.refusal is None:
            self._stats.verified(visit, Verification(answered_by="candidate"), self._now(), candidate=theirs)
            return theirs.value
        answer, error = ask_here(self.reference.verify_block, block, self._reasons)
        if theirs is not None:
            comparison = compare(answer, theirs, self._ignore)
        self._stats.verified(
            visit,
            Verification(
                answered_by="reference",
                relation=None if comparison is None else comparison.relation,
                # Both refuse the block: the candidate did not fail, whoever's refusal is handed on.
                is_fallback=comparison is None or comparison.relation is not Relation.AGREED_REFUSAL,
            ),
            self._now(),
            reference=answer,
            candidate=theirs,
        )
        if comparison is not None and comparison.relation.is_divergence and copies is not None and theirs is not None:
            self._tell(visit.mode, copies, answer, theirs, comparison)
        return _given(answer, error)

    def _alone(self, visit: Visit, block: Any) -> Any:
        try:
            theirs, raised = self._trial.ask(block)
        except (LateError, StuckError) as error:
            relation = Relation.TIMEOUT if isinstance(error, LateError) else None
            self._stats.verified(visit, Verification(answered_by="nobody", relation=relation), self._now())
            raise CandidateTimeout(
                f"the candidate did not answer within {self._limit:g} s, and no reference runs in candidate-only; "
                "demote the node to candidate-primary."
            ) from None
        self._stats.verified(visit, Verification(answered_by="candidate"), self._now(), candidate=theirs)
        return _given(theirs, raised)

    def _tell(self, mode: Mode, copies: Copies, ours: Answer, theirs: Answer, comparison: Comparison) -> None:
        """Keep the divergence and say so; nothing that goes wrong here is the caller's concern."""

        def tell() -> None:
            block = copies()
            divergence = Divergence(
                block=name_of(block),
                mode=mode.value,
                relation=comparison.relation,
                text=comparison.text,
                reference=ours.document(),
                candidate=theirs.document(),
                versions=self.versions,
                at=self._now().isoformat(),
                differences=comparison.differences,
                ignore=self._ignore,
                reasons=self._reasons,
            )
            self._divergences.append((block, divergence))
            if self._keep is not None:
                self._keep(block, divergence)
            if self._on_divergence is not None:
                self._on_divergence(divergence)

        backlog = self._backlog
        if not self._trial.has_told(tell if backlog is None else backlog.inside(tell)):
            self._stats.callback_failed()


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _given(answer: Answer, error: BaseException | None) -> Any:
    if error is not None:
        raise error
    return answer.value
