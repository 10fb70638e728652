"""What an item made of a fault proves something, or nothing."""

from __future__ import annotations

import pytest

from pytest_rollout.core.faults import Came, Fault, came_out
from pytest_rollout.core.outcome import Outcome

PASS, FAIL = Outcome.PASS, Outcome.FAIL
CAME: dict[str, tuple[Outcome | None, Outcome | None, bool, Came, str]] = {
    "noticed": (PASS, FAIL, True, Came.NOTICED, ""),
    "an error is noticed too": (PASS, Outcome.ERROR, True, Came.NOTICED, ""),
    "missed": (PASS, PASS, True, Came.MISSED, "declare its p95"),
    "missed without a look": (PASS, PASS, False, Came.MISSED, "declare its p95"),
    "failed anyway": (FAIL, FAIL, True, Came.UNPROVEN, "without a fault it is fail"),
    "not there before": (None, FAIL, True, Came.UNPROVEN, "without a fault it is not there"),
    "not there under it": (PASS, None, True, Came.UNPROVEN, "under the fault it has no finding"),
    "failed before it looked": (PASS, FAIL, False, Came.UNPROVEN, "fail under the fault, before it looked"),
}


@pytest.mark.parametrize(("before", "after", "was_looked_at", "came", "why"), CAME.values(), ids=CAME)
def test_how_an_item_came_out_of_a_fault(before, after, was_looked_at, came, why) -> None:
    assert came_out(Fault.SERVICE_SLOW, before, after, was_looked_at=was_looked_at) == (came, why)


def test_each_fault_says_what_was_done_and_what_mends_an_item_that_missed_it() -> None:
    assert Fault.CHAIN.words == "the node was another chain's"
    assert Fault.CHAIN.mend == "it passes whatever it sees; narrow what it must be"
    assert Fault.INDEX.mend == "no item looks at its indexes; declare them"
    assert len({each.words for each in Fault}) == len(Fault)
