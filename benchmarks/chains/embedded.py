"""Isolated tests on py-evm: five writes and three reads each, against web3.py with eth-tester."""

from __future__ import annotations

import json
import warnings
from contextlib import closing

from benchmarks.chains.sides import OUT, Figures, alternate, both
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.rollout import ContractSettings, Network, NetworkKind
from pytest_rollout.networks.isolation import Isolation
from pytest_rollout.networks.tester import TesterChain

MOST = 0.5
ROUNDS, CONTRACTS = 25, 5


def embedded(figures: Figures) -> None:
    """The same deployments, writes and reads on both sides, each undone after the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from web3 import EthereumTesterProvider, Web3

    with closing(TesterChain(Network(name="local", kind=NetworkKind.TESTER))) as chain:
        book = open_contracts(ContractSettings(artifacts=(OUT,)), chain)
        probes = [book.deploy("Probe", 1 + each, as_=f"Probe{each}") for each in range(CONTRACTS)]
        isolation = Isolation(chain)

        def ours() -> None:
            token = isolation.enter()
            for each in probes:
                assert book.send(each.functions.store(5)).status == 1
            assert [each.functions.number().call() for each in probes[:3]] == [5, 5, 5]
            isolation.leave(token)

        w3 = Web3(EthereumTesterProvider())
        w3.eth.default_account = w3.eth.accounts[0]
        compiled = json.loads((OUT / "Probe.json").read_text())
        factory = w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
        receipts = [
            w3.eth.wait_for_transaction_receipt(factory.constructor(1 + each).transact()) for each in range(CONTRACTS)
        ]
        contracts = [w3.eth.contract(address=each["contractAddress"], abi=compiled["abi"]) for each in receipts]

        def theirs() -> None:
            taken = w3.provider.make_request("evm_snapshot", [])["result"]  # type: ignore[arg-type]
            for each in contracts:
                assert w3.eth.wait_for_transaction_receipt(each.functions.store(5).transact())["status"] == 1
            assert [each.functions.number().call() for each in contracts[:3]] == [5, 5, 5]
            w3.provider.make_request("evm_revert", [taken])  # type: ignore[arg-type]

        costs = alternate(ROUNDS, ours=ours, theirs=theirs)
    what = "isolated test on tester over web3, eth-tester"
    figures.at_most(what, costs["ours"].wall / costs["theirs"].wall, MOST, note=both(costs["ours"], costs["theirs"]))
