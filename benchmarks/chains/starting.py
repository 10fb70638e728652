"""One isolated test on anvil from process start to exit, and opening anvil by itself."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.chains.peers import PEERS, installed
from benchmarks.chains.sides import Figures, alternate, both
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.binary import find

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
    """A chain that is ready to be used, from nothing; beside it the program by itself, until it listens."""
    program = str(find("devnet", None)[0])
    ours, bare = [], []
    for _ in range(OPENINGS):
        start = time.perf_counter()
        chain = AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL))
        ours.append(time.perf_counter() - start)
        chain.close()
        start = time.perf_counter()
        with subprocess.Popen([program, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert any(line.startswith("Listening on ") for line in process.stdout)
            bare.append(time.perf_counter() - start)
            process.terminate()
    middle, alone = statistics.median(ours) * 1000, statistics.median(bare) * 1000
    note = f"fastest {min(ours) * 1000:.1f}; the program by itself {alone:.1f} ms, fastest {min(bare) * 1000:.1f}"
    figures.at_most("opening anvil until it is ready", middle, OPENING_MS, unit="ms", note=note)
