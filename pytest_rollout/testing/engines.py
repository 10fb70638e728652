"""An engine that holds its answers in memory, and what every engine owes, as tests to inherit."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pytest_rollout.consensus.guard import ask_here
from pytest_rollout.consensus.loading import version_of
from pytest_rollout.consensus.naming import name_of
from pytest_rollout.consensus.port import Engine
from pytest_rollout.core.answer import AGREED, Answer, Relation, compare
from pytest_rollout.core.comparison import canonical
from pytest_rollout.core.errors import EngineError


class MemoryEngine:
    """Answers what it was given: by a block's name (its ``index``, ``number`` or ``hash``) a value, or what it raises.

    ``asked`` holds every block it was asked about, for a test to look at.
    """

    def __init__(self, answers: Mapping[str, Any], *, version: str = "memory") -> None:
        self.version = version
        self._answers = dict(answers)
        self.asked: list[Any] = []

    def verify_block(self, block: Any) -> Any:
        """A copy of the answer; ``EngineError`` for a block that it was given nothing for, the test's own mistake."""
        self.asked.append(copy.deepcopy(block))
        name = name_of(block)
        if name not in self._answers:
            raise EngineError(f"engine {self.version}: no answer for block {name}; it has {', '.join(self._answers)}.")
        answer = self._answers[name]
        if isinstance(answer, BaseException):
            raise answer
        return copy.deepcopy(answer)


class EngineContract:
    """What a dual run, a replay and golden vectors ask of an engine; inherit it and give three fixtures.

    ``engine`` is the engine, ``valid_blocks`` and ``invalid_blocks`` are blocks that it accepts and
    refuses, at least one each::

        class TestMyEngine(EngineContract):
            @pytest.fixture
            def engine(self):
                return MyEngine()
            ...
    """

    def test_it_is_an_engine_and_says_which(self, engine: Any) -> None:
        """Divergences are kept with the versions of both."""
        assert isinstance(engine, Engine)
        assert version_of(engine) != "unknown"

    def test_the_same_block_has_the_same_answer(self, engine: Any, valid_blocks: Sequence[Any]) -> None:
        """Otherwise it diverges from itself."""
        assert valid_blocks
        for block in valid_blocks:
            assert _agree(_said(engine, block), _said(engine, block))

    def test_an_answer_can_be_compared_and_kept(self, engine: Any, valid_blocks: Sequence[Any]) -> None:
        """Plain values: maps, lists, texts, numbers, bytes, or objects with fields of these."""
        for block in valid_blocks:
            assert "value" in _said(engine, block).document()

    def test_the_block_is_left_as_it_was(
        self, engine: Any, valid_blocks: Sequence[Any], invalid_blocks: Sequence[Any]
    ) -> None:
        """The caller goes on with it."""
        for block in (*valid_blocks, *invalid_blocks):
            before = canonical(copy.deepcopy(block))
            ask_here(engine.verify_block, block, {})
            assert canonical(block) == before

    def test_an_answer_is_the_callers_own(self, engine: Any, valid_blocks: Sequence[Any]) -> None:
        """Whatever the caller does to it, the next one is as good."""
        for block in valid_blocks:
            answer = _said(engine, block)
            before = Answer(value=copy.deepcopy(answer.value))
            if isinstance(answer.value, dict | list):
                answer.value.clear()
            assert _agree(before, _said(engine, block))

    def test_a_block_is_refused_for_a_class_of_reason(self, engine: Any, invalid_blocks: Sequence[Any]) -> None:
        """By raising; a crash such as ``KeyError`` is no refusal, and agrees with nothing."""
        assert invalid_blocks
        for block in invalid_blocks:
            first, second = (ask_here(engine.verify_block, copy.deepcopy(block), {})[0] for _ in range(2))
            assert first.refusal is not None
            assert not first.refusal.is_crash, first.refusal
            assert compare(first, second).relation is Relation.AGREED_REFUSAL

    def test_a_refusal_leaves_nothing_behind(
        self, engine: Any, valid_blocks: Sequence[Any], invalid_blocks: Sequence[Any]
    ) -> None:
        """The blocks that follow are answered as ever."""
        before = [_said(engine, block) for block in valid_blocks]
        for block in invalid_blocks:
            ask_here(engine.verify_block, copy.deepcopy(block), {})
        assert all(_agree(answer, _said(engine, block)) for answer, block in zip(before, valid_blocks, strict=True))

    def test_threads_are_answered_alike(self, engine: Any, valid_blocks: Sequence[Any]) -> None:
        """A node verifies more than one block at a time."""
        alone = [_said(engine, block) for block in valid_blocks]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda block: _said(engine, block), list(valid_blocks) * 4))
        assert all(_agree(ours, theirs) for ours, theirs in zip(alone * 4, together, strict=True))


def _said(engine: Any, block: Any) -> Answer:
    answer, error = ask_here(engine.verify_block, copy.deepcopy(block), {})
    if error is not None:
        raise error
    return answer


def _agree(ours: Answer, theirs: Answer) -> bool:
    return compare(ours, theirs) is AGREED
