"""Threads that engines are asked in: they survive a fork, and cost no answer where there are none."""

from __future__ import annotations

import os
import threading

import pytest

from pytest_rollout.consensus.guard import Guard, StuckError


def test_a_forked_process_asks_in_threads_of_its_own() -> None:
    """It has none of the threads that waited in its parent, and must wake none of them."""
    guard = Guard()
    assert guard.ask(abs, -1, 5, {})[0].value == 1
    child = os.fork()
    if child == 0:
        answer, _ = guard.ask(abs, -2, 5, {})
        os._exit(answer.value if isinstance(answer.value, int) else 99)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 2
    assert guard.ask(abs, -3, 5, {})[0].value == 3
    guard.close()


def test_no_thread_to_be_had_is_a_call_that_was_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference's answer must not suffer for it."""

    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)

    with pytest.raises(StuckError):
        Guard().ask(abs, -1, 5, {})
