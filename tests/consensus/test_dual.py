"""The dual run: who answers in which mode, and that nothing a candidate does in shadow is the caller's concern."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from pytest_rollout.consensus import guard
from pytest_rollout.consensus.dual import CandidateTimeout, DualRun
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode
from pytest_rollout.core.tally import Counts

BLOCK = {"index": 7, "transactions": [1, 2]}
GOOD = {"valid": True, "index": 7, "weight": 3}


def boom(block):
    raise RuntimeError("candidate broke")


def exit_hard(block):
    sys.exit(3)


def recurse(block):
    return recurse(block)


def scribble(block):
    block["index"] = 0
    block["transactions"].clear()
    return dict(GOOD)


def claim_otherwise(block):
    return {**GOOD, "weight": 4}


def stuck(run) -> int:
    """How many threads hang in a call that was given up."""
    return run._trial._guard._stuck + (run._backlog._stuck if run._backlog else 0)


class Reading(Mapping):
    """An answer that does something when it is read."""

    def __init__(self, do):
        self.do = do

    def __getitem__(self, key):
        return self.do(None)

    def __iter__(self):
        return iter([self.do(None)])

    def __len__(self):
        return 1


class BrokenRefusal(Exception):  # noqa: N818 - what projects write
    @property
    def refusal(self):
        raise RuntimeError("no word for it")


def refuse_brokenly(block):
    raise BrokenRefusal


MISBEHAVIOUR = {
    "raises": (boom, "candidate_errors"),
    "exits": (exit_hard, "candidate_errors"),
    "recurses": (recurse, "candidate_errors"),
    "answers otherwise": (claim_otherwise, "differing"),
    "answers nothing": (lambda block: None, "differing"),
    "answers what cannot be compared": (lambda block: object(), "candidate_errors"),
    "answers what raises when it is read": (lambda block: Reading(boom), "candidate_errors"),
    "answers what exits when it is read": (lambda block: Reading(exit_hard), "candidate_errors"),
    "raises what raises when it is read": (refuse_brokenly, "candidate_errors"),
}


@pytest.mark.parametrize(("do", "counter"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
def test_in_shadow_a_misbehaving_candidate_is_counted_and_changes_nothing(dual, doing, do, counter) -> None:
    """Rules 24 and 26; each in a counter of its own, and every one a divergence."""
    run = dual(doing(do))

    assert [run.verify_block(dict(BLOCK)) for _ in range(3)] == [GOOD] * 3

    stats = run.stats()
    assert (stats[counter], stats["divergences"], stats["comparisons"]) == (3, 3, 3)
    assert stats["differing"] + stats["candidate_errors"] == 3


def test_a_candidate_cannot_change_the_block_or_the_answer(dual, doing) -> None:
    block = {"index": 7, "transactions": [1, 2]}
    run = dual(doing(scribble))

    assert run.verify_block(block) == GOOD
    assert block == BLOCK
    assert run.stats()["divergences"] == 0


def test_the_candidate_sees_the_block_as_it_came_even_if_the_reference_changes_it(dual, doing) -> None:
    seen = []

    def remember(block):
        seen.append(block)
        return dict(GOOD)

    run = dual(doing(remember), reference=doing(scribble))
    run.verify_block({"index": 7, "transactions": [1, 2]})

    assert run.settle() == 0
    assert seen == [BLOCK]


def test_a_candidate_that_hangs_delays_the_answer_by_its_limit_only(dual, doing) -> None:
    """And is counted as timed out, which is neither a comparison nor a divergence (rule 24)."""
    release = threading.Event()
    run = dual(doing(lambda block: release.wait(30)), limit=0.02)

    began = time.monotonic()
    answers = [run.verify_block(dict(BLOCK)) for _ in range(12)]
    took = time.monotonic() - began
    stats = run.stats()
    release.set()

    assert answers == [GOOD] * 12
    assert took < 10, "twelve limits, not one hang"
    assert (stats["timeouts"], stats["skipped"]) == (8, 4), "eight hang, and no ninth thread is spent on it"
    assert (stats["comparisons"], stats["divergences"], stats["total_verifications"]) == (0, 0, 12)
    assert stats["latency"]["candidate_ns"]["p95"] is None, "slower than any"


def test_an_answer_that_hangs_when_it_is_read_is_a_late_one(dual, doing) -> None:
    """Comparing is within the limit too: an answer may be an object with code of its own."""
    release = threading.Event()
    run = dual(doing(lambda block: Reading(lambda _: release.wait(30))), limit=0.02)

    assert run.verify_block(dict(BLOCK)) == GOOD
    stats = run.stats()
    release.set()

    assert (stats["timeouts"], stats["comparisons"]) == (1, 0)


@pytest.mark.parametrize("deferred", [False])
def test_a_machine_too_busy_to_begin_in_time_is_a_timeout_and_nothing_else(dual, doing, monkeypatch) -> None:
    """The limit passes before the candidate's thread has run at all: the call is given up, not made later."""
    begin, called = threading.Event(), []
    serve = guard._Worker._serve
    monkeypatch.setattr(guard._Worker, "_serve", lambda worker: (begin.wait(30), serve(worker)))
    run = dual(doing(called.append), limit=0.01)

    assert [run.verify_block(dict(BLOCK)) for _ in range(10)] == [GOOD] * 10
    begin.set()
    deadline = time.monotonic() + 30
    while stuck(run) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert (run.stats()["timeouts"], run.stats()["skipped"], stuck(run)) == (8, 2, 0)
    assert called == []


