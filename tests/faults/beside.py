"""A project with everything that a plan may declare beside the chain: some of it looks, some does not, some is patched."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port

ARTIFACTS = Path(__file__).parents[1] / "contracts" / "artifacts" / "out" / "hardhat"
FIRST = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
"""Where the first development account's first contract is."""

PLAN = """
[rollout]
name = "toy"
began = {began}

[networks.local]
kind = "tester"
chain_id = 1337

[networks.raw]
kind = "tester"
chain_id = 1338

[contracts]
artifacts = "contracts"
[contracts.deployments]
local = "local.json"
raw = "raw.json"
[contracts.inventory]
local = ["Probe"]
raw = ["Probe"]

[flags]
provider = "flagd:flags.json"

[databases.app]
url = "sqlite:///app.db"

[services.api]
url = "${{API}}"
[services.alertmanager]
url = "${{API}}"

[metrics.settled]
unit = "ratio"
source = "sql"
url = "sqlite:///app.db"
query = "SELECT good, total, time FROM settled WHERE time > :since_seconds;"

[metrics.boot]
unit = "count"
source = "recorded"
path = "boot.csv"
query = "boot"
interval = "1m"

[metrics.lines]
unit = "count"
source = "log"
path = "app.log"
pattern = '^(?P<time>\\S+) lag=(?P<value>\\d+)'

[stages.alpha]
exposure = {{ share = "10 %", flag = "transfers", sample = 2000 }}

[stages.beta]
network = "local"
inventory = true
exposure = {{ share = "50 %", flag = "transfers", sample = 2000 }}
soak = {{ for = "30m", max_gap = "5m", coverage = "90 %", metrics = ["boot"], started = "boot" }}

[[stages.beta.criteria]]
name = "settles"
metric = "settled"
promote = "> 10 %"
[[stages.beta.criteria]]
name = "lag"
metric = "lines"
promote = "< 10"

[[stages.beta.databases]]
name = "deals"
database = "app"
table = "deals"
columns = {{ id = "integer", amount = "text" }}
primary_key = "id"
indexes = {{ by_environment = "environment" }}
rows = "> 0"
tag = {{ column = "environment", networks = {{ local = "local", raw = "raw" }}, chain_id = "chain" }}
[[stages.beta.databases]]
name = "counted"
database = "app"
table = "loose"
rows = "> 0"
tag = {{ column = "environment", networks = {{ local = "local", raw = "raw" }}, chain_id = "chain", optional = true }}
[[stages.beta.databases]]
name = "bare"
database = "app"
table = "bare"
columns = {{ id = "integer", name = "text" }}

[[stages.beta.rules]]
name = "tested"
files = "rules/alerts.yaml"
tests = "rules/tests.yaml"
targets = [{{ service = "api" }}]
[[stages.beta.rules]]
name = "untested"
files = "rules/alerts.yaml"
targets = [{{ service = "api" }}]
[[stages.beta.rules]]
name = "blind rules"
files = "rules/alerts.yaml"
targets = [{{ service = "api" }}]

[[stages.beta.dashboards]]
name = "asked"
files = "dashboard.json"
targets = [{{ service = "api" }}]
[[stages.beta.dashboards]]
name = "blind dashboard"
files = "dashboard.json"
targets = [{{ service = "api" }}]

[[stages.beta.alerts]]
name = "arrives"
alertmanager = "alertmanager"
listen = "127.0.0.1:{webhook}"
labels = {{ alertname = "Test" }}
within = "2s"

[[stages.beta.manifests]]
name = "whole"
files = "k8s/*.yaml"
version = "1.31"
inventory = ["Deployment/api", "ConfigMap/api"]
[[stages.beta.manifests]]
name = "blind manifests"
files = "k8s/*.yaml"
version = "1.31"

[[stages.beta.environments]]
name = "exact"
files = "app.env"
contracts = {{ PROBE = "Probe" }}
chain_id = "CHAIN"
values = {{ MODE = "live" }}
[[stages.beta.environments]]
name = "any"
files = "any.env"
variables = ["NAME"]
[[stages.beta.environments]]
name = "blind environment"
files = "any.env"
variables = ["NAME"]

[[stages.beta.commands]]
name = "status"
run = ["true"]
[[stages.beta.commands]]
name = "report"
run = ["sh", "-c", "cp good.xml $1", "sh", "{{results}}/junit.xml"]
results = [{{ format = "junit", file = "{{results}}/junit.xml" }}]
[[stages.beta.commands]]
name = "printed"
run = ["cat", "good.json"]
results = [{{ format = "json", pointer = "/ok", equals = true }}]
[[stages.beta.commands]]
name = "blind report"
run = ["sh", "-c", "cp good.xml $1", "sh", "{{results}}/junit.xml"]
results = [{{ format = "junit", file = "{{results}}/junit.xml" }}]

[stages.gamma]
exposure = {{ share = "20 %", flag = "other", sample = 2000 }}
soak = {{ for = "30m", max_gap = "5m", metrics = ["boot"] }}
"""

