"""What became of transactions: one success and six other outcomes, counted by what was submitted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.core.errors import ContractError, Reverted
from pytest_rollout.core.rollout import ContractSettings, NetworkKind
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
GAS = 200_000
TWO_GWEI = {"maxFeePerGas": 2 * 10**11, "maxPriorityFeePerGas": 2 * 10**10}


@pytest.fixture
def anvil(open_chain: Callable[..., Chain]) -> Chain:
    return open_chain(NetworkKind.ANVIL)


@pytest.fixture
def book(anvil: Chain) -> Contracts:
    book = open_contracts(ContractSettings(artifacts=(OUT / "hardhat",)), anvil)
    book.deploy("Probe", 7)
    return book


def test_what_is_included_and_final_succeeded(contracts: Contracts, chain: Chain) -> None:
    probe: Any = contracts.deploy("Probe", 7)
    transactions = contracts.transactions()

    sent = transactions.submit(probe.functions.store(5), sender="user", gas=GAS)

    (made,) = transactions.settle()
    assert (made.outcome, made.succeeded, made.hash) == ("succeeded", True, sent.hash)
    assert (made.sender, made.nonce, made.block) == (chain.accounts["user"], 0, 2)
    assert made.gas_used == made.receipt.gasUsed > 21_000  # type: ignore[union-attr, operator]
    assert made.seconds is not None
    assert made.seconds >= 0
    assert transactions.counts() == {"good": 1, "total": 1}


def test_what_reverts_is_told_with_its_reason_and_counted(contracts: Contracts, chain: Chain) -> None:
    probe: Any = contracts.deploy("Probe", 7)
    transactions = contracts.transactions()
    for how in (2, 0):
        transactions.submit(probe.functions.refuse(how), sender="user", gas=GAS)
    transactions.submit(probe.functions.store(5), sender="user", gas=GAS)

    reasons = [(each.outcome, each.reason) for each in transactions.settle()]

    user = chain.accounts["user"]
    assert reasons == [("reverted", f"NoProfile({user})"), ("reverted", "not today"), ("succeeded", "")]
    assert transactions.counts() == {"good": 1, "total": 3}
    assert transactions.look()[0].succeeded is False


def test_what_an_estimate_refuses_was_not_submitted(book: Contracts) -> None:
    transactions = book.transactions()

    with pytest.raises(Reverted, match="not today") as refused:
        transactions.submit(book.Probe.functions.refuse(0))

    assert refused.value.__notes__ == ["nothing was submitted; give gas= to send what an estimate refuses"]
    assert len(transactions) == 0
    with pytest.raises(ContractError, match="no transaction was submitted, so there is nothing to count"):
        transactions.counts()


def test_blocks_upon_it_make_it_final(book: Contracts, anvil: Chain) -> None:
    sent = book.transactions(finality=2, within=0).submit(book.Probe.functions.store(5))

    first = sent.settle(within=0)
    anvil.mine(2)
    then = sent.settle()

    assert (first.outcome, first.confirmations, first.seconds, first.succeeded) == ("included", 0, None, False)
    assert (then.outcome, then.confirmations) == ("succeeded", 2)


def test_a_tagged_block_makes_it_final(book: Contracts, anvil: Chain) -> None:
    """anvil's finalized block is 64 behind."""
    sent = book.transactions(finality="finalized").submit(book.Probe.functions.store(5))

    assert sent.look().outcome == "included"
    anvil.mine(70)
    assert sent.look().outcome == "succeeded"


def test_what_nobody_mines_times_out(book: Contracts, anvil: Chain) -> None:
    anvil.request("evm_setAutomine", [False])
    transactions = book.transactions(within=0.05)
    sent = transactions.submit(book.Probe.functions.store(5), gas=GAS)

    assert sent.look().outcome == "pending"
    assert [each.outcome for each in transactions.settle()] == ["timed out"]
    assert transactions.counts() == {"good": 0, "total": 1}
    anvil.mine()
    assert sent.look().outcome == "succeeded"


def test_what_is_mined_in_time_is_waited_for(book: Contracts, anvil: Chain) -> None:
    """A reverted one as well; why is asked of the block before, as nobody told it when it was sent."""
    anvil.request("evm_setAutomine", [False])
    transactions = book.transactions()
    transactions.submit(book.Probe.functions.store(5), gas=GAS)
    transactions.submit(book.Probe.functions.refuse(0), gas=GAS, sender="user")
    later = threading.Timer(0.1, anvil.mine)
    later.start()

    made = transactions.settle()
    later.join()

    assert [(each.outcome, each.reason) for each in made] == [("succeeded", ""), ("reverted", "not today")]


def test_what_another_took_the_number_of_was_replaced(book: Contracts, anvil: Chain) -> None:
    anvil.request("evm_setAutomine", [False])
    transactions = book.transactions()
    first = transactions.submit(book.Probe.functions.store(5), gas=GAS)
    second = transactions.submit(book.Probe.functions.store(6), gas=GAS, nonce=first.nonce, **TWO_GWEI)
    anvil.mine()

    made = transactions.settle()

    assert [each.outcome for each in made] == ["replaced", "succeeded"]
    assert made[0].replaced_by == second.hash
    assert transactions.counts() == {"good": 1, "total": 2}
    assert book.Probe.functions.number().call() == 6


def test_what_no_node_knows_was_dropped(book: Contracts, anvil: Chain) -> None:
    anvil.request("evm_setAutomine", [False])
    transactions = book.transactions()
    sent = transactions.submit(book.Probe.functions.store(5), gas=GAS)
    anvil.request("anvil_dropTransaction", [sent.hash])

    assert [each.outcome for each in transactions.settle()] == ["dropped"]


def test_what_a_reorganisation_took_out_is_no_success(book: Contracts, anvil: Chain) -> None:
    """It was final by a rule that was too weak; what counts is what the chain says in the end."""
    transactions = book.transactions()
    sent = transactions.submit(book.Probe.functions.store(5))
    assert sent.look().outcome == "succeeded"

    anvil.request("anvil_reorg", [1, []])

    assert sent.look().outcome == "reorged"
    assert transactions.counts() == {"good": 0, "total": 1}
    assert book.Probe.functions.number().call() == 7


def test_a_signed_transaction_is_followed_as_well(book: Contracts, anvil: Chain) -> None:
    from eth_account import Account

    key = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    account = Account.from_key(key)
    nonce = int(anvil.request("eth_getTransactionCount", [account.address, "latest"]), 16)
    fields = {"to": book.Probe.address, "data": book.Probe.functions.refuse(0).data, "nonce": nonce, "gas": GAS}
    signed = account.sign_transaction(
        {**fields, "value": 0, "chainId": anvil.chain_id, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
    )
    transactions = book.transactions()

    transactions.submit_raw(signed.raw_transaction, sender=account.address, nonce=nonce)

    assert [(each.outcome, each.reason) for each in transactions.settle()] == [("reverted", "not today")]