def test_a_call_that_ends_just_as_it_is_given_up_leaves_no_thread_behind(dual, doing) -> None:
    """Around its limit a candidate answers in time or not; either way every block is counted once."""
    run = dual(doing(lambda block: time.sleep(0.002) or dict(GOOD)), limit=0.002)

    for _ in range(200):
        assert run.verify_block(dict(BLOCK)) == GOOD
    assert run.settle(30) == 0
    deadline = time.monotonic() + 30
    while stuck(run) and time.monotonic() < deadline:
        time.sleep(0.01)

    stats = run.stats()
    assert stats["comparisons"] + stats["timeouts"] + stats["skipped"] == 200
    assert (stats["divergences"], stuck(run)) == (0, 0)


def test_a_block_that_cannot_be_copied_is_not_shown_to_the_candidate(dual, doing, sound) -> None:
    seen = []

    class Locked(dict):
        def __init__(self, *args):
            super().__init__(*args)
            self.lock = threading.Lock()

    run = dual(doing(seen.append))

    assert run.verify_block(Locked(BLOCK)) == GOOD
    assert seen == []
    assert run.stats()["skipped"] == 1


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_a_block_whose_copy_cannot_be_made_is_not_shown_either(dual, doing, mode) -> None:
    """It is written without complaint, and cannot be read: the reference's answer must not suffer for it."""
    seen = []

    class Told(Exception):  # noqa: N818 - carries what its class cannot be made from again
        def __init__(self, one, other):
            super().__init__(one)

    run = dual(doing(seen.append), mode=mode)

    assert run.verify_block({**BLOCK, "told": Told(1, 2)}) == GOOD
    assert seen == []
    assert (run.stats()["skipped"], run.stats()["divergences"]) == (1, 0)


def test_the_references_own_exception_reaches_the_caller(dual, doing) -> None:
    run = dual(doing(lambda block: GOOD))

    with pytest.raises(Exception, match="negative"):
        run.verify_block({"index": -1})

    stats = run.stats()
    assert (stats["reference_errors"], stats["divergences"], stats["candidate_errors"]) == (1, 1, 0)


def test_two_that_refuse_for_the_same_class_of_reason_agree(dual) -> None:
    run = dual()

    with pytest.raises(Exception, match="negative"):
        run.verify_block({"index": -1})

    assert (run.stats()["agreed_refusals"], run.stats()["divergences"]) == (1, 0)


def test_candidate_primary_falls_back_to_the_reference(dual, doing) -> None:
    run = dual(doing(boom), mode="rust")

    assert run.verify_block(dict(BLOCK)) == GOOD

    stats = run.stats()
    assert (stats["mode"], stats["fallback_to_legacy"], stats["rust_errors"]) == ("rust", 1, 1)
    assert (stats["fallback_rate"], stats["rust_error_rate"]) == (1.0, 1.0)


