"""Transactions on a network of kind rpc with both locks open: a node over HTTP, whose blocks are others' to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import NetworkError, Reverted
from pytest_rollout.core.rollout import ContractSettings
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.rpc import RpcChain
from tests.networks.conftest import real

SETTINGS = ContractSettings(artifacts=(Path(__file__).parent / "artifacts" / "out" / "hardhat",))
GAS = 200_000
TWO_GWEI = {"maxFeePerGas": 2 * 10**11, "maxPriorityFeePerGas": 2 * 10**10}


@dataclass(frozen=True, kw_only=True)
class Real:
    """A node, the chain as a gate has it, and its book, with a Probe that was deployed through it."""

    node: AnvilChain
    chain: RpcChain
    book: Contracts


@pytest.fixture
def live(open_chain: Callable[..., Any]) -> Iterator[Real]:
    from pytest_rollout.core.rollout import NetworkKind

    node = open_chain(NetworkKind.ANVIL, name="node")
    # Two blocks must lie upon a transaction's own, so there have to be two to begin with.
    node.mine(2)
    with closing(RpcChain(real(node, writes=True, finality=2), allow_writes=True)) as chain:
        book = open_contracts(SETTINGS, chain)
        book.deploy("Probe", 7)
        yield Real(node=node, chain=chain, book=book)


def test_a_contract_is_deployed_sent_to_and_read(live: Real) -> None:
    receipt = live.book.send(live.book.Probe.functions.store(5))

    assert (receipt.status, receipt.blockNumber) == (1, 4)
    assert live.book.Probe.events.Stored().process_receipt(receipt)[0].args.value == 5
    assert live.book.read({"number": live.book.Probe.functions.number()}) == {"number": 5}
    assert live.node.request("eth_getTransactionReceipt", ["0x" + receipt.transactionHash.hex()])["status"] == "0x1"


def test_what_the_estimate_refuses_is_not_sent(live: Real) -> None:
    """Some nodes would send it, and the gas would be paid."""
    before = live.node.head().number

    with pytest.raises(Reverted, match="not today"):
        live.book.send(live.book.Probe.functions.refuse(0))

    assert live.node.head().number == before


def test_what_is_mined_and_refused_is_reverted(live: Real) -> None:
    """With its reason, which no receipt tells: the same call says it one block earlier."""
    with pytest.raises(Reverted, match="not today") as refusal:
        live.book.send(live.book.Probe.functions.refuse(0), gas=GAS)

    assert live.node.head().number == 4
    receipt = live.node.request("eth_getTransactionReceipt", [refusal.value.transaction])
    assert (receipt["status"], receipt["blockNumber"]) == ("0x0", "0x4")


def test_it_is_a_success_when_the_network_s_own_rule_has_it_final(live: Real) -> None:
    transactions = live.book.transactions()
    good = transactions.submit(live.book.Probe.functions.store(5))
    bad = transactions.submit(live.book.Probe.functions.refuse(0), gas=GAS)

    assert (good.look().outcome, bad.look().outcome, bad.look().reason) == ("included", "reverted", "not today")
    live.node.mine(1)
    assert [each.outcome for each in transactions.settle()] == ["succeeded", "reverted"]
    assert transactions.counts() == {"good": 1, "total": 2}


def test_what_another_took_the_number_of_was_replaced(live: Real) -> None:
    live.node.request("evm_setAutomine", [False])
    transactions = live.book.transactions(finality=0)
    first = transactions.submit(live.book.Probe.functions.store(5))
    second = transactions.submit(live.book.Probe.functions.store(6), nonce=first.nonce, **TWO_GWEI)
    live.node.mine()

    assert (first.look().outcome, first.look().replaced_by) == ("replaced", second.hash)
    assert second.look().outcome == "succeeded"
    assert live.book.Probe.functions.number().call() == 6


def test_what_a_reorganisation_took_out_is_no_success(live: Real) -> None:
    transactions = live.book.transactions(finality=0)
    sent = transactions.submit(live.book.Probe.functions.store(5))
    assert sent.look().outcome == "succeeded"

    live.node.request("anvil_reorg", [1, []])

    assert sent.look().outcome == "reorged"
    assert live.book.Probe.functions.number().call() == 7


def test_what_nobody_mines_times_out(live: Real) -> None:
    live.node.request("evm_setAutomine", [False])
    transactions = live.book.transactions(within=0.2)
    transactions.submit(live.book.Probe.functions.store(5))

    assert [each.outcome for each in transactions.settle()] == ["timed out"]


@pytest.mark.parametrize(("writes", "allow"), [(True, False), (False, True)], ids=["plan alone", "command line alone"])
def test_with_one_lock_closed_no_transaction_is_submitted(live: Real, writes: bool, allow: bool) -> None:
    before = live.node.head().number
    with closing(RpcChain(real(live.node, writes=writes), allow_writes=allow)) as chain:
        book = open_contracts(SETTINGS, chain)
        probe = book.at("Probe", live.book.Probe.address)

        for write in (
            lambda: book.send(probe.functions.store(5), sender=live.node.accounts["user"]),
            lambda: book.deploy("Probe", 1, sender=live.node.accounts["user"]),
            lambda: book.transactions().submit(probe.functions.store(5), sender=live.node.accounts["user"], gas=GAS),
        ):
            with pytest.raises(NetworkError, match="Nothing was sent"):
                write()

    assert live.node.head().number == before
    assert live.node.request("txpool_status")["pending"] == "0x0"
