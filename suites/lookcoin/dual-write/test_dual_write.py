"""Phase 2: what is written goes to both backends or to none; a kill between the two is recovered from."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import manager
import pytest
from manager import FILES, JsonState, LevelDbState, StateError, open_state

REPETITIONS = 12


def test_operations_end_in_both(state, compared, record):
    """Written, changed and removed records; who reads the files themselves finds both the same."""
    dual = open_state(state)
    dual.put(record)
    dual.put({**record, "chainId": 56, "networkName": "bscmainnet"})
    dual.put({**record, "timestamp": record["timestamp"] + 1})
    dual.remove(56, "FeeManagerV2")
    dual.close()

    assert compared(state) == (29, {})
    assert JsonState(state / "deployments").get(97, "FeeManagerV2")["timestamp"] == record["timestamp"] + 1


@pytest.mark.parametrize("side", ["leveldb", "json"])
def test_a_write_that_reached_one_side_only_is_found(state, compared, record, side):
    """The comparison would see it."""
    one = open_state(state, side)
    one.put(record)
    one.close()

    assert compared(state) == (28, {"only_left" if side == "leveldb" else "only_right": 1})


@pytest.mark.parametrize("side", ["leveldb", "json"])
def test_a_difference_is_settled_when_dual_mode_opens(state, compared, record, side):
    """LevelDB decides: what it has is brought to JSON, what it never acknowledged is undone."""
    one = open_state(state, side)
    one.put(record)
    one.close()

    open_state(state, "dual").close()

    assert compared(state) == (29 if side == "leveldb" else 28, {})


def test_a_kill_between_the_two_writes_is_recovered_from(state, compared):
    """A writer is killed wherever it is, three times over; each time both sides agree after the next start."""
    writer = (
        "import sys, itertools; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import manager\n"
        "state = manager.open_state(Path(sys.argv[2])); record = state.get(56, 'LookCoin')\n"
        "print('ready', flush=True)\n"
        "for n in itertools.count(): state.put({**record, 'timestamp': n})\n"
    )
    here = str(Path(manager.__file__).parent)
    for round_ in range(3):
        process = subprocess.Popen([sys.executable, "-c", writer, here, str(state)], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.03 + 0.017 * round_)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        open_state(state).close()
        assert compared(state) == (28, {})


def test_an_error_on_one_side_undoes_the_other(state, compared, record):
    """JSON that cannot be written makes the write fail as a whole."""
    broken = state / "deployments" / "bsctestnet.json"
    kept = broken.read_text()
    dual = open_state(state)
    broken.write_text("{")
    with pytest.raises(StateError, match=r"bsctestnet\.json: is no JSON"):
        dual.put(record)
    broken.write_text(kept)
    dual.close()

    assert compared(state) == (28, {})


def test_rollback_is_leaving_dual_mode(state, runbook, record):
    """LevelDB goes on alone, with everything that was written in both."""
    dual = open_state(state)
    dual.put(record)
    dual.close()
    assert runbook("mode", state, "leveldb").returncode == 0

    alone = open_state(state)
    assert isinstance(alone, LevelDbState)
    assert sum(len(alone.of(chain_id)) for chain_id in FILES) == 29
    alone.close()


def test_deployments_are_hardly_slower(lookcoin, state, record, measure, evidence):
    """Deployments with and without dual writes take turns; the ratio of their medians is the criterion's."""
    book, chain = lookcoin["bsc-mainnet"], lookcoin["bsc-mainnet"].chain
    times = {"leveldb": [], "dual": []}
    for number in range(REPETITIONS):
        for mode, kept in times.items():
            opened = open_state(state, mode)
            started = time.perf_counter_ns()
            name = f"Oracle{mode}{number}"
            behind = book.deploy("SupplyOracle", as_=f"{name}Implementation")
            data = behind.encode_abi("initialize", [chain.accounts["admin"], 10**18])
            proxy = book.deploy("Proxy", behind.address, data, as_=f"{name}Proxy")
            opened.put({**record, "contractName": name, "address": behind.address, "proxyAddress": proxy.address})
            kept.append(time.perf_counter_ns() - started)
            opened.close()
    medians = {mode: median(kept) for mode, kept in times.items()}

    evidence.json("milliseconds of a deployment", {mode: round(each / 1e6, 2) for mode, each in medians.items()})
    measure("dual_write", round(medians["dual"] / medians["leveldb"], 4))
