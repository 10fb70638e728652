"""Rules, dashboards, manifests, environments and alerts in a plan, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.configuration import (
    AlertCheck,
    DashboardCheck,
    EnvironmentCheck,
    ManifestCheck,
    RulesCheck,
    Target,
)
from pytest_rollout.core.endpoint import Service
from pytest_rollout.plan import schema

HEAD = """
[rollout]
name = "t"
[networks.local]
kind = "tester"
[services.api]
url = "http://127.0.0.1:8000"
[services.am]
url = "http://127.0.0.1:9093"
[stages.beta]
"""
NETWORK = 'network = "local"\n'
RULES = """
[[stages.beta.rules]]
name = "alert rules"
files = "k8s/alerts.yml"
tests = ["k8s/alerts.test.yml"]
targets = { service = "api" }
alerts = ["HighErrorRate"]
"""
DASHBOARDS = """
[[stages.beta.dashboards]]
name = "boards"
files = ["grafana/*.json"]
targets = [{ service = "api", path = "/internal/metrics" }]
rules = "k8s/alerts.yml"
advisory = true
"""
MANIFESTS = """
[[stages.beta.manifests]]
name = "k8s"
files = "k8s/**/*.yaml"
version = "1.31"
custom = "traefik.io/Middleware"
inventory = ["Deployment/api", "testnet/ConfigMap/api"]
"""
ENVIRONMENTS = """
[[stages.beta.environments]]
name = "backend"
files = "backend.env"
chain_id = "CHAIN_ID"
contracts = { BOND_ADDRESS = "Bond" }
accounts = "TREASURY"
values = { NODE_ENV = "testnet" }
variables = ["RPC_URL"]
optional = ["LOG_LEVEL"]
"""
ALERTS = """
[[stages.beta.alerts]]
name = "alerts arrive"
alertmanager = "am"
listen = "127.0.0.1:9095"
labels = { alertname = "HighErrorRate", severity = "critical" }
receiver = "oncall"
within = "10s"
"""
GOOD = HEAD + NETWORK + RULES + DASHBOARDS + MANIFESTS + ENVIRONMENTS + ALERTS


def test_tables_become_the_values_they_mean(load_text) -> None:
    rollout = load_text(GOOD)
    api, folder = Service(name="api", url="http://127.0.0.1:8000"), rollout.folder

    assert rollout.stages[0].checks == (
        RulesCheck(
            name="alert rules",
            folder=folder,
            files=("k8s/alerts.yml",),
            tests=("k8s/alerts.test.yml",),
            targets=(Target(service=api),),
            alerts=("HighErrorRate",),
        ),
        DashboardCheck(
            name="boards",
            folder=folder,
            files=("grafana/*.json",),
            targets=(Target(service=api, path="/internal/metrics"),),
            rules=("k8s/alerts.yml",),
            required=False,
        ),
        ManifestCheck(
            name="k8s",
            folder=folder,
            files=("k8s/**/*.yaml",),
            version="1.31",
            custom=("traefik.io/Middleware",),
            inventory=("Deployment/api", "testnet/ConfigMap/api"),
        ),
        EnvironmentCheck(
            name="backend",
            folder=folder,
            files=("backend.env",),
            network="local",
            chain_id="CHAIN_ID",
            contracts={"BOND_ADDRESS": "Bond"},
            accounts=("TREASURY",),
            values={"NODE_ENV": "testnet"},
            variables=("RPC_URL",),
            optional=("LOG_LEVEL",),
        ),
        AlertCheck(
            name="alerts arrive",
            alertmanager=Service(name="am", url="http://127.0.0.1:9093"),
            listen="127.0.0.1:9095",
            labels={"alertname": "HighErrorRate", "severity": "critical"},
            receiver="oncall",
            within=timedelta(seconds=10),
        ),
    )


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def changed(table: str, old: str, new: str) -> str:
    assert old in table
    return HEAD + NETWORK + table.replace(old, new)


AT = "stages.beta."
MISTAKES = {
    "no files": (changed(RULES, '"k8s/alerts.yml"', "[]"), f"{AT}rules['alert rules'].files"),
    "no targets": (
        changed(RULES, 'targets = { service = "api" }', ""),
        f"{AT}rules['alert rules']: 'targets' is missing",
    ),
    "an unknown service": (
        changed(RULES, '"api"', '"apl"'),
        "no service 'apl'; the plan has api, am. Did you mean 'api'?",
    ),
    "a path that is none": (
        changed(DASHBOARDS, '"/internal/metrics"', '"metrics"'),
        "'metrics' is no path; begin it with '/'",
    ),
    "two of a name": (HEAD + RULES + RULES, "is the name of two rules of this stage; give each its own."),
    "a file twice": (changed(DASHBOARDS, '["grafana/*.json"]', '["a.json", "a.json"]'), "'a.json' is listed twice"),
    "a version as a number": (changed(MANIFESTS, '"1.31"', "1.31"), f"{AT}manifests['k8s'].version"),
    "a version that is none": (changed(MANIFESTS, '"1.31"', '"v1.31.2"'), "'v1.31.2' is no version of Kubernetes"),
    "a custom kind without group": (
        changed(MANIFESTS, '"traefik.io/Middleware"', '"Middleware"'),
        "'Middleware' names no custom resource; write its group and kind",
    ),
    "a resource without kind": (changed(MANIFESTS, '"Deployment/api"', '"api"'), "'api' names no resource"),
    "an unknown network": (
        changed(ENVIRONMENTS, 'name = "backend"', 'name = "backend"\nnetwork = "locl"'),
        f"{AT}environments['backend'].network: no network 'locl'",
    ),
    "no network": (HEAD + ENVIRONMENTS, "has contracts or a chain id and no network; write the network's name."),
    "a variable twice": (
        changed(ENVIRONMENTS, '["RPC_URL"]', '["RPC_URL", "TREASURY"]'),
        f"{AT}environments['backend'].variables: lists 'TREASURY', which is listed under accounts already",
    ),
    "nothing asked": (
        HEAD + '[[stages.beta.environments]]\nname = "e"\nfiles = "a.env"\noptional = "A"\n',
        f"{AT}environments['e']: asks for no variable; write contracts, values or variables.",
    ),
    "a contract's name": (changed(ENVIRONMENTS, '"Bond"', '"0x12"'), "'0x12' is no contract's name"),
    "a variable's name": (changed(ENVIRONMENTS, "NODE_ENV =", '"NODE-ENV" ='), "'NODE-ENV' is no name of a variable"),
    "no port": (changed(ALERTS, "127.0.0.1:9095", "127.0.0.1"), "'127.0.0.1' is no host and port"),
    "port zero": (changed(ALERTS, ":9095", ":0"), "'127.0.0.1:0' is no host and port"),
    "no alertname": (
        changed(ALERTS, 'alertname = "HighErrorRate", ', ""),
        f"{AT}alerts['alerts arrive'].labels: has no alertname, which every alert needs; write one.",
    ),
}


@pytest.mark.parametrize(("plan", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence(sentence_of: Any, plan: str, says: str) -> None:
    assert says in sentence_of(plan)
