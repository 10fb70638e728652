"""Phase 3: the bulk migration run anew, and a deployment on JSON; several writers at once lose nothing."""

import json
import subprocess
import sys
from pathlib import Path

import manager
from manager import JsonState, LevelDbState, open_state

HERE = Path(manager.__file__).parent


def test_the_bulk_migration_gives_the_committed_files(state, runbook, compared, tmp_path):
    """28 of 28, byte for byte, and again; the corrupted chain is not among them."""
    target = tmp_path / "fresh"
    for _ in range(2):
        done = runbook("migrate", state, target)
        assert (done.returncode, json.loads(done.stdout)) == (0, {"migrated": 28}), done.stderr

    files = sorted(each.name for each in target.iterdir())
    assert files == sorted(f"{name}.json" for name in manager.FILES.values())
    for name in files:
        assert (target / name).read_bytes() == (HERE / "deployments" / name).read_bytes()
    assert compared(state) == (28, {})


def test_a_record_that_cannot_be_read_stops_the_migration(state, runbook, tmp_path):
    """Nothing is skipped on the way to 27 of 28."""
    leveldb = LevelDbState(state / "leveldb")
    leveldb._db.put(b"97-HyperlaneModule", b"{")  # noqa: SLF001 - corruption is what managers do not do
    leveldb.close()

    done = runbook("migrate", state, tmp_path / "fresh")

    assert done.returncode == 1
    assert "FAILED: 97-HyperlaneModule: is no JSON" in done.stderr


def test_a_deployment_is_found_again_on_json(lookcoin, state, record):
    """Deployed on the chain, recorded by JSON alone, and read back by a manager that knows nothing of it."""
    book = lookcoin["bsc-testnet"]
    behind = book.deploy("FeeManager", as_="FeeManagerV2")
    JsonState(state / "deployments").put({**record, "address": behind.address})

    found = JsonState(state / "deployments").get(97, "FeeManagerV2")

    assert book.chain.request("eth_getCode", [found["address"], "latest"]) != "0x"
    assert found["deploymentArgs"][0] == 2**200 + 1


def test_writers_at_the_same_time_lose_nothing(state):
    """Four processes write ten records each to one file."""
    writer = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import manager\n"
        "state = manager.JsonState(Path(sys.argv[2])); record = state.get(56, 'FeeManager')\n"
        "for n in range(10): state.put({**record, 'contractName': f'Fee{sys.argv[3]}{n}'})\n"
    )
    command = [sys.executable, "-c", writer, str(HERE), str(state / "deployments")]
    processes = [subprocess.Popen([*command, name]) for name in "ABCD"]

    assert [each.wait(timeout=60) for each in processes] == [0] * 4
    assert len(JsonState(state / "deployments").of(56)) == 9 + 40


def test_dual_mode_stays_open_while_others_read_json(state):
    """LevelDB has one owner; JSON is read beside it."""
    dual = open_state(state)

    assert len(JsonState(state / "deployments").of(56)) == 9
    dual.close()
