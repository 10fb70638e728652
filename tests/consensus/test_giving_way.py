"""A thread that compares gives way to callers that are with the reference, and never for good."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_rollout.consensus import backlog as waiting_room
from pytest_rollout.consensus import dual as dual_run
from pytest_rollout.consensus.backlog import Backlog, Missed
from pytest_rollout.consensus.remote import CommandEngine, HttpEngine, ProcessEngine

PATIENCE = 30
A_WHILE = 0.15
"""Long enough for a thread that gives way to no one to have asked."""


class Room:
    """A backlog whose thread asks about an entry as soon as a turn is there, and what came of each entry."""

    def __init__(self, *, most: int = 8, turns: int = 1000, limit: float = PATIENCE) -> None:
        self.turns = threading.Semaphore(turns)
        self.asked: list[int] = []
        self.told: list[int | Missed] = []
        self.backlog: Backlog[int, int] = Backlog(self._ask, self._tell, limit=limit, most=most)
        self.backlog.gives_way = True

    def _ask(self, entry: int) -> int:
        self.asked.append(entry)
        self.turns.acquire(timeout=PATIENCE)
        return entry

    def _tell(self, _entry: int, found: int | Missed) -> None:
        self.told.append(found)

    def has_asked(self, number: int, seconds: float = PATIENCE) -> bool:
        """Whether so many entries are asked about before the time is over."""
        deadline = time.monotonic() + seconds
        while len(self.asked) < number and time.monotonic() < deadline:
            time.sleep(0.005)
        return len(self.asked) >= number


@pytest.fixture
def room() -> Iterator[Callable[..., Room]]:
    """Open rooms; their threads end after the test."""
    opened: list[Room] = []

    def make(**settings: Any) -> Room:
        opened.append(Room(**settings))
        return opened[-1]

    yield make
    for each in opened:
        each.turns.release(100)
        each.backlog.asking.clear()
        each.backlog.close()


@pytest.fixture
def deferred() -> bool:
    return True


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long an entry waits, it gives way."""
    monkeypatch.setattr(waiting_room, "LONGEST_WAY_SECONDS", 3600)


@pytest.mark.usefixtures("endless")
def test_nothing_is_asked_while_a_caller_is_with_the_reference(room) -> None:
    """Both would compute under one lock, and the caller would have its answer late."""
    here = room()
    here.backlog.asking.append(None)

    assert here.backlog.put(1)
    assert not here.has_asked(1, A_WHILE)
    here.backlog.asking.pop()

    assert here.has_asked(1)


@pytest.mark.usefixtures("endless")
def test_whoever_reads_gives_way_to_nobody(room) -> None:
    """A gate that asks for the counts does not wait for a reference that is busy."""
    here = room()
    here.backlog.asking.append(None)
    for entry in range(3):
        here.backlog.put(entry)

    assert here.backlog.settle(PATIENCE) == 0
    assert here.told == [0, 1, 2]


@pytest.mark.usefixtures("endless")
def test_a_caller_without_room_gives_way_to_nobody(room) -> None:
    here = room(most=2)
    here.backlog.asking.append(None)

    assert all(here.backlog.put(entry) for entry in range(9))
    assert len(here.told) >= 9 - 2


def test_an_entry_gives_way_for_so_long_and_no_longer(room, monkeypatch) -> None:
    """A reference that hangs in one thread must not keep the blocks of all others from being compared."""
    monkeypatch.setattr(waiting_room, "LONGEST_WAY_SECONDS", 0.05)
    here = room()
    here.backlog.asking.append(None)
    here.backlog.put(1)

    assert here.has_asked(1)


@pytest.mark.usefixtures("endless")
def test_where_nothing_computes_here_nobody_gives_way(room) -> None:
    here = room()
    here.backlog.gives_way = False
    here.backlog.asking.append(None)
    here.backlog.put(1)

    assert here.has_asked(1)


@pytest.mark.usefixtures("endless")
def test_closing_gives_way_to_nobody(room) -> None:
    here = room()
    here.backlog.asking.append(None)
    here.backlog.put(1)

    here.backlog.close()

    assert here.told == [1]


@pytest.mark.parametrize(("relief", "turns"), [(PATIENCE, 2), (0.01, 1)], ids=["half of it", "any, after a while"])
def test_who_waits_for_room_goes_on_once_it_is_there(room, monkeypatch, relief, turns) -> None:
    """Half of it at once, so that callers and comparisons do not take turns at every block; any after a moment."""
    monkeypatch.setattr(waiting_room, "RELIEF_SECONDS", relief)
    here = room(most=4, turns=0)
    for entry in range(4):
        here.backlog.put(entry)

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(here.backlog.put, 4)
        for turn in range(turns):
            assert here.has_asked(turn + 1)
            assert not waits.done()
            here.turns.release()

        assert waits.result(PATIENCE)
    assert len(here.told) == turns


