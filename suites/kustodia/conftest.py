"""Kustodia's contracts as every stage finds them, five users with money, and deals between them."""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import custody_backend  # noqa: E402 - beside this file
from mail_server import Mailbox  # noqa: E402 - as above

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


class Platform:
    """The platform's databases of before the migration, made anew for each run below ``build/``."""

    migrate = staticmethod(custody_backend.migrate)

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self._testnet = folder / "testnet.db"
        mine = folder / f"{os.getpid()}.db"
        for make, target in (
            (custody_backend.testnet, self._testnet),
            (lambda path: custody_backend.backed_up(self._testnet, path), folder / "backup.db"),
        ):
            mine.unlink(missing_ok=True)
            make(mine)
            mine.replace(target)  # at once: other workers of the run may be reading it

    def copy(self, target):
        """The testnet's database at another place, to be written."""
        shutil.copy(self._testnet, target)
        return target


@pytest.fixture(scope="session", autouse=True)
def platform():
    """The testnet's database and its backup, as the plan declares them unless the environment says others."""
    return Platform(HERE / "build")


@pytest.fixture
def mailbox():
    """A mail server, and the letters that came."""
    box = Mailbox()
    yield box
    box.stop()


@pytest.fixture
def backend_on(network, kustodia, mailbox):
    """``backend_on(connection)`` is the backend of the mainnet on a database."""
    return lambda connection: custody_backend.Backend(
        connection, kustodia.EscrowV2, network="mainnet", chain_id=network.chain_id, mail=mailbox.address
    )


@pytest.fixture
def backend(backend_on):
    """The backend on a new database of the mainnet, both migrations applied."""
    with closing(sqlite3.connect(":memory:")) as connection:
        custody_backend.migrate(connection, ["001", "002"])
        yield backend_on(connection)
