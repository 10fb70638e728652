"""Comparisons that are deferred: the caller goes on at once, and nobody reads counts over blocks not yet compared."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_rollout.consensus import backlog as waiting_room
from pytest_rollout.consensus.stats import Stats, Verification
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode

BLOCK = {"index": 7, "transactions": [1, 2]}
GOOD = {"valid": True, "index": 7, "weight": 3}


class Gated:
    """Answers as the reference does, once its gate is open."""

    version = "gated 1"

    def __init__(self, sound, *, wrong: tuple[int, ...] = (), hangs: tuple[int, ...] = ()) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.seen: list[dict] = []
        self._sound, self._wrong, self._hangs = sound, wrong, hangs

    def verify_block(self, block):
        self.begun.set()
        self.seen.append(block)
        if not self._hangs or block["index"] in self._hangs:
            self.gate.wait(60)
        answer = self._sound.verify_block(block)
        answer["weight"] += block["index"] in self._wrong
        return answer


@pytest.fixture
def deferred() -> bool:
    return True


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Readers wait for almost nothing, so what still waits is seen."""
    monkeypatch.setattr(waiting_room, "SETTLE_SECONDS", 0.01)


def blocks(number: int, first: int = 0) -> list[dict]:
    return [{"index": index, "transactions": [index]} for index in range(first, first + number)]


def test_the_caller_does_not_wait_for_the_candidate(dual, sound, impatient) -> None:
    candidate = Gated(sound)
    run = dual(candidate, limit=60)

    assert run.verify_block(dict(BLOCK)) == GOOD
    stats = run.stats()
    candidate.gate.set()

    assert (stats["waiting"], stats["total_verifications"], stats["divergence_rate"]) == (1, 0, None)
    assert run.settle(30) == 0
    stats = run.stats()
    assert (stats["waiting"], stats["total_verifications"], stats["comparisons"]) == (0, 1, 1)


def test_stats_that_are_read_at_once_know_of_every_block(dual, sound) -> None:
    """Nobody reads "no divergences" over blocks that nobody compared."""
    run = dual(Gated(sound, wrong=(199,), hangs=(-1,)))

    for block in blocks(200):
        run.verify_block(block)

    stats = run.stats()
    assert (stats["comparisons"], stats["divergences"], stats["waiting"]) == (200, 1, 0)
    assert [divergence.block for _, divergence in run.divergences] == ["199"]


def test_divergences_cannot_be_read_over_blocks_that_wait(dual, sound, impatient) -> None:
    """An empty list would say that there are none."""
    candidate = Gated(sound)
    run = dual(candidate, limit=60)
    run.verify_block(dict(BLOCK))

    with pytest.raises(EngineError, match="1 blocks wait to be compared"):
        _ = run.divergences
    candidate.gate.set()

    assert run.settle(30) == 0
    assert not run.divergences


def test_what_the_caller_does_with_block_and_answer_later_changes_no_comparison(dual, sound) -> None:
    """Both are compared and kept as they were when the reference answered."""
    candidate = Gated(sound, wrong=(7,))
    run = dual(candidate)
    block = {"index": 7, "transactions": [1, 2]}

    answer = run.verify_block(block)
    answer["weight"] += 1  # what the candidate will say
    block["transactions"].append(1)
    candidate.gate.set()

    ((kept, divergence),) = run.divergences
    assert (kept, candidate.seen) == (BLOCK, [BLOCK])
    assert divergence.text == "weight: reference 3, candidate 4"
    assert divergence.reference == {"value": GOOD}


def test_an_answer_that_was_spoilt_later_is_no_divergence(dual, sound) -> None:
    candidate = Gated(sound)
    run = dual(candidate)

    run.verify_block(dict(BLOCK)).clear()
    candidate.gate.set()

    assert (run.stats()["comparisons"], run.stats()["divergences"]) == (1, 0)


def test_an_answer_that_cannot_be_copied_is_compared_before_it_is_given_out(dual, doing) -> None:
    class Locked:
        def __init__(self, weight: int) -> None:
            self.weight = weight
            self._lock = threading.Lock()

    run = dual(doing(lambda block: Locked(2)), reference=doing(lambda block: Locked(1)))

    assert run.verify_block(dict(BLOCK)).weight == 1
    assert [divergence.text for _, divergence in run._divergences] == ["weight: reference 1, candidate 2"]