def test_the_fallback_sees_the_block_as_it_came(dual, doing) -> None:
    def scribble_and_raise(block):
        block.clear()
        raise RuntimeError

    assert dual(doing(scribble_and_raise), mode=Mode.CANDIDATE_PRIMARY).verify_block(dict(BLOCK)) == GOOD


def test_a_fallback_after_a_timeout_is_both(dual, doing) -> None:
    release = threading.Event()
    run = dual(doing(lambda block: release.wait(30)), mode="candidate-primary", limit=0.02)

    assert run.verify_block(dict(BLOCK)) == GOOD
    release.set()

    assert (run.stats()["timeouts"], run.stats()["fallbacks"]) == (1, 1)


def test_a_block_both_refuse_is_no_fallback(dual) -> None:
    """An invalid block from outside says nothing against the candidate."""
    run = dual(mode="candidate-primary")

    with pytest.raises(Exception, match="negative"):
        run.verify_block({"index": -1})

    assert (run.stats()["fallbacks"], run.stats()["agreed_refusals"]) == (0, 1)


@pytest.mark.parametrize(("mode", "runs"), [("reference-only", "reference"), ("candidate-only", "candidate")])
def test_alone_means_alone(dual, doing, mode, runs) -> None:
    called = []
    engines = {
        name: doing(lambda block, name=name: (called.append(name), GOOD)[1]) for name in ("reference", "candidate")
    }

    assert dual(engines["candidate"], engines["reference"], mode=mode).verify_block(dict(BLOCK)) == GOOD
    assert called == [runs]


def test_candidate_only_has_nobody_to_fall_back_to(dual, doing) -> None:
    release = threading.Event()
    run = dual(doing(lambda block: release.wait(30) if block["index"] else boom(block)), mode="final", limit=0.02)

    with pytest.raises(CandidateTimeout, match="did not answer within"):
        run.verify_block(dict(BLOCK))
    release.set()
    with pytest.raises(RuntimeError, match="candidate broke"):
        run.verify_block({"index": 0})

    assert run.stats()["timeouts"] == 1


@pytest.mark.parametrize("word", ["primary", "", None, 3])
def test_a_mode_is_validated_before_it_is_set(dual, word) -> None:
    run = dual(mode="shadow")

    with pytest.raises(EngineError, match="no mode"):
        run.set_mode(word)

    assert run.mode is Mode.SHADOW
    assert len(run.stats()["mode_history"]) == 1


def test_a_mode_whose_engine_is_not_ready_is_not_set(dual, doing) -> None:
    def not_ready() -> None:
        raise EngineError("engine candidate: its process ended.")

    candidate = doing(lambda block: GOOD)
    run = dual(candidate, mode="reference-only")
    candidate.ready = not_ready

    with pytest.raises(EngineError, match="its process ended"):
        run.set_mode("candidate-only")

    assert run.mode is Mode.REFERENCE_ONLY


def test_the_mode_is_read_once_a_call_and_recorded(dual, doing) -> None:
    """A switch in the middle of a call concerns the next one (rule 27)."""

    def switch(block):
        run.set_mode("candidate-primary")
        return dict(GOOD)

    run = dual(reference=doing(switch), mode="shadow")
    run.verify_block(dict(BLOCK))

    shadow, primary = run.stats()["mode_history"]
    assert (shadow["mode"], shadow["comparisons"]) == ("shadow", 1)
    assert (primary["mode"], primary["verifications"]) == ("rust", 0)


def test_a_demotion_voids_the_evidence_of_the_higher_rung(dual) -> None:
    run = dual(mode="shadow")
    run.set_mode("candidate-primary")
    run.verify_block(dict(BLOCK))

    assert run.demote() is Mode.SHADOW

    assert [(each["mode"], each["void"]) for each in run.stats()["mode_history"]] == [
        ("shadow", False),
        ("rust", True),
        ("shadow", False),
    ]


def test_rates_without_traffic_are_missing_and_not_zero(dual) -> None:
    stats = dual().stats()

    assert [stats[each] for each in ("divergence_rate", "rust_error_rate", "fallback_rate")] == [None] * 3
    assert stats["last_verification_at"] is None


