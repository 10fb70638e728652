"""COINjecture's suite: both nodes as real processes, phase by phase, and every fault that a gate must notice."""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout import operations
from pytest_rollout.consensus.checks import observe
from pytest_rollout.consensus.nodes import Nodes
from pytest_rollout.core.errors import EngineError, Refused
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.plan import load
from pytest_rollout.plan.lint import RemarkKind, lint

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


def test_the_whole_road(copied):
    """Each gate is promoted once its nodes have lived through the phase and people have ticked; then the next."""
    coinjecture = copied("coinjecture")
    for stage in ("local", *fleet.PHASES):
        modes = fleet.PHASES.get(stage, ())
        coinjecture.tick_all(stage)
        with fleet.Fleet(modes, [()] * len(modes)) as nodes:
            coinjecture.project.environment.update(nodes.environment)
            judged_here = coinjecture.judge(stage, *(["-n", "2"] if stage == "local" else []))
            in_the_way = {each["title"]: each["measured"] for each in judged_here.findings if each["outcome"] != "pass"}
            assert in_the_way == {}, stage
            assert judged_here.status == 0, stage
            if stage == "shadow-node-1":
                _promotion_asks_the_nodes(coinjecture, nodes)
            if stage == "final":
                assert _way_back(coinjecture) == [
                    "primary-both",
                    "primary-node-1",
                    "shadow-both",
                    "shadow-node-1",
                    "local",
                ]
            coinjecture.promote(stage)
    soaks = {each["title"]: each["measured"] for each in judged_here.findings if each["title"].endswith(" soak")}
    assert soaks == dict.fromkeys(("node-1 soak", "node-2 soak"), "30d of 30d covered (rehearsed clock)")


def _promotion_asks_the_nodes(coinjecture, nodes):
    """What was judged a moment ago need not be so any more (rule 35)."""
    nodes.stop(1)
    with pytest.raises(Refused, match="node-2.mode cannot be looked at again: node node-2 is unreachable"):
        coinjecture.promote("shadow-node-1")
    nodes.restart(1, "shadow:1d")
    with pytest.raises(Refused, match=r"node-2 mode was well when it was judged and is not now: is in shadow"):
        coinjecture.promote("shadow-node-1")
    nodes.restart(1, "legacy:8d")


def _way_back(coinjecture):
    """Where a rollback of each rung leads, from the last stage down; the ledger is as it was afterwards."""
    ledger = coinjecture.project.folder / ".rollout" / "ledger.db"
    before, stands = ledger.read_bytes(), []
    workspace = operations.Workspace.at(coinjecture.project.folder, environment=coinjecture.project.environment)
    for stage in reversed(fleet.PHASES):
        move, _ = operations.roll_back(
            workspace, f"coinjecture:{stage}", person="An Operator", reason="a drill", now=datetime.now(UTC)
        )
        stands.append(move.to)
    ledger.write_bytes(before)
    return stands


# ------------------------------------------------------------------------------------------------ every fault


IN_SHADOW = {
    "sound": SHORT,
    "raising": (*SHORT, "--candidate", "Raising"),
    "hanging": (*SHORT, "--candidate", "Hanging", "--limit", "0.02"),
    "wrong": ("--every", "600", "--candidate", "WrongOnce"),
    "hungry": ("--every", "800", "--candidate", "Hungry", "--memory", "512"),
    "frozen": (*SHORT, "--freeze"),
    "legacy": SHORT,
    "missing": ("--candidate", "Missing"),
}
"""One node a fault, and one without; all but ``legacy`` in shadow for eight days."""