def test_a_hang_is_given_up_and_the_next_divergence_told_though_nobody_asks_again(dual, sound) -> None:
    told = threading.Event()
    candidate = Gated(sound, hangs=(0,), wrong=(1,))
    run = dual(candidate, limit=0.05, on_divergence=lambda _: told.set())

    for block in blocks(2):
        run.verify_block(block)

    assert told.wait(30)
    stats = run.stats()
    candidate.gate.set()
    assert (stats["timeouts"], stats["comparisons"], stats["divergences"]) == (1, 1, 1)


def test_a_flood_waits_for_room_and_what_finds_none_counts_as_skipped(dual, sound) -> None:
    """No more blocks wait than are allowed, and none is lost without a word."""
    candidate = Gated(sound)
    run = dual(candidate, limit=0.3, backlog=4)
    most = []

    def ask(block):
        answer = run.verify_block(block)
        most.append(run._backlog.waiting)
        return answer["index"]

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(ask, blocks(24)))
    candidate.gate.set()

    stats = run.stats()
    assert answered == list(range(24))
    assert max(most) <= 4
    assert stats["skipped"] > 0
    assert stats["comparisons"] + stats["timeouts"] + stats["skipped"] == stats["total_verifications"] == 24


def test_a_block_that_found_no_room_covers_no_time() -> None:
    """It is counted before those that wait, which came earlier: between them is no gap, and it is no sign of life."""
    noon = datetime(2031, 5, 4, 12, tzinfo=UTC)
    stats = Stats(Mode.SHADOW, noon)

    stats.verified(stats.present, Verification(answered_by="reference"), noon + timedelta(minutes=10), covers=False)
    stats.agreed_in_shadow(stats.present, noon + timedelta(seconds=1), 1, 1)

    (visit,) = stats.document(noon + timedelta(minutes=10), {})["mode_history"]
    assert (visit["skipped"], visit["comparisons"]) == (1, 1)
    assert (visit["last"], visit["gaps"]) == ((noon + timedelta(seconds=1)).isoformat(), [])


def test_a_flood_that_the_candidate_can_follow_is_compared_to_the_last_block(dual, sound) -> None:
    run = dual(Gated(sound, hangs=(-1,), wrong=tuple(range(0, 2000, 5))), limit=30, backlog=8)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run.verify_block, blocks(2000)))

    stats = run.stats()
    assert (stats["comparisons"], stats["differing"], stats["skipped"]) == (2000, 400, 0)


def test_a_block_counts_on_the_rung_on_which_it_was_verified(dual, sound, impatient) -> None:
    """However long it waits, and though the node has left that rung and come back (rules 27 and 28)."""
    candidate = Gated(sound, wrong=(1,))
    run = dual(candidate, limit=60)
    for block in blocks(2):
        run.verify_block(block)

    run.demote()
    run.set_mode("shadow")
    run.verify_block({"index": 2})
    candidate.gate.set()
    assert run.settle(30) == 0

    seen = [
        (each["mode"], each["void"], each["comparisons"], each["divergences"]) for each in run.stats()["mode_history"]
    ]
    assert seen == [("shadow", True, 2, 1), ("legacy", False, 0, 0), ("shadow", False, 1, 0)]


def test_a_switch_waits_for_what_was_asked_before_it(dual, sound) -> None:
    candidate = Gated(sound)
    run = dual(candidate)
    run.verify_block(dict(BLOCK))
    threading.Timer(0.05, candidate.gate.set).start()

    run.set_mode("rust")

    assert run._stats.document(run._now(), {})["mode_history"][0]["comparisons"] == 1


def test_a_callback_may_demote_and_read_the_stats(dual, sound, monkeypatch) -> None:
    """It would wait for itself, however patient; it is told that its own block still waits."""
    monkeypatch.setattr(waiting_room, "SETTLE_SECONDS", 60)
    seen = []

    def stop(_) -> None:
        seen.append((run.demote().value, run.stats()["waiting"]))

    run = dual(Gated(sound, hangs=(-1,), wrong=(7,)), on_divergence=stop, limit=20)
    run.verify_block(dict(BLOCK))

    assert run.settle(60) == 0
    assert seen == [("reference-only", 1)]
    assert run.stats()["callback_errors"] == 0


def test_closing_counts_what_was_never_compared_as_skipped(dual, sound, impatient) -> None:
    candidate = Gated(sound)
    run = dual(candidate, limit=60)
    for block in blocks(5):
        run.verify_block(block)

    run.close()
    stats = run.stats()
    candidate.gate.set()

    assert (stats["skipped"], stats["total_verifications"], stats["waiting"]) == (5, 5, 0)
    run.verify_block(dict(BLOCK))
    assert run.settle(30) == 0
    assert run.stats()["comparisons"] == 1, "a call that comes later finds a thread again"


