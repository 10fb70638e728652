"""Phase 4: cycles on the JSON backend, and everything that happens to files."""

import subprocess
import sys
from pathlib import Path

import manager
import pytest
from manager import FILES, JsonState, StateError, open_state

from pytest_rollout import RolloutError

HERE = Path(manager.__file__).parent
NETWORKS = {97: "bsc-testnet", 84532: "base-sepolia", 11155420: "optimism-sepolia"}


@pytest.mark.parametrize("chain_id", NETWORKS)
def test_deploy_setup_and_configure(lookcoin, state, record, chain_id):
    """A module is deployed, recorded, found by its record, and set up through it, network by network."""
    book = lookcoin[NETWORKS[chain_id]]
    unified = JsonState(state / "deployments")
    admin = book.chain.accounts["admin"]
    behind = book.deploy("SupplyOracle", as_="OracleV2Implementation")
    data = behind.encode_abi("initialize", [admin, 10**27])
    proxy = book.deploy("Proxy", behind.address, data, as_="OracleV2Proxy")
    unified.put(
        {**record, "contractName": "OracleV2", "chainId": chain_id, "networkName": FILES[chain_id]}
        | {
            "address": behind.address,
            "proxyAddress": proxy.address,
        }
    )

    oracle = book.at("SupplyOracle", JsonState(state / "deployments").get(chain_id, "OracleV2")["proxyAddress"])
    book.send(oracle.functions.pause(), sender="admin")

    assert oracle.functions.paused().call() is True
    assert oracle.functions.totalExpected().call() == 10**27


def test_a_corrupt_file_is_told_and_comes_back_from_leveldb(state, compared):
    """Half a file is never half an answer; dual mode has the other copy."""
    file = state / "deployments" / "basesepolia.json"
    file.write_text(file.read_text()[:500])
    with pytest.raises(StateError, match=r"basesepolia\.json: is no JSON"):
        JsonState(state / "deployments").of(84532)
    file.unlink()

    open_state(state).close()

    assert compared(state) == (28, {})


def test_a_file_of_another_chain_is_refused(state):
    """Two files that claim one chain id are one too many."""
    file = state / "deployments" / "basesepolia.json"
    file.write_text(file.read_text().replace("84532", "11155420"))

    with pytest.raises(StateError, match="says chain id 11155420, not 84532"):
        JsonState(state / "deployments").of(84532)


def test_lost_permissions_are_told_and_nothing_is_half_written(state, compared):
    """A process without rights to the folder, the drill's user being nobody where this one is root."""
    drill = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import manager\n"
        "state = manager.JsonState(Path(sys.argv[2])); record = state.get(56, 'FeeManager')\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: state.put({**record, 'timestamp': 1})\n"
        "except manager.StateError as error: print(error)\n"
    )
    folder = state / "deployments"
    folder.chmod(0o555)
    try:
        command = [sys.executable, "-c", drill, str(HERE), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        folder.chmod(0o755)

    assert "bscmainnet.json: cannot be written: Permission denied" in done.stdout + done.stderr or (
        "deployments: cannot be opened: Permission denied" in done.stdout
    ), done.stderr
    assert compared(state) == (28, {})


def test_what_a_killed_write_left_is_told_and_cleaned(state, compared):
    """The comparison lists it, the manager removes it."""
    left = state / "deployments" / "bscmainnet.json.tmp"
    left.write_text("{")
    assert compared(state) == (28, {"leftovers": 1})

    open_state(state).close()

    assert not left.exists()
    assert compared(state) == (28, {})


def test_a_deployment_that_fails_records_nothing(lookcoin, state, compared):
    """What the chain refuses leaves no record behind."""
    book, unified = lookcoin["bsc-testnet"], JsonState(state / "deployments")

    with pytest.raises(RolloutError):
        unified.put({"contractName": "X", "chainId": 97, "address": book.deploy("Proxy", "0x" + "0" * 40, b"").address})

    assert compared(state) == (28, {})


def test_chains_out_of_scope_are_refused(state, record):
    """31337 is nobody's network."""
    with pytest.raises(StateError, match="chain id 31337 is no network in scope"):
        JsonState(state / "deployments").put({**record, "chainId": 31337})
