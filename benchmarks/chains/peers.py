"""The same test in other frameworks, each installed by pip into an environment of its own that is thrown away.

No peer compiles here: each takes the artifact's ABI and bytecode, or the bytecode alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chains.sides import OUT, ROOT, clean, command
from pytest_rollout.networks.binary import find

PLAN = """
[rollout]
name = "one"
title = "One"
[networks.devnet]
kind = "anvil"
[contracts]
artifacts = "artifacts"
[stages.beta]
title = "Beta"
network = "devnet"
"""
OURS = """
def test_one(contracts):
    probe = contracts.deploy("Probe", 1)
    assert contracts.send(probe.functions.store(5)).status == 1
    assert probe.functions.number().call() == 5
"""
TITANOBOA = """
import json, re, subprocess
import boa, pytest
from boa.contracts.abi.abi_contract import ABIContractFactory
from boa.network import NetworkEnv
from eth_abi import encode
from eth_account import Account

PROBE = json.load(open("artifacts/Probe.json"))
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

@pytest.fixture(scope="session")
def env():
    node = subprocess.Popen(["anvil", "--port", "0"], stdout=subprocess.PIPE, text=True)
    port = next(found[1] for line in node.stdout if (found := re.search(r"^Listening on \\S+:(\\d+)", line)))
    with boa.swap_env(NetworkEnv.from_url(f"http://127.0.0.1:{port}")):
        boa.env.add_account(Account.from_key(KEY))
        yield boa.env
    node.terminate()
    node.wait()

def test_one(env):
    address, _ = env.deploy(bytecode=bytes.fromhex(PROBE["bytecode"][2:]) + encode(["uint256"], [1]))
    probe = ABIContractFactory("Probe", PROBE["abi"]).at(address)
    probe.store(5)
    assert probe.number() == 5
"""
WAKE = """
import json
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector as selector
from wake.testing import *

PROBE = json.load(open("artifacts/Probe.json"))

@default_chain.connect()
def test_one():
    with default_chain.snapshot_and_revert():
        default_chain.default_tx_account = default_chain.default_call_account = default_chain.accounts[0]
        code = bytes.fromhex(PROBE["bytecode"][2:]) + encode(["uint256"], [1])
        probe = Account(default_chain.deploy(code).address)
        probe.transact(selector("store(uint256)") + encode(["uint256"], [5]))
        assert int.from_bytes(probe.call(selector("number()")), "big") == 5
"""
APE = """
def test_one(accounts, project):
    probe = accounts[0].deploy(project.Probe, 1)
    probe.store(5, sender=accounts[0])
    assert probe.number() == 5
"""
APE_CONFIG = "name: one\nethereum:\n  local:\n    default_provider: foundry\nfoundry:\n  host: auto\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What pip installs, the files of a project with one test, and how that is run."""

    packages: tuple[str, ...]
    files: Mapping[str, str]
    run: tuple[str, ...]


PEERS = {
    "pytest-rollout": Peer(
        packages=(str(ROOT),), files={"rollout.toml": PLAN, "test_one.py": OURS}, run=("pytest", "-q", "test_one.py")
    ),
    "titanoboa": Peer(
        packages=("titanoboa", "pytest"), files={"test_one.py": TITANOBOA}, run=("pytest", "-q", "test_one.py")
    ),
    "wake": Peer(
        # One of its dependencies needs what later setuptools left out.
        packages=("eth-wake", "setuptools<81"),
        files={"tests/test_one.py": WAKE},
        run=("wake", "test", "tests/test_one.py"),
    ),
    "ape": Peer(
        packages=("eth-ape>=0.8.40", "ape-foundry>=0.8.6", "setuptools<81"),
        files={"tests/test_one.py": APE, "ape-config.yaml": APE_CONFIG},
        run=("ape", "test", "-q", "--network", "ethereum:local:foundry"),
    ),
}


def installed(name: str, base: Path) -> Callable[[], None] | str:
    """The side that runs a peer's test, or why there is none here; what is installed in ``base`` already stays."""
    peer, place = PEERS[name], base / name
    python = place / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *peer.packages]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, env=clean())
    if done.returncode != 0:
        return f"{name} cannot be installed here: {done.stderr.strip().splitlines()[-1][:200]}"
    project = place / "project"
    compiled = json.loads((OUT / "Probe.json").read_text())
    files = {
        **peer.files,
        "artifacts/Probe.json": json.dumps(compiled),
        "contracts/Probe.json": json.dumps(
            {
                "contractName": "Probe",
                "abi": compiled["abi"],
                "deploymentBytecode": {"bytecode": compiled["bytecode"]},
                "runtimeBytecode": {"bytecode": compiled["deployedBytecode"]},
            }
        ),
    }
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    anvil, _ = find("devnet", None)
    environment = clean(HOME=str(place), PATH=f"{anvil.parent}:{place / 'venv' / 'bin'}:/usr/bin:/bin")
    run = command([str(python.parent / peer.run[0]), *peer.run[1:]], project, environment)
    try:
        run()  # what it compiles and caches once is not counted
    except SystemExit as error:
        return f"{name} is installed and does not run here: {str(error).strip().splitlines()[-1][:200]}"
    return run
