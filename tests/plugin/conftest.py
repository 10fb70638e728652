"""Projects with a chain and a contract, and what each test of an ordinary run came to."""

from __future__ import annotations

import platform
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
ANVIL = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{MACHINE}" / "bin" / "anvil"
ARTIFACTS = ROOT / "tests" / "contracts" / "artifacts" / "out" / "hardhat"

PLAN = """
[rollout]
name = "toy"
title = "Toy"

[networks.local]
{network}

[networks.spare]
{network}

[contracts]
artifacts = "contracts"

[flags.values]
transfers = true

[metrics.settled]
unit = "ratio"

[metrics.latency]
unit = "ms"

[stages.alpha]
title = "Alpha"
network = "local"
{alpha}
[stages.beta]
title = "Beta"
network = "local"
"""
NETWORKS = {"tester": 'kind = "tester"', "anvil": f'kind = "anvil"\nbinary = "{ANVIL}"'}
DEPLOYED = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def probe(contracts):
    return contracts.deploy("Probe", 1)
"""


@dataclass(frozen=True, kw_only=True)
class Came:
    """How one test of an ordinary run came out, and what it said."""

    outcome: str
    text: str


@pytest.fixture(scope="session")
def chain_project(make_project: Callable[[Path], Any]) -> Callable[..., Any]:
    """``chain_project(folder, "anvil", {...})``: a project whose stage alpha has a chain of that kind."""

    def make(folder: Path, kind: str, files: dict[str, str], alpha: str = "") -> Any:
        project = make_project(folder)
        shutil.copytree(ARTIFACTS, project.folder / "contracts")
        plan = PLAN.format(network=NETWORKS[kind], alpha=alpha)
        return project.write({"rollout.toml": plan, "conftest.py": DEPLOYED, **files})

    return make


@pytest.fixture(scope="session")
def outcomes() -> Callable[..., dict[str, Came]]:
    """``outcomes(project, …)`` runs pytest without a stage and tells how each test came out, by its name."""

    def run(project: Any, *arguments: str, env: dict[str, str] | None = None) -> dict[str, Came]:
        report = project.folder / "reports" / "ordinary.xml"
        ran = project.pytest("-p", "no:cacheprovider", f"--junitxml={report}", *arguments, env=env)
        assert report.is_file(), ran.out + ran.err
        assert ran.verdict is None
        return {case.get("name", ""): _came(case) for case in ET.parse(report).iter("testcase")}

    return run


def _came(case: ET.Element) -> Came:
    troubles = [child for child in case if child.tag in {"failure", "error", "skipped"}]
    if not troubles:
        return Came(outcome="passed", text="")
    return Came(outcome=troubles[0].tag, text="\n".join(child.text or child.get("message", "") for child in troubles))
