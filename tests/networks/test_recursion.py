"""Nested answers are one sentence, never the end of the process, whatever was imported."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("nested", ['"["*200_000', "'{\"a\":'*200_000"], ids=["arrays", "objects"])
def test_deep_json_ends_no_process_that_has_a_chain(nested: str) -> None:
    """py-evm raises the recursion limit for the whole process; a hostile server must not profit from it."""
    code = f"""
import json
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.opening import open_network
chain = open_network(Network(name="local", kind=NetworkKind.TESTER))
chain.w3
try:
    json.loads({nested})
except RecursionError:
    print("told")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr[-2000:]
