"""The private folder of a chain's process: its lock is let go of once."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_rollout.networks.homes import ANVIL, Home


def test_removing_it_twice_closes_nothing_of_anybody_else(tmp_path: Path) -> None:
    """The number of a closed descriptor is given to the next file or socket that is opened."""
    home = Home(ANVIL)
    home.remove()
    with (tmp_path / "other").open("w") as other:
        home.remove()
        os.fstat(other.fileno())

    assert not home.path.exists()
