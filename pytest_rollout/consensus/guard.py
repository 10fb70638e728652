"""Asking an engine so that nothing it does reaches the caller: a thread of its own, and a time limit."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pytest_rollout.consensus.forks import begin_after_fork
from pytest_rollout.core.answer import Answer, refusal_of

MOST_STUCK = 8
"""So many calls may hang at once; while they do, further ones are not made."""

_PICKLED = (dict, list, tuple, set, bytearray)
_SAME = (int, str, bytes, bool, type(None), float)

Ask = Callable[[Any], Any]
_Outcome = tuple[Answer, BaseException | None]
_NOTHING: _Outcome = (Answer(), None)


class StuckError(Exception):
    """Too many earlier calls still hang, or there is no thread to be had, so this one was not made."""


class LateError(Exception):
    """The time limit passed without an answer."""


def frozen(block: Any) -> Callable[[], Any]:
    """Makes copies of a block as it is now, however it is changed later; ``TypeError`` where none can be made."""
    if type(block) in _SAME:
        return lambda: block
    if type(block) in _PICKLED:
        try:
            pickled = pickle.dumps(block, protocol=5)
        except Exception:  # noqa: BLE001, S110 - whatever an object's own pickling raises
            pass
        else:
            return lambda: pickle.loads(pickled)  # noqa: S301 - what was pickled a moment ago
    try:
        kept = copy.deepcopy(block)
    except Exception as error:  # noqa: BLE001 - as above
        raise TypeError(f"a block of type {type(block).__name__} cannot be copied: {type(error).__name__}") from None
    return lambda: copy.deepcopy(kept)


def ask_here(
    ask: Ask, block: Any, reasons: Mapping[str, str], catch: type[BaseException] = Exception
) -> tuple[Answer, BaseException | None]:
    """The answer of an engine that runs in the caller's own thread, and what it raised."""
    began = time.perf_counter_ns()
    try:
        value = ask(block)
    except catch as error:  # whatever it raises is its answer
        return Answer(refusal=refusal_of(error, reasons), nanoseconds=time.perf_counter_ns() - began), error
    return Answer(value=value, nanoseconds=time.perf_counter_ns() - began), None


class Guard:
    """Threads that wait for engine calls; one that hangs is left behind, and ends with its call.

    A process that was forked has none of them, and begins with its own.
    """

    def __init__(self) -> None:
        self._begin()
        begin_after_fork(self._begin)

    def _begin(self) -> None:
        self._idle: list[_Worker] = []
        self._stuck = 0
        self._lock = threading.Lock()

    def ask(
        self, ask: Ask, block: Any, seconds: float, reasons: Mapping[str, str]
    ) -> tuple[Answer, BaseException | None]:
        """The answer within the limit; raises ``LateError`` past it, ``StuckError`` where no call is made."""
        try:
            worker = self._idle.pop()
        except IndexError:
            if self._stuck >= MOST_STUCK:
                raise StuckError from None
            worker = _started()
        worker.call(ask, block, reasons)
        try:
            has_answered = worker.done.acquire(timeout=seconds)
        except BaseException:
            self._leave(worker)  # Ctrl-C in the caller: the call goes on without it
            raise
        if not has_answered:
            self._leave(worker)
            raise LateError
        outcome, worker.outcome = worker.outcome, _NOTHING
        self._idle.append(worker)
        return outcome

    def close(self) -> None:
        """Let idle threads end."""
        while self._idle:
            self._idle.pop().dismiss(None)

    def _leave(self, worker: _Worker) -> None:
        with self._lock:
            self._stuck += 1
        worker.dismiss(self._came_back)

    def _came_back(self) -> None:
        with self._lock:
            self._stuck -= 1


def _started() -> _Worker:
    """A thread to ask; where the system gives no more of them, the call is not made."""
    try:
        return _Worker()
    except RuntimeError:
        raise StuckError from None


class _Worker:
    """A daemon thread that makes one call at a time; two locks hand over, which is the cheapest way there is.

    ``go`` is released by whoever has something for it, and only while it is idle: a call that is given up
    before the thread came to it must not be handed over twice.
    """

    def __init__(self) -> None:
        self.outcome: _Outcome = _NOTHING
        self.done = threading.Lock()
        self.done.acquire()
        self._order: tuple[Ask, Any, Mapping[str, str]] | None = None
        self._go = threading.Lock()
        self._go.acquire()
        self._state = threading.Lock()
        self._is_idle = True
        self._is_dismissed = False
        self._last: Callable[[], None] | None = None
        threading.Thread(target=self._serve, daemon=True, name="rollout-candidate").start()

    def call(self, ask: Ask, block: Any, reasons: Mapping[str, str]) -> None:
        """Make a call; ``done`` is released once ``outcome`` is there."""
        self._order = (ask, block, reasons)
        self._is_idle = False
        self._go.release()

    def dismiss(self, ended: Callable[[], None] | None) -> None:
        """Nobody asks any longer: once its call ends, or is found given up, say so and end."""
        with self._state:
            self._last, self._is_dismissed = ended, True
            if self._is_idle:
                self._go.release()

    def _serve(self) -> None:
        while True:
            self._go.acquire()
            order, self._order = self._order, None
            if order is None or self._is_given_up():
                break
            self.outcome = ask_here(*order, BaseException)  # even SystemExit is the engine's own
            del order
            with self._state:
                if self._is_given_up():
                    break
                self._is_idle = True
                self.done.release()
        if self._last is not None:
            self._last()

    def _is_given_up(self) -> bool:
        return self._is_dismissed
