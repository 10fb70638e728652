"""The gas that py-evm is found to need: the least that does, in few runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_rollout.core.errors import Reverted
from pytest_rollout.core.rollout import NetworkKind
from pytest_rollout.networks import gas
from pytest_rollout.networks.port import Chain

STRANGER = "0x00000000000000000000000000000000000A11cE"

STORES = "60015f5560015f5260205ff3"
"""Writes 1 to slot 0 and returns 1."""

CLEARS = "5f5f5500"
"""Writes 0 to slot 0, for which gas is given back in the end, when it held something."""

CALLS = "5f5f5f5f5f73{address}5af16022575f5ffd5b00"
"""Calls an address with all gas there is, which leaves a sixty-fourth, and reverts if it failed."""


@pytest.fixture
def chain(open_chain: Callable[..., Chain]) -> Chain:
    return open_chain(NetworkKind.TESTER)


def deployed(chain: Chain, code: str, before: str = "") -> str:
    """The address of a contract of that code; ``before`` runs first, where it is made."""
    start = len(before) // 2 + 9
    head = f"{before}60{len(code) // 2:02x}8060{start:02x}5f395ff3"
    return str(chain.send({"from": chain.accounts.default, "data": f"0x{head}{code}"})["contractAddress"])


def needed(chain: Chain, to: str) -> int:
    return int(chain.request("eth_estimateGas", [{"from": chain.accounts.default, "to": to}]), 16)


def does(chain: Chain, to: str, amount: int) -> bool:
    snapshot = chain.snapshot()
    try:
        chain.request("eth_sendTransaction", [{"from": chain.accounts.default, "to": to, "gas": hex(amount)}])
    except Reverted:
        return False
    finally:
        chain.revert(snapshot)
    return True


def test_a_payment_needs_what_every_transaction_does(chain: Chain) -> None:
    assert needed(chain, STRANGER) == 21_000


@pytest.mark.parametrize(("code", "before"), [(STORES, ""), (CLEARS, "60015f55")], ids=["writes", "given back"])
def test_it_is_the_least_that_does(chain: Chain, code: str, before: str) -> None:
    """What is given back in the end is needed until then."""
    contract = deployed(chain, code, before)
    amount = needed(chain, contract)

    assert (does(chain, contract, amount), does(chain, contract, amount - 1)) == (True, False)


def test_what_a_call_within_keeps_back_is_needed_as_well(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-three parts of what was taken are too little: py-evm's own search finds what does."""
    searched: list[Any] = []
    search = gas.binary_gas_search_intrinsic_tolerance
    monkeypatch.setattr(
        gas, "binary_gas_search_intrinsic_tolerance", lambda *given: searched.append(given) or search(*given)
    )
    stores = deployed(chain, STORES)
    contract = deployed(chain, CALLS.format(address=stores[2:].lower()))
    amount = needed(chain, contract)

    assert len(searched) == 1
    assert does(chain, contract, amount)


def test_what_fails_with_any_gas_is_refused_before_it_is_sent(chain: Chain) -> None:
    contract = deployed(chain, "5f5ffd")

    with pytest.raises(Reverted):
        chain.send({"from": chain.accounts.default, "to": contract})

    assert chain.head().number == 1
