"""The emergency rollback, drilled on a copy before every phase is left: back to LevelDB, with nothing lost."""

import json
import subprocess
import sys
from pathlib import Path

import manager
from manager import FILES, JsonState, open_state


def test_back_to_leveldb_with_what_json_alone_has_seen(state, runbook, compared, record):
    """A record written, one changed and one removed after the cutover are in LevelDB afterwards."""
    assert runbook("mode", state, "json").returncode == 0
    unified = open_state(state)
    unified.put(record)
    unified.put({**unified.get(56, "FeeManager"), "timestamp": 2**63})
    unified.remove(23295, "SupplyOracle")

    done = runbook("rollback", state)

    assert (done.returncode, json.loads(done.stdout)) == (0, {"brought": 3, "mode": "leveldb"}), done.stderr
    assert compared(state) == (28, {})
    alone = open_state(state)
    assert alone.get(56, "FeeManager")["timestamp"] == 2**63
    assert alone.get(23295, "SupplyOracle") is None
    alone.close()


def test_a_rollback_that_is_killed_is_run_again(state, runbook, compared):
    """It is not done before it says so, and does no harm twice."""
    (state / "mode").write_text("json\n")
    unified = JsonState(state / "deployments")
    for number in range(20):
        unified.put({**unified.get(56, "FeeManager"), "contractName": f"Fee{number}"})
    runner = str(Path(manager.__file__).with_name("runbook.py"))
    process = subprocess.Popen([sys.executable, runner, "rollback", str(state)], stdout=subprocess.DEVNULL)
    process.kill()
    process.wait()
    assert manager.mode_of(state) == "json"

    done = runbook("rollback", state)

    assert (done.returncode, manager.mode_of(state)) == (0, "leveldb")
    assert compared(state) == (48, {})


def test_a_rollback_from_broken_json_is_refused(state, runbook):
    """It says what is broken, and nothing is taken as rolled back; LevelDB keeps its 28."""
    (state / "mode").write_text("json\n")
    (state / "deployments" / "bscmainnet.json").write_text("{")

    done = runbook("rollback", state)

    assert done.returncode == 1
    assert "FAILED: bscmainnet.json: is no JSON" in done.stderr
    assert manager.mode_of(state) == "json"
    alone = open_state(state, "leveldb")
    assert sum(len(alone.of(chain_id)) for chain_id in FILES) == 28
    alone.close()