FAULTS_STAGE = """
[nodes.{name}]
stats = "{url}/v1/consensus/stats"
clock = "rehearsed"
after = "{after}"
[stages.faults.nodes.{name}]
mode = "shadow"
min_comparisons = 150
soak = "7d"
max_gap = "1h"
latency = {{ p50 = "<= 0.2" }}
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory, copy_below):
    return copy_below(tmp_path_factory.mktemp("coinjecture"), "coinjecture")


@dataclass(frozen=True, kw_only=True)
class InShadow:
    """A whole gate over all of them, and again after ``sound`` was restarted; what went to standard error; the kept."""

    gate: Any
    after_restart: Any
    said: str
    kept: list[Path]


@pytest.fixture(scope="module")
def in_shadow(suite, tmp_path_factory):
    kept, errors = tmp_path_factory.mktemp("divergences"), tmp_path_factory.mktemp("said") / "stderr"
    options = {name: (*more, "--kept", str(kept)) if name == "wrong" else more for name, more in IN_SHADOW.items()}
    modes = ["legacy:8d" if name == "legacy" else "shadow:8d" for name in options]
    with errors.open("w") as said, fleet.Fleet(modes, list(options.values()), errors=said) as nodes:
        urls = dict(zip(options, (url or "http://127.0.0.1:9" for url in nodes.urls), strict=True))
        urls["twin"] = urls["hungry"].replace("127.0.0.1", "localhost")
        text = (
            "".join(FAULTS_STAGE.format(name=name, url=url, after="sound") for name, url in urls.items())
            .replace('after = "sound"\n', "", 1)
            .replace("[stages.faults.nodes.legacy]\n", '[stages.faults.nodes.legacy]\nfollows = "7d"\n')
        )
        plan = suite.project.folder / "suites" / "coinjecture" / "rollout.toml"
        plan.write_text(plan.read_text() + text)
        suite.project.commit()
        gate = suite.judge("faults")
        nodes.restart(list(options).index("sound"), "shadow:1d", *SHORT)
        again = suite.judge("faults")
    return InShadow(gate=gate, after_restart=again, said=errors.read_text(), kept=list(kept.iterdir()))


def of_node(gate, check):
    """The finding of one aspect of one node, such as ``wrong.divergences``."""
    (found,) = (each for each in gate.findings if each["item"].endswith(f"::nodes::{check}"))
    return found


def stand_in_the_way(gate):
    """The names of the findings that keep a gate from promoting."""
    return {each["item"].rpartition("::")[2] for each in gate.findings if each["outcome"] != "pass"}


def test_every_node_but_the_sound_one_holds_the_gate(in_shadow):
    """In shadow nothing rolls back: users see the reference's answers, and each node answered every block."""
    in_the_way = {each.partition(".")[0] for each in stand_in_the_way(in_shadow.gate)}

    assert (in_shadow.gate.status, in_shadow.gate.verdict) == (10, "hold")
    assert in_the_way == IN_SHADOW.keys() - {"sound"} | {"twin"}


@pytest.mark.parametrize(
    ("check", "outcome", "text"),
    [
        ("raising.candidate_errors", "fail", "281 of "),
        ("raising.divergences", "fail", "288 of 288"),
        ("hanging.timeouts", "fail", "28"),
        ("hanging.latency", "inconclusive", "of 100 pairs of latencies"),
        ("wrong.divergences", "fail", "1 of 1152"),
        ("hungry.candidate_errors", "fail", "1 of 86"),  # a busy machine may not start its process anew in time
        ("frozen.divergences", "error", "the stats are stale: written 60 min before"),
        ("frozen.mode", "error", "the stats are stale"),
        ("legacy.mode", "fail", "is in reference-only (legacy)"),
        ("legacy.divergences", "inconclusive", "no traffic on this rung"),
        ("legacy.order", "fail", "is in reference-only (legacy)"),
        ("missing.divergences", "error", "node missing is unreachable"),
        ("missing.mode", "error", "node missing is unreachable"),
        ("twin.mode", "error", "hungry, twin are one process"),
        ("hungry.mode", "error", "hungry, twin are one process"),
    ],
)
def test_a_fault_in_shadow_holds(in_shadow, check, outcome, text):
    """Each as what it is; a candidate that never loaded leaves no node without divergences."""
    found = of_node(in_shadow.gate, check)

    assert found["outcome"] == outcome
    assert text in found["measured"]


def test_what_one_fault_shows_is_not_laid_at_anothers_door(in_shadow):
    """Wrong on one block in 10,000 is one divergence, and nothing else."""
    assert {each for each in stand_in_the_way(in_shadow.gate) if each.startswith("wrong.")} == {"wrong.divergences"}


def test_a_node_whose_candidate_is_missing_does_not_start(in_shadow):
    assert "coinjecture._core: cannot open shared object file" in in_shadow.said


def test_the_divergence_is_kept_by_the_node_and_replays(in_shadow):
    (folder,) = in_shadow.kept

    about = json.loads((folder / "divergence.json").read_text())
    assert (about["block"], about["first"], about["mode"]) == ("777", "work_score", "shadow")
    assert json.loads((folder / "input.json").read_text())["index"] == 777


