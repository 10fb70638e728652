"""One drill of one gate on a real anvil, with items that notice and items that are vacuous on purpose."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.faults.drilled import Drilled

ROOT = Path(__file__).parents[2]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
ANVIL = ROOT / "node_modules" / "@foundry-rs" / f"anvil-{sys.platform}-{MACHINE}" / "bin" / "anvil"
ARTIFACTS = ROOT / "tests" / "contracts" / "artifacts" / "out" / "hardhat"

PLAN = f"""
[rollout]
name = "toy"

[networks.local]
kind = "anvil"
binary = "{ANVIL}"

[contracts]
artifacts = "contracts"

[flags]
provider = "flagd:flags.json"

[metrics.settled]
unit = "ratio"
source = "recorded"
path = "settled.csv"
good = "good"
total = "total"

[metrics.queue]
unit = "count"
source = "http"
url = "${{API}}/queue"
query = "length"

[services.api]
url = "${{API}}"

[stores.before]
kind = "ndjson"
path = "before.ndjson"

[stores.after]
kind = "ndjson"
path = "after.ndjson"

[engines]
reference = "engines.py:Engine"
candidate = "engines.py:Other"

[stages.alpha]
network = "local"
drilled = {{ score = "100 %" }}

[stages.alpha.flags]
transfers = true

[stages.alpha.contracts.Probe]
paused = false
owner = "deployer"
calls = {{ number = 1 }}

[stages.alpha.contracts.Roles]
artifact = "Roles"
roles = {{ PAUSER_ROLE = ["deployer"] }}

[[stages.alpha.criteria]]
name = "settles"
metric = "settled"
promote = "> 10 %"

[[stages.alpha.criteria]]
name = "queue"
metric = "queue"
promote = "< 10"

[[stages.alpha.stores]]
name = "same"
left = "before"
right = "after"
key = ["id"]

[[stages.alpha.stores]]
name = "readable"
left = "after"
key = ["id"]

[[stages.alpha.endpoints]]
name = "fast"
service = "api"
path = "/health"
p95 = "< 500 ms"

[[stages.alpha.endpoints]]
name = "alive"
service = "api"
path = "/health"

[[stages.alpha.commands]]
name = "ok"
run = ["true"]

[stages.alpha.engines]
golden = "golden.json"

[stages.beta]
"""
SUITE = """
def test_it_is_not_paused(contracts):
    assert contracts.Probe.functions.paused().call() is False

def test_nothing():
    assert True
"""
CONFTEST = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def probes(contracts, network):
    contracts.deploy("Probe", 1)
    contracts.deploy("Roles", network.accounts["deployer"])
"""
ENGINES = """
class Engine:
    def verify_block(self, block):
        return True

    def double(self, number):
        return number * 2


class Other(Engine):
    pass
"""
GOLDEN = [{"name": "two", "call": "double", "input": 1, "expected": 2}]
FLAGS = {"flags": {"transfers": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}}}


class Api(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        body = b'{"length": 3}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, kw_only=True)
class Promoted(Drilled):
    """How promotions before and after the drill ended, and the ledger."""

    before: str
    after: str
    shown: str


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory, make_bare: Any, api: str) -> Promoted:
    project = make_bare(tmp_path_factory.mktemp("drill"))
    project.environment["API"] = api
    shutil.copytree(ARTIFACTS, project.folder / "contracts")
    now = datetime.now(UTC).replace(microsecond=0)
    rows = "".join(f"{(now + timedelta(seconds=n)).isoformat()},10,10\n" for n in range(-300, 600))
    project.write(
        {
            "rollout.toml": PLAN,
            "conftest.py": CONFTEST,
            "suites/test_gate.py": SUITE,
            "engines.py": ENGINES,
            "golden.json": json.dumps(GOLDEN),
            "flags.json": json.dumps(FLAGS),
            "settled.csv": "time,good,total\n" + rows,
            "before.ndjson": '{"id": 1}\n{"id": 2}\n',
            "after.ndjson": '{"id": 1}\n{"id": 2}\n',
        }
    )
    assert project.rollout("init").status == 0
    project.commit()
    judged = project.pytest("--stage=alpha", "--rollout-formats=")
    assert judged.judgement["verdict"] == "promote", judged.says
    before = project.rollout("promote", "alpha")
    drilled = Drilled.of(project, "alpha")
    after = project.rollout("promote", "alpha")
    shown = project.rollout("ledger", "show").out
    return Promoted(**vars(drilled), before=before.err, after=after.err, shown=shown)


