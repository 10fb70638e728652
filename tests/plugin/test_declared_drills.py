"""Drills and ratios in a gate: a dual write that loses one side, and a candidate that reports too much."""

from __future__ import annotations

import json
import sys

PLAN = f"""
[rollout]
name = "toy"
[stores.one]
kind = "ndjson"
path = "state/one.ndjson"
[stores.other]
kind = "ndjson"
path = "state/other.ndjson"
[stages.alpha]
[[stages.alpha.stores]]
name = "both"
left = "one"
right = "other"
key = "id"
[[stages.alpha.drills]]
name = "dual write"
run = [{json.dumps(sys.executable)}, "write.py", "{{copy}}", "{{number}}", "one", "other"]
copies = "state"
times = 2
stores = "both"
grows = 1
[[stages.alpha.drills]]
name = "half a write"
run = [{json.dumps(sys.executable)}, "write.py", "{{copy}}", "{{number}}", "one"]
copies = "state"
times = 2
stores = "both"
grows = 1
[[stages.alpha.ratios]]
name = "reads"
reference = ["echo", '{{"us": 100}}']
candidate = ["echo", '{{"us": 210}}']
measure = "reported"
pointer = "/us"
at_most = "2x"
pairs = 5
"""
WRITE = """
import json, sys
for side in sys.argv[3:]:
    with open(f"{sys.argv[1]}/state/{side}.ndjson", "a") as file:
        print(json.dumps({"id": int(sys.argv[2])}), file=file)
"""


def test_a_gate_drills(bare) -> None:
    records = '{"id": 0}\n'
    bare.write({"rollout.toml": PLAN, "write.py": WRITE, "state/one.ndjson": records, "state/other.ndjson": records})
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")

    found = {each["title"]: each for each in ran.judgement["findings"] if each["kind"] != "run"}
    assert ran.status == 10, ran.says
    assert found["both"]["outcome"] == "pass"
    assert (found["dual write"]["outcome"], found["dual write"]["item"]) == (
        "pass",
        "rollout.toml::alpha::drills::dual write",
    ), found["dual write"]
    assert "2 only in one: 1, 2" in found["half a write"]["measured"]
    assert (found["reads"]["outcome"], found["reads"]["kind"]) == ("fail", "ratios")
    assert found["reads"]["measured"] == "2.10x (2.10x to 2.10x at 95 %) in 5 pairs"
    assert (bare.folder / "state" / "one.ndjson").read_text() == records
