"""What became of transactions, as criteria of a gate: success by what was submitted, gas, time to be final."""

from __future__ import annotations

from pathlib import Path

METRICS = """
[metrics.tx_success]
unit = "ratio"
[metrics.gas]
unit = "gas"
[metrics.confirmation]
unit = "s"
[stages.alpha]
title = "Alpha"
network = "local"
"""
CRITERIA = """
[[stages.alpha.criteria]]
name = "transactions succeed"
metric = "tx_success"
promote = "> 90 %"
[[stages.alpha.criteria]]
name = "gas of a transaction"
metric = "gas"
promote = "< 100k gas"
[[stages.alpha.criteria]]
name = "time to be final"
metric = "confirmation"
promote = "< 1h"
"""
SUITE = """
def test_transactions_become_what_they_become(network, contracts, measure, evidence):
    probe = contracts.Probe
    transactions = contracts.transactions(finality=1, within=0.2)
    for number in range(5):
        transactions.submit(probe.functions.store(number), sender="user", gas=100_000)
    transactions.submit(probe.functions.refuse(0), sender="other", gas=100_000)
    network.mine()
    network.request("evm_setAutomine", [False])
    transactions.submit(probe.functions.store(9), sender="admin", gas=100_000)

    made = transactions.settle()

    measure("tx_success", **transactions.counts())
    for each in made:
        if each.gas_used is not None:
            measure("gas", each.gas_used, unit="gas")
        if each.seconds is not None:
            measure("confirmation", each.seconds, unit="s")
    evidence.json("transactions", [[each.outcome.value, each.reason] for each in made])
"""


def test_outcomes_are_criteria_of_a_gate(chain_project, tmp_path: Path) -> None:
    """Rule 19: a reverted one and one that nobody mined are in the total; gas and time come with those included."""
    project = chain_project(tmp_path, "anvil", {"suites/test_x.py": SUITE})
    plan = (project.folder / "rollout.toml").read_text()
    project.write({"rollout.toml": plan.partition("[stages.alpha]")[0] + METRICS + CRITERIA})
    project.commit()

    ran = project.pytest("--stage=alpha", "--rollout-formats=")

    found = {f["title"]: f for f in ran.judgement["findings"] if f["kind"] == "criteria"}
    assert found["transactions succeed"]["outcome"] == "fail"
    assert "of 7" in found["transactions succeed"]["measured"]
    assert found["gas of a transaction"]["outcome"] == "pass"
    assert found["time to be final"]["outcome"] == "pass"
    assert ran.status == 10
