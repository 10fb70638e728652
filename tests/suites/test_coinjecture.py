"""COINjecture's suite: both nodes as real processes, phase by phase, and every fault that a gate must notice."""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.consensus.checks import observe
from pytest_rollout.consensus.nodes import Nodes
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.plan import RemarkKind, lint, load

SUITE = Path(__file__).parents[2] / "suites" / "coinjecture"


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"coinjecture_{name}", SUITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fleet = _module("fleet")
SHORT = ("--every", "2400")
"""A block every 40 minutes of the node's clock: tests are not about how many."""


@pytest.fixture
def coinjecture(copied):
    return copied("coinjecture")


def plan_for(environment: dict[str, str]):
    return load(SUITE / "rollout.toml", environment=environment, root=SUITE.parents[1])


def judged(stage_name: str, environment: dict[str, str], node: str | None = None) -> dict[str, Any]:
    """Every node check of a stage, observed and judged as in a gate; findings by the check's name."""
    rollout = plan_for(environment)
    stage = rollout.stage(stage_name)
    nodes = Nodes(rollout.nodes)
    findings = {}
    for check in stage.checks:
        if check.kind is not Kind.NODE or (node is not None and check.node != node):
            continue
        try:
            value, source = observe(check, rollout, stage, nodes)
            seen = Observation(item="item", value=value, source=source)
            findings[check.name] = check.judge("item", seen)
        except EngineError as error:
            findings[check.name] = str(error)
    return findings


def not_passed(findings: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        name: ("error", each) if isinstance(each, str) else (each.outcome.value, each.measured)
        for name, each in findings.items()
        if isinstance(each, str) or each.outcome is not Outcome.PASS
    }


# ------------------------------------------------------------------------------------------- phase by phase


def test_the_whole_road(coinjecture, monkeypatch):
    """Each gate is promoted once its nodes have lived through the phase and people have ticked; then the next."""
    for stage in ("local", *fleet.PHASES):
        modes = fleet.PHASES.get(stage, ())
        coinjecture.tick_all(stage)
        with fleet.Fleet(modes, [()] * len(modes)) as nodes:
            coinjecture.project.environment.update(nodes.environment)
            judged_here = coinjecture.judge(stage, *(["-n", "2"] if stage == "local" else []))
            in_the_way = {each["title"]: each["measured"] for each in judged_here.findings if each["outcome"] != "pass"}
            assert in_the_way == {}, stage
            assert judged_here.status == 0, stage
            assert coinjecture.project.rollout("promote", f"coinjecture:{stage}").status == 0


# ------------------------------------------------------------------------------------------------ every fault


def test_a_node_whose_candidate_is_missing_does_not_start(capfd):
    """In every mode, legacy included; so it is unreachable, and not a node without divergences."""
    with fleet.Fleet(("shadow:8d", "legacy:8d"), [("--candidate", "Missing"), ("--candidate", "Missing")]) as nodes:
        assert nodes.urls == ["", ""]
        found = not_passed(judged("shadow-node-1", nodes.environment))

    assert "coinjecture._core: cannot open shared object file" in capfd.readouterr().err
    assert {outcome for outcome, _ in found.values()} == {"error"}
    assert "node node-1 is unreachable" in found["node-1.divergences"][1]


@pytest.fixture(scope="module")
def faulty():
    """Nodes with one fault each, all in shadow for eight days."""
    with fleet.Fleet(
        ("shadow:8d",) * 5 + ("legacy:8d",),
        [
            (*SHORT, "--candidate", "Raising"),
            (*SHORT, "--candidate", "Hanging", "--limit", "0.02"),
            ("--every", "600", "--candidate", "WrongOnce"),
            ("--every", "800", "--candidate", "Hungry", "--memory", "512"),
            (*SHORT, "--freeze"),
            SHORT,
        ],
    ) as nodes:
        yield dict(zip(("raising", "hanging", "wrong", "hungry", "frozen", "legacy"), nodes.urls, strict=True))


@pytest.mark.parametrize(
    ("fault", "check", "outcome", "text"),
    [
        ("raising", "node-1.candidate_errors", "fail", "281 of "),
        ("raising", "node-1.divergences", "fail", "288 of 288"),
        ("hanging", "node-1.timeouts", "fail", "28"),
        ("hanging", "node-1.latency", "inconclusive", "of 100 pairs of latencies"),
        ("wrong", "node-1.divergences", "fail", "1 of 1152"),
        ("hungry", "node-1.candidate_errors", "fail", "1 of 864"),
        ("frozen", "node-1.divergences", "error", "the stats are stale: written 60 min before"),
        ("frozen", "node-1.mode", "error", "the stats are stale"),
        ("legacy", "node-1.mode", "fail", "is in reference-only (legacy)"),
        ("legacy", "node-1.divergences", "inconclusive", "no traffic on this rung"),
    ],
)
def test_a_fault_in_shadow_holds(faulty, fault, check, outcome, text):
    """The node itself goes on: it answered every block."""
    found = not_passed(judged("shadow-node-1", {"NODE_1": faulty[fault], "NODE_2": faulty["legacy"]}, "node-1"))

    assert found[check][0] == outcome
    assert text in found[check][1]


def test_what_one_fault_shows_is_not_laid_at_anothers_door(faulty):
    """Wrong on one block in 10,000 is one divergence, and nothing else."""
    found = not_passed(judged("shadow-node-1", {"NODE_1": faulty["wrong"], "NODE_2": faulty["legacy"]}))

    assert set(found) == {"node-1.divergences"}


