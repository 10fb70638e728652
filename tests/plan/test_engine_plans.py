"""Engines and nodes in a plan: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.engine_check import GoldenCheck, ReplayCheck
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation, NodeSettings
from pytest_rollout.core.mode import Mode
from pytest_rollout.core.node_check import Aspect, NodeRung
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.rung import Latency
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import schema

PLACE = "suites/takumi/rollout.toml: "
GOOD = """
[rollout]
name = "t"

[engines]
reference = "engines.py:Reference"
candidate = "package.fast:Candidate"
isolation = "process"
limit = "5s"
memory = "512 MiB"
ignore = ["duration_ms", "receipts[].logs"]
divergences = "kept/here"
[engines.reasons]
MerkleError = "BadMerkleRoot"

[nodes.node-1]
stats = "http://127.0.0.1:8080/v1/consensus/stats"
[nodes.node-2]
stats = "https://node-2.example/stats"
max_age = "5m"
after = "node-1"

[stages.shadow.engines]
mode = "shadow"
golden = "flags.json"
corpus = "devnet.json"
parts = 2
min_comparisons = 999
latency = { p50 = "<= 0.2", p95 = "< 1" }

[stages.shadow.nodes.node-1]
mode = "shadow"
min_comparisons = 1000
soak = "7d"
max_gap = "1h"
latency = { p50 = "<= 0.2" }
[stages.shadow.nodes.node-2]
mode = "legacy"

