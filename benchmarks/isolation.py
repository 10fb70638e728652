"""What undoing a test costs on anvil, against the bare calls over the same connection.

    python benchmarks/isolation.py [rounds]

Each round isolates one test that sends a payment, once with `Isolation` and once with the bare
calls one after the other: evm_snapshot, evm_mine, evm_revert, anvil_dropAllTransactions. Only the
isolation is timed, not the payment. The bare calls leave the next block's base fee and the node's
settings as the test made them, and lose a later transaction in 2 of 1,000 reverts; `Isolation` does not.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.ipc import Connection
from pytest_rollout.networks.isolation import Isolation

TARGET = 1.15
OPENINGS = 5


def timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1000, result


def main(rounds: int) -> None:
    opening = []
    for _ in range(OPENINGS):
        milliseconds, chain = timed(lambda: AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL)))
        opening.append(milliseconds)
        assert isinstance(chain, AnvilChain)
        chain.close()
    chain = AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL))
    connection = Connection(chain.ipc, seconds=60)
    ask, isolation = connection.call, Isolation(chain)

    def pay(number: int) -> None:
        """From another account each time: the bare calls' revert loses one of the same account."""
        accounts = chain.accounts.addresses
        sender = accounts[number % len(accounts)]
        chain.request("eth_sendTransaction", [{"from": sender, "to": accounts[0], "value": "0x1"}])

    def bare_leave(snapshot: object) -> None:
        ask("evm_mine")
        ask("evm_revert", [snapshot])
        ask("anvil_dropAllTransactions")

    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        entering, token = timed(isolation.enter)
        pay(2 * number)
        leaving, _ = timed(lambda token=token: isolation.leave(token))
        ours.append(entering + leaving)

        entering, reply = timed(lambda: ask("evm_snapshot"))
        pay(2 * number + 1)
        leaving, _ = timed(lambda reply=reply: bare_leave(reply["result"]))
        bare.append(entering + leaving)
    connection.close()
    chain.close()

    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"opening anvil     {statistics.median(opening):7.1f} ms  median of {OPENINGS}")
    print(f"isolating a test  {statistics.median(ours):7.3f} ms  median of {rounds}")
    print(f"bare calls        {statistics.median(bare):7.3f} ms")
    print(f"ratio             {ratio:7.2f}     {'within' if ratio <= TARGET else 'ABOVE'} {TARGET}")
    sys.exit(ratio > TARGET)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
