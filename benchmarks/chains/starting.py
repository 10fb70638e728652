"""One isolated test on anvil from process start to exit, and opening anvil by itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.chains.peers import PEERS, installed
from benchmarks.chains.sides import Figures, alternate, both
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain

MOST = {"titanoboa": 0.5, "wake": 0.5, "ape": 0.25}
OPENING_MS = 60
ROUNDS, OPENINGS = 9, 31


def starting(figures: Figures, peers: Path | None) -> None:
    """Process start to exit, without a stage, against each peer that can be had."""
    if peers is None:
        print(f"one test, start to exit: not compared; --peers installs {', '.join(MOST)} into throw-away environments")
        return
    with tempfile.TemporaryDirectory() as folder:
        base = peers if peers.parts else Path(folder)
        sides = {}
        for name in PEERS:
            found = installed(name, base.absolute())
            if isinstance(found, str):
                print(found, flush=True)
            else:
                sides[name] = found
        costs = alternate(ROUNDS, **sides)
    ours = costs.pop("pytest-rollout")
    for name, cost in costs.items():
        figures.at_most(
            f"one test, start to exit, of {name}'s", ours.wall / cost.wall, MOST[name], note=both(ours, cost)
        )


def opening(figures: Figures) -> None:
    """A chain that is ready to be used, from nothing."""
    opened: list[AnvilChain] = []
    costs = []
    for _ in range(OPENINGS):
        side = lambda: opened.append(AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL)))  # noqa: E731
        costs.append(alternate(1, side=side)["side"])
        opened.pop().close()
    walls = sorted(each.wall for each in costs)
    note = f"median of {OPENINGS}, fastest {walls[0] * 1000:.1f} ms"
    figures.at_most("opening anvil until it is ready", walls[len(walls) // 2] * 1000, OPENING_MS, unit="ms", note=note)
