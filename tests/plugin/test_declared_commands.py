"""Declared commands in a gate: items of their own, judged by what came of them, redacted."""

from __future__ import annotations

import sys

import pytest

PLAN = f"""
[rollout]
name = "toy"
environment = ["TOKEN"]

[stages.alpha]

[[stages.alpha.commands]]
name = "state report"
run = ["{sys.executable}", "check.py", "{{results}}/report.tap"]
environment = ["TOKEN"]
never_print = "MISSING"
results = {{ format = "tap", file = "{{results}}/report.tap", tests = ">= 2" }}
"""
CHECK = "import os, sys\nprint('with', os.environ['TOKEN'])\nopen(sys.argv[1], 'w').write('1..2\\nok 1\\n{second}')\n{more}\n"
TOKEN = {"TOKEN": "t0ken-of-the-house"}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_command_is_an_item_that_passes(bare, workers) -> None:
    bare.write({"rollout.toml": PLAN, "check.py": CHECK.format(second="ok 2", more="")})
    bare.rollout("init", env=TOKEN)

    ran = bare.pytest("--stage=alpha", "-n", workers, "--rollout-formats=", env=TOKEN)

    assert ran.says == ""
    assert ran.judgement["verdict"] == "promote"
    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "commands")
    assert (finding["item"], finding["measured"]) == (
        "rollout.toml::alpha::commands::state report",
        "status 0, 2 of 2 tests passed",
    )


def test_a_command_that_fails_holds_and_keeps_no_secret(bare) -> None:
    """It exits 0, prints MISSING, and its report says that a test failed."""
    bare.write({"rollout.toml": PLAN, "check.py": CHECK.format(second="not ok 2 - bsc", more="print('MISSING 0x1')")})
    bare.rollout("init", env=TOKEN)

    ran = bare.pytest("--stage=alpha", env=TOKEN)

    assert ran.status == 10
    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "commands")
    assert finding["outcome"] == "fail"
    assert finding["measured"] == (
        "printed 'MISSING 0x1', which 'MISSING' must never find; tap {results}/report.tap: failed: bsc"
    )
    assert "with <TOKEN>" in finding["detail"]
    kept = [path for path in bare.folder.rglob("*") if path.is_file()]
    assert [path for path in kept if TOKEN["TOKEN"].encode() in path.read_bytes()] == []