def test_a_node_that_was_restarted_between_two_gates_starts_its_soak_over(in_shadow):
    """Its counters and its time begin again, and the second gate knows the run that the first one met."""
    before, after = (of_node(each, "sound.soak") for each in (in_shadow.gate, in_shadow.after_restart))

    assert (before["outcome"], before["measured"]) == ("pass", "7d of 7d covered (rehearsed clock)")
    assert "restarted" not in before["detail"]
    assert after["outcome"] == "pending"
    assert "of 7d covered, 6d" in after["measured"]
    assert "restarted since the gate of" in after["detail"]
    assert of_node(in_shadow.after_restart, "sound.traffic")["outcome"] == "inconclusive"
    assert "restarted" not in of_node(in_shadow.after_restart, "raising.soak")["detail"], "nodes do not borrow"


@pytest.mark.parametrize(
    ("stage", "modes", "options", "trigger"),
    [
        ("primary-node-1", ("shadow:15d,rust:4d", "legacy:7d,shadow:12d"), ("--candidate", "Raising"), "> 5 %"),
        (
            "primary-node-1",
            ("rust:4d", "legacy:7d,shadow:12d"),
            ("--candidate", "Hanging", "--limit", "0.02"),
            "> 5 %",
        ),
        ("final", ("shadow:1d,final:31d",) * 2, ("--candidate", "Hungry", "--memory", "512"), "> 0.01 %"),
    ],
    ids=["raising in primary", "hanging in primary", "memory-hungry in final"],
)
def test_a_fault_that_users_could_see_rolls_back(suite, stage, modes, options, trigger):
    """In primary every block falls back, so users saw nothing yet; in final nobody is there to fall back to."""
    with fleet.Fleet(modes, [(*SHORT, *options), SHORT]) as nodes:
        suite.project.environment.update(nodes.environment)
        ran = suite.judge(stage)

    assert (ran.status, ran.verdict) == (20, "rollback")
    fired = next(each for each in ran.findings if "rollback trigger" in each.get("detail", ""))
    assert f"immediate rollback trigger {trigger} fired" in fired["detail"]
    if "Hanging" in options:
        for name in ("node-1.fallbacks", "node-1.timeouts"):
            assert of_node(ran, name)["measured"] == "140 of 144 (rehearsed clock)"


def test_a_demotion_is_one_request_and_voids_what_was_gathered_above(monkeypatch):
    monkeypatch.setenv("NODE_ADMIN_TOKEN", "only-for-this-test")
    with fleet.Fleet(("shadow:15d,rust:8d", "legacy:7d,shadow:12d"), [SHORT, SHORT]) as nodes:
        url = nodes.urls[0]
        assert _post(url, {"demote": True}, "wrong")[0] == 403
        assert _post(url, {"mode": "primary"}, "only-for-this-test")[0] == 400
        assert "node-1.mode" not in not_passed(judged("primary-node-1", nodes.environment, "node-1"))

        assert _post(url, {"demote": True}, "only-for-this-test") == (200, {"status": "ok", "mode": "shadow"})

        found = not_passed(judged("primary-node-1", nodes.environment, "node-1"))
        assert found["node-1.mode"] == ("fail", "is in shadow (shadow) (rehearsed clock)")
        assert _post(url, {"mode": "rust"}, "only-for-this-test")[0] == 200
        found = not_passed(judged("primary-node-1", nodes.environment, "node-1"))
    assert found["node-1.traffic"] == ("inconclusive", "0 of 140 verifications (rehearsed clock)")
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


def test_a_candidate_that_differs_fails_the_local_gate(copied):
    """Golden vectors and the corpus both find it, and what was kept replays."""
    coinjecture = copied("coinjecture")
    coinjecture.change(("engines.py", "score = len(numbers) * 1000 + len(solution)", "score = len(numbers) * 1000"))

    ran = coinjecture.judge("local", "suites/coinjecture/rollout.toml")

    failed = {each["title"]: each["measured"] for each in ran.findings if each["outcome"] == "fail"}
    assert ran.status == 10
    assert "candidate 9 of 13, first block 0" in failed["golden vectors golden.json"]
    assert "answers differ; first block" in failed["replay of blocks.ndjson"]


def test_the_plan_says_what_the_guide_contradicts():
    rollout = plan_for({})

    remarks = lint(rollout, now=datetime.now(UTC))

    assert [str(each) for each in remarks if each.kind is RemarkKind.CONTRADICTION] == []
    assert {each.place for each in remarks if each.kind is RemarkKind.ADVICE} == {
        "nodes.node-1.clock",
        "nodes.node-2.clock",
        "stages.final.nodes.node-2",
    }
    assert sum(each.kind is RemarkKind.SOURCE for each in remarks) == len(rollout.contradictions) >= 20