[stages.primary.nodes.node-1]
mode = "rust"
min_verifications = 500
demote_to = "legacy"
[stages.primary.nodes.node-2]
mode = "candidate-primary"
min_verifications = 500
follows = "3d"
"""


@pytest.fixture(autouse=True)
def engine_file(root: Path) -> None:
    (root / "suites" / "takumi" / "engines.py").write_text("")


def bound(text: str) -> Bound:
    relation, limit = text.split()
    return Bound(relation=Relation(relation), limit=Fraction(limit), unit=UNITS["count"])


def test_engines_and_nodes_become_the_values_they_mean(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    shadow, primary = rollout.stages

    assert rollout.engines == EngineSettings(
        reference=EngineSpec(kind=EngineKind.IMPORT, target="engines.py:Reference"),
        candidate=EngineSpec(kind=EngineKind.IMPORT, target="package.fast:Candidate"),
        isolation=Isolation.PROCESS,
        limit=timedelta(seconds=5),
        memory=512 * 1024**2,
        ignore=("duration_ms", "receipts[].logs"),
        reasons={"MerkleError": "BadMerkleRoot"},
        kept="kept/here",
    )
    assert rollout.nodes["node-2"] == NodeSettings(
        name="node-2", stats="https://node-2.example/stats", max_age=timedelta(minutes=5), after="node-1"
    )
    assert shadow.mode is Mode.SHADOW
    latency = Latency(p50=bound("<= 1/5"), p95=bound("< 1"))
    assert shadow.checks[:3] == (
        GoldenCheck(file=rollout.folder / "flags.json"),
        ReplayCheck(file=rollout.folder / "devnet.json", part=1, parts=2, min_comparisons=500, latency=latency),
        ReplayCheck(file=rollout.folder / "devnet.json", part=2, parts=2, min_comparisons=500, latency=latency),
    )
    assert [each.name for each in shadow.checks[3:]] == [
        *(f"node-1.{each}" for each in ("mode", "traffic", "divergences", "candidate_errors", "reference_errors")),
        *("node-1.timeouts", "node-1.latency", "node-1.soak", "node-2.mode"),
    ]
    assert primary.checks[-1].aspect is Aspect.ORDER  # type: ignore[attr-defined] # a check of a node
    assert primary.checks[0].rung == NodeRung(  # type: ignore[attr-defined] # as above
        mode=Mode.CANDIDATE_PRIMARY, min_verifications=500, demote_to=Mode.REFERENCE_ONLY
    )
    assert primary.mode is None


@pytest.mark.parametrize(
    ("engine", "spec"),
    [
        ('{ command = ["./verify", "--json"] }', EngineSpec(kind=EngineKind.COMMAND, command=("./verify", "--json"))),
        ('{ url = "http://engine:1/verify" }', EngineSpec(kind=EngineKind.URL, target="http://engine:1/verify")),
    ],
)
def test_an_engine_may_be_a_command_or_a_server(load_text: Callable[..., Rollout], engine: str, spec) -> None:
    text = GOOD.replace('"engines.py:Reference"', engine)
    settings = load_text(text).engines

    assert settings is not None
    assert settings.reference == spec
    jsonschema.Draft202012Validator(schema()).validate(tomllib.loads(text))


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def edit(old: str, new: str) -> str:
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


MISTAKES = {
    "an engine of no kind": (edit('"engines.py:Reference"', "{}"), "engines.reference: an engine is an import path"),
    "two kinds of engine": (
        edit('"engines.py:Reference"', '{ command = ["a"], url = "http://a" }'),
        "engines.reference: an engine is an import path, a command or a url; write one of them.",
    ),
    "a target spelt out": (edit('"engines.py:Reference"', '{ target = "a:B" }'), "no key 'target'"),
    "a number for an engine": (edit('"engines.py:Reference"', "3"), "3 is an integer; an import path"),
    "no import path": (edit("engines.py:Reference", "Reference"), "'Reference' is no import path"),
    "a file that is not there": (edit("engines.py:Reference", "engine.py:R"), "names a file that is not there"),
    "one engine twice": (
        edit("package.fast:Candidate", "engines.py:Reference"),
        "engines.candidate: it is the reference too; an engine always agrees with itself.",
    ),
    "no candidate": (edit('candidate = "package.fast:Candidate"\n', ""), "'candidate' is missing"),
    "an unknown isolation": (edit('"process"', '"container"'), "no isolation 'container'"),
    "memory of a thread": (edit('isolation = "process"\n', ""), "only a process can be bounded"),
    "memory without unit": (edit('"512 MiB"', '"512"'), "'512' is no size"),
    "memory in seconds": (edit('"512 MiB"', '"512 s"'), "'512 s' is no size"),
    "too little memory": (edit('"512 MiB"', '"1 MiB"'), "less than 64 MiB"),
    "a limit without unit": (edit('"5s"', '"5"'), "has no unit"),
    "kept outside": (edit("kept/here", "../kept"), "is not below the plan's folder"),
    "no url": (edit("http://127.0.0.1:8080/v1/consensus/stats", "node-1:8080"), "is no URL"),
    "one address twice": (
        edit("https://node-2.example/stats", "http://127.0.0.1:8080/v1/consensus/stats"),
        "nodes.node-2.stats: it is the address of node 'node-1' too; each has one of its own.",
    ),
    "after nobody": (edit('after = "node-1"', 'after = "node-3"'), "no node 'node-3'; the plan has node-1, node-2"),
    "after itself": (edit('after = "node-1"', 'after = "node-2"'), "leads round in a circle"),
    "an unknown node": (edit("[stages.shadow.nodes.node-1]", "[stages.shadow.nodes.nod-1]"), "Did you mean 'node-1'"),
    "an unknown clock": (edit('after = "node-1"', 'clock = "fast"'), "no clock 'fast'; allowed are system, rehearsed"),
    "an interval of no coverage": (
        edit('soak = "7d"', 'soak = "7d"\ninterval = "1m"'),
        "says nothing without 'coverage'",
    ),
    "a coverage of no interval": (
        edit('soak = "7d"', 'soak = "7d"\ncoverage = "9 %"'),
        "says nothing without 'interval'",
    ),
    "a coverage of nothing": (
        edit('soak = "7d"', 'soak = "7d"\ncoverage = "0 %"\ninterval = "1m"'),
        "'0 %' covers nothing",
    ),
    "a coverage without soak": (
        edit('soak = "7d"', 'coverage = "90 %"\ninterval = "1m"'),
        "there is no soak to cover",
    ),
    "an unknown mode": (edit('mode = "rust"', 'mode = "rusty"'), "no mode 'rusty'"),
    "a stage's mode misspelt": (edit('mode = "shadow"\ngolden', 'mode = "shaddow"\ngolden'), "Did you mean 'shadow'"),
    "shadow without comparisons": (
        edit("min_comparisons = 1000\n", ""),
        "in shadow no comparison is not no divergence",
    ),
    "primary without traffic": (edit("min_verifications = 500\n", ""), "without traffic nothing can show"),
    "comparisons where none are made": (
        edit("min_verifications = 500\n", "min_verifications = 500\nmin_comparisons = 5\n"),
        "only shadow runs both engines on every block, not candidate-primary",
    ),
    "zero comparisons": (edit("min_comparisons = 1000", "min_comparisons = 0"), "0 is out of range"),
    "a demotion upwards": (edit('demote_to = "legacy"', 'demote_to = "final"'), "'final' is not below"),
    "following nobody": (edit("demote_to", 'follows = "1d"\ndemote_to'), "nodes.node-1 has no 'after'"),
    "following an absent node": (
        edit('[stages.primary.nodes.node-1]\nmode = "rust"\nmin_verifications = 500\ndemote_to = "legacy"\n', ""),
        "node node-1 is not in this stage",
    ),
    "a slow candidate asked for": (edit('p50 = "<= 0.2", p95', 'p50 = ">= 0.2", p95'), "asks for a slow candidate"),
    "a latency of nothing": (edit('latency = { p50 = "<= 0.2" }', "latency = {}"), "bounds nothing"),
    "no corpus": (edit('corpus = "devnet.json"\n', ""), "there is no corpus to measure it on"),
    "a corpus of nothing": (edit("min_comparisons = 999\n", ""), "no comparison is not no divergence"),
    "a missing file": (edit('golden = "flags.json"', 'golden = "vectors.json"'), "no file 'vectors.json'"),
    "no engines at all": (
        GOOD[: GOOD.index("[engines]")] + GOOD[GOOD.index("[nodes.node-1]") :],
        "stages.shadow.engines: the plan has no [engines]",
    ),
    "a tolerance": (edit("soak", "max_divergences = 1\nsoak"), "no key 'max_divergences'"),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(sentence_of: Callable[..., str], text: str, sentence: str) -> None:
    said = sentence_of(text)

    assert said.startswith(PLACE)
    assert sentence in said
    assert "\n" not in said
