"""Commands in a plan: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.command import Command
from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.results import Excuse, Format, Result, at_least, none
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import schema

PLACE = "suites/takumi/rollout.toml: "
HEAD = '[rollout]\nname = "t"\nenvironment = ["NODE_ENV"]\n[stages.beta]\n'
GOOD = (
    HEAD
    + r"""
[[stages.beta.commands]]
name = "unit tests"
run = ["npm", "test", "--", "--reporter-output={results}/junit.xml"]
cwd = "contracts"
environment = ["NODE_ENV"]
timeout = "5m"
status = [0, 1]
must_print = '^217 tests$'
never_print = ["FAILED", "MISSING"]
[[stages.beta.commands.results]]
format = "junit"
file = "{results}/junit.xml"
tests = ">= 217"
skipped = "<= 2"
[[stages.beta.commands.results.known_failures]]
test = "state.rounding"
owner = "Jo Doe"
reason = "waits for the fix"
expires = 2026-12-31T18:00:00Z
[[stages.beta.commands]]
name = "others"
run = "npm run lint | tee log"
shell = true
advisory = true
results = [
  { format = "sarif", file = "s.sarif", levels = { warning = "<= 5" } },
  { format = "coverage", file = "lcov.info", bound = ">= 95 %" },
  { format = "json", file = "a.json", pointer = "/pct", unit = "%", bound = ">= 95 %" },
  { format = "json", file = "b.json", pointer = "", equals = true },
  { format = "tap" },
]
[[stages.beta.commands]]
name = "one report"
run = ["true"]
results = { format = "tap" }
"""
)


def test_commands_become_the_values_they_mean(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    tests, others, one = rollout.stages[0].checks

    assert tests == Command(
        name="unit tests",
        run=("npm", "test", "--", "--reporter-output={results}/junit.xml"),
        folder=rollout.folder / "contracts",
        environment=("NODE_ENV",),
        limit=timedelta(minutes=5),
        statuses=(0, 1),
        must_print=("^217 tests$",),
        never_print=("FAILED", "MISSING"),
        results=(
            Result(
                format=Format.JUNIT,
                file="{results}/junit.xml",
                tests=at_least(217),
                skipped=Bound(relation=Relation.AT_MOST, limit=Fraction(2), unit=UNITS["count"]),
                excuses=(
                    Excuse(
                        test="state.rounding",
                        owner="Jo Doe",
                        reason="waits for the fix",
                        expires=datetime(2026, 12, 31, 18, tzinfo=UTC),
                    ),
                ),
            ),
        ),
    )
    assert isinstance(others, Command)
    assert (others.run, others.shell, others.required, others.limit) == (
        ("npm run lint | tee log",),
        True,
        False,
        timedelta(minutes=10),
    )
    sarif, coverage, share, truth, tap = others.results
    assert sarif.levels == {
        "error": none(),
        "warning": Bound(relation=Relation.AT_MOST, limit=Fraction(5), unit=UNITS["count"]),
    }
    assert coverage.bound == Bound(relation=Relation.AT_LEAST, limit=Fraction(95, 100), unit=UNITS["%"])
    assert (share.bound, share.unit, share.pointer) == (coverage.bound, UNITS["%"], "/pct")
    assert (truth.equals, truth.pointer) == (True, "")
    assert tap == Result(format=Format.TAP)
    assert isinstance(one, Command)
    assert one.results == (tap,)


def test_the_schema_takes_the_same(load_text: Callable[..., Rollout]) -> None:
    document = json.loads(json.dumps(tomllib.loads(GOOD), default=lambda value: value.isoformat()))

    jsonschema.Draft202012Validator(schema()).validate(document)


def edit(old: str, new: str) -> str:
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


def command(text: str) -> str:
    return f'{HEAD}[[stages.beta.commands]]\nname = "c"\nrun = ["true"]\n{text}\n'


AT = "stages.beta.commands['c']"
MISSHAPEN = {
    "a typo": (edit("never_print", "never_prints"), "no key 'never_prints'"),
    "no run": (HEAD + '[[stages.beta.commands]]\nname = "c"\n', "'run' is missing"),
    "nothing run": (command("").replace('["true"]', "[]"), "run: is empty"),
    "a number run": (command("").replace('["true"]', "5"), "a string is needed"),
    "a status in quotes": (command('status = "0"'), "Leave out the quotes."),
    "a status beyond": (command("status = 256"), "256 is out of range; allowed is 0 to 255."),
    "no status": (command("status = []"), "status: is empty"),
    "an unknown format": (command('results = [{ format = "xunit" }]'), "no format 'xunit'"),
    "an unknown unit": (command('results = [{ format = "json", unit = "pct" }]'), "no unit 'pct'"),
    "shell as text": (command('shell = "true"'), "true or false is needed"),
    "no pointer": (command('results = [{ format = "json", pointer = "a.b", bound = "== 0" }]'), "is no JSON pointer"),
    "an unknown level": (command('results = [{ format = "sarif", levels = { fatal = "== 0" } }]'), "no key 'fatal'"),
    "a time without": (edit("2026-12-31T18:00:00Z", "2026-12-31"), "a date-time with its offset is needed"),
}


@pytest.mark.parametrize(("plan", "says"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_command_is_refused_by_loader_and_schema(sentence_of: Any, plan: str, says: str) -> None:
    assert says in sentence_of(plan)

    document = json.loads(json.dumps(tomllib.loads(plan), default=lambda value: value.isoformat()))
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(document))


MEANINGLESS = {
    "two of a name": (
        command("") + '[[stages.beta.commands]]\nname = "C"\nrun = ["true"]\n',
        "stages.beta.commands['C'].name: is the name of two commands of this stage; give each its own.",
    ),
    "a name with colons": (
        command("").replace('"c"', '"a::b"'),
        "stages.beta.commands['a::b'].name: 'a::b' has '::', which separates the parts of an item's id; write it "
        "another way.",
    ),
    "one text": (
        command("").replace('["true"]', '"npm test"'),
        f'{AT}.run: is one text with blanks in it; write an array, such as ["npm", "test"], or shell = true.',
    ),
    "several lines for a shell": (
        command("shell = true").replace('["true"]', '["a", "b"]'),
        f"{AT}.run: has several entries, and a shell takes one line; write one string.",
    ),
    "no program": (command("").replace('["true"]', '[""]'), f"{AT}.run[#1]: names no program."),
    "no folder": (
        command('cwd = "contract"'),
        f"{AT}.cwd: no folder 'contract'; it is looked for relative to the plan.",
    ),
    "a variable that stays outside": (
        command('environment = ["TOKEN"]'),
        f"{AT}.environment[#1]: 'TOKEN' does not reach the gate; add it to rollout.environment.",
    ),
    "no time": (
        command('timeout = "0s"'),
        f"{AT}.timeout: '0s' is no time at all; write a duration as whole numbers with d, h, m or s, largest unit "
        "first, such as '7d' or '1h30m'.",
    ),
    "any status": (
        command("status = [0, 1]"),
        f"{AT}.status: takes a status other than 0 and nothing else is looked at; add results, or must_print.",
    ),
    "a broken pattern": (
        command('never_print = ["("]'),
        f"{AT}.never_print[#1]: '(' is no regular expression: missing ), unterminated subpattern at position 0.",
    ),
    "a pattern that any text has": (
        command('must_print = ["(ok)?"]'),
        f"{AT}.must_print[#1]: '(ok)?' is found in any text, even in none; write one that is not.",
    ),
    "a bound that always holds": (
        command('results = [{ format = "tap", tests = ">= 0" }]'),
        f"{AT}.results[#1].tests: '>= 0' always holds, so it bounds nothing; every value of the metric meets it.",
    ),
    "coverage without its unit": (
        command('results = [{ format = "coverage", bound = ">= 0.95" }]'),
        f"{AT}.results[#1].bound: '>= 0.95' says no unit, and the metric is measured in ratio; write '>= 95 %'.",
    ),
    "coverage without a bound": (
        command('results = [{ format = "coverage" }]'),
        f'{AT}.results[#1]: needs a bound, such as bound = ">= 95 %".',
    ),
    "a value without a bound": (
        command('results = [{ format = "json", pointer = "/a" }]'),
        f'{AT}.results[#1]: needs bound or equals, one of the two, such as bound = "== 0".',
    ),
    "a value without a place": (
        command('results = [{ format = "json", equals = 1 }]'),
        f'{AT}.results[#1]: needs a pointer, such as pointer = "/totals/passed".',
    ),
    "a key of another format": (
        command('results = [{ format = "tap", levels = { error = "== 0" } }]'),
        f"{AT}.results[#1].levels: does not go with tap; allowed are file, tests, skipped, known_failures.",
    ),
    "an excuse twice": (
        GOOD.replace(
            '[[stages.beta.commands]]\nname = "others"',
            '[[stages.beta.commands.results.known_failures]]\ntest = "state.rounding"\nowner = "J"\nreason = "r"\n'
            'expires = 2026-12-31T18:00:00Z\n[[stages.beta.commands]]\nname = "others"',
        ),
        "stages.beta.commands['unit tests'].results[#1].known_failures['state.rounding'].test: is listed twice; list "
        "each test once.",
    ),
    "a folder for a report": (
        command('results = [{ format = "tap", file = "out/" }]'),
        f"{AT}.results[#1].file: 'out/' names a folder; write the report's file.",
    ),
    "advisory alone": (
        command("advisory = true"),
        "stages.beta: the gate has only advisory items, which never count; declare a check that counts, or write a "
        "test in beta/test_*.py.",
    ),
}


@pytest.mark.parametrize(("plan", "sentence"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_a_command_that_cannot_be_meant_is_refused_in_one_sentence(sentence_of: Any, plan: str, sentence: str) -> None:
    assert sentence_of(plan) == PLACE + sentence
