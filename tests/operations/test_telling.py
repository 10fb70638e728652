"""Whoever is owed it hears of a move once it is durable; nobody's silence undoes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.entries import Entry, EntryKind
from pytest_rollout.core.moves import COMPLETE, Overridden, Promotion, Rollback
from pytest_rollout.operations import Workspace, tell_move
from tests.notifications.conftest import Receiver

PLAN = """
[rollout]
name = "toy"

[[stages.alpha.checklist]]
text = "x"

[[stages.beta.checklist]]
text = "x"

[notifications.info]
urls = ["json://127.0.0.1:{port}/info"]
[notifications.warning]
urls = ["json://127.0.0.1:{port}/warning"]
[notifications.critical]
urls = ["json://127.0.0.1:{port}/critical"]
[cdevents]
sink = "http://127.0.0.1:{port}/events"
"""
ENTRY = Entry(ledger_id="a", sequence=7, previous="", kind=EntryKind.PROMOTION, payload=b"", digest="ab" * 32)
AT = datetime(2031, 5, 4, tzinfo=UTC)


def promotion(to: str = "beta") -> Promotion:
    about: dict[str, Any] = {"judgement": "d", "judgement_sequence": 1, "run": "r", "attempts": 1}
    return Promotion(rollout="toy", stage="alpha", to=to, entry=0, person="Ann", at=AT, **about)


def overridden() -> Promotion:
    one = Overridden(items=("x::rate",), reason="INC-7", expires=AT, people=("Cleo (CTO)",), entries=(6,))
    return replace(promotion(), overrides=(one,))


def workspace(root: Path, port: int) -> Workspace:
    (root / ".git").mkdir()
    (root / "rollout.toml").write_text(PLAN.replace("{port}", str(port)))
    return Workspace.at(root, environment={})


@pytest.mark.parametrize(
    ("move", "path", "title"),
    [
        (promotion(), "/info", "toy: at beta, promoted from alpha"),
        (promotion(COMPLETE), "/info", "toy: complete, promoted from alpha"),
        (overridden(), "/warning", "toy: at beta, promoted by override from alpha"),
        (
            Rollback(rollout="toy", stage="beta", to="alpha", entry=7, reason="gas doubled", person="Ben", at=AT),
            "/critical",
            "toy: at alpha, rolled back from beta",
        ),
    ],
    ids=["promotion", "completion", "override", "rollback"],
)
def test_people_and_machines_are_told(tmp_path: Path, move: Any, path: str, title: str) -> None:
    """A rollback interrupts, a promotion informs; machines get both."""
    receiver = Receiver()
    try:
        assert list(tell_move(workspace(tmp_path, receiver.port), move, ENTRY)) == []
    finally:
        receiver.close()

    told = {where: body for where, _, body in receiver.posts}
    assert set(told) == {path, "/events"}
    assert told[path]["title"] == title
    assert told["/events"]["type"] == "dev.cdeventsx.pytestrollout-stage.entered.0.1.0"
    assert told["/events"]["data"]["subject"]["content"]["head"] == ENTRY.digest


def test_who_overrode_and_why_is_told_to_people_and_machines(tmp_path: Path) -> None:
    receiver = Receiver()
    try:
        assert list(tell_move(workspace(tmp_path, receiver.port), overridden(), ENTRY)) == []
    finally:
        receiver.close()

    told = {where: body for where, _, body in receiver.posts}
    assert "override of 1 finding, by Cleo (CTO): INC-7" in told["/warning"]["message"]
    assert told["/events"]["data"]["subject"]["content"]["override"] == "1 finding, by Cleo (CTO): INC-7"


def test_whoever_was_not_reached_is_named_without_an_address(tmp_path: Path) -> None:
    missed = tell_move(workspace(tmp_path, 9), promotion(), ENTRY)

    assert [each.route for each in missed] == ["notifications.info.urls[0] (json)", "cdevents.sink"]
    assert "127.0.0.1" not in str(missed)
