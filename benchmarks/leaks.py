"""10,000 random steps over each kind of chain of our own: writes, time, snapshots in snapshots, reverts; and no leak.

    python -m benchmarks.leaks [steps] [seed]

Every revert is compared with everything that was seen when its snapshot was taken. The tests walk
a part of this; py-evm alone takes minutes for all of it.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing

from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.opening import open_network
from tests.networks.walk import Walk


def main(steps: int, seed: int) -> None:
    for kind in (NetworkKind.ANVIL, NetworkKind.TESTER):
        with closing(open_network(Network(name=kind.value, kind=kind))) as chain:
            walk = Walk(chain=chain, seed=seed)
            start = time.perf_counter()
            walk.run(steps)
            took = time.perf_counter() - start
        print(f"{kind.value:7} {steps} steps, {walk.counts['revert']} reverts, no leak  {took:7.1f} s  {walk.counts}")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [10_000, 20261125][len(given) :]))