def test_one_node_in_the_wrong_mode_holds_all(faulty):
    found = not_passed(judged("shadow-both", {"NODE_1": faulty["wrong"], "NODE_2": faulty["legacy"]}, "node-2"))

    assert found["node-2.mode"] == ("fail", "is in reference-only (legacy)")
    assert found["node-2.order"] == found["node-2.mode"]


def test_the_divergence_is_kept_by_the_node_and_replays(tmp_path):
    kept = tmp_path / "divergences"
    with fleet.Fleet(("shadow:8d",), [("--every", "600", "--candidate", "WrongOnce", "--kept", str(kept))]):
        (folder,) = kept.iterdir()

    about = json.loads((folder / "divergence.json").read_text())
    assert (about["block"], about["first"], about["mode"]) == ("777", "work_score", "shadow")
    assert json.loads((folder / "input.json").read_text())["index"] == 777


def test_a_node_that_was_restarted_starts_its_soak_over():
    """Its counters and its time begin again, and the gate says so."""
    with fleet.Fleet(("shadow:8d", "legacy"), [SHORT, ()]) as nodes:
        assert "node-1.soak" not in not_passed(judged("shadow-node-1", nodes.environment))
        nodes.restart(0, "shadow:1d", *SHORT)
        found = not_passed(judged("shadow-node-1", nodes.environment, "node-1"))

    assert found["node-1.soak"][0] == "pending"
    assert "6 d are owed" in found["node-1.soak"][1] or "5 d are owed" in found["node-1.soak"][1]
    assert found["node-1.traffic"][0] == "inconclusive"


def test_a_candidate_that_raises_in_primary_rolls_back(coinjecture):
    """Every block falls back to the legacy engine, so users saw nothing, and the trigger fires."""
    modes = ("shadow:15d,rust:4d", "legacy:7d,shadow:12d")
    with fleet.Fleet(modes, [(*SHORT, "--candidate", "Raising"), SHORT]) as nodes:
        coinjecture.project.environment.update(nodes.environment)
        ran = coinjecture.judge("primary-node-1")

    assert (ran.status, ran.verdict) == (20, "rollback")
    assert "immediate rollback trigger > 5 % fired" in ran.finding("node 1 falls back")["detail"]


def test_a_candidate_that_hangs_in_primary_falls_back_every_time():
    """What the same trigger is asked of; and the node answers every block."""
    with fleet.Fleet(("rust:4d", "legacy"), [(*SHORT, "--candidate", "Hanging", "--limit", "0.02"), ()]) as nodes:
        found = not_passed(judged("primary-node-1", nodes.environment, "node-1"))

    assert found["node-1.fallbacks"] == ("fail", "140 of 144")
    assert found["node-1.timeouts"] == ("fail", "140 of 144")


def test_a_candidate_that_raises_in_final_rolls_back(coinjecture):
    modes = ("shadow:1d,final:31d", "shadow:1d,final:31d")
    with fleet.Fleet(modes, [(*SHORT, "--candidate", "Hungry", "--memory", "512"), SHORT]) as nodes:
        coinjecture.project.environment.update(nodes.environment)
        ran = coinjecture.judge("final")

    assert (ran.status, ran.verdict) == (20, "rollback")


def test_a_demotion_is_one_request_and_voids_what_was_gathered_above(monkeypatch):
    monkeypatch.setenv("NODE_ADMIN_TOKEN", "only-for-this-test")
    with fleet.Fleet(("shadow:15d,rust:8d", "legacy:7d,shadow:12d"), [SHORT, SHORT]) as nodes:
        url = nodes.urls[0]
        assert _post(url, {"demote": True}, "wrong")[0] == 403
        assert _post(url, {"mode": "primary"}, "only-for-this-test")[0] == 400
        assert "node-1.mode" not in not_passed(judged("primary-node-1", nodes.environment, "node-1"))

        assert _post(url, {"demote": True}, "only-for-this-test") == (200, {"status": "ok", "mode": "shadow"})

        found = not_passed(judged("primary-node-1", nodes.environment, "node-1"))
        assert found["node-1.mode"] == ("fail", "is in shadow (shadow)")
        assert _post(url, {"mode": "rust"}, "only-for-this-test")[0] == 200
        found = not_passed(judged("primary-node-1", nodes.environment, "node-1"))
    assert found["node-1.traffic"] == ("inconclusive", "0 of 140 verifications")
    assert found["node-1.soak"][0] == "pending"


def _post(url: str, document: dict, token: str) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{url}/v1/consensus/mode", json.dumps(document).encode(), {"X-Admin-Token": token}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_candidate_that_differs_fails_the_local_gate(coinjecture):
    """Golden vectors and the corpus both find it, and what was kept replays."""
    coinjecture.change(("engines.py", "score = len(numbers) * 1000 + len(solution)", "score = len(numbers) * 1000"))

    ran = coinjecture.judge("local", "suites/coinjecture/rollout.toml")

    failed = {each["title"]: each["measured"] for each in ran.findings if each["outcome"] == "fail"}
    assert ran.status == 10
    assert "candidate 9 of 13, first block 0" in failed["golden vectors golden.json"]
    assert "answers differ; first block" in failed["replay of blocks.ndjson"]


def test_the_plan_says_what_the_guide_contradicts():
    rollout = plan_for({})

    remarks = lint(rollout, now=datetime.now(UTC))

    assert {remark.kind for remark in remarks} == {RemarkKind.SOURCE}
    assert len(remarks) == len(rollout.contradictions) >= 20
