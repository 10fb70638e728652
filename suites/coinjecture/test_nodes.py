"""What the triggers ask: how often a node fell back, and how often its candidate raised, on the present rung."""

from __future__ import annotations

import pytest


def _on_this_rung(nodes, name):
    return nodes[name].stats()["mode_history"][-1]


def _ours(stage):
    return ["node-1"] if stage.name == "primary-node-1" else ["node-1", "node-2"]


@pytest.mark.stage("primary-node-1", "primary-both")
def test_fallbacks(nodes, stage, measure):
    for name in _ours(stage):
        visit = _on_this_rung(nodes, name)
        measure("fallbacks", good=visit["fallbacks"], total=visit["verifications"])


@pytest.mark.stage("primary-node-1", "primary-both", "final")
def test_candidate_errors(nodes, stage, measure):
    for name in _ours(stage):
        visit = _on_this_rung(nodes, name)
        measure("rust_errors", good=visit["candidate_errors"], total=visit["verifications"])
