"""Waiting for the receipt of a transaction that was sent, and for the reason that no receipt tells."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.errors import NetworkError, Reverted
from pytest_rollout.networks.port import Chain, quantity

RECEIPT_SECONDS = 30
POLL_SECONDS = 0.002
SLOWEST_POLL_SECONDS = 0.5


def awaited(chain: Chain, digest: str) -> Mapping[str, Any]:
    """The receipt as JSON; raises ``NetworkError`` if there is none after so many seconds."""
    deadline, pause = time.monotonic() + RECEIPT_SECONDS, POLL_SECONDS
    while (answer := chain.request("eth_getTransactionReceipt", [digest])) is None:
        if time.monotonic() > deadline:
            raise NetworkError(
                f"network {chain.name}: transaction {digest} was not mined within {RECEIPT_SECONDS} s; "
                "is automatic mining switched off?"
            )
        time.sleep(pause)
        pause = min(2 * pause, SLOWEST_POLL_SECONDS)
    receipt: Mapping[str, Any] = answer
    return receipt


def refusal(chain: Chain, transaction: Mapping[str, Any], receipt: Mapping[str, Any]) -> Reverted:
    """Why a transaction was mined with status 0: what the same call says one block earlier, if it says so there."""
    failure = Reverted("")
    before = quantity(chain.name, "blockNumber", receipt.get("blockNumber")) - 1
    asked = {key: transaction[key] for key in ("from", "to", "value", "gas", "data") if key in transaction}
    try:
        chain.request("eth_call", [asked, hex(before)])
    except Reverted as told:
        failure = told
    except NetworkError:
        pass  # a node without that state; the status says enough
    failure.transaction = str(receipt.get("transactionHash"))
    failure.add_note(f"transaction {failure.transaction} on network {chain.name} was mined with status 0")
    return failure
