"""Declared store checks in a gate, the stores fixture, and the same comparison by hand."""

from __future__ import annotations

import json

import pytest

PLAN = """
[rollout]
name = "toy"
[stores.before]
kind = "ndjson"
path = "before.ndjson"
[stores.after]
kind = "json"
path = "after"
[stages.alpha]
[[stages.alpha.stores]]
name = "all moved"
left = "before"
right = "after"
key = ["chainId", "contractName"]
kinds = { address = "address" }
inventory = ["56/LookCoin", "97/LookCoin"]
"""
TEST = "def test_state(stores):\n    assert len(list(stores.before.records())) == 2\n"
ADDRESS = "0x" + "ab" * 19 + "01"


def stores(address: str) -> dict[str, str]:
    records = [{"chainId": chain, "contractName": "LookCoin", "address": ADDRESS} for chain in (56, 97)]
    moved = [records[0], records[1] | {"address": address}]
    return {
        "before.ndjson": "".join(json.dumps(each) + "\n" for each in records),
        **{f"after/{each['chainId']}.json": json.dumps(each) for each in moved},
    }


@pytest.mark.parametrize(
    ("address", "status"), [(ADDRESS.upper().replace("X", "x"), 0), ("0x" + "0" * 40, 10)], ids=["same", "zero"]
)
def test_a_gate_and_the_command_line_say_the_same(bare, address, status) -> None:
    bare.write({"rollout.toml": PLAN, "test_state.py": TEST} | stores(address))
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")
    by_hand = bare.rollout("compare", "before", "after")
    by_path = bare.rollout("compare", "before.ndjson", "after", "--key", "chainId,contractName", "--json")

    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "stores")
    assert (ran.status, by_hand.status) == (status, status), ran.says
    assert finding["item"] == "rollout.toml::alpha::stores::all moved"
    assert finding["measured"] in by_hand.out
    assert json.loads(by_path.out)["left"] == 2
    if status:
        assert finding["measured"].startswith("1 addresses of nothing: 97/LookCoin address: the zero address (97.json)")
        assert f"97/LookCoin address: {ADDRESS} | {address}" in by_hand.out


def test_what_cannot_be_compared_by_hand_is_told(bare) -> None:
    bare.write({"rollout.toml": PLAN} | stores(ADDRESS))

    no_key = bare.rollout("compare", "before.ndjson", "after")
    nothing = bare.rollout("compare", "before.ndjson", "gone", "--key", "chainId")

    assert (no_key.status, nothing.status) == (4, 4)
    assert "No check of a plan compares these two; write --key FIELDS." in no_key.err
    assert "gone: is no declared store, and nothing is there." in nothing.err
