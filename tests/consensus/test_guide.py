"""The guide for operators: its plan loads, and its node runs."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_rollout import DualRun
from pytest_rollout.core.mode import Mode
from pytest_rollout.plan import load

GUIDE = (Path(__file__).parents[2] / "docs" / "replace-an-engine.md").read_text()


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_plan_of_the_guide_loads(tmp_path) -> None:
    plan = '[rollout]\nname = "guide"\n' + "".join(_blocks("toml"))
    (tmp_path / "rollout.toml").write_text(plan)
    for name in ("engines.py", "golden.json", "blocks.ndjson"):
        (tmp_path / name).write_text("")

    rollout = load(
        tmp_path / "rollout.toml", environment={"NODE_1": "http://one", "NODE_2": "http://two"}, root=tmp_path
    )

    assert [len(stage.checks) for stage in rollout.stages] == [5, 8, 14]


def test_the_node_of_the_guide_runs(tmp_path) -> None:
    (block,) = _blocks("python")
    (tmp_path / "engines.py").write_text(
        "class Reference:\n    def verify_block(self, block):\n        return {'valid': True, 'duration_ms': 5}\n"
        "class Candidate:\n    def verify_block(self, block):\n        return {'valid': True, 'duration_ms': 1}\n"
    )
    code = block.replace("/var/lib/node", str(tmp_path)).replace("Path(__file__).parent", f"Path({str(tmp_path)!r})")
    names: dict = {"block": {"index": 1}}

    exec(code, names)

    consensus = names["consensus"]
    assert isinstance(consensus, DualRun)
    assert (consensus.mode, names["answer"]) == (Mode.REFERENCE_ONLY, {"valid": True, "duration_ms": 5})
    consensus.set_mode("shadow")
    consensus.verify_block({"index": 2})
    assert (consensus.stats()["comparisons"], consensus.stats()["ignored"]) == (1, 1)
    consensus.close()
