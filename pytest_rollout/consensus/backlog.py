"""A bounded queue of blocks that wait to be compared, and the one thread that works through it in their order.

Another thread watches it. An entry over which the first hangs past the limit is given up, and a new
thread goes on behind it, so the queue moves whether or not anybody asks for anything. At most
``MOST_STUCK`` calls hang at once; while they do, what waits is not asked about.

Two engines that compute under one interpreter lock hold each other up: both callers and comparisons
are late, and together they take longer than one after the other. So the thread gives way to callers
that are with the reference, until somebody waits for it or an entry has waited long enough. And where
one finds a lock taken it lets go of the interpreter's, and both take turns at every entry from then
on: callers that put have a lock of their own, and take the thread's only if it sleeps or there is none.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, TypeVar

from pytest_rollout.consensus.forks import begin_after_fork
from pytest_rollout.consensus.guard import MOST_STUCK

MOST_WAITING = 256
"""So many entries wait at most, the one that is being worked on among them."""
SETTLE_SECONDS = 3.0
"""So long readers wait for what waits; a gate that reads a node has five seconds of patience."""
LONGEST_WAY_SECONDS = 1.0
"""An entry that has waited so long gives way to nobody."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.08
"""So many seconds until a thread that gave way looks again: each time twice as long, for looking takes the lock."""
RELIEF_SECONDS = 0.005
"""So long a caller waits until half of the room is free, and then for any: each handing over costs both sides."""

Entry = TypeVar("Entry")
Found = TypeVar("Found")


class Missed(Enum):
    """Why nothing was found out about an entry."""

    LATE = auto()
    NOT_ASKED = auto()


class _Shift:
    """One thread's time at the queue: since when it is asking about an entry, and whether it was given up over it."""

    __slots__ = ("begun", "is_given_up")

    def __init__(self) -> None:
        self.begun: float | None = None
        self.is_given_up = False


