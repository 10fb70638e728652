"""What a judgement says of contracts on a chain that ends with its run, and what a promotion compares (rules 22, 35)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import operations
from pytest_rollout.contracts.digest import keccak
from pytest_rollout.core.errors import Refused
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.subject import Deployed, Subject
from pytest_rollout.operations import Workspace
from pytest_rollout.runner.judged import _on_own_chain

ARTIFACTS = Path(__file__).parents[1] / "contracts" / "artifacts" / "out" / "hardhat"
PLAN = """
[rollout]
name = "toy"

[networks.local]
kind = "tester"

[contracts]
artifacts = "build"

[stages.alpha]
network = "local"

[stages.alpha.contracts.Roles]
roles = { PAUSER_ROLE = ["admin"] }

[stages.beta]
"""
CONFTEST = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def deployed(contracts, network):
    contracts.deploy("Roles", network.accounts["admin"])
"""


@pytest.fixture(scope="module")
def template(make_project: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = make_project(tmp_path_factory.mktemp("own"))
    (project.folder / "build").mkdir()
    shutil.copy(ARTIFACTS / "Roles.json", project.folder / "build")
    files = {"conftest.py": CONFTEST, "suites/beta/test_b.py": "def test_b():\n    assert True\n"}
    project.write({"rollout.toml": PLAN} | files)
    (project.folder / ".gitignore").write_text(".home/\n.rollout/\nreports/\nbuild/\n__pycache__/\n")
    project.git("init", "-q")
    return project.commit()


@pytest.fixture
def project(template: Any, tmp_path: Path) -> Any:
    shutil.copytree(template.folder, tmp_path / "project", symlinks=True)
    shutil.rmtree(tmp_path / "project" / ".home")
    return type(template)(tmp_path / "project")


def test_the_code_of_declared_contracts_is_of_the_subject_and_a_promotion_names_what_moved(project: Any) -> None:
    """What stood there as the run saw it, and what the artifacts put there as the supervisor read them."""
    ran = project.pytest("--stage=alpha", "--rollout-formats=")
    subject = ran.judgement["subject"]
    artifact = project.folder / "build" / "Roles.json"
    runtime = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"].removeprefix("0x"))
    code_hash = f"0x{keccak(runtime).hex()}"

    assert ran.judgement["verdict"] == "promote", ran.says
    assert {name: each["code_hash"] for name, each in subject["contracts"].items()} == {"Roles": code_hash}
    assert subject["artifacts"] == {"Roles": code_hash}

    recompiled = json.loads(artifact.read_text())
    recompiled["deployedBytecode"] += "00"
    artifact.write_text(json.dumps(recompiled))
    workspace = Workspace.at(project.folder, environment={})
    with pytest.raises(Refused) as refusal:
        operations.promote(workspace, "alpha", person="Ann", now=datetime.now(UTC))
    assert f"the code of 1 contract moved since the judgement: Roles {code_hash[:19]} to 0x" in str(refusal.value)


SUBJECT = Subject(commit="", committed=True, plan_digest="", suite_digest="", packages_digest="", network_kind="tester")
ONE, OTHER = (Deployed(address=f"0x{number}", code_hash=f"0xc{number}") for number in (1, 2))


def evidence(**by_process: dict[str, Deployed]) -> Evidence:
    found = Evidence()
    for process, contracts in by_process.items():
        event = {"e": "deployed", "contracts": {name: each.document() for name, each in contracts.items()}}
        found.fold(event | {"p": process, "n": 0})
    return found


def test_the_first_worker_that_tells_of_a_contract_is_heard() -> None:
    """Each worker has a chain of its own; whichever came first in time, the judgement is the same."""
    told = {"gw0": {"A": ONE}, "gw1": {"A": OTHER, "B": OTHER}}
    backwards = dict(reversed(told.items()))

    assert _on_own_chain(SUBJECT, evidence(**told)).contracts == {"A": ONE, "B": OTHER}
    assert _on_own_chain(SUBJECT, evidence(**backwards)).contracts == {"A": ONE, "B": OTHER}


@pytest.mark.parametrize("kind", ["rpc", "fork", ""])
def test_of_a_real_chain_a_run_tells_nothing(kind: str) -> None:
    """There the supervisor looks, and what project code says of it is not heard."""
    assert _on_own_chain(replace(SUBJECT, network_kind=kind), evidence(main={"A": ONE})).contracts == {}