CONFTEST = """
import json
from pathlib import Path

import pytest

GOOD = {"looked": 1, "said": "all is well", "problems": [], "troubles": []}
GREEN = {"tests": 1, "passed": 1, "skipped": 0, "failed": [], "unnamed": 0}


@pytest.fixture(scope="session", autouse=True)
def world(request, stage):
    from pytest_rollout.configuration import checks as files
    from pytest_rollout.services import checks as services
    from pytest_rollout.flags import checks as flags

    look, run, ask = files.observe, services.observe, flags.observe_exposure

    def looks(check, *given):
        return (GOOD, "nobody") if check.name.startswith("blind") else look(check, *given)

    def runs(check, *given):
        value, source = run(check, *given)
        if check.name.startswith("blind"):
            value |= {"status": 0, "signal": "", "results": [GREEN]}
        return value, source

    def asks(flags, exposure, **given):
        seen = ask(flags, exposure, **given)
        return seen | {"enabled": 400, "unsticky": 0, "error": ""} if stage.name == "gamma" else seen

    files.observe, services.observe, flags.observe_exposure = looks, runs, asks
    items = "".join(each.nodeid for each in request.session.items)
    if "::inventory::" in items or "::environments::" in items:
        request.getfixturevalue("contracts").deploy("Probe", 1)
        raw = request.getfixturevalue("networks")["raw"]
        code = json.loads(Path("contracts/Probe.json").read_text())["bytecode"] + "1".rjust(64, "0")
        raw.request("eth_sendTransaction", [{"from": raw.accounts[0], "data": code, "gas": hex(3_000_000)}])
"""
RULES = """
groups:
  - name: all
    rules:
      - {alert: Lag, expr: lag_seconds > 60, for: 5m}
"""
TESTS = """
rule_files: [alerts.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: lag_seconds, values: 90x20}]
    alert_rule_test: [{eval_time: 15m, alertname: Lag, exp_alerts: [{}]}]
"""
DASHBOARD = {"panels": [{"title": "lag", "type": "graph", "targets": [{"expr": "lag_seconds"}]}]}
MANIFESTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec: {{containers: [{{name: api, image: "ghcr.io/a/api@sha256:{"ab" * 32}"}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: api}}
data: {{MODE: live}}
"""
JUNIT = '<testsuite tests="1" failures="0"><testcase classname="a" name="b"/></testsuite>'


def flag(share: int, *, at: str, before: int = 0) -> dict[str, Any]:
    """Who is inside at one stage, and at all others."""
    inside, earlier = ({"fractional": [["on", each], ["off", 100 - each]]} for each in (share, before))
    return {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"var": "stage"}, at]}, inside, earlier]},
    }


class Api(BaseHTTPRequestHandler):
    """Metrics, and an Alertmanager that tells the webhook whatever it is told."""

    webhook = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._say(b"# TYPE lag_seconds gauge\nlag_seconds 3\n")

    def do_POST(self) -> None:
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = {"receiver": "team", "alerts": [each | {"status": "firing"} for each in alerts]}
        url = f"http://127.0.0.1:{self.webhook}/"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(told).encode())).close()
        self._say(b"{}")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def api() -> Iterator[type[Api]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    Api.webhook = free_port()
    Api.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield Api
    server.shutdown()
    server.server_close()
    thread.join()


def database(path: Path, now: datetime) -> None:
    with closing(sqlite3.connect(path)) as made, made:
        made.executescript(
            """
            CREATE TABLE deals (id INTEGER PRIMARY KEY, environment TEXT, chain INTEGER, amount TEXT);
            CREATE INDEX by_environment ON deals (environment);
            INSERT INTO deals VALUES (1, 'local', 1337, '5'), (2, 'raw', 1338, '6');
            CREATE TABLE loose (id INTEGER PRIMARY KEY, environment TEXT, chain INTEGER, name TEXT UNIQUE);
            CREATE INDEX by_name ON loose (name);
            INSERT INTO loose VALUES (1, 'local', NULL, 'a'), (2, 'raw', NULL, 'b');
            CREATE TABLE bare (id INTEGER, name TEXT);
            INSERT INTO bare VALUES (1, 'a');
            CREATE TABLE settled (good INTEGER, total INTEGER, time INTEGER);
            """
        )
        rows = [(10, 10, int(now.timestamp()) + second) for second in range(-900, 900, 15)]
        made.executemany("INSERT INTO settled VALUES (?, ?, ?)", rows)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_bare: Any, api: type[Api]) -> Any:
    project = make_bare(tmp_path_factory.mktemp("beside"))
    project.environment["API"] = api.address
    shutil.copytree(ARTIFACTS, project.folder / "contracts")
    now = datetime.now(UTC).replace(microsecond=0)
    minutes = [now + timedelta(minutes=n) for n in range(-120, 60)]
    plan = PLAN.format(began=minutes[5].isoformat(), webhook=api.webhook)
    project.write(
        {
            "rollout.toml": plan,
            "conftest.py": CONFTEST,
            "suites/test_gate.py": "def test_it_runs(stage):\n    assert stage.name\n",
            "flags.json": json.dumps(
                {"flags": {"transfers": flag(50, at="beta", before=10), "other": flag(20, at="gamma")}}
            ),
            "local.json": json.dumps({"Probe": FIRST, "Other": "0x" + "12" * 20}),
            "raw.json": json.dumps({"Probe": FIRST, "Other": "0x" + "12" * 20}),
            "boot.csv": "time,boot\n" + "".join(f"{each.isoformat()},7\n" for each in minutes),
            "app.log": "".join(f"{each.isoformat()} lag=3\n" for each in minutes),
            "rules/alerts.yaml": RULES,
            "rules/tests.yaml": TESTS,
            "dashboard.json": json.dumps(DASHBOARD),
            "k8s/all.yaml": MANIFESTS,
            "app.env": f"PROBE={FIRST}\nCHAIN=1337\nMODE=live\n",
            "any.env": "NAME=anything\n",
            "good.xml": JUNIT,
            "good.json": '{"ok": true}',
        }
    )
    database(project.folder / "app.db", now)
    assert project.rollout("init").status == 0
    project.commit()
    return project
