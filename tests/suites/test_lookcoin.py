"""LookCoin's suite: 28 contracts on five chains and in two stores; each phase judged, and what must hold it, holds it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_rollout.core.outcome import Outcome

SUITES = Path(__file__).parents[2] / "suites"
MEASURED = '["${LOOKCOIN_PYTHON:-python3}", "runbook.py", "measure", "."]'
TIMED = re.compile(
    r'\["\$\{LOOKCOIN_PYTHON:-python3\}", "runbook.py", "(?:time|hold)", "\.", "(leveldb|json)"(?:, "[a-z]+")?\]'
)
TIMES = {"leveldb": 10, "json": 15}
FIGURES = {
    "repetitions": 60,
    "ratios": {"read": 1.3, "query": 0.2, "write": 1.5},
    "leveldb_us": {"read": 3.1, "query": 28.0, "write": 5000.5},
    "memory": 0.98,
}
"""What a quiet machine measures; how fast this one is says nothing about the suite."""


@pytest.fixture
def lookcoin(copied):
    """The suite with the anvil of this repository beside it, figures of a quiet machine, and a mode."""
    copy = copied("lookcoin")
    (copy.project.folder / "node_modules").symlink_to(SUITES.parent / "node_modules")
    copy.project.environment["LOOKCOIN_PYTHON"] = sys.executable
    copy.project.write({"suites/lookcoin/measured.json": json.dumps(FIGURES)})
    copy.change(("rollout.toml", MEASURED, '["cat", "measured.json"]'), ("rollout.toml", '"< 1.5"', '"< 1000"'))
    plan = "suites/lookcoin/rollout.toml"
    text = TIMED.sub('["cat", "\\1.json"]', (copy.project.folder / plan).read_text())
    copy.project.write(
        {plan: text}
        | {f"suites/lookcoin/{backend}.json": f'{{"us": {us}, "bytes": {us}}}' for backend, us in TIMES.items()}
    )
    copy.project.commit()
    return copy


def mode(copy, name: str) -> None:
    if (copy.project.folder / "suites/lookcoin/mode").read_text().strip() != name:
        copy.project.write({"suites/lookcoin/mode": f"{name}\n"})
        copy.project.commit()


def stopped(judged) -> dict[str, str]:
    """What stands in the way, by its title."""
    return {
        each["title"]: each["measured"]
        for each in judged.findings
        if each["required"] and each["outcome"] not in {Outcome.PASS, Outcome.PENDING}
    }


def report(copy) -> str:
    command = [sys.executable, "suites/lookcoin/report.py"]
    done = subprocess.run(command, cwd=copy.project.folder, capture_output=True, text=True, check=True)
    return done.stdout


PHASES = {"validation": "leveldb", "dual-write": "dual", "migration": "dual", "json": "dual", "cutover": "json"}


def test_the_five_phases_are_promoted_and_the_report_says_no_more(lookcoin):
    """28 of 28 on the chains and in the stores, dual writes and damage drilled; what nobody judged is not claimed."""
    for stage, its in PHASES.items():
        mode(lookcoin, its)
        lookcoin.tick_all(stage)
        judged = lookcoin.judge(stage)

        assert (judged.verdict, stopped(judged)) == ("promote", {}), stage
        listed = [each for each in judged.findings if each["kind"] == "inventory"]
        assert (len(listed), {each["outcome"] for each in listed}) == (28, {"pass"}), stage
        lookcoin.promote(stage)
        if stage == "dual-write":
            assert judged.finding("killed between the two writes")["measured"].startswith("2 kills, 2 between the two")
            halfway = report(lookcoin)

    said = report(lookcoin)
    for line in (
        "- Migration Status: NOT COMPLETE",
        "- Data Integrity: not judged",
        "- Phase 2 (Dual-Write): promote, ",
        "- Phase 3 (Data Migration): not judged",
        "- judge cutover: pytest --stage=lookcoin:cutover",
    ):
        assert line in halfway, halfway
    for line in (
        "- Migration Status: NOT COMPLETE",
        "- Data Integrity: 28 of 28 records the same, 1 set aside",
        "- System Availability: not judged",
        "- Phase 1 (Pre-Migration): promote, ",
        "- Phase 5 (Cutover): promote, ",
        "- Post-Migration Watch: not judged",
        "- Contracts Migrated: 28/28",
        "- Networks Validated: 5/5",
        "- Performance Impact, reads: 1.50x ",
        "- judge watch: pytest --stage=lookcoin:watch",
    ):
        assert line in said, said


def test_what_is_lost_or_changed_is_named(lookcoin):
    """26 of 28 is not 28: records dropped, another timestamp, unknown contracts, wrong addresses, slow JSON, no dual mode."""
    oracle, module = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707", "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"
    name = "suites/lookcoin/deployments/bsctestnet.json"
    document = json.loads((lookcoin.project.folder / name).read_text())
    for contract, category in (("MinimalTimelock", "legacy"), ("HyperlaneModule", "protocol")):
        del document["contracts"][category][contract]
        del document["verification"]["implementationHashes"][contract]
        del document[f"extended_{contract}"]
    document["extended_LookCoin"]["timestamp"] += 1
    lookcoin.project.write({name: json.dumps(document), "suites/lookcoin/json.json": '{"us": 21, "bytes": 10}'})
    lookcoin.change(
        ("rollout.toml", '"SecurityManager",', '"SecurityManager", "SafetyManager",'),
        ("deployments/basesepolia.json", oracle, "0x000000000000000000000000000000000000bEEF"),
        ("deployments/optimismsepolia.json", module, oracle),
    )

    judged = lookcoin.judge("migration")

    wrong = {
        each["item"].rpartition("::")[2]: each["outcome"]
        for each in judged.findings
        if each["kind"] == "inventory" and each["outcome"] != Outcome.PASS
    }
    found = stopped(judged)
    compared = found["LevelDB against JSON"]
    assert judged.status == 10
    assert wrong == {
        "bsc-mainnet.SafetyManager": "not_run",
        "bsc-testnet.SafetyManager": "not_run",
        "bsc-testnet.MinimalTimelock": "not_run",
        "bsc-testnet.HyperlaneModule": "not_run",
        "base-sepolia.SupplyOracle": "fail",
        "optimism-sepolia.LayerZeroModule": "fail",
    }
    for said in (
        "2 of the inventory missing: 56/SafetyManager, 97/SafetyManager",
        "2 only in leveldb: 97/HyperlaneModule, 97/MinimalTimelock",
        "97/LookCoin (timestamp)",
        "23 of 28 records the same",
    ):
        assert said in compared
    assert "dual" in found["the mode is dual"]
    assert "2.10x" in found["JSON reads"]
    assert not {"JSON writes", "JSON queries"} & found.keys()
    assert "- Contracts Migrated: not all of 30" in report(lookcoin)
