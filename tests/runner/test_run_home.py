"""The folder of a run's socket: a killed supervisor cannot remove its own, so the next run does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_rollout.core.errors import LedgerError
from pytest_rollout.runner.run import _home


def test_what_a_killed_run_left_goes_when_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("pytest_rollout.networks.homes.LONGEST_SOCKET_PATH", 500)
    killed = tmp_path / "rollout-gate-4194305-killed"
    killed.mkdir()
    (killed / "record").touch()
    os.utime(killed, (0, 0))

    home = _home()

    assert [path.name for path in tmp_path.iterdir()] == [home.path.name]
    home.remove()
    assert not list(tmp_path.iterdir())


def test_no_place_for_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr("pytest_rollout.networks.homes.LONGEST_SOCKET_PATH", 500)

    with pytest.raises(LedgerError, match=r"^nothing can be recorded: no folder for temporary files takes one"):
        _home()