@pytest.mark.parametrize("callback", ["on_divergence", "keep"])
@pytest.mark.parametrize(
    "do", [boom, exit_hard, lambda *_: threading.Event().wait(30)], ids=["raises", "exits", "hangs"]
)
def test_a_callback_never_reaches_the_caller(dual, doing, callback, do) -> None:
    run = dual(doing(claim_otherwise), limit=0.05, **{callback: lambda *given: do(given[0])})

    assert run.verify_block(dict(BLOCK)) == GOOD
    assert run.stats()["callback_errors"] == 1
    assert run.stats()["divergences"] == 1


def test_a_divergence_is_told_whole(dual, doing) -> None:
    """Input, both answers, first differing field, versions (rule 25)."""
    told = []
    run = dual(doing(claim_otherwise), on_divergence=told.append)

    run.verify_block(dict(BLOCK))

    ((block, divergence),) = run.divergences
    assert block == BLOCK
    assert told == [divergence]
    assert divergence.block == "7"
    assert divergence.text == "weight: reference 3, candidate 4"
    assert divergence.reference == {"value": GOOD}
    assert divergence.candidate == {"value": {**GOOD, "weight": 4}}
    assert divergence.versions == {"reference": "sound 1", "candidate": "doing 1"}


def test_only_a_share_is_shown_where_a_sample_is_asked_for(dual, doing) -> None:
    run = dual(doing(boom), sample=0.25)

    for _ in range(400):
        run.verify_block(dict(BLOCK))

    stats = run.stats()
    assert stats["sampled_out"] + stats["candidate_errors"] == 400
    assert 40 < stats["candidate_errors"] < 180


def test_threads_count_together_to_the_last_block(dual, doing) -> None:
    run = dual(doing(lambda block: {**GOOD, "index": block["index"], "weight": block["index"] % 5}))
    blocks = [{"index": index, "transactions": [0]} for index in range(500)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(run.verify_block, blocks))

    stats = run.stats()
    assert [each["index"] for each in answers] == list(range(500))
    assert (stats["total_verifications"], stats["comparisons"], stats["differing"]) == (500, 500, 400)


def test_tasks_of_an_event_loop_go_on_meanwhile(dual, doing) -> None:
    def slow(block):
        time.sleep(0.05)
        return dict(GOOD)

    run = dual(doing(slow), reference=doing(slow))

    async def main() -> int:
        ticks = 0
        asked = asyncio.gather(*(run.verify_block_async(dict(BLOCK)) for _ in range(4)))
        while not asked.done():
            await asyncio.sleep(0.002)
            ticks += 1
        assert await asked == [GOOD] * 4
        return ticks

    assert asyncio.run(main()) > 3
    assert run.stats()["comparisons"] == 4


def test_the_modes_switch_under_traffic_and_every_call_is_counted_once(dual) -> None:
    run = dual()
    done = threading.Event()

    def switch() -> None:
        while not done.is_set():
            for mode in Mode:
                run.set_mode(mode)

    switching = threading.Thread(target=switch)
    switching.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run.verify_block, [dict(BLOCK)] * 300))
    done.set()
    switching.join()

    assert run.stats()["total_verifications"] == 300
    assert Counts.read(run.stats() | {"verifications": 300}).divergences == 0


@dataclass
class Block:
    index: int
    transactions: list[int]

    def __getitem__(self, key):
        return getattr(self, key)

    def get(self, key, default):
        return getattr(self, key, default)


def test_objects_are_blocks_too(dual) -> None:
    run = dual()

    assert run.verify_block(Block(index=7, transactions=[1, 2])) == GOOD
    assert run.stats()["comparisons"] == 1


def test_an_engine_is_not_compared_with_itself(dual, sound, tmp_path) -> None:
    """It always agrees: a candidate that was forgotten would look like one without divergences."""
    with pytest.raises(EngineError, match="are one engine, which always agrees with itself"):
        dual(sound, reference=sound)
    with pytest.raises(EngineError, match=r"engine a.py:A: is both reference and candidate"):
        DualRun.open("a.py:A", "a.py:A", tmp_path)


def test_an_engine_without_the_method_is_refused(dual) -> None:
    with pytest.raises(EngineError, match="engine candidate: str has no verify_block"):
        dual("not an engine")
