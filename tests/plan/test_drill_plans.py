"""Drills and ratios in a plan: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.drill import Damage, Drill, Kill
from pytest_rollout.core.ratio import Measure, Ratio
from pytest_rollout.core.results import Format, Result, at_least
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.store_check import StoreCheck
from pytest_rollout.plan import schema

PLACE = "suites/takumi/rollout.toml: "
HEAD = """
[rollout]
name = "t"
environment = ["NODE_ENV"]
[stores.one]
kind = "ndjson"
path = "contracts/out/one.ndjson"
[stores.other]
kind = "ndjson"
path = "elsewhere.ndjson"
[stages.beta]
[[stages.beta.stores]]
name = "one alone"
left = "one"
key = "id"
[[stages.beta.stores]]
name = "both"
left = "one"
right = "other"
key = "id"
"""
GOOD = (
    HEAD
    + """
[[stages.beta.drills]]
name = "dual write"
run = ["node", "write.js", "{number}"]
times = 100
at_once = 4
stores = "both"
grows = 2
environment = ["NODE_ENV"]
timeout = "5s"
[[stages.beta.drills]]
name = "kill between"
run = ["node", "write.js", "{copy}"]
copies = "contracts"
kill = { when = "first written", times = 3 }
recover = ["node", "recover.js", "{copy}"]
stores = "one alone"
[[stages.beta.drills]]
name = "torn"
run = ["node", "read.js", "{copy}"]
copies = ["contracts/out"]
damage = { file = "contracts/out/SkillProfile.json", how = "read-only" }
status = 1
must_print = "EACCES"
advisory = true
[[stages.beta.ratios]]
name = "reads"
reference = ["node", "bench.js", "leveldb"]
candidate = ["node", "bench.js", "json"]
measure = "reported"
pointer = "/us"
at_most = "2x"
pairs = 20
timeout = "1m"
[[stages.beta.ratios]]
name = "memory"
reference = "old"
candidate = "new"
measure = "memory"
at_most = "150 %"
advisory = true
"""
)


def test_drills_and_ratios_become_the_values_they_mean(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    alone, both, *rest = rollout.stages[0].checks
    dual, kill, torn, reads, memory = rest
    folder = rollout.folder

    assert isinstance(alone, StoreCheck)
    assert isinstance(both, StoreCheck)
    assert dual == Drill(
        name="dual write",
        run=Command(
            name="dual write",
            run=("node", "write.js", "{number}"),
            folder=folder,
            environment=("NODE_ENV",),
            limit=timedelta(seconds=5),
        ),
        times=100,
        at_once=4,
        stores=both,
        grows=2,
    )
    assert kill == Drill(
        name="kill between",
        run=Command(name="kill between", run=("node", "write.js", "{copy}"), folder=folder),
        copy=("contracts",),
        kill=Kill(times=3, when="first written"),
        recover=Command(name="kill between, recovering", run=("node", "recover.js", "{copy}"), folder=folder),
        stores=alone,
    )
    assert isinstance(torn, Drill)
    assert (torn.damage, torn.file, torn.required) == (
        Damage.READ_ONLY,
        "contracts/out/SkillProfile.json",
        False,
    )
    assert (torn.run.statuses, torn.run.must_print) == ((1,), ("EACCES",))
    assert isinstance(reads, Ratio)
    reported = (Result(format=Format.JSON, pointer="/us", bound=at_least(0)),)
    assert reads == Ratio(
        name="reads",
        reference=Command(
            name="reference",
            run=("node", "bench.js", "leveldb"),
            folder=folder,
            limit=timedelta(minutes=1),
            results=reported,
        ),
        candidate=Command(
            name="candidate",
            run=("node", "bench.js", "json"),
            folder=folder,
            limit=timedelta(minutes=1),
            results=reported,
        ),
        measure=Measure.REPORTED,
        at_most=Fraction(2),
        pairs=20,
    )
    assert isinstance(memory, Ratio)
    assert (memory.measure, memory.at_most, memory.required) == (Measure.MEMORY, Fraction(3, 2), False)


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def drill(text: str, run: str = 'run = ["node", "x.js", "{copy}"]\ncopies = "contracts"') -> str:
    return f'{HEAD}[[stages.beta.drills]]\nname = "d"\n{run}\n{text}\n'


def ratio(text: str) -> str:
    return f'{HEAD}[[stages.beta.ratios]]\nname = "r"\nreference = "a"\ncandidate = "b"\n{text}\n'


D, R = "stages.beta.drills['d']", "stages.beta.ratios['r']"
DAMAGE = 'damage = { file = "contracts/out/SkillProfile.json", how = "flip" }'
MISTAKES = {
    "nothing": (drill(""), f"{D}: drills nothing; write such as damage, kill, at_once, or times and grows."),
    "no copy": (
        drill(DAMAGE, 'run = ["x"]'),
        f'{D}: is done on copies; write what they are of, such as copies = ["state"].',
    ),
    "on the original": (
        drill(DAMAGE, 'run = ["x"]\ncopies = "contracts"'),
        f"{D}.run: has no {{copy}} in it, so it would work on the original.",
    ),
    "a copy of nothing": (
        drill("times = 2", 'run = "{copy}"\ncopies = "gone"'),
        f"{D}.copies: no file or folder 'gone'",
    ),
    "a copy of elsewhere": (
        drill("times = 2", 'run = "{copy}"\ncopies = "../x"'),
        f"{D}.copies: '../x' is no file or folder",
    ),
    "damage elsewhere": (
        drill('damage = { file = "flags.json", how = "flip" }'),
        f"{D}.damage.file: 'flags.json' is not in what is copied, contracts.",
    ),
    "an unknown damage": (
        drill('damage = { file = "contracts", how = "fold" }'),
        "no damage 'fold'; allowed are empty,",
    ),
    "a kill at no time": (drill("kill = {}"), f"{D}.kill: needs when or within, one of the two"),
    "a kill at two times": (drill('kill = { when = "x", within = "1s" }'), f"{D}.kill: needs when or within"),
    "a kill whenever": (drill('kill = { when = ".*" }'), f"{D}.kill.when: '.*' is found in any text"),
    "a kill of many": (drill('kill = { when = "x" }\ntimes = 2'), f"{D}.kill: goes with none of times, at_once,"),
    "more at once than at all": (drill("at_once = 3\ntimes = 2"), f"{D}.at_once: 3 are more than times, 2."),
    "growth of nothing": (drill("grows = 1"), f"{D}.grows: says of which stores? Write stores."),
    "stores nobody writes": (
        drill('times = 2\nstores = "one alone"'),
        f"{D}.stores: hold already if nothing is written; write grows:",
    ),
    "an unknown store check": (
        drill('grows = 1\nstores = "bot"'),
        f"{D}.stores: no store check 'bot'; this stage has one alone, both. Did you mean 'both'?",
    ),
    "a store that is not copied": (
        drill('grows = 1\nstores = "both"'),
        f"{D}.stores: store other is not in what is copied, contracts; copy it too.",
    ),
    "a drill twice": (
        drill("times = 2") + drill("times = 2").replace(HEAD, "").replace('"d"', '"D"'),
        "stages.beta.drills['D'].name: is the name of two drills of this stage; give each its own.",
    ),
    "a variable withheld": (drill('times = 2\nenvironment = ["HOME2"]'), "'HOME2' does not reach the gate"),
    "recovering with a line": (
        drill(DAMAGE + '\nrecover = "node x.js"'),
        f"{D}.recover: is one text with blanks in it; write an array",
    ),
    "no bound": (ratio(""), f"{R}: 'at_most' is missing; write for example at_most = \"2x\"."),
    "a bound of nothing": (ratio('at_most = "0x"'), f"{R}.at_most: '0x' is no ratio; write such as '2x', or '150 %'."),
    "a bound without its unit": (ratio('at_most = "2"'), f"{R}.at_most: '2' is no ratio"),
    "too few pairs": (ratio('at_most = "2x"\npairs = 4'), f"{R}.pairs: 4 is out of range; allowed is 5 to 1000."),
    "reported nowhere": (ratio('at_most = "2x"\nmeasure = "reported"'), f'{R}: needs a pointer, such as "/us".'),
    "a pointer to everything": (
        ratio('at_most = "2x"\nmeasure = "reported"\npointer = "us"'),
        f"{R}.pointer: 'us' is no JSON pointer to a number",
    ),
    "a pointer to nothing": (ratio('at_most = "2x"\npointer = "/us"'), f'{R}.pointer: is for measure = "reported".'),
    "with itself": (
        ratio('at_most = "2x"').replace('"b"', '"a"'),
        f"{R}.candidate: is the reference itself, which is always as good.",
    ),
    "a ratio twice": (
        ratio('at_most = "2x"') + ratio('at_most = "2x"').replace(HEAD, ""),
        "is the name of two ratios of this stage; give each its own.",
    ),
}


@pytest.mark.parametrize(("plan", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence(sentence_of: Any, plan: str, says: str, root: Path) -> None:
    sentence = sentence_of(plan)

    assert sentence.startswith(PLACE)
    assert says in sentence
