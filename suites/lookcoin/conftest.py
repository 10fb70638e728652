"""LookCoin's contracts on five local chains, in the order of the inventory: so they are where they are recorded."""

from collections.abc import Iterator
from typing import Any

import pytest

SUPPLY = 5_000_000_000 * 10**18
LIMIT = 20_000_000 * 10**18
FEE = 25
"""Basis points."""

DELAY = 2 * 86_400
PROTOCOLS = {
    "bsc-mainnet": ["LayerZero", "Celer"],
    "bsc-testnet": ["LayerZero", "Celer", "Hyperlane"],
    "base-sepolia": ["LayerZero"],
    "optimism-sepolia": ["LayerZero"],
    "sapphire-testnet": ["Celer"],
}
"""What the document says each network supports."""

DIRECT = frozenset({"MinimalTimelock"})
"""Contracts that are called themselves; all others stand behind a proxy."""


CONTRACTS = frozenset(
    {
        *("LookCoin", "LayerZeroModule", "CelerIMModule", "HyperlaneModule", "SupplyOracle", "CrossChainRouter"),
        *("FeeManager", "SecurityManager", "ProtocolRegistry", "MinimalTimelock"),
    }
)
"""What can be deployed; a name of the inventory that is none of them stays missing, and its item says so."""


def arguments(name: str, network: str, admin: str, coin: str) -> list[Any]:
    """What a contract is initialised with or, if it has no proxy, constructed with."""
    if name.endswith("Module"):
        return [admin, coin, admin]
    return {
        "LookCoin": [admin],
        "SupplyOracle": [admin, SUPPLY],
        "CrossChainRouter": [admin, coin],
        "FeeManager": [admin, FEE],
        "SecurityManager": [admin, LIMIT],
        "ProtocolRegistry": [admin, PROTOCOLS[network]],
        "MinimalTimelock": [DELAY, admin],
    }[name]


def deploy(book: Any, network: str, names: tuple[str, ...]) -> Iterator[tuple[str, str, str | None, list[Any]]]:
    """Deploy all of one network; each name with its address, its implementation, and what it was given.

    LookCoin comes first: the others are given its address. The book is not told the contracts'
    own names, for those have to be found at their recorded addresses.
    """
    admin, coin = book.chain.accounts["admin"], ""
    for name in (each for each in names if each in CONTRACTS):
        given = arguments(name, network, admin, coin)
        if name in DIRECT:
            yield name, book.deploy(name, *given, as_=f"{name}Deployed").address, None, given
            continue
        implementation = book.deploy(name, as_=f"{name}Implementation")
        data = implementation.encode_abi("initialize", given)
        proxy = book.deploy("Proxy", implementation.address, data, as_=f"{name}Proxy")
        coin = coin or proxy.address
        yield name, proxy.address, implementation.address, given


@pytest.fixture(scope="session", autouse=True)
def lookcoin(rollout, books):
    """Everything deployed, on every chain."""
    for network, names in rollout.contracts.inventory.items():
        assert list(deploy(books[network], network, names))
    return books
