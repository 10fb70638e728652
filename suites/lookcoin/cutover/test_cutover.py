"""Phase 5: out of dual mode into JSON alone, and every contract still there."""

import json

from eth_utils.crypto import keccak
from manager import JsonState, open_state


def test_the_switch_brings_the_last_writes(state, runbook, record):
    """What LevelDB acknowledged last is in JSON, durable, before JSON is alone."""
    leveldb = open_state(state, "leveldb")
    leveldb.put(record)
    leveldb.close()

    done = runbook("mode", state, "json")

    assert json.loads(done.stdout) == {"mode": "json", "brought": []}
    assert JsonState(state / "deployments").get(97, "FeeManagerV2") == record


def test_every_contract_is_reached_through_json_alone(lookcoin, rollout, state, runbook):
    """Without LevelDB's folder: 28 records, and the code at each of them."""
    assert runbook("mode", state, "json").returncode == 0
    for each in (state / "leveldb").iterdir():
        each.unlink()
    unified = open_state(state)

    seen = 0
    for network, names in rollout.contracts.inventory.items():
        chain = lookcoin[network].chain
        for name in names:
            record = unified.get(rollout.networks[network].chain_id, name)
            code = chain.request("eth_getCode", [record["address"], "latest"])
            assert record["implementationHash"] == "0x" + keccak(hexstr=code).hex()
            seen += 1
    assert seen == 28
