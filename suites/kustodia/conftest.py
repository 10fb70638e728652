"""Kustodia's contracts as every stage finds them, five users with money, and deals between them."""

from dataclasses import dataclass
from typing import Any

import pytest

MXNB = 10**6
"""One peso in units."""

DOLLAR = 20 * MXNB
"""One dollar in units, at the fixed rate of this suite: see README.md."""

USERS = ("ana", "ben", "cleo", "dan", "eva")
FUNDS = 10**9 * DOLLAR
DEADLINE_SECONDS = 7 * 86_400
COMMISSION = 250
"""Basis points."""

GAS = 500_000
"""More than any single operation needs; with a limit given, nothing has to be estimated."""


@pytest.fixture(scope="session", autouse=True)
def kustodia(network, contracts):
    """Library, assets, token and escrow, deployed by one account for another; every user holds and approves MXNB."""
    account = network.accounts
    library = contracts.deploy("AssetManagement", sender="deployer")
    nft = contracts.deploy(
        "NFTCompact",
        account["owner"],
        account["kustodia"],
        sender="deployer",
        libraries={"AssetManagement": library.address},
    )
    token = contracts.deploy("MXNB", account["owner"], sender="deployer")
    escrow = contracts.deploy(
        "EscrowV2",
        account["owner"],
        account["kustodia"],
        token.address,
        nft.address,
        account["wallet"],
        sender="deployer",
    )
    for contract in (nft, escrow):
        grant = contract.functions.grantRole(contract.functions.PAUSER_ROLE().call(), account["pauser"])
        contracts.send(grant, sender="owner")
    integrate = nft.functions.grantRole(nft.functions.KUSTODIA_ROLE().call(), escrow.address)
    contracts.send(integrate, sender="owner")
    for user in USERS:
        contracts.send(token.functions.mint(account[user], FUNDS), sender="owner", gas=GAS)
        contracts.send(token.functions.approve(escrow.address, FUNDS), sender=user, gas=GAS)
    return contracts


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One escrow as it was asked for, and the receipt of its creation."""

    number: int
    payer: str
    seller: str
    amount: int
    receipt: Any


@pytest.fixture
def deal(network, kustodia):
    """Makes deals: ``deal(amount)`` is Ana paying Ben, with 2.5 % commission and a week's time."""

    def make(amount=50 * DOLLAR, *, payer="ana", seller="ben", commission=COMMISSION):
        deadline = network.head().timestamp + DEADLINE_SECONDS
        seller_address = network.accounts[seller]
        call = kustodia.EscrowV2.functions.createEscrow(seller_address, amount, commission, deadline)
        receipt = kustodia.send(call, sender=payer, gas=GAS)
        number = kustodia.EscrowV2.functions.totalEscrows().call()
        return Deal(number=number, payer=payer, seller=seller, amount=amount, receipt=receipt)

    return make


@pytest.fixture
def asset(network, kustodia):
    """Registers an asset of Ben's, worth 10 dollars if nothing else is said; gives its id."""

    def register(value=10 * DOLLAR, *, holder="ben"):
        arguments = (network.accounts[holder], "vehicle", "ipfs://papers", b"\x01" * 32, value)
        kustodia.send(kustodia.NFTCompact.functions.createAsset(*arguments), sender="kustodia")
        return kustodia.NFTCompact.functions.totalAssets().call()

    return register


@pytest.fixture
def announced():
    """The arguments of each event of one sort in a receipt: ``announced(escrow.events.EscrowCreated(), receipt)``."""
    return lambda event, receipt: [dict(each["args"]) for each in event.process_receipt(receipt)]


@pytest.fixture
def balance(network, kustodia):
    """MXNB units of an account role, or of the escrow contract (``balance("EscrowV2")``)."""

    def units(holder):
        address = kustodia.EscrowV2.address if holder == "EscrowV2" else network.accounts[holder]
        return kustodia.MXNB.functions.balanceOf(address).call()

    return units
