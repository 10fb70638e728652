"""What the contract fixtures cost, against the same questions as bare JSON-RPC over the same connection.

    python benchmarks/contracts.py [tests] [rounds]

Five contracts are deployed on one anvil. Writes: each isolated test sends five transactions and
reads three values, once through the book and once as raw calls with data encoded beforehand, both
inside the same `Isolation`. Reads: 28 contracts x 10 view calls, once as `contracts.read`, once as one
raw batch decoded with eth_abi, and one by one through web3.py over the node's socket. The two sides take turns; medians
are compared, so what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_abi.abi import decode
from web3 import IPCProvider, Web3

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.ipc import Connection
from pytest_rollout.networks.isolation import Isolation

OUT = Path(__file__).parents[1] / "tests" / "contracts" / "artifacts" / "out" / "hardhat"
MOST_WRITES, MOST_READS, LEAST_WEB3 = 1.5, 1.5, 50
CONTRACTS, VIEWS = 28, 10


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def alternate(rounds: int, ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """The median milliseconds of each, taking turns."""
    pairs = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    return statistics.median(each[0] for each in pairs), statistics.median(each[1] for each in pairs)


def isolated(isolation: Isolation, body: Callable[[], object]) -> Callable[[], None]:
    def test() -> None:
        token = isolation.enter()
        body()
        isolation.leave(token)

    return test


def writing(chain: AnvilChain, contracts: Contracts, ask: Callable[..., Any], tests: int) -> tuple[float, float]:
    probes = [contracts[f"Probe{number}"] for number in range(5)]
    sender = chain.accounts.default
    stores = [{"from": sender, "to": each.address, "data": each.functions.store(5).data} for each in probes]
    numbers = [{"to": each.address, "data": each.functions.number().data} for each in probes[:3]]

    def through_the_book() -> None:
        for each in probes:
            assert contracts.send(each.functions.store(5)).status == 1
        assert [each.functions.number().call() for each in probes[:3]] == [5, 5, 5]

    def raw() -> None:
        for each in stores:
            assert ask("eth_sendTransactionSync", [each])["result"]["status"] == "0x1"
        assert [int(ask("eth_call", [each, "latest"])["result"], 16) for each in numbers] == [5, 5, 5]

    isolation = Isolation(chain)
    return alternate(tests, isolated(isolation, through_the_book), isolated(isolation, raw))


def reading(contracts: Contracts, batch: Callable[..., Any], socket: Path, rounds: int) -> tuple[float, float, float]:
    probes = [contracts[f"Probe{number}"] for number in range(CONTRACTS)]
    calls = {
        f"{number} {view}": each.functions.add(number, view)
        for number, each in enumerate(probes)
        for view in range(VIEWS)
    }
    expected = [number + view for number in range(CONTRACTS) for view in range(VIEWS)]

    def through_the_book() -> None:
        assert list(contracts.read(calls).values()) == expected

    def raw() -> None:
        asked = [("eth_call", [{"to": each.address, "data": each.data}, "latest"]) for each in calls.values()]
        answers = [bytes.fromhex(each["result"][2:]) for each in batch(asked)]
        assert [decode(("uint256",), each)[0] for each in answers] == expected

    w3 = Web3(IPCProvider(str(socket)))
    contracts_of_web3 = [w3.eth.contract(address=each.address, abi=each.abi) for each in probes]

    def one_by_one() -> None:
        for number, each in enumerate(contracts_of_web3):
            for view in range(VIEWS):
                assert each.functions.add(number, view).call() == number + view

    ours, bare = alternate(rounds, through_the_book, raw)
    return ours, bare, statistics.median(timed(one_by_one) for _ in range(3))


def main(tests: int, rounds: int) -> None:
    chain = AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL))
    contracts = open_contracts(ContractSettings(artifacts=(OUT,)), chain)
    for number in range(CONTRACTS):
        contracts.deploy("Probe", 100 + number, as_=f"Probe{number}")
    connection = Connection(chain.ipc, seconds=60)
    book, raw = writing(chain, contracts, connection.call, tests)
    read, batch, web3 = reading(contracts, connection.batch, chain.ipc, rounds)
    connection.close()
    chain.close()

    ratios = (book / raw, read / batch, web3 / read)
    fits = (ratios[0] <= MOST_WRITES, ratios[1] <= MOST_READS, ratios[2] >= LEAST_WEB3)
    said = ["within" if each else "MISSED" for each in fits]
    print(f"isolated test  {book:8.2f} ms  raw {raw:8.2f} ms    {ratios[0]:6.2f} x  {said[0]} at most {MOST_WRITES}")
    print(f"280 views      {read:8.2f} ms  raw {batch:8.2f} ms    {ratios[1]:6.2f} x  {said[1]} at most {MOST_READS}")
    print(f"by web3.py     {web3:8.2f} ms                  {ratios[2]:6.0f} x  {said[2]} at least {LEAST_WEB3}")
    sys.exit(not all(fits))


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [200, 20][len(given) :]))
