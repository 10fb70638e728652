"""Both engines in one process, rung by rung: what the guide calls "fallback mechanism tested and verified"."""

from __future__ import annotations

import pytest
from blocks import INVALID, make, stream

from pytest_rollout import RolloutError

pytestmark = pytest.mark.stage("local")


@pytest.fixture
def shadow(engines):
    engines.set_mode("shadow")
    yield engines
    engines.set_mode("shadow")


def test_valid_blocks_are_verified_alike(shadow):
    before = shadow.stats()
    for block in stream(10_000, 100):
        if block["index"] % INVALID != INVALID - 1:
            assert shadow.verify_block(block)["valid"] is True
    after = shadow.stats()
    assert after["comparisons"] - before["comparisons"] == 98
    assert after["divergences"] == before["divergences"] == 0


@pytest.mark.parametrize("index", [39, 79, 119])
def test_an_invalid_block_is_refused_for_the_same_reason(shadow, index):
    before = shadow.stats()
    with pytest.raises(Exception, match=r"root of|give|hash of"):
        shadow.verify_block(make(index))
    after = shadow.stats()
    assert after["agreed_refusals"] - before["agreed_refusals"] == 1


@pytest.mark.parametrize("field", ["transactions", "merkle_root", "solution", "hash", "previous_hash"])
def test_a_block_that_was_changed_anywhere_is_refused(shadow, field):
    block, other = make(1), make(2)
    with pytest.raises(Exception, match=r"root of|give|hash of|picked"):
        shadow.verify_block({**block, field: other[field]})
    assert shadow.stats()["divergences"] == 0


def test_every_mode_answers_the_same(engines):
    answers = []
    for mode in ("legacy", "shadow", "rust", "final"):
        engines.set_mode(mode)
        answer = dict(engines.verify_block(make(1)))
        answers.append((answer["work_score"], answer["hash"].lower()))
    engines.set_mode("shadow")
    assert len(set(answers)) == 1


def test_an_unknown_mode_changes_nothing(shadow):
    with pytest.raises(RolloutError, match="no mode 'primary'"):
        shadow.set_mode("primary")
    assert shadow.mode == "shadow"