@pytest.mark.parametrize(
    ("fault", "item"),
    [
        ("contract-state", "Probe.paused"),
        ("contract-state", "Probe.owner"),
        ("contract-state", "Probe.calls.number"),
        ("contract-state", "Roles.artifact"),
        ("contract-state", "Roles.roles.PAUSER_ROLE"),
        ("contract-code", "::Roles"),
        ("wrong-chain", "network::local"),
        ("flag-flipped", "flags::transfers"),
        ("metric-down", "criteria::settles"),
        ("metric-nan", "criteria::settles"),
        ("metric-stale", "criteria::settles"),
        ("metric-down", "criteria::queue"),
        ("metric-nan", "criteria::queue"),
        ("metric-stale", "criteria::queue"),
        ("engine-missing", "engines::golden"),
        ("record-dropped", "stores::same"),
        ("metric-empty", "criteria::settles"),
        ("metric-empty", "criteria::queue"),
        ("service-down", "endpoints::fast"),
        ("service-down", "endpoints::alive"),
        ("service-500", "endpoints::fast"),
        ("service-500", "endpoints::alive"),
        ("service-slow", "endpoints::fast"),
        ("command-fails", "commands::ok"),
        ("item-removed", " items"),
    ],
)
def test_an_item_that_looks_notices_its_fault(drilled: Promoted, fault: str, item: str) -> None:
    assert drilled.came(fault, item) == "noticed", drilled.why(fault, item)


@pytest.mark.parametrize(
    ("fault", "item", "mend"),
    [
        ("contract-code", "::Probe", "declare its artifact or code_hash"),
        ("record-dropped", "stores::readable", "declare at_least"),
        ("service-slow", "endpoints::alive", "declare its p95"),
        ("command-lies", "commands::ok", "declare results, must_print or never_print"),
    ],
)
def test_an_item_that_does_not_look_is_named_with_what_it_lacks(
    drilled: Promoted, fault: str, item: str, mend: str
) -> None:
    """Vacuous: it stays green under a fault, and says so by name."""
    assert drilled.came(fault, item) == "missed"
    assert mend in drilled.why(fault, item)


def test_each_fault_is_noticed_for_its_own_reason(drilled: Promoted) -> None:
    """A gate that fails for another reason noticed nothing."""
    assert drilled.why("contract-state", "Probe.paused") == "fail: true"
    assert drilled.why("flag-flipped", "flags::transfers").startswith("fail: false")
    assert "expected chain id" in drilled.why("wrong-chain", "network::local")
    assert "500" in drilled.why("service-500", "endpoints::alive")
    assert "no_such_engine" in drilled.why("engine-missing", "engines::golden")


def test_the_drill_holds_where_a_fault_was_missed_and_counts(drilled: Promoted) -> None:
    assert drilled.status == 10
    assert drilled.document["counts"] == {"noticed": 25, "missed": 4, "unproven": 0, "out_of_reach": 0}
    assert drilled.document["score"] == "25/29"


def test_tests_that_no_fault_moves_are_named(drilled: Promoted) -> None:
    assert drilled.document["quiet"] == ["suites/test_gate.py::test_nothing"]


def test_every_run_is_told_while_it_lasts(drilled: Promoted) -> None:
    assert "running the gate: without a fault" in drilled.told
    assert "running the gate: the flag was flipped" in drilled.told


def test_a_plan_that_wants_a_drill_promotes_without_none_and_with_no_bad_one(drilled: Promoted) -> None:
    assert (
        "the plan wants a drill before a promotion and none is recorded. Run `rollout drill toy:alpha`"
        in drilled.before
    )
    assert "the last drill noticed 25 of 29 faults" in drilled.after
    assert "the plan wants 100 %; unnoticed: Probe, readable, alive, ok" in drilled.after


def test_a_drill_is_an_entry_and_nothing_of_its_runs_is(drilled: Promoted) -> None:
    kinds = [line.split()[2] for line in drilled.shown.splitlines()]

    assert kinds == ["ledger_created", "run_started", "judgement", "drill"]
    assert drilled.project.rollout("ledger", "verify").status == 0


def test_a_drill_leaves_the_project_as_it_was(drilled: Promoted) -> None:
    status = drilled.project.command("git", "status", "--porcelain")

    assert status.out == ""
    assert not list((drilled.project.folder / "reports").rglob("drill*"))


def test_a_fault_that_nobody_knows_is_refused_with_the_nearest(drilled: Promoted) -> None:
    refused = drilled.project.rollout("drill", "alpha", "--fault=flag-fliped")

    assert refused.status == 4
    assert "no such fault" in refused.err
    assert "Did you mean 'flag-flipped'?" in refused.err
