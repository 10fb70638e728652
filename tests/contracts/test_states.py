"""States beyond a contract's own views, read from both kinds of chain: who, what code, behind what, how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from pytest_rollout.contracts.book import Contracts
from pytest_rollout.contracts.checks import observe
from pytest_rollout.contracts.identity import identity
from pytest_rollout.contracts.opening import open_contracts
from pytest_rollout.contracts.reading import read
from pytest_rollout.contracts.states import initialising, proxies
from pytest_rollout.contracts.states.proxies import delegated
from pytest_rollout.core.errors import ContractError
from pytest_rollout.core.rollout import ContractSettings, ContractState, Network, NetworkKind, Value
from pytest_rollout.core.state import agree
from pytest_rollout.networks.accounts import MNEMONIC
from pytest_rollout.networks.opening import open_network
from pytest_rollout.networks.port import Chain

OUT = Path(__file__).parent / "artifacts" / "out"
FOLDERS = (OUT / "hardhat", OUT / "states")
NOBODY = "0x" + "00" * 20
STRANGER = "0x000000000000000000000000000000000000bEEF"

Account.enable_unaudited_hdwallet_features()

World = tuple[Contracts, Chain]


def build(contracts: Contracts, chain: Chain) -> None:
    """Everything the states below are about."""
    account = chain.accounts
    deploy, send = contracts.deploy, contracts.send
    vault = deploy("Vault", 5, STRANGER)
    other = deploy("Vault2", 5, STRANGER)
    data = vault.encode_abi("initialize", [account["admin"]])
    deploy("Uups", vault.address, data, as_="Safe")
    contracts.at("Safe", contracts.Safe.address, artifact="Vault")
    deploy("Uups", other.address, data, as_="Upgraded")
    contracts.at("Upgraded", contracts.Upgraded.address, artifact="Vault")
    deploy("Transparent", vault.address, account["admin"], data)
    contracts.at("Transparent", contracts.Transparent.address, artifact="Vault")
    beacon = deploy("Beacon", vault.address, account["admin"])
    deploy("Beaconed", beacon.address, data)
    open_vault = deploy("OpenVault")
    deploy("Uups", open_vault.address, open_vault.encode_abi("initialize", [account["admin"]]), as_="Ajar")
    contracts.at("Ajar", contracts.Ajar.address, artifact="OpenVault")
    deploy("PickyVault")
    for name, migrator in (("Gated", account["user"]), ("Migrated", account["user"]), ("Nobodys", NOBODY)):
        gated = deploy("GatedVault", as_=name)
        send(gated.functions.initialize(account["admin"], migrator))
    send(contracts.Migrated.functions.initializeV2(), sender="user")
    deploy("OwnedVault", account["user"])
    send(deploy("OwnedVault", account["user"], as_="OwnedOnce").functions.initialize(), sender="user")
    for name in ("Listed", "Told"):
        contract = deploy(name, account["admin"])
        pauser = contract.functions.PAUSER_ROLE().call()
        for each in ("user", "other"):
            send(contract.functions.grantRole(pauser, account[each]), sender="admin")
        send(contract.functions.revokeRole(pauser, account["other"]), sender="admin")
    send(deploy("Silent").functions.add(account["user"]))
    stepped = deploy("Stepped", account["admin"])
    send(stepped.functions.transferOwnership(account["user"]), sender="admin")
    deploy("Stepped", account["admin"], as_="Settled")
    coin, purse = deploy("Coin"), deploy("Purse")
    send(coin.functions.mint(purse.address, 2**200))
    send(purse.functions.allow(coin.address, account["user"], 2**64 + 1))
    deploy("Strange")
    deploy("Sums")
    deploy("Linked", libraries={"Sums": contracts.Sums.address})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    chain = open_network(Network(name="local", kind=NetworkKind.ANVIL))
    contracts = open_contracts(ContractSettings(artifacts=FOLDERS), chain)
    build(contracts, chain)
    yield contracts, chain
    chain.close()


@pytest.fixture
def look(world: World) -> Callable[..., Value]:
    def at(name: str, expected: Value, *arguments: Value) -> Value:
        contract, _, what = name.partition(".")
        return observe(ContractState(contract=contract, what=what, expected=expected, arguments=arguments), *world)

    return at


AGREEING: dict[str, tuple[Any, ...]] = {
    "owner to come": ("Stepped.pending_owner", "user"),
    "no owner to come": ("Settled.pending_owner", NOBODY),
    "members by enumeration": ("Listed.members.PAUSER_ROLE", ["user"]),
    "members by events": ("Told.members.PAUSER_ROLE", ["user"]),
    "admins by events": ("Told.members.DEFAULT_ADMIN_ROLE", ["admin"]),
    "nobody by events": ("Told.members.MINTER_ROLE", []),
    "nobody by enumeration": ("Listed.members.MINTER_ROLE", []),
    "a mapping": ("Silent.mappings.pausers", ["user"]),
    "uups": ("Safe.proxy", "uups"),
    "transparent": ("Transparent.proxy", "transparent"),
    "beacon": ("Beaconed.proxy", "beacon"),
    "no proxy": ("Vault.proxy", "none"),
    "implementation": ("Safe.implementation", "Vault"),
    "implementation behind a beacon": ("Beaconed.implementation", "Vault"),
    "implementation of a transparent proxy": ("Transparent.implementation", "Vault"),
    "beacon's address": ("Beaconed.beacon", "Beacon"),
    "no beacon": ("Safe.beacon", NOBODY),
    "implementation's code": ("Safe.implementation_artifact", "Vault"),
    "code behind a beacon": ("Beaconed.implementation_artifact", "Vault"),
    "a proxy's own code": ("Safe.artifact", "Uups"),
    "code with immutables": ("Vault.artifact", "Vault"),
    "code of a library": ("Sums.artifact", "Sums"),
    "code with a library": ("Linked.artifact", "Linked"),
    "library": ("Linked.libraries.Sums", "Sums"),
    "an integer as immutable": ("Vault.immutables.fee", 5),
    "an address as immutable": ("Vault.immutables.token", STRANGER),
    "its own address as immutable": ("Vault.immutables.__self", "Vault"),
    "immutable behind a proxy": ("Safe.immutables.fee", 5),
    "initialised": ("Safe.initialised", True),
    "implementation not initialised": ("Vault.initialised", False),
    "implementation locked": ("Safe.implementation_locked", True),
    "implementation not locked": ("Ajar.implementation_locked", False),
    "not re-initialisable": ("Safe.reinitialisable", False),
    "locked": ("Vault.reinitialisable", False),
    "open": ("Ajar.reinitialisable", True),
    "open to one with a role": ("Gated.reinitialisable", True),
    "closed to one with a role": ("Migrated.reinitialisable", False),
    "open to its owner": ("OwnedVault.reinitialisable", True),
    "closed to its owner": ("OwnedOnce.reinitialisable", False),
    "interface by name": ("Listed.interfaces.AccessControlEnumerable", True),
    "interface by id": ("Told.interfaces.0x7965DB0B", True),
    "event happened": ("Told.events.RoleRevoked", True),
    "event never happened": ("Settled.events.OwnershipTransferStarted", False),
    "event counted": ("Told.events.RoleGranted", 3),
    "event by signature": ("Purse.events.Allowed(address)", 1),
    "balance in wei": ("Purse.balance", 0),
    "balance of a token": ("Purse.balances.Coin", 2**200),
    "allowance": ("Purse.allowances.Coin.user", 2**64 + 1),
    "allowance of nobody": ("Purse.allowances.Coin.other", 0),
}


@pytest.mark.parametrize("case", AGREEING.values(), ids=AGREEING)
def test_what_is_as_declared_is_observed_as_it_was_written(look: Callable[..., Value], case: tuple[Any, ...]) -> None:
    name, expected = case

    assert agree(expected, look(name, expected))


DIFFERING: dict[str, tuple[Any, ...]] = {
    "another owner to come": ("Stepped.pending_owner", "admin", "user"),
    "a member too many": ("Listed.members.PAUSER_ROLE", [], ["user"]),
    "a member too many, by events": ("Told.members.PAUSER_ROLE", ["other"], ["user"]),
    "a member that is none": ("Listed.members.PAUSER_ROLE", ["admin", "user"], ["user"]),
    "a mapping that says no": ("Silent.mappings.pausers", ["user", "admin"], ["user"]),
    "another kind of proxy": ("Transparent.proxy", "uups", "transparent"),
    "an upgrade": ("Upgraded.implementation", "Vault", "Vault2"),
    "other code behind": ("Upgraded.implementation_artifact", "Vault", None),
    "other code": ("Vault2.artifact", "Vault", None),
    "other immutable": ("Vault.immutables.fee", 6, 5),
    "other address": ("Vault.immutables.token", "user", STRANGER),
    "a number, not true": ("Vault.immutables.fee", True, "0x" + f"{5:064x}"),
    "open, not closed": ("Ajar.reinitialisable", False, True),
    "no such interface": ("Listed.interfaces.ERC721", True, False),
    "yes to everything": ("Strange.interfaces.ERC721", True, False),
    "no interfaces at all": ("Coin.interfaces.ERC165", True, False),
    "an event too many": ("Told.events.RoleGranted", 2, 3),
    "an event that happened": ("Told.events.RoleGranted", False, True),
    "one unit less": ("Purse.balances.Coin", 2**200 - 1, 2**200),
}


@pytest.mark.parametrize("case", DIFFERING.values(), ids=DIFFERING)
def test_what_is_not_as_declared_is_observed_as_it_is(
    look: Callable[..., Value], world: World, case: tuple[Any, ...]
) -> None:
    name, expected, seen = case
    observed = look(name, expected)

    contracts, chain = world
    named = {**{role: chain.accounts[role] for role in chain.accounts}, "Vault2": contracts.where("Vault2")}
    spelled = (
        [
            named.get(each, each) if each not in (expected if isinstance(expected, list) else ()) else each
            for each in seen
        ]
        if isinstance(seen, list)
        else named.get(seen, seen)
        if isinstance(seen, str)
        else seen
    )
    assert not agree(expected, observed)
    assert seen is None or observed == spelled


REFUSED: dict[str, tuple[Any, ...]] = {
    "no events told": ("Silent.members.PAUSER_ROLE", ["user"], "its events do not tell who holds the role"),
    "no implementation": ("Vault.implementation_code_hash", "0x" + "11" * 32, "is no proxy of EIP-1967"),
    "no implementation's artifact": ("Vault.implementation_artifact", "Vault", "is no proxy of EIP-1967"),
    "refused for another reason": ("PickyVault.reinitialisable", False, "does not say that it was called before"),
    "a role that nobody has": (
        "Nobodys.reinitialisable",
        False,
        "is for those with a role that nobody has, which does not prove that it was called before",
    ),
    "no initialiser": ("Coin.reinitialisable", False, "declares no initialiser"),
    "no such library": ("Linked.libraries.Products", "Sums", "it takes no library Products; it takes Sums"),
    "no such immutable": ("Vault.immutables.price", 5, "knows no immutable price; it knows"),
    "immutables of other code": (
        "Upgraded.immutables.fee",
        5,
        "the code behind its proxy is not that of Vault: 2208 bytes of code, 2178 were compiled",
    ),
    "no such event": ("Told.events.Paused", True, "the contract has 0 events Paused"),
    "events from the future": ("Told.events.RoleGranted", 0, "from which it looks, is after block"),
    "no token": ("Purse.balances.Stepped", 0, "balanceOf(address) reverted|returned 0 bytes"),
    "a mapping of something else": ("Coin.mappings.balanceOf", ["user"], "a mapping to true and false is needed"),
    "no code": ("Nowhere.proxy", "uups", "no code at"),
    "a view that reverts": ("Strange.calls.refusing", 0, "refusing.. reverted: closed"),
    "a view of a megabyte": ("Strange.calls.endless", "0x", "returned 1048640 bytes"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told_is_refused_in_a_sentence(world: World, case: tuple[Any, ...]) -> None:
    name, expected, told = case
    contracts, chain = world
    contract, _, what = name.partition(".")
    arguments = (10**9,) if "future" in told or "from which" in told else ()
    if contract == "Nowhere":
        contracts = open_contracts(ContractSettings(artifacts=FOLDERS), chain)
        contracts._recorded["Vault"], contract = STRANGER, "Vault"
    state = ContractState(contract=contract, what=what, expected=expected, arguments=arguments)

    with pytest.raises(ContractError, match=told.replace("(address)", r"\(address\)")):
        observe(state, contracts, chain)


def test_py_evm_answers_the_same() -> None:
    """One state of each sort of question: code, storage, calls, events, balances."""
    chain = open_network(Network(name="local", kind=NetworkKind.TESTER))
    contracts = open_contracts(ContractSettings(artifacts=FOLDERS), chain)
    admin = chain.accounts["admin"]
    vault = contracts.deploy("Vault", 5, STRANGER)
    contracts.deploy("Uups", vault.address, vault.encode_abi("initialize", [admin]), as_="Safe")
    contracts.at("Safe", contracts.Safe.address, artifact="Vault")
    contracts.deploy("Told", admin)

    cases = [case for case in AGREEING.values() if case[0].partition(".")[0] in {"Vault", "Safe"}]
    cases += [("Told.members.DEFAULT_ADMIN_ROLE", ["admin"]), ("Told.events.RoleGranted", 1), ("Told.balance", 0)]
    observed = {
        name: observe(
            ContractState(contract=name.partition(".")[0], what=name.partition(".")[2], expected=expected),
            contracts,
            chain,
        )
        for name, expected in cases
    }
    chain.close()

    assert observed == dict(cases)


def test_the_slots_are_what_their_standards_derive_them_from() -> None:
    def eip1967(name: str) -> str:
        return hex(int.from_bytes(keccak(text=f"eip1967.proxy.{name}"), "big") - 1)

    inner = int.from_bytes(keccak(text="openzeppelin.storage.Initializable"), "big") - 1
    erc7201 = int.from_bytes(keccak(inner.to_bytes(32, "big")), "big") & ~0xFF

    assert eip1967("implementation") == proxies.IMPLEMENTATION_SLOT
    assert eip1967("admin") == proxies.ADMIN_SLOT
    assert eip1967("beacon") == proxies.BEACON_SLOT
    assert hex(erc7201) == initialising.SLOT


def test_a_delegation_is_read_from_the_account_s_code() -> None:
    assert delegated(bytes.fromhex("ef0100" + "11" * 20)) == "0x" + "11" * 20
    assert delegated(bytes.fromhex("ef0100" + "11" * 19)) == ""
    assert delegated(bytes.fromhex("ef0101" + "11" * 20)) == ""
    assert delegated(b"") == ""


def set_code(chain: Chain, owner: Any, delegate: str) -> None:
    """The owner's own signature lets ``delegate``'s code answer for the account; somebody else sends it (EIP-7702)."""
    sender = Account.from_mnemonic(MNEMONIC)
    numbers = [int(chain.request("eth_getTransactionCount", [each.address, "latest"]), 16) for each in (sender, owner)]
    permission = owner.sign_authorization({"chainId": chain.chain_id, "address": delegate, "nonce": numbers[1]})
    transaction = {
        "type": 4,
        "chainId": chain.chain_id,
        "nonce": numbers[0],
        "to": sender.address,
        "value": 0,
        "gas": 200_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        "authorizationList": [permission],
    }
    signed = sender.sign_transaction(transaction)
    chain.request("eth_sendRawTransaction", [signed.raw_transaction.to_0x_hex()])


def test_a_delegation_is_followed_through_transactions_that_set_it() -> None:
    """On anvil under Prague's rules: set, led elsewhere, taken back."""
    owner = Account.create()
    with closing(open_network(Network(name="local", kind=NetworkKind.ANVIL, hardfork="prague"))) as chain:
        contracts = open_contracts(ContractSettings(artifacts=FOLDERS), chain)
        first, second = contracts.deploy("Coin"), contracts.deploy("Purse")
        told = []
        for delegate in (first.address, second.address, NOBODY):
            set_code(chain, owner, delegate)
            code = bytes.fromhex(str(chain.request("eth_getCode", [owner.address, "latest"]))[2:])
            assert len(code) == (0 if delegate == NOBODY else 23)
            if delegate != NOBODY:
                contracts.at("Wallet", owner.address, artifact="Coin")
                told.append(observe(state("Wallet.delegation", first.address), contracts, chain))
                found = read(chain, identity(owner.address, "latest"))
                answers = bytes.fromhex(str(chain.request("eth_getCode", [delegate, "latest"]))[2:])
                assert found.implementation == delegate.lower()
                assert found.implementation_code_hash == "0x" + keccak(answers).hex()

        assert told == [first.address, second.address]
        with pytest.raises(ContractError, match="no code at"):
            observe(state("Wallet.delegation", first.address), contracts, chain)


def state(name: str, expected: Value) -> ContractState:
    contract, _, what = name.partition(".")
    return ContractState(contract=contract, what=what, expected=expected)
