"""Waiting for the receipt of a transaction that was sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.networks.port import Chain

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
