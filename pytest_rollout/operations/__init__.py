"""What one can do with a rollout besides judging it: look, tick, promote, roll back, verify.

Each operation takes values and a clock, looks at the ledger and the world anew, and returns what
it did; the command line prints it. Judging a gate is ``runner``'s.
"""

from __future__ import annotations

from pytest_rollout.operations import anchoring, attesting
from pytest_rollout.operations.moving import promote, roll_back
from pytest_rollout.operations.standing import Standing, standings
from pytest_rollout.operations.telling import tell_move
from pytest_rollout.operations.ticking import LARGEST_EVIDENCE, tick
from pytest_rollout.operations.workspace import Workspace

__all__ = [
    "LARGEST_EVIDENCE",
    "Standing",
    "Workspace",
    "anchoring",
    "attesting",
    "promote",
    "roll_back",
    "standings",
    "tell_move",
    "tick",
]
