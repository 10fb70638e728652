"""Phase 1: what LevelDB holds is what the chains have, to the last digit; nothing is changed by looking."""

import hashlib
import json

import pytest
from eth_utils.crypto import keccak
from manager import FILES, LevelDbState, StateError, open_state

NETWORKS = {"bsc-mainnet": 56, "bsc-testnet": 97, "base-sepolia": 84532} | {
    "optimism-sepolia": 11155420,
    "sapphire-testnet": 23295,
}


@pytest.mark.parametrize("where", NETWORKS)
def test_leveldb_has_what_the_chain_has(lookcoin, rollout, state, where):
    """Every contract of the network: its implementation's hash is that of the code on the chain."""
    chain = lookcoin[where].chain
    opened = open_state(state, "leveldb")
    records = opened.of(NETWORKS[where])
    opened.close()

    assert sorted(records) == sorted(rollout.contracts.inventory[where])
    for name, record in records.items():
        code = chain.request("eth_getCode", [record["address"], "latest"])
        assert record["implementationHash"] == "0x" + keccak(hexstr=code).hex(), name


def test_numbers_survive_leveldb(state, record):
    """BigInts beyond a double's precision come back as they went in."""
    opened = open_state(state, "leveldb")
    opened.put(record)

    assert opened.get(97, "FeeManagerV2") == record
    opened.close()


def test_the_factory_gives_what_the_mode_says(state):
    """Three modes, three managers; another word is refused."""
    kinds = {}
    for mode in ("leveldb", "dual", "json"):
        opened = open_state(state, mode)
        kinds[mode] = (type(opened).__name__, sum(len(opened.of(chain_id)) for chain_id in FILES))
        opened.close()

    assert kinds == {"leveldb": ("LevelDbState", 28), "dual": ("DualState", 28), "json": ("JsonState", 28)}
    (state / "mode").write_text("both\n")
    with pytest.raises(StateError, match="no mode 'both'; there are leveldb, dual, json"):
        open_state(state)


def test_looking_changes_nothing(state, runbook):
    """The analysis opens a copy: every file is as it was."""

    def digests():
        return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (state / "leveldb").iterdir()}

    before = digests()

    said = json.loads(runbook("analyse", state).stdout)

    assert said["which"] == ["31337-LookCoin"]
    assert digests() == before


def test_a_corrupted_entry_in_scope_is_counted(state, runbook):
    """The check that finds none would find one."""
    leveldb = LevelDbState(state / "leveldb")
    leveldb._db.put(b"56-FeeManager", b'{"contractName": "FeeMan')  # noqa: SLF001 - corruption is what managers do not do
    leveldb.close()

    said = json.loads(runbook("analyse", state).stdout)

    assert (said["contracts"], said["corrupted"]) == (27, 1)
    assert "56-FeeManager" in said["which"]
