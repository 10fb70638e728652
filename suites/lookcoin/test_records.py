"""The records against the chains, beyond the inventory's own items: hashes, arguments, roles, numbers."""

import json
from itertools import pairwise

import pytest
from eth_utils.crypto import keccak

from pytest_rollout import RolloutError

NETWORKS = ["bsc-mainnet", "bsc-testnet", "base-sepolia", "optimism-sepolia", "sapphire-testnet"]
TABLE = {"bsc-mainnet": 8, "bsc-testnet": 9, "base-sepolia": 3, "optimism-sepolia": 3, "sapphire-testnet": 3}
"""The document's table, which sums to 26."""


@pytest.fixture
def record(rollout):
    """A network's record as JSON."""
    return lambda network: json.loads(rollout.contracts.deployments[network].path.read_text())


@pytest.fixture
def recorded(record):
    """Names with what is recorded under ``contracts``, whatever the category."""
    return lambda network: {
        name: each for group in record(network)["contracts"].values() for name, each in group.items()
    }


def test_the_inventory_is_the_table_and_both_timelocks(rollout):
    """28 contracts on five networks, of which the table counts 26."""
    counts = {network: len(names) for network, names in rollout.contracts.inventory.items()}

    assert sum(counts.values()) == 28
    assert {network: counts[network] - TABLE[network] for network in counts if counts[network] != TABLE[network]} == {
        "bsc-mainnet": 1,
        "bsc-testnet": 1,
    }


@pytest.mark.parametrize("where", NETWORKS)
def test_the_record_has_the_inventory_and_nothing_else(rollout, recorded, where):
    """No contract exists on one side alone."""
    assert sorted(recorded(where)) == sorted(rollout.contracts.inventory[where])


@pytest.mark.parametrize("where", NETWORKS)
def test_hashes_are_those_of_the_compiled_and_of_the_deployed_code(lookcoin, record, recorded, where):
    """The factory's hash is that of the artifact, the implementation's that of the chain."""
    chain = lookcoin[where].chain
    for name, places in recorded(where).items():
        extended = record(where)[f"extended_{name}"]
        code = chain.request("eth_getCode", [places.get("implementation", places.get("address")), "latest"])

        assert extended["factoryByteCodeHash"] == "0x" + keccak(hexstr=lookcoin[where].artifact(name).bytecode).hex()
        assert extended["implementationHash"] == "0x" + keccak(hexstr=code).hex()


@pytest.mark.parametrize("where", NETWORKS)
def test_deployment_arguments_are_what_the_contracts_hold(lookcoin, record, recorded, where):
    """Integers to the last wei, addresses and lists alike."""
    getters = {
        "SupplyOracle": ["totalExpected"],
        "CrossChainRouter": ["lookCoin"],
        "FeeManager": ["feeBasisPoints"],
        "SecurityManager": ["dailyLimit"],
        "ProtocolRegistry": ["protocols"],
        "LayerZeroModule": ["lookCoin", "messenger"],
        "CelerIMModule": ["lookCoin", "messenger"],
        "HyperlaneModule": ["lookCoin", "messenger"],
    }
    checked = 0
    for name in recorded(where).keys() & getters.keys():
        _, *given = record(where)[f"extended_{name}"]["deploymentArgs"]
        held = [getattr(lookcoin[where][name].functions, getter)().call() for getter in getters[name]]

        assert held == given, name
        checked += 1

    assert checked == len(recorded(where)) - 1 - ("MinimalTimelock" in recorded(where))


@pytest.mark.parametrize("where", NETWORKS)
def test_timestamps_are_exact_beyond_what_a_double_holds(record, recorded, where):
    """Nanoseconds; a reader that takes numbers as doubles would make neighbours equal."""
    stamps = [record(where)[f"extended_{name}"]["timestamp"] for name in recorded(where)]

    assert all(type(stamp) is int and stamp > 2**53 for stamp in stamps)
    assert len(set(stamps)) == len(stamps)
    assert any(float(one) == float(other) for one, other in pairwise(sorted(stamps)))


def test_no_record_is_about_another_network(rollout, record):
    """Chain ids are those of the document, each claimed once."""
    claimed = {network: record(network)["chainId"] for network in NETWORKS}

    assert claimed == {network: rollout.networks[network].chain_id for network in NETWORKS}
    assert sorted(claimed.values()) == [56, 97, 23295, 84532, 11155420]


@pytest.mark.parametrize("where", NETWORKS)
def test_strangers_can_neither_mint_nor_pause_nor_upgrade(lookcoin, where):
    """A migration of state gives nobody a role."""
    book = lookcoin[where]
    stranger = book.chain.accounts["stranger"]
    coin = book.LookCoin.functions

    for call in (coin.mint(stranger, 1), coin.pause(), coin.upgradeToAndCall(stranger, b"")):
        with pytest.raises(RolloutError, match="AccessControlUnauthorizedAccount"):
            book.send(call, sender="stranger")


@pytest.mark.parametrize("where", NETWORKS)
def test_every_contract_can_be_paused_and_resumed(lookcoin, recorded, where):
    """The emergency stop works on every chain, and is undone after the drill."""
    book = lookcoin[where]
    for name in recorded(where).keys() - {"MinimalTimelock"}:
        contract = book[name].functions
        book.send(contract.pause(), sender="admin")
        assert contract.paused().call() is True
        book.send(contract.unpause(), sender="admin")
        assert contract.paused().call() is False
