"""The dual run: two engines behind one ``verify_block``, switched from rung to rung while it serves.

Whatever the candidate does in shadow - raise, hang, change its input, take memory - the caller
gets what the reference said, at most ``limit`` later (rule 26). Callbacks and the keeping of
divergences are asked the same guarded way. Safe to call from any number of threads and tasks.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pytest_rollout.consensus.guard import Guard, LateError, StuckError, ask_here, frozen
from pytest_rollout.consensus.loading import checked, version_of
from pytest_rollout.consensus.naming import name_of
from pytest_rollout.consensus.remote import EngineSilent
from pytest_rollout.consensus.stats import Stats, Verification
from pytest_rollout.core.answer import AGREED, Answer, Comparison, Relation, compare
from pytest_rollout.core.divergence import Divergence
from pytest_rollout.core.engines import EngineKind, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode, demoted, mode_of

LIMIT_SECONDS = 2.0
KEPT_DIVERGENCES = 100
"""So many newest divergences are held in memory; all of them are counted, and handed to ``keep``."""

Callback = Callable[[Divergence], object]
Keep = Callable[[Any, Divergence], object]
Copies = Callable[[], Any]
_TIMEOUT = Comparison(relation=Relation.TIMEOUT, text="the candidate did not answer within its limit")


class CandidateTimeout(EngineError):  # noqa: N818 - what happened, as Reverted is
    """The candidate alone answers, and did not within its limit."""


class DualRun:
    """``dual.verify_block(block)`` in place of an engine's own.

    ``limit`` are the seconds a candidate may take, ``sample`` the share of blocks it is shown in
    shadow, ``ignore`` and ``reasons`` those of the plan, ``on_divergence`` is told of each
    divergence and ``keep`` handed it with its input. ``now`` gives the time of events where it is not
    the system's: the stats then say that the clock is ``rehearsed``, and no soak by it is a real one.
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
    ) -> None:
        if not (0 < sample <= 1 and limit > 0):
            raise EngineError(f"limit {limit:g} s and sample {sample:g}: both are more than 0, a sample at most 1.")
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
        self._guard = Guard()
        self._switching = threading.Lock()
        self._mode = self._fit(mode_of(mode))
        self._stats = Stats(self._mode, self._now(), clock="system" if now is None else "rehearsed")
        self.divergences: deque[tuple[Any, Divergence]] = deque(maxlen=KEPT_DIVERGENCES)

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
        from pytest_rollout.consensus.opening import keeper, open_engine  # noqa: PLC0415 - which imports this module

        specs = [EngineSpec(kind=EngineKind.IMPORT, target=each) for each in (reference, candidate)]
        isolation = Isolation.THREAD if memory is None else Isolation.PROCESS
        return cls(
            open_engine(specs[0], folder, seconds=limit),
            open_engine(specs[1], folder, seconds=limit, isolation=isolation, memory=memory),
            limit=limit,
            keep=None if kept is None else keeper(kept),
            **more,
        )

    @property
    def mode(self) -> Mode:
        """The rung it is on."""
        return self._mode

    def set_mode(self, mode: Mode | str) -> Mode:
        """Switch; an unknown mode, or one whose engine is not ready, raises ``EngineError`` and changes nothing."""
        wanted = self._fit(mode_of(mode))
        with self._switching:
            if wanted is not self._mode:
                self._stats.switch(wanted, self._now())
                self._mode = wanted
        return wanted

    def demote(self, to: Mode | str | None = None) -> Mode:
        """One rung down, or to a named lower one; what was gathered above no longer counts (rule 28)."""
        target = demoted(self._mode, None if to is None else mode_of(to))
        self._fit(target)
        with self._switching:
            self._stats.demote(target, self._now())
            self._mode = target
        return target

    def verify_block(self, block: Any) -> Any:
        """What the engine that decides in this mode says of the block; raises what it raises."""
        mode = self._mode  # once: a switch in between concerns the next call (rule 27)
        if mode is Mode.SHADOW:
            return self._in_shadow(block)
        if mode is Mode.REFERENCE_ONLY:
            answer, error = ask_here(self.reference.verify_block, block, self._reasons)
            self._stats.verified(Verification(mode=mode, answered_by="reference"), self._now(), reference=answer)
            return _given(answer, error)
        if mode is Mode.CANDIDATE_PRIMARY:
            return self._in_primary(block)
        return self._alone(block)

    async def verify_block_async(self, block: Any) -> Any:
        """The same for an event loop: the engines run in a thread, the loop goes on."""
        return await asyncio.to_thread(self.verify_block, block)

    def stats(self) -> dict[str, Any]:
        """The node's stats document; see ``consensus.stats``."""
        return self._stats.document(self._now(), self.versions)

    def metrics(self) -> bytes:
        """The same as text for Prometheus (extra ``exporter``), for a node that serves ``/metrics``."""
        from pytest_rollout.consensus.exporter import exposition  # noqa: PLC0415 - an extra

        return exposition(self)

    def close(self) -> None:
        """End the threads that wait for calls, and engines that have a process."""
        self._guard.close()
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

    def _in_shadow(self, block: Any) -> Any:
        is_sampled = self._sample >= 1 or random.random() < self._sample  # noqa: S311 - a share, not a secret
        copies = _copies(block) if is_sampled else None  # before the reference can change it
        answer, error = ask_here(self.reference.verify_block, block, self._reasons)
        theirs, comparison = (None, None) if copies is None else self._compare_in_shadow(answer, copies)
        if comparison is AGREED and theirs is not None:  # nearly every block; this is paid on each
            self._stats.agreed_in_shadow(self._now(), answer.nanoseconds, theirs.nanoseconds)
            return answer.value
        relation = None if comparison is None else comparison.relation
        seen = Verification(mode=Mode.SHADOW, answered_by="reference", relation=relation, is_sampled_out=not is_sampled)
        self._stats.verified(seen, self._now(), reference=answer, candidate=theirs)
        if comparison is not None and comparison.relation.is_divergence and copies is not None and theirs is not None:
            self._tell(Mode.SHADOW, copies, answer, theirs, comparison)
        return _given(answer, error)

    def _compare_in_shadow(self, answer: Answer, copies: Copies) -> tuple[Answer | None, Comparison | None]:
        try:
            theirs, _ = self._ask_candidate(copies())
        except LateError:
            return None, _TIMEOUT
        except StuckError:
            return None, None
        return theirs, compare(answer, theirs, self._ignore)

    def _in_primary(self, block: Any) -> Any:
        copies = _copies(block)
        theirs: Answer | None = None
        comparison: Comparison | None = None
        if copies is not None:
            try:
                theirs, _ = self._ask_candidate(copies())
            except LateError:
                comparison = _TIMEOUT
            except StuckError:
                pass
        if theirs is not None and theirs.refusal is None:
            seen = Verification(mode=Mode.CANDIDATE_PRIMARY, answered_by="candidate")
            self._stats.verified(seen, self._now(), candidate=theirs)
            return theirs.value
        answer, error = ask_here(self.reference.verify_block, block, self._reasons)
        if theirs is not None:
            comparison = compare(answer, theirs, self._ignore)
        self._stats.verified(
            Verification(
                mode=Mode.CANDIDATE_PRIMARY,
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
            self._tell(Mode.CANDIDATE_PRIMARY, copies, answer, theirs, comparison)
        return _given(answer, error)

    def _alone(self, block: Any) -> Any:
        try:
            theirs, raised = self._ask_candidate(block)
        except (LateError, StuckError) as error:
            relation = Relation.TIMEOUT if isinstance(error, LateError) else None
            seen = Verification(mode=Mode.CANDIDATE_ONLY, answered_by="nobody", relation=relation)
            self._stats.verified(seen, self._now())
            raise CandidateTimeout(
                f"the candidate did not answer within {self._limit:g} s, and no reference runs in candidate-only; "
                "demote the node to candidate-primary."
            ) from None
        seen = Verification(mode=Mode.CANDIDATE_ONLY, answered_by="candidate")
        self._stats.verified(seen, self._now(), candidate=theirs)
        return _given(theirs, raised)

    def _ask_candidate(self, block: Any) -> tuple[Answer, BaseException | None]:
        """Its answer; raises ``LateError`` past the limit, ``StuckError`` while too many calls hang."""
        theirs, raised = self._guard.ask(self.candidate.verify_block, block, self._limit, self._reasons)
        if isinstance(raised, EngineSilent):
            raise LateError
        return theirs, raised

    def _tell(self, mode: Mode, copies: Copies, ours: Answer, theirs: Answer, comparison: Comparison) -> None:
        """Keep the divergence and say so; nothing that goes wrong here is the caller's concern."""

        def tell(_: Any) -> None:
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
            self.divergences.append((block, divergence))
            if self._keep is not None:
                self._keep(block, divergence)
            if self._on_divergence is not None:
                self._on_divergence(divergence)

        try:
            answer, _ = self._guard.ask(tell, None, self._limit, {})
        except (LateError, StuckError):
            self._stats.callback_failed()
        else:
            if answer.refusal is not None:
                self._stats.callback_failed()


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _copies(block: Any) -> Copies | None:
    try:
        return frozen(block)
    except TypeError:
        return None


def _given(answer: Answer, error: BaseException | None) -> Any:
    if error is not None:
        raise error
    return answer.value
