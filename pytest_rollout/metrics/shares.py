"""What is asked shared out over processes: Python reads with one core, and a gate's answers are worth two.

A process is forked with its share, so nothing of a plan is on a command line or in an environment;
it asks over connections of its own and hands on one answer after the other.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Self, TypeAlias

from pytest_rollout.core.errors import MetricError
from pytest_rollout.core.series import Samples
from pytest_rollout.metrics.port import Asked

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MOST_PROCESSES = 4
LEAVING_SECONDS = 0.05
_SET_PDEATHSIG = 1

Answer: TypeAlias = Samples | MetricError
Work: TypeAlias = Callable[[Sequence[Asked]], Iterator[tuple[Asked, Answer]]]


class Room:
    """Room for so much at a time: who asks for more than is left waits until something was handed on."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._changed = Condition()

    def enter(self, size: int) -> None:
        """Take so much of it, or all of it where it is smaller."""
        with self._changed:
            self._changed.wait_for(lambda: self._left >= min(size, self._most))
            self._left -= min(size, self._most)

    def leave(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._left += min(size, self._most)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody is held up by what nobody takes any more."""
        with self._changed:
            self._left = 10**18
            self._changed.notify_all()


def processes() -> int:
    """How many can share: one without Linux' way to fork, or while another thread could hold a lock at that moment."""
    if sys.platform != "linux" or not _is_alone():
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def _is_alone() -> bool:
    """Whether this is the only thread; one that has ended for Python takes a moment to leave the system's list."""
    until = time.monotonic() + LEAVING_SECONDS
    while len([*Path("/proc/self/task").iterdir()]) > 1:
        if threading.active_count() > 1 or time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


class Share:
    """A part of what is asked, in a process of its own that ends with this one."""

    def __init__(self, asked: Sequence[Asked], work: Work) -> None:
        from multiprocessing import get_context  # noqa: PLC0415 - for those who share

        context = get_context("fork")
        self._left = dict(enumerate(asked))
        self._room = Room(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rollout-metrics-share")
        self._answers, answering = context.Pipe(duplex=False)
        self._process = context.Process(target=_answer, args=(asked, work, answering), daemon=True)
        self._process.start()
        answering.close()

    def answers(self) -> list[Future[tuple[Asked, Answer]]]:
        """All its answers, one when the last one was handed on; an error for each that it leaves without one."""
        return [self._thread.submit(self._next) for _ in range(len(self._left))]

    def leave(self, _samples: int) -> None:
        """One of the answers was handed on."""
        self._room.leave(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *given: object) -> None:
        self._process.kill()
        self._process.join()
        self._room.__exit__(*given)
        self._thread.shutdown(cancel_futures=True)

    def _next(self) -> tuple[Asked, Answer]:
        self._room.enter(1)
        try:
            number, answer = self._answers.recv()
        except (EOFError, OSError):
            self._process.join()
            _, asked = self._left.popitem()
            return asked, MetricError(
                f"metric {asked.metric.name}: the process that asked for it {_ending(self._process.exitcode)} before "
                "it had the answer; judge again, and if it stays so look at the machine's memory."
            )
        return self._left.pop(number), answer


def _answer(asked: Sequence[Asked], work: Work, answering: Connection) -> None:
    """What the process does: Ctrl-C is for the one that forked it, whose end is its own as well."""
    import ctypes  # noqa: PLC0415 - for those who share

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    gc.freeze()  # what was there before stays untouched, and so in memory once
    numbers = {id(each): number for number, each in enumerate(asked)}
    for each, answer in work(asked):
        answering.send((numbers[id(each)], answer))


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was ended ({signal.Signals(-status).name})"
    return f"ended with status {status}"
