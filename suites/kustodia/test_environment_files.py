"""The backend's environment file against the chain: every address is the contract it claims to be."""

import re
from pathlib import Path

import pytest

CONTRACTS = {
    "ASSET_MANAGEMENT_LIB": "AssetManagement",
    "NFT_COMPACT_ADDRESS": "NFTCompact",
    "MXNB_ADDRESS": "MXNB",
    "ESCROW_V2_PAUSABLE_ADDRESS": "EscrowV2",
}


@pytest.fixture
def environment():
    """The file as names and values; a name twice, or a line that is no assignment, fails."""
    lines = (Path(__file__).parent / "environments" / "mainnet.env").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    values = dict(pairs)
    assert len(values) == len(pairs)
    return values


def test_the_file_names_the_network_and_every_contract(environment):
    """Nothing is missing, nothing unknown, and no default stands in for a missing setting."""
    assert environment.keys() == {"BLOCKCHAIN_NETWORK", "CHAIN_ID", *CONTRACTS}
    assert environment["BLOCKCHAIN_NETWORK"] == "mainnet"


def test_its_chain_id_is_the_node_s(network, environment):
    """Arbitrum, as the node itself says."""
    assert int(environment["CHAIN_ID"]) == int(network.request("eth_chainId"), 16) == 42161


@pytest.mark.parametrize("variable", CONTRACTS)
def test_each_address_is_the_contract_it_is_called_after(network, kustodia, environment, variable):
    """No placeholder, no other contract, and code behind it."""
    address = environment[variable]

    assert re.fullmatch(r"0x[0-9a-fA-F]{40}", address)
    assert address == kustodia[CONTRACTS[variable]].address
    assert network.request("eth_getCode", [address, "latest"]) != "0x"
