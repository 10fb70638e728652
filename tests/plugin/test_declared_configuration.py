"""Files beside the chain as items of a gate: each with a node id, each able to hold it."""

from __future__ import annotations

PLAN = """
[rollout]
name = "toy"
[networks.local]
kind = "tester"
[contracts.deployments]
local = "deployed.json"
[stages.alpha]
network = "local"
[[stages.alpha.manifests]]
name = "k8s"
files = "k8s/*.yaml"
version = "1.31"
[[stages.alpha.environments]]
name = "backend"
files = "backend.env"
chain_id = "CHAIN_ID"
contracts = { BOND_ADDRESS = "Bond" }
"""
ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
TEST = "def test_nothing(network):\n    assert network.chain_id\n"
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {RPC: 'https://rpc.example.org'}\n"


def test_each_declaration_is_an_item_of_its_own(bare) -> None:
    """A valid manifest passes; an address without code on the gate's own chain holds it."""
    bare.write(
        {
            "rollout.toml": PLAN,
            "test_a.py": TEST,
            "deployed.json": f'{{"Bond": "{ADDRESS}"}}',
            "k8s/map.yaml": MANIFEST,
            "backend.env": f"CHAIN_ID=31337\nBOND_ADDRESS={ADDRESS}\n",
        }
    )
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")

    found = {each["item"]: each for each in ran.judgement["findings"]}
    manifests = found["rollout.toml::alpha::manifests::k8s"]
    backend = found["rollout.toml::alpha::environments::backend"]
    assert ran.status == 10, ran.says
    assert (manifests["kind"], manifests["outcome"]) == ("manifests", "pass")
    assert (backend["kind"], backend["outcome"]) == ("environments", "fail")
    assert backend["measured"] == f"BOND_ADDRESS: no code at {ADDRESS} on local"
    assert backend["source"].startswith("backend.env; local @ ")