def test_closing_ends_every_thread(dual, sound) -> None:
    def ours() -> list[str]:
        return [each.name for each in threading.enumerate() if each.name.startswith("rollout-")]

    before = len(ours())
    run = dual(Gated(sound, hangs=(-1,), wrong=(7,)))
    run.verify_block(dict(BLOCK))
    assert run.stats()["divergences"] == 1
    assert len(ours()) > before

    run.close()
    deadline = time.monotonic() + 30
    while len(ours()) > before and time.monotonic() < deadline:
        time.sleep(0.01)

    assert len(ours()) <= before


def test_no_thread_to_be_had_is_a_block_that_was_skipped(dual, monkeypatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    run = dual()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        assert run.verify_block(dict(BLOCK)) == GOOD
        assert run.stats()["skipped"] == 1

    run.verify_block(dict(BLOCK))
    assert (run.stats()["comparisons"], run.stats()["skipped"]) == (1, 1)


def test_a_forked_process_compares_its_own_blocks_and_counts_nothing_of_its_parents(dual, sound, impatient) -> None:
    """It has neither its parent's threads nor its parent's evidence, and says so by another run."""
    candidate = Gated(sound)
    run = dual(candidate, limit=60)
    for block in blocks(3):
        run.verify_block(block)
    mine = run.stats()["run"]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        candidate.gate.set()
        run.verify_block(dict(BLOCK))
        left = run.settle(30)
        stats = run.stats()
        told = (left, stats["comparisons"], stats["total_verifications"], stats["run"] != mine)
        os.write(write, repr(told).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    candidate.gate.set()

    assert said == "(0, 1, 1, True)"
    assert run.settle(30) == 0
    assert run.stats()["comparisons"] == 3


def test_what_waits_when_a_program_ends_is_still_kept(tmp_path) -> None:
    """A divergence in the last moment is one; only a process that is killed takes what it has not compared along."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pytest_rollout import DualRun\n"
        "Path('ours.py').write_text('''\nimport time\nclass A:\n    def verify_block(self, block): return 1\n"
        "class B:\n    def verify_block(self, block):\n        time.sleep(0.002)\n"
        "        return 1 + (block == 49)\n''')\n"
        "run = DualRun.open('ours.py:A', 'ours.py:B', Path(), kept=Path('kept'), deferred=True)\n"
        "for index in range(50): run.verify_block(index)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)

    assert len(list(Path(tmp_path, "kept").iterdir())) == 1


def test_where_both_run_at_once_the_references_time_holds_no_waiting_for_the_candidate(dual, doing) -> None:
    """A reference that the candidate held up would make the candidate look fast."""
    nap = 0.05
    run = dual(reference=doing(lambda block: time.sleep(nap)), candidate=doing(lambda block: time.sleep(3 * nap)))

    for _ in range(4):
        run.verify_block(dict(BLOCK))

    latency = run.stats()["latency"]
    assert latency["reference_ns"]["p99"] >= nap * 1e9, "alone: by the clock"
    assert latency["reference_ns"]["p50"] < nap * 1e9, "beside the candidate: what its thread computed"
    assert latency["candidate_ns"]["p50"] >= 3 * nap * 1e9


@pytest.mark.parametrize("most", [0, -1])
def test_a_backlog_without_room_is_refused(dual, most) -> None:
    with pytest.raises(EngineError, match=rf"backlog {most}: at least one block"):
        dual(backlog=most)


@pytest.mark.parametrize(("copied", "counter"), [(1, "skipped"), (2, "differing")])
def test_an_answer_that_cannot_be_made_again_ends_no_thread(dual, doing, copied, counter) -> None:
    """What cannot be compared is skipped, and what diverged is told; neither may leave the counts without a word."""

    class Worn:
        def __init__(self, left: int) -> None:
            self.weight, self.left = 1, left

        def __deepcopy__(self, _: object) -> Worn:
            if self.left == 0:
                raise RuntimeError("worn out")
            self.left -= 1
            return Worn(self.left)

    run = dual(doing(lambda block: {"weight": 2}), reference=doing(lambda block: Worn(copied)))

    for _ in range(2):
        assert run.verify_block(dict(BLOCK)).weight == 1

    assert run.settle(30) == 0
    stats = run.stats()
    assert stats[counter] == stats["total_verifications"] == 2