class Backlog(Generic[Entry, Found]):
    """``ask`` may hang and never raises; ``tell`` is handed each entry once, with what was found or why nothing was.

    ``tell`` must end in bounded time. ``limit`` are the seconds of ``ask``, ``most`` the entries that may wait.
    ``asking`` holds one item for each caller that is with the reference; ``gives_way`` says whether to wait for them.
    A forked process begins with an empty queue: what waited is its parent's to work on.
    """

    def __init__(
        self,
        ask: Callable[[Entry], Found],
        tell: Callable[[Entry, Found | Missed], None],
        *,
        limit: float,
        most: int = MOST_WAITING,
    ) -> None:
        self.gives_way = False
        self._ask = ask
        self._tell = tell
        self._limit = limit
        self._most = most
        self._begin()
        begin_after_fork(self._begin)
        alive = weakref.WeakMethod(self.settle)
        atexit.register(lambda: (settle := alive()) is not None and settle())

    def _begin(self) -> None:
        self._entries: deque[tuple[Entry, float]] = deque()
        self.asking: deque[None] = deque()
        self._inside = threading.local()
        self._putting = threading.Lock()
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self._look = threading.Condition(self._lock)
        self._shift: _Shift | None = None
        self._current: Entry | None = None
        self._is_idle = False
        self._watcher: object = None
        self._is_looking = False
        self._stuck = 0
        self._callers = self._pressing = 0
        self._readers: list[int] = []
        self.put_so_far = 0
        self._ended_so_far = 0

    @property
    def waiting(self) -> int:
        """How many entries were put and have not ended, by a look without a lock."""
        return self.put_so_far - self._ended_so_far

    def put(self, entry: Entry) -> bool:
        """Queue an entry; where there is no room, wait for it as long as the limit. False where none came."""
        if self._shift is None and not self._wake():
            return False
        deadline = 0.0
        while not self._has_taken(entry):
            deadline = deadline or time.monotonic() + self._limit
            with self._lock:
                if not self._has_room(deadline - time.monotonic()):
                    return False
        if self._is_idle or self._shift is None:  # looked at after the entry is there: see where it falls asleep
            self._wake()
        return True

    def _wake(self) -> bool:
        """Wake the thread that works, or start one; False where the system gives none."""
        with self._lock:
            if self._shift is None and not self._has_started():
                return False
            self._is_idle = False
            self._more.notify()
            return True

    def _has_taken(self, entry: Entry) -> bool:
        with self._putting:
            if self.waiting >= self._most:
                return False
            self.put_so_far += 1
            self._entries.append((entry, time.monotonic()))
        return True

    def settle(self, seconds: float | None = None) -> int:
        """Wait until all that was put before has ended; how many have not when the time is over.

        Called from inside of ``ask`` or ``tell`` it does not wait, for it would wait for itself.
        """
        with self._lock:
            last = self.put_so_far
            if not self.is_inside and self._ended_so_far < last:
                self._readers.append(last)
                self._more.notify()
                try:
                    self._ended.wait_for(
                        lambda: self._ended_so_far >= last, timeout=SETTLE_SECONDS if seconds is None else seconds
                    )
                finally:
                    self._readers.remove(last)
            return max(0, last - self._ended_so_far)

    def close(self) -> None:
        """Settle; what still waits then is not asked about, and a call that still hangs is given up."""
        self.settle()
        with self._lock:
            left = [entry for entry, _ in self._entries]
            self._entries.clear()
            shift, self._shift = self._shift, None
            if shift is not None:
                if shift.begun is not None and not shift.is_given_up and self._current is not None:
                    left.insert(0, self._current)
                    self._stuck += 1
                shift.is_given_up = True
            self._is_idle, self._watcher = False, None
            self._more.notify_all()
            self._look.notify_all()
        for entry in left:
            self._end(entry, Missed.NOT_ASKED)

    @property
    def is_inside(self) -> bool:
        """Whether this thread works on an entry just now."""
        return getattr(self._inside, "depth", 0) > 0

    def inside(self, work: Callable[[], object]) -> Callable[[], object]:
        """The same work, known to belong to an entry in whatever thread it runs."""

        def known() -> object:
            self._inside.depth = getattr(self._inside, "depth", 0) + 1
            try:
                return work()
            finally:
                self._inside.depth -= 1

        return known

    def _has_room(self, seconds: float) -> bool:
        """Whether there is room within so many seconds. The lock is held."""
        relief = max(0.0, min(RELIEF_SECONDS, seconds))
        self._callers += 1
        self._more.notify()
        try:
            if self._room.wait_for(lambda: self.waiting <= self._most // 2, relief):
                return True
            self._pressing += 1
            try:
                return self._room.wait_for(lambda: self.waiting < self._most, seconds - relief)
            finally:
                self._pressing -= 1
        finally:
            self._callers -= 1

    def _has_started(self) -> bool:
        """Whether there is a thread for the queue; the system may give none. The lock is held."""
        try:
            if self._watcher is None:
                watcher = object()
                threading.Thread(target=self._watch, args=(watcher,), daemon=True, name="rollout-watch").start()
                self._watcher = watcher
            shift = _Shift()
            threading.Thread(target=self._serve, args=(shift,), daemon=True, name="rollout-candidate").start()
        except RuntimeError:
            return False
        self._shift, self._is_idle = shift, False
        return True

    def _serve(self, shift: _Shift) -> None:
        self._inside.depth = 1
        while (entry := self._next(shift)) is not None:
            if shift.begun is None:
                self._end(entry[0], Missed.NOT_ASKED)
                continue
            found = self._ask(entry[0])
            with self._lock:
                if shift.is_given_up:
                    self._stuck -= 1
                    return
                shift.begun = None
            self._end(entry[0], found)

    def _next(self, shift: _Shift) -> tuple[Entry] | None:
        """The next entry, None once this thread is no longer needed."""
        pause = FIRST_PAUSE
        with self._lock:
            while not shift.is_given_up and (not self._entries or self._has_to_give_way()):
                if self._entries:
                    self._is_idle = False
                    self._more.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    continue
                self._is_idle = True
                if not self._entries:  # who puts one from now on finds that it sleeps
                    self._more.wait()
            if shift.is_given_up:
                return None
            self._is_idle = False
            self._current, _ = self._entries.popleft()
            entry = self._current
            if self._stuck < MOST_STUCK:
                shift.begun = time.monotonic()
                if not self._is_looking:
                    self._is_looking = True
                    self._look.notify()
        return (entry,)

    def _has_to_give_way(self) -> bool:
        """Whether what waits can wait for callers to leave the reference. The lock is held, and something waits."""
        if not (self.gives_way and self.asking) or self._readers or self._callers:
            return False
        return time.monotonic() - self._entries[0][1] < LONGEST_WAY_SECONDS

    def _end(self, entry: Entry, found: Found | Missed) -> None:
        try:
            self._tell(entry, found)
        finally:
            with self._lock:
                self._ended_so_far += 1
                if self._pressing or (self._callers and self.waiting <= self._most // 2):
                    self._room.notify_all()
                if self._readers and self._ended_so_far >= min(self._readers):  # waking one takes the lock
                    self._ended.notify_all()

    def _watch(self, watcher: object) -> None:
        """Give up what hangs, and see that what waits has a thread; asleep once nothing was asked for a limit.

        Whatever begins while it looks is found within the limit, so nobody wakes it for each entry.
        """
        seen = -1
        while True:
            with self._lock:
                if self._watcher is not watcher:
                    return
                shift = self._shift
                if shift is None and self._entries and not self._has_started():
                    self._look.wait(self._limit)
                    continue
                if shift is None or shift.begun is None:
                    if seen == self._ended_so_far:
                        self._is_looking = False
                        self._look.wait()
                    else:
                        seen = self._ended_so_far
                        self._look.wait(self._limit)
                    continue
                left = shift.begun + self._limit - time.monotonic()
                if left > 0:
                    self._look.wait(left)
                    continue
                shift.is_given_up = True
                self._stuck += 1
                entry = self._current
            assert entry is not None  # noqa: S101 - it is being asked about
            self._end(entry, Missed.LATE)
            with self._lock:
                if self._shift is shift:
                    self._shift = None
