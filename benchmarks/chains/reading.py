"""280 view calls of a real chain over a slow line, against one raw round trip, and against web3.py."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import Any

from eth_abi.abi import decode

from benchmarks.chains.sides import OUT, ROOT, Figures, alternate, both
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind, Url
from pytest_rollout.networks import multicall
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.binary import find
from pytest_rollout.networks.rpc import RpcChain

MOST, LEAST_WEB3 = 1.5, 50
CONTRACTS, VIEWS, ROUNDS = 28, 10, 21
LINE_MS = 20
CODE_BEGINS, CODE_LENGTH = bytes.fromhex("6080604052600436106100f3"), 3808
"""Multicall3's code, which anvil's program carries."""


def reading(figures: Figures) -> None:
    """``contracts.read`` in batches side by side, and by Multicall3; both over the one round trip."""
    with closing(AnvilChain(Network(name="node", kind=NetworkKind.ANVIL))) as node:
        book = open_contracts(ContractSettings(artifacts=(OUT,)), node)
        where = [book.deploy("Probe", 100 + each, as_=f"Probe{each}").address for each in range(CONTRACTS)]
        command = [sys.executable, "-m", "benchmarks.chains.line", str(node.port), str(LINE_MS)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as line:
            assert line.stdout is not None
            port = int(line.stdout.readline())
            try:
                _over(figures, node, port, where)
            finally:
                line.terminate()


def _over(figures: Figures, node: AnvilChain, port: int, where: list[str]) -> None:
    network = Network(
        name="real",
        kind=NetworkKind.RPC,
        chain_id=node.chain_id,
        urls=(Url(value=f"http://127.0.0.1:{port}", shown="<NODE>"),),
        finality=0,
        max_head_age=timedelta(days=1),
    )
    expected = [number + view for number in range(CONTRACTS) for view in range(VIEWS)]
    with closing(RpcChain(network)) as plain, closing(RpcChain(network)) as together:
        books = [open_contracts(ContractSettings(artifacts=(OUT,)), chain) for chain in (plain, together)]
        for book in books:
            for number, each in enumerate(where):
                book.at(f"Probe{number}", each, artifact="Probe")
        read, read_together = (_read(book, expected) for book in books)
        read()  # learns that there is no Multicall3
        # The pinned block has none, so it is laid into that block's state for the second book alone.
        program = find("node", None)[0].read_bytes()
        at = program.index(CODE_BEGINS)
        node.request("anvil_setCode", [multicall.ADDRESS, f"0x{program[at : at + CODE_LENGTH].hex()}"])
        read_together()
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            one_trip = _raw(books[0], connection, expected)
            costs = alternate(ROUNDS, ours=read, multicall=read_together, raw=one_trip)
        requests = together.nodes.asked
        read_together()
        assert together.nodes.asked == requests + 1, "Multicall3 was not used"
        web3 = _one_by_one(books[0], port, expected)
        by_web3 = alternate(1, web3=web3)["web3"]
    ours, raw = costs["ours"], costs["raw"]
    what = f"{len(expected)} views over a {LINE_MS} ms line over one trip"
    figures.at_most(what, ours.wall / raw.wall, MOST, note=both(ours, raw))
    together_cost = costs["multicall"]
    figures.at_most("the same by Multicall3", together_cost.wall / raw.wall, MOST, note=both(together_cost, raw))
    note = f"{by_web3.wall:.1f} s against {ours.wall * 1000:.1f} ms"
    figures.at_least("the same one by one through web3.py", by_web3.wall / ours.wall, LEAST_WEB3, note=note)


def _calls(book: Any) -> dict[str, Any]:
    probes = [book[f"Probe{number}"] for number in range(CONTRACTS)]
    return {f"{n} {view}": each.functions.add(n, view) for n, each in enumerate(probes) for view in range(VIEWS)}


def _read(book: Any, expected: list[int]) -> Any:
    calls = _calls(book)

    def read() -> None:
        assert list(book.read(calls).values()) == expected

    return read


def _raw(book: Any, connection: http.client.HTTPConnection, expected: list[int]) -> Any:
    calls = list(_calls(book).values())
    block = hex(book.chain.pinned.number)

    def raw() -> None:
        asked = [
            {
                "jsonrpc": "2.0",
                "id": n,
                "method": "eth_call",
                "params": [{"to": each.address, "data": each.data}, block],
            }
            for n, each in enumerate(calls)
        ]
        connection.request("POST", "/", json.dumps(asked), {"Content-Type": "application/json"})
        replies = {each["id"]: each["result"] for each in json.loads(connection.getresponse().read())}
        answers = [bytes.fromhex(replies[n][2:]) for n in range(len(calls))]
        assert [decode(("uint256",), each)[0] for each in answers] == expected

    return raw


def _one_by_one(book: Any, port: int, expected: list[int]) -> Any:
    from web3 import HTTPProvider, Web3

    w3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
    probes = [book[f"Probe{number}"] for number in range(CONTRACTS)]
    contracts = [w3.eth.contract(address=each.address, abi=each.abi) for each in probes]

    def one_by_one() -> None:
        told = [
            each.functions.add(number, view).call() for number, each in enumerate(contracts) for view in range(VIEWS)
        ]
        assert told == expected

    return one_by_one
