"""Environment files against record and chain: a real chain, and files with every mistake."""

from __future__ import annotations

import pytest

from pytest_rollout.core.configuration import EnvironmentCheck
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.outcome import Outcome

BOND = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
NFT = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
FILE = f"""\
# what the backend reads
CHAIN_ID=421614
export BOND_ADDRESS={BOND}
NFT_ADDRESS="{NFT}"  # the token
TREASURY={OWNER}
NODE_ENV=testnet
DATABASE_URL=postgres://app:very-secret@db/app
"""
MAP = f"""\
kind: ConfigMap
apiVersion: v1
metadata: {{name: api}}
data: {{CHAIN_ID: "421614", BOND_ADDRESS: "{BOND}", NFT_ADDRESS: "{NFT}", TREASURY: "{OWNER}",
  NODE_ENV: testnet, DATABASE_URL: "postgres://app:very-secret@db/app"}}
"""


class Head:
    number = 7


class Chain:
    """A chain of two contracts, which is what the check sees of one."""

    chain_id = 421614
    pinned = None

    def head(self):
        return Head()

    def request(self, method, params):
        assert (method, params[1]) == ("eth_getCode", "0x7")
        return {BOND: "0x6001", NFT: "0x6002"}.get(params[0], "0x")


class Book(dict):
    chain = Chain()

    def where(self, name):
        return self[name]


class Books:
    def __getitem__(self, name):
        if name != "testnet":
            raise NetworkError(f"network {name}: does not answer.")
        return Book(Bond=BOND, Nft=NFT)


@pytest.fixture
def environment(tmp_path, look):
    """``environment(old, new)``: the finding of the file with a piece of text replaced."""

    def finding(old="", new="", text=FILE, file="api.env", **more):
        assert old in text
        (tmp_path / file).write_text(text.replace(old, new) if old else text)
        given = {
            "network": "testnet",
            "chain_id": "CHAIN_ID",
            "contracts": {"BOND_ADDRESS": "Bond", "NFT_ADDRESS": "Nft"},
            "accounts": ("TREASURY",),
            "values": {"NODE_ENV": "testnet"},
            "variables": ("DATABASE_URL",),
            "optional": ("LOG_LEVEL",),
        }
        return look(EnvironmentCheck(name="api", folder=tmp_path, files=(file,), **(given | more)), Books())

    return finding


@pytest.mark.parametrize(("text", "file"), [(FILE, "api.env"), (MAP, "api.yaml")], ids=["file", "ConfigMap"])
def test_a_true_environment_passes(environment, text, file):
    finding = environment(text=text, file=file)

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured == "6 variables, 2 of them contracts with code on testnet"
    assert finding.source == f"{file}; testnet @ 7"


WRONG = {
    "a missing variable": ("NODE_ENV=testnet\n", "", "NODE_ENV is not set"),
    "an unknown one": ("NODE_ENV", "EXTRA=1\nNODE_ENV", "EXTRA is set, and unknown to the plan"),
    "one twice": ("NODE_ENV", "CHAIN_ID=421614\nNODE_ENV", "api.env: CHAIN_ID is set twice"),
    "another chain": ("421614", "42161", "CHAIN_ID is 42161, and testnet has chain id 421614"),
    "a chain's name": ("421614", "arbitrum", "CHAIN_ID is no number"),
    "the zero address": (NFT, "0x" + "0" * 40, "NFT_ADDRESS holds the zero address"),
    "another contract": (BOND, NFT, f"BOND_ADDRESS is {NFT}, and Bond is at {BOND}"),
    "an address with no code": (NFT, OWNER, f"NFT_ADDRESS: no code at {OWNER} on testnet"),
    "a wrong checksum": (OWNER, OWNER.replace("fFb", "Ffb"), "whose checksum is wrong"),
    "an account that is none": (OWNER, "treasury", "TREASURY is no address"),
    "a stray address": ("postgres://app:very-secret@db/app", OWNER, "an address of no declared contract or account"),
    "another value": ("NODE_ENV=testnet", "NODE_ENV=mainnet", "NODE_ENV is not what the plan says"),
    "a placeholder": ("postgres://app:very-secret@db/app", "<database>", "DATABASE_URL is a placeholder"),
    "an empty value": ("postgres://app:very-secret@db/app", "", "DATABASE_URL is empty"),
    "no assignment": ("NODE_ENV=testnet", "NODE_ENV: testnet", "api.env: line 6 is no assignment"),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_an_environment_is_told(environment, old, new, said):
    """By name; a value that could be a secret is never shown."""
    finding = environment(old, new)

    assert finding.outcome in {Outcome.FAIL, Outcome.ERROR}
    assert said in finding.measured + finding.detail
    assert "very-secret" not in finding.measured + finding.detail


def test_a_contract_that_nobody_records_and_a_chain_that_is_down(environment):
    unknown = environment(contracts={"BOND_ADDRESS": "Bound", "NFT_ADDRESS": "Nft"})
    down = environment(network="mainnet")

    assert (unknown.outcome, down.outcome) == (Outcome.FAIL, Outcome.ERROR)
    assert "BOND_ADDRESS: no record of testnet names Bound" in unknown.measured
    assert "network mainnet: does not answer." in down.measured


@pytest.mark.parametrize(
    ("text", "said"),
    [("kind: Secret\n", "holds no ConfigMap"), ("kind: ConfigMap\ndata: {A: 1}\n", "A is no text; put it in quotes")],
)
def test_yaml_that_is_no_environment_is_an_error(environment, text, said):
    finding = environment(text=text, file="api.yaml")

    assert (finding.outcome, said in finding.measured) == (Outcome.ERROR, True)