def test_a_reader_waits_for_what_was_asked_before_and_for_nothing_later(room) -> None:
    here = room(turns=0)
    here.backlog.put(1)

    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(here.backlog.settle, PATIENCE)
        while not here.backlog._readers:
            time.sleep(0.005)
        here.backlog.put(2)
        here.turns.release()

        assert read.result(PATIENCE) == 0
    assert (here.told, here.backlog.waiting) == ([1], 1)


def test_a_caller_takes_no_lock_of_a_thread_that_is_awake(room) -> None:
    """Who finds it taken lets go of the interpreter's lock, and then both take turns at every block."""
    here = room(turns=0)
    here.backlog.put(1)
    assert here.has_asked(1)

    with ThreadPoolExecutor(1) as pool, here.backlog._lock:
        assert pool.submit(here.backlog.put, 2).result(PATIENCE)
    assert here.backlog.waiting == 2


@pytest.mark.parametrize("at", [1, 2])
def test_a_thread_that_falls_asleep_just_then_is_woken(room, at) -> None:
    """Nobody holds a lock of callers while it looks for more, so both look twice."""
    here = room(turns=0)
    looks: list[int] = []

    class Late(deque[Any]):
        """Found empty, just before a caller puts what nobody is woken for."""

        def __len__(self) -> int:
            length = super().__len__()
            if not length and here.told == [1]:
                looks.append(length)
                if len(looks) == at:
                    here.backlog.put(2)
            return length

    here.backlog.put(1)
    assert here.has_asked(1)
    here.backlog._entries = Late()
    here.turns.release(2)

    assert here.has_asked(2)


def test_no_entry_of_many_that_come_one_by_one_is_forgotten(room) -> None:
    here = room(turns=1000)

    for entry in range(1000):
        here.backlog.put(entry)
        deadline = time.monotonic() + PATIENCE
        while here.backlog.waiting:
            time.sleep(0.0002)
            assert time.monotonic() < deadline, f"entry {entry} is asked about by nobody"

    assert here.told == list(range(1000))


def test_callers_put_no_more_at_once_than_there_is_room_for(room) -> None:
    here = room(most=4, turns=0, limit=0.2)

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(here.backlog.put, range(16)))

    assert sum(taken) - len(here.told) <= 4
    assert here.backlog.waiting <= 4


@pytest.mark.parametrize("idle", [0, 0.3], ids=["at once", "after nothing was asked for a while"])
def test_what_hangs_after_what_was_answered_is_late(room, idle) -> None:
    """The thread that looks for what hangs is not woken for each entry."""
    here = room(turns=1, limit=0.05)
    here.backlog.put(1)
    assert here.backlog.settle(PATIENCE) == 0
    time.sleep(idle)

    here.backlog.put(2)

    assert here.backlog.settle(PATIENCE) == 0
    assert here.told == [1, Missed.LATE]


@pytest.mark.parametrize(
    ("computed", "is_elsewhere", "gives_way"),
    [(10**15, False, True), (0, False, False), (10**15, True, False)],
    ids=["a reference that computes", "a reference that waits", "a candidate that runs elsewhere"],
)
def test_a_dual_run_gives_way_where_both_compute_in_this_process(
    dual, doing, sound, monkeypatch, computed, is_elsewhere, gives_way
) -> None:
    candidate = doing(sound.verify_block)
    candidate.is_elsewhere = is_elsewhere
    run = dual(candidate)
    told = iter([0, computed])
    monkeypatch.setattr(dual_run, "time", SimpleNamespace(thread_time_ns=lambda: next(told)))

    run.verify_block({"index": 1})

    assert run._backlog.gives_way is gives_way


@pytest.mark.parametrize("engine", [CommandEngine, HttpEngine, ProcessEngine])
def test_an_engine_outside_of_this_process_says_so(engine) -> None:
    """A node's callers never wait for what a comparison that runs beside them would have done meanwhile."""
    assert engine.is_elsewhere


def test_whatever_leaves_the_reference_leaves_nobody_to_give_way_to(dual, doing) -> None:
    """Ctrl-C in the caller: its block is not compared, and those of all others still are at once."""

    def interrupted(block):
        if block["index"]:
            raise KeyboardInterrupt
        return dict(block)

    run = dual(doing(dict), reference=doing(interrupted))

    with pytest.raises(KeyboardInterrupt):
        run.verify_block({"index": 1})
    run.verify_block({"index": 0})

    assert not run._backlog.asking
    assert run.stats()["comparisons"] == 1
