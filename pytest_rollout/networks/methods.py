"""Which JSON-RPC methods only read: the write guard of real chains, and what a batch may hold.

An allow-list. A method that nobody here knows may write, so it counts as one that does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pytest_rollout.core.errors import NetworkError

Call = tuple[str, Sequence[Any]]
"""A method and its parameters."""

_READS = re.compile(
    r"eth_(?:get(?!Work)\w+|call|callMany|estimateGas|createAccessList|chainId|blockNumber|gasPrice"
    r"|maxPriorityFeePerGas|blobBaseFee|feeHistory|syncing|accounts|protocolVersion|simulateV1|coinbase|config)"
    r"|net_(?:version|listening|peerCount)"
    r"|web3_(?:clientVersion|sha3)"
    r"|debug_(?:trace|getRaw|getModified|storageRangeAt|accountRange)\w*"
    r"|trace_\w+|arbtrace_\w+|ots_\w+"
    r"|txpool_(?:status|content|contentFrom|inspect)"
    r"|anvil_(?:nodeInfo|metadata|getAutomine|getIntervalMining|getBlobsByTransactionHash|getBlobByHash)"
)


def only_reads(method: object) -> bool:
    """Whether a call of that method is known to leave the chain and the node as they are."""
    return isinstance(method, str) and _READS.fullmatch(method) is not None


def check_reads(network: str, calls: Iterable[Call]) -> None:
    """Raise ``NetworkError`` if one of the calls of a batch may write.

    Sends without nonces, snapshots and reverts race with one another within a batch.
    """
    for method, _ in calls:
        if not only_reads(method):
            raise NetworkError(f"network {network}: a batch only reads, and {method} may write; use request() for it.")
