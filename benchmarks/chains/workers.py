"""Isolated tests as pytest runs them: through the fixture over raw JSON-RPC, and two workers over one."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.chains.sides import OUT, Figures, alternate, both, clean, command
from pytest_rollout.networks.binary import find

MOST, LEAST = 1.5, 1.6
FEW, MANY = 200, 2000
ROUNDS, ROUNDS_OF_MANY = 9, 3

PLAN = """
[rollout]
name = "many"
title = "Many"
[networks.devnet]
kind = "anvil"
binary = "{anvil}"
[contracts]
artifacts = "artifacts"
[stages.beta]
title = "Beta"
network = "devnet"
"""
OURS = """
import pytest

@pytest.fixture(scope="session")
def probes(contracts):
    return [contracts.deploy("Probe", 1, as_=f"Probe{number}") for number in range(5)]

@pytest.mark.parametrize("number", range(COUNT))
def test_isolated(contracts, probes, number):
    for each in probes:
        assert contracts.send(each.functions.store(5)).status == 1
    assert [each.functions.number().call() for each in probes[:3]] == [5, 5, 5]
"""
RAW = """
import json, pytest
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain

STORE = "0x6057361d" + f"{5:064x}"
NUMBER = "0x8381f58a"

@pytest.fixture(scope="session")
def chain():
    chain = AnvilChain(Network(name="devnet", kind=NetworkKind.ANVIL, binary="PROGRAM"))
    yield chain
    chain.close()

@pytest.fixture(scope="session")
def ask(chain):
    return lambda method, *params: chain._connection.call(method, params)["result"]

@pytest.fixture(scope="session")
def probes(chain, ask):
    code = json.load(open("artifacts/Probe.json"))["bytecode"] + f"{1:064x}"
    sent = [{"from": chain.accounts.default, "data": code}] * 5
    return [ask("eth_sendTransactionSync", each)["contractAddress"] for each in sent]

@pytest.fixture
def isolated(probes, ask):
    snapshot = ask("evm_snapshot")
    yield
    ask("evm_mine")
    assert ask("evm_revert", snapshot)
    ask("anvil_dropAllTransactions")

@pytest.mark.parametrize("number", range(COUNT))
def test_isolated(isolated, chain, ask, probes, number):
    sender = chain.accounts.default
    for each in probes:
        assert ask("eth_sendTransactionSync", {"from": sender, "to": each, "data": STORE})["status"] == "0x1"
    assert [int(ask("eth_call", {"to": each, "data": NUMBER}, "latest"), 16) for each in probes[:3]] == [5, 5, 5]
"""


def workers(figures: Figures) -> None:
    """200 tests against the same in raw JSON-RPC, then 2,000 with two workers against one."""
    anvil = find("devnet", None)[0]
    with tempfile.TemporaryDirectory() as folder:
        projects = {}
        for name, text in (("ours", OURS), ("raw", RAW)):
            projects[name] = Path(folder) / name
            projects[name].mkdir()
            shutil.copytree(OUT, projects[name] / "artifacts")
            (projects[name] / "rollout.toml").write_text(PLAN.format(anvil=anvil))
            for count in (FEW, MANY):
                made = text.replace("COUNT", str(count)).replace("PROGRAM", str(anvil))
                (projects[name] / f"test_{count}.py").write_text(made)

        def run(name: str, count: int, *arguments: str) -> object:
            off = [] if name == "ours" else ["-p", "no:rollout"]
            pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *off, *arguments]
            return command([*pytest, f"test_{count}.py"], projects[name], clean())

        costs = alternate(ROUNDS, ours=run("ours", FEW), raw=run("raw", FEW))  # type: ignore[arg-type]
        what, ours, raw = f"{FEW} tests through the fixture over raw", costs["ours"], costs["raw"]
        figures.at_most(what, ours.wall / raw.wall, MOST, note=both(ours, raw))

        names = [(name, count) for name in ("ours", "raw") for count in ("1", "2")]
        sides = {f"{name}{count}": run(name, MANY, "-n", count) for name, count in names}
        costs = alternate(ROUNDS_OF_MANY, **sides)  # type: ignore[arg-type]
        one, two = costs["ours1"], costs["ours2"]
        bare = costs["raw1"].wall / costs["raw2"].wall
        cpu = f"CPU {one.cpu:.1f} s and {two.cpu:.1f}"
        note = f"{one.wall:.1f} s with one worker, {two.wall:.1f} with two; {cpu}; raw reaches {bare:.2f} x"
        figures.at_least(f"{MANY} tests, -n 2 faster than -n 1", one.wall / two.wall, LEAST, note=note)
