"""Whether a recorded promotion could rest on its judgement, asked of the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Verdict
from pytest_rollout.core.records import Recorded
from pytest_rollout.runner.overridden import why_not_carried
from tests.core.test_promotion import FAILED, JUDGED, NOW, PLAN, Story


def carry(story: Story, number: int = 0, **changes: Any) -> str:
    """A promotion out of alpha on the judgement of that number, written by hand: why it does not stand."""
    history = story.history
    judgement = history.judgements[number]
    about: dict[str, Any] = {
        "rollout": "toy",
        "stage": "alpha",
        "to": "beta",
        "entry": history.entry,
        "judgement": judgement.digest,
        "judgement_sequence": judgement.sequence,
        "run": judgement.run.id,
        "attempts": 1,
        "person": "Mallory",
        "at": NOW,
    }
    assert story.head is not None
    made = Recorded(sequence=story.head.sequence + 1, value=Promotion(**(about | changes)))
    return why_not_carried(judgement, made, history, PLAN.judgement_max_age)


def held_since(story: Story) -> Story:
    story.judged(replace(story.history.runs[0].value, id="r0"), FAILED, verdict=Verdict.HOLD)
    return story


def test_what_the_record_bears_out_is_carried() -> None:
    assert carry(Story().green()) == ""
    assert carry(Story().green().promoted().rolled_back().green("r2"), 1) == ""
    assert carry(Story().green(), at=JUDGED + PLAN.judgement_max_age) == ""


OVER = timedelta(seconds=1)
CONTRADICTED: dict[str, tuple[Callable[[], str], str]] = {
    "another stage": (lambda: carry(Story().green(), stage="beta"), "its judgement is of another stage"),
    "another rollout": (lambda: carry(Story().green(), rollout="other"), "its judgement is of another stage"),
    "it stood elsewhere": (lambda: carry(Story().green().promoted()), "the rollout did not stand there"),
    "an earlier visit": (
        lambda: carry(Story().green().promoted().rolled_back()),
        "its judgement is of another visit",
    ),
    "a visit that never was": (lambda: carry(Story().green(), entry=7), "its judgement is of another visit"),
    "a rehearsal": (lambda: carry(Story().green(rehearsal=True)), "its judgement is of a rehearsal"),
    "a newer run": (lambda: carry(Story().green().green("r2")), "a newer run of the stage was started before it"),
    "a later no": (lambda: carry(held_since(Story().green())), "a later judgement of the stage does not say promote"),
    "before it was judged": (lambda: carry(Story().green(), at=JUDGED - OVER), "too old or not made yet"),
    "too old": (
        lambda: carry(Story().green(), at=JUDGED + PLAN.judgement_max_age + OVER),
        "too old or not made yet",
    ),
}


@pytest.mark.parametrize(("why", "reason"), [pytest.param(*case, id=name) for name, case in CONTRADICTED.items()])
def test_what_the_record_contradicts_is_not_carried(why: Callable[[], str], reason: str) -> None:
    """Each alone would be refused by `rollout promote`; here somebody wrote the move by hand."""
    assert reason in why()


def test_a_judgement_is_used_once() -> None:
    """Even where somebody wrote the visit into its run afterwards."""
    story = Story().green().promoted(judgement=Story().green().history.judgements[0].digest).rolled_back()
    history = story.history
    used = replace(history.judgements[0], run=replace(history.judgements[0].run, entry=history.entry))
    history.runs[0] = replace(history.runs[0], value=used.run)
    history.judgements[0] = used

    assert carry(story) == "an earlier promotion has used its judgement"
