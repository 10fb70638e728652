"""Plans that load and plans that are refused: the loader and the published schema on one table."""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.criterion import Bound, Criterion, Relation, Statistic, Trigger
from pytest_rollout.core.interfaces import INTERFACES
from pytest_rollout.core.inventory import Listed
from pytest_rollout.core.outcome import Severity
from pytest_rollout.core.rollout import (
    ChecklistEntry,
    ContractState,
    Contradiction,
    Deployment,
    Exposure,
    FlagState,
    KnownFailure,
    Metric,
    Network,
    NetworkKind,
    Rollout,
)
from pytest_rollout.core.units import UNITS
from pytest_rollout.networks.accounts import DEFAULT_ROLES
from pytest_rollout.plan import schema
from pytest_rollout.plan.sentence import some
from pytest_rollout.plan.shape import Plan
from pytest_rollout.plan.stage_shape import ContractTable, StageTable
from pytest_rollout.plan.states import DEFAULT_ACCOUNTS

PLACE = "suites/takumi/rollout.toml: "
HASH = "0x" + "ab" * 32
ALICE = "0x" + "Aa" * 20

GOOD = f"""
[rollout]
name = "takumi"
title = "Takumi on mainnet"
judgement_max_age = "1d12h"
environment = ["DATABASE_URL"]
plugins = ["pytest_mine.plugin"]
ledger = "7f3a"

[networks.local]
kind = "tester"
accounts = {{ admin = 0, pauser = 1 }}
hardfork = "cancun"
[networks.devnet]
kind = "anvil"
chain_id = 31337
binary = "anvil"

[contracts]
artifacts = "contracts/out"
[contracts.deployments]
devnet = "devnet.json"

[flags]
provider = "memory"
[flags.values]
profileCreation = true
endorsements = false
limit = 5
theme = "dark"

[metrics.tx_success]
unit = "ratio"
description = "Transactions included with status 1"
[metrics.api_latency]
unit = "ms"
source = "tests"
[metrics.fee]
unit = "gas"

[[contradictions]]
where = "profiles in beta"
says = ["500+", "100+"]
choice = "500+, the stricter one"

[stages.alpha]
title = "Alpha launch"
network = "local"
deadline = "30m"
exposure = {{ users = "10..20", description = "trusted testers" }}
removed = ["suites/takumi/suites/alpha/test_old.py::test_gone"]

[stages.alpha.flags]
profileCreation = true
limit = 5
theme = "dark"

[stages.alpha.contracts.SkillProfile]
paused = false
owner = "admin"
roles = {{ PAUSER_ROLE = ["pauser", "{ALICE}"], {HASH} = ["SkillClaim"] }}
code_size = 2868
code_hash = "{HASH}"
implementation = "SkillClaim"

[stages.alpha.contracts.SkillProfile.calls]
totalProfiles = 0
"hasRole(bytes32,address)" = {{ arguments = ["{HASH}", "{ALICE}"], equals = true }}
owners = ["{ALICE}", [1, 2]]

[[stages.alpha.criteria]]
name = "transactions succeed"
metric = "tx_success"
promote = "> 99 %"
alert = "< 95 %"
min_samples = 299
rollback = [{{ when = "< 90 %" }}, {{ when = "< 95 %", severity = "planned" }}]
on_no_data = "hold"

[[stages.alpha.criteria]]
name = "answers are quick"
metric = "api_latency"
statistic = "p95"
promote = "< 0.2 s"
rollback = {{ when = "> 500 ms" }}
advisory = true

[[stages.alpha.criteria]]
name = "enough was measured"
metric = "fee"
statistic = "count"
promote = ">= 1,000"

[[stages.alpha.checklist]]
text = "Audit letter received"
evidence = true
[[stages.alpha.checklist]]
text = "Team is calm"
advisory = true

[[stages.alpha.known_failures]]
test = "suites/alpha/test_pause.py::test_pause"
owner = "Jo Doe"
reason = "waits for the fix of the fee"
expires = 2026-12-31T18:00:00+01:00

[stages.public]
network = "devnet"
exposure = {{ share = "25 %", flag = "endorsements", sample = 5000, confidence = "99 %" }}
[stages.public.contracts.Registry]
owner = "deployer"
"""

SMALL = '[rollout]\nname = "t"\n[networks.local]\nkind = "tester"\n[stages.beta]\nnetwork = "local"\n'
METRIC = '[metrics.m]\nunit = "ratio"\n'
CRITERION = '[[stages.beta.criteria]]\nname = "c"\nmetric = "m"\npromote = "> 99 %"\n'


def real(*lines: str, fork: str = "") -> str:
    """A plan with a real chain and, where asked for, a fork of it."""
    network = '[networks.mainnet]\nkind = "rpc"\nurl = "https://node.example"\nchain_id = 1\n' + "\n".join(lines)
    return SMALL.replace("[stages", network + "\n" + fork + "\n[stages")


FORK = '[networks.rehearsal]\nkind = "fork"\nof = "mainnet"'


PLANS = {
    "everything": GOOD,
    "the smallest": SMALL,
    "a default from the plan": SMALL.replace('"tester"', '"${KIND:-tester}"'),
    "a bound that is met by one value": SMALL + METRIC + CRITERION.replace("> 99 %", "== 100 %"),
    "nobody inside": SMALL + "exposure = { users = 0 }\n",
    "no upper end": SMALL + 'exposure = { users = "100.." }\n',
    "a record with its format": GOOD.replace('"devnet.json"', '{ path = "devnet.json", format = "plain" }'),
    "a contract by another name": GOOD.replace('"devnet.json"', '{ path = "devnet.json", names = { Safe = "Vault" } }'),
    "a real chain and a fork of it": real(
        'finality = 12\nclient = "Geth/*"\nmax_head_age = "1m"\nquorum = 1\nwrites = true',
        fork=FORK + "\nblock = 17",
    ),
    "a real chain with several nodes": real('finality = "safe"').replace(
        '"https://node.example"', '["https://one.example", "https://two.example", "https://three.example"]'
    ),
    "an inventory": SMALL + "inventory = true\n[contracts]\ninventory = { local = ['Vault', 'Coin'] }\n",
    "an inventory of some networks": SMALL + "inventory = ['local']\n[contracts]\ninventory = { local = ['Vault'] }\n",
    "two artifact folders": SMALL + '[contracts]\nartifacts = ["contracts", "contracts/out"]\n',
    "a flagd file": SMALL + '[flags]\nprovider = "flagd:flags.json"\n[stages.beta.flags]\nnewFlow = true\n',
    "a share of nobody": SMALL
    + 'exposure = { share = "0 %", flag = "newFlow" }\n[flags]\nprovider = "flagd:flags.json"\n',
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_good_plan_loads_and_meets_the_schema(load_text: Callable[..., Rollout], plan: str) -> None:
    load_text(plan)

    VALIDATOR.validate(as_json(plan))


VALIDATOR = jsonschema.Draft202012Validator(schema())


def as_json(plan: str) -> Any:
    """What an editor hands to the schema: TOML's date-times as strings."""
    return json.loads(json.dumps(tomllib.loads(plan), default=lambda value: value.isoformat()))


def test_a_plan_becomes_the_values_it_means(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    alpha, public = rollout.stages

    assert (rollout.name, rollout.title, rollout.ledger_id) == ("takumi", "Takumi on mainnet", "7f3a")
    assert rollout.judgement_max_age == timedelta(hours=36)
    assert (rollout.environment, rollout.plugins) == (("DATABASE_URL",), ("pytest_mine.plugin",))
    assert rollout.networks["local"] == Network(
        name="local", kind=NetworkKind.TESTER, accounts={"admin": 0, "pauser": 1}, hardfork="cancun"
    )
    assert rollout.networks["devnet"] == Network(name="devnet", kind=NetworkKind.ANVIL, chain_id=31337, binary="anvil")
    assert rollout.contracts.artifacts == (rollout.folder / "contracts/out",)
    assert rollout.contracts.deployments == {"devnet": Deployment(path=rollout.folder / "devnet.json")}
    assert rollout.flags.values == {
        "profileCreation": True,
        "endorsements": False,
        "limit": 5,
        "theme": "dark",
    }
    assert rollout.metrics["api_latency"] == Metric(name="api_latency", unit=UNITS["ms"])
    assert rollout.contradictions == (
        Contradiction(where="profiles in beta", says=("500+", "100+"), choice="500+, the stricter one"),
    )
    assert (alpha.name, alpha.title, alpha.network) == ("alpha", "Alpha launch", "local")
    assert alpha.deadline == timedelta(minutes=30)
    assert alpha.exposure == Exposure(users=(10, 20), description="trusted testers")
    assert alpha.removed == ("suites/takumi/suites/alpha/test_old.py::test_gone",)
    assert alpha.flags == (
        FlagState(key="profileCreation", expected=True),
        FlagState(key="limit", expected=5),
        FlagState(key="theme", expected="dark"),
    )
    assert alpha.checklist == (
        ChecklistEntry(number=1, text="Audit letter received", evidence=True),
        ChecklistEntry(number=2, text="Team is calm", required=False),
    )
    assert alpha.known_failures == (
        KnownFailure(
            test="suites/alpha/test_pause.py::test_pause",
            owner="Jo Doe",
            reason="waits for the fix of the fee",
            expires=datetime(2026, 12, 31, 17, tzinfo=UTC),
        ),
    )
    assert public.title == "public"
    assert public.exposure == Exposure(
        share=Fraction(1, 4), flag="endorsements", sample=5000, confidence=Fraction(99, 100)
    )


def test_contract_states_are_single_and_in_the_order_written(load_text: Callable[..., Rollout]) -> None:
    """Each is one item of the gate, so its name must not depend on a table's hashing."""
    states = load_text(GOOD).stages[0].contracts

    assert [(state.name, state.expected, state.arguments) for state in states] == [
        ("SkillProfile.paused", False, ()),
        ("SkillProfile.owner", "admin", ()),
        ("SkillProfile.roles.PAUSER_ROLE", ["pauser", ALICE], ()),
        (f"SkillProfile.roles.{HASH}", ["SkillClaim"], ()),
        ("SkillProfile.code_size", 2868, ()),
        ("SkillProfile.code_hash", HASH, ()),
        ("SkillProfile.implementation", "SkillClaim", ()),
        ("SkillProfile.calls.totalProfiles", 0, ()),
        ("SkillProfile.calls.hasRole(bytes32,address)", True, (HASH, ALICE)),
        ("SkillProfile.calls.owners", [ALICE, [1, 2]], ()),
    ]
    assert all(isinstance(state, ContractState) for state in states)


def test_criteria_keep_their_bounds_exact(load_text: Callable[..., Rollout]) -> None:
    success, latency, count = load_text(GOOD).stages[0].criteria
    percent = UNITS["%"]

    assert success == Criterion(
        name="transactions succeed",
        metric="tx_success",
        unit=UNITS["ratio"],
        promote=Bound(relation=Relation.MORE, limit=Fraction(99, 100), unit=percent),
        alert=Bound(relation=Relation.LESS, limit=Fraction(95, 100), unit=percent),
        rollback=(
            Trigger(when=Bound(relation=Relation.LESS, limit=Fraction(9, 10), unit=percent)),
            Trigger(
                when=Bound(relation=Relation.LESS, limit=Fraction(95, 100), unit=percent),
                severity=Severity.PLANNED,
            ),
        ),
        min_samples=299,
    )
    assert (latency.statistic, latency.required) == (Statistic.P95, False)
    assert latency.promote == Bound(relation=Relation.LESS, limit=Fraction(1, 5), unit=UNITS["s"])
    assert latency.rollback[0].when.limit == Fraction(1, 2)
    assert (count.unit, count.promote.limit) == (UNITS["count"], 1000)


def edit(old: str, new: str) -> str:
    """The good plan with one thing changed."""
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new, 1)


# Plans whose mistake is in their shape: the loader and the schema refuse them alike.
MISSHAPEN = {
    "typo at the top": (
        edit("[contracts]", "[contract]"),
        f"no key 'contract'; allowed are {', '.join(Plan.model_fields)}. Did you mean 'contracts'?",
    ),
    "no [rollout]": (
        SMALL.replace('[rollout]\nname = "t"\n', ""),
        "'rollout' is missing; write for example rollout = { name = \"takumi\" }.",
    ),
    "no stages": (
        SMALL[: SMALL.index("[stages")],
        "'stages' is missing; write for example stages = { beta = { network = \"local\" } }.",
    ),
    "stages empty": (
        "stages = {}\n" + SMALL[: SMALL.index("[stages")],
        "stages: has no stage; write one, such as [stages.beta].",
    ),
    "stages an array": (
        SMALL.replace("[stages.beta]", "[[stages]]"),
        "stages: is an array; a table is needed.",
    ),
    "typo in [rollout]": (
        edit("judgement_max_age", "judgment_max_age"),
        "rollout: no key 'judgment_max_age'; allowed are name, title, judgement_max_age, environment, plugins, "
        "began, ledger. Did you mean 'judgement_max_age'?",
    ),
    "no name": (
        edit('name = "takumi"', ""),
        "rollout: 'name' is missing; write for example name = \"takumi\".",
    ),
    "name not text": (edit('"takumi"', "5"), "rollout.name: 5 is an integer; a name is needed."),
    "name with capitals": (
        edit('"takumi"', '"Takumi"'),
        "rollout.name: 'Takumi' is no name; a name is lower-case letters, digits and '-', begins with a letter and "
        "has at most 32 characters. Did you mean 'takumi'?",
    ),
    "name a path": (
        edit('"takumi"', '"../prod"'),
        "rollout.name: '../prod' is no name; a name is lower-case letters, digits and '-', begins with a letter and "
        "has at most 32 characters.",
    ),
    "name too long": (
        edit('"takumi"', f'"{"a" * 33}"'),
        f"rollout.name: '{'a' * 33}' is no name; a name is lower-case letters, digits and '-', begins with a letter "
        "and has at most 32 characters.",
    ),
    "name with a look-alike": (
        edit('"takumi"', '"t\u0430kumi"'),
        "rollout.name: 't\u0430kumi' is no name and has CYRILLIC SMALL LETTER A in it; a name is lower-case letters, "
        "digits and '-', begins with a letter and has at most 32 characters.",
    ),
    "title empty": (
        edit('"Takumi on mainnet"', '" "'),
        "rollout.title: ' ' is empty or padded; write one line of text without blanks around it.",
    ),
    "title with ANSI": (
        edit('"Takumi on mainnet"', '"\\u001b[32mPROMOTE"'),
        "rollout.title: '\\x1b[32mPROMOTE' has a line break, tab or control character; write one line of plain text.",
    ),
    "age a number": (
        edit('"1d12h"', "36"),
        "rollout.judgement_max_age: 36 is an integer; a duration, such as '7d' or '1h30m', is needed.",
    ),
    "age negative": (
        edit('"1d12h"', '"-7d"'),
        "rollout.judgement_max_age: '-7d' has a sign, and time goes one way; write a duration as whole numbers with "
        "d, h, m or s, largest unit first, such as '7d' or '1h30m'.",
    ),
    "environment a string": (
        edit('["DATABASE_URL"]', '"DATABASE_URL"'),
        "rollout.environment: 'DATABASE_URL' is a string; an array is needed.",
    ),
    "environment with a dollar": (
        edit('["DATABASE_URL"]', '["$DATABASE_URL"]'),
        "rollout.environment[#1]: '$DATABASE_URL' is no environment variable's name; write it such as DATABASE_URL, "
        "without '$'.",
    ),
    "plugin a file": (
        edit("pytest_mine.plugin", "pytest_mine/plugin.py"),
        "rollout.plugins[#1]: 'pytest_mine/plugin.py' is no module's name; write it as it is imported, such as "
        "pytest_django.plugin.",
    ),
    "ledger a path": (
        edit('"7f3a"', '"../ledger"'),
        "rollout.ledger: '../ledger' is no ledger's id; `rollout ledger show` prints it.",
    ),
    "typo in a network": (
        edit("chain_id", "chainid"),
        "networks.devnet: no key 'chainid'; allowed are kind, chain_id, accounts, binary, hardfork, state, of, block, url, "
        "finality, genesis, client, max_head_age, quorum, writes. Did you mean 'chain_id'?",
    ),
    "network without kind": (
        edit('kind = "tester"', ""),
        "networks.local: 'kind' is missing; write for example kind = \"tester\".",
    ),
    "network of no kind": (
        edit('"tester"', '"testr"'),
        "networks.local.kind: no kind 'testr'; allowed are tester, anvil, fork, rpc. Did you mean 'tester'?",
    ),
    "network kind a list": (
        edit('"tester"', '["tester"]'),
        "networks.local.kind: is an array; one of tester, anvil, fork, rpc is needed.",
    ),
    "finality of another word": (
        real('finality = "latest"'),
        "networks.mainnet.finality: no finality 'latest'; allowed are 'finalized', 'safe', or a number of confirmations "
        "from 0 to 1000000.",
    ),
    "finality in quotes": (
        real('finality = "12"'),
        "networks.mainnet.finality: no finality '12'; allowed are 'finalized', 'safe', or a number of confirmations "
        "from 0 to 1000000. Leave out the quotes.",
    ),
    "finality below zero": (
        real("finality = -1"),
        "networks.mainnet.finality: no finality -1; allowed are 'finalized', 'safe', or a number of confirmations from "
        "0 to 1000000.",
    ),
    "finality true": (
        real("finality = true"),
        "networks.mainnet.finality: true is a boolean; 'finalized', 'safe', or a number of confirmations from 0 to "
        "1000000 is needed.",
    ),
    "no url among urls": (
        real("quorum = 1").replace('url = "https://node.example"', "url = []"),
        "networks.mainnet.url: is empty; at least one entry is needed.",
    ),
    "a quorum of none": (
        real("quorum = 0"),
        "networks.mainnet.quorum: 0 is out of range; allowed is 1 to 100.",
    ),
    "writes in quotes": (
        real('writes = "true"'),
        "networks.mainnet.writes: 'true' is a string; true or false is needed. Leave out the quotes.",
    ),
    "a head age without unit": (
        real("max_head_age = 60"),
        "networks.mainnet.max_head_age: 60 is an integer; a duration, such as '7d' or '1h30m', is needed.",
    ),
    "network with capitals": (
        edit("[networks.local]", "[networks.Local]"),
        "networks: 'Local' is no name; a name is lower-case letters, digits and '-', begins with a letter and has at "
        "most 32 characters. Did you mean 'local'?",
    ),
    "chain id in quotes": (
        edit("31337", '"31337"'),
        "networks.devnet.chain_id: '31337' is a string; an integer is needed. Leave out the quotes.",
    ),
    "chain id a boolean": (
        edit("31337", "true"),
        "networks.devnet.chain_id: true is a boolean; an integer is needed.",
    ),
    "chain id a float": (
        edit("31337", "31337.5"),
        "networks.devnet.chain_id: 31337.5 is a float; an integer is needed.",
    ),
    "chain id zero": (
        edit("31337", "0"),
        "networks.devnet.chain_id: 0 is out of range; allowed is 1 to 9223372036854775807.",
    ),
    "account out of range": (
        edit("pauser = 1", "pauser = 10"),
        "networks.local.accounts.pauser: 10 is out of range; allowed is 0 to 9.",
    ),
    "account role in capitals": (
        edit("pauser = 1", "Pauser = 1"),
        "networks.local.accounts: 'Pauser' is no account role; write lower-case letters, digits, '-' or '_', such as "
        "'pauser'.",
    ),
    "hardfork unknown": (
        edit('"cancun"', '"cancún"'),
        "networks.local.hardfork: no hardfork 'cancún'; allowed are paris, shanghai, cancun, prague, osaka. "
        "Did you mean 'cancun'?",
    ),
    "typo in [contracts]": (
        edit("artifacts =", "artefacts ="),
        "contracts: no key 'artefacts'; allowed are artifacts, deployments, inventory, proxies. Did you mean 'artifacts'?",
    ),
    "artifacts a number": (
        edit('artifacts = "contracts/out"', "artifacts = 1"),
        "contracts.artifacts: 1 is an integer; a string is needed.",
    ),
    "no artifacts at all": (
        edit('artifacts = "contracts/out"', "artifacts = []"),
        "contracts.artifacts: is empty; at least one entry is needed.",
    ),
    "typo in [flags]": (
        edit("provider =", "providr ="),
        "flags: no key 'providr'; allowed are provider, values. Did you mean 'provider'?",
    ),
    "provider unknown": (
        edit('"memory"', '"launchdarkly"'),
        "flags.provider: no provider 'launchdarkly'; allowed are memory and flagd:<file>.",
    ),
    "provider without file": (
        edit('"memory"', '"flagd:"').replace("[flags.values]", "[x.values]").split("[x.values]")[0]
        + SMALL[SMALL.index("[stages") :],
        "flags.provider: 'flagd:' names no file; write for example 'flagd:flags.json'.",
    ),
    "flag value a float": (
        edit("limit = 5", "limit = 0.25"),
        'flags.values.limit: 0.25 is a float, and floats are not exact; write an integer or a string, such as "0.25".',
    ),
    "flag key with blanks": (
        edit("theme =", '"the theme" ='),
        "flags.values: 'the theme' is no flag's key; write letters, digits, '.', '-' or '_', such as 'newCheckout'.",
    ),
    "typo in a metric": (
        edit("description =", "descripton ="),
        "metrics.tx_success: no key 'descripton'; allowed are unit, description, source, url, path, query, good, total, "
        "pattern, per, things, interval, timeout, histogram, token, tenant, certificates, observed, time, time_format, "
        "zone, network, finality, addresses, deadline. Did you mean 'description'?",
    ),
    "metric without unit": (
        edit('unit = "gas"', ""),
        "metrics.fee: 'unit' is missing; write for example unit = \"ratio\".",
    ),
    "metric of no unit": (
        edit('unit = "gas"', 'unit = "gaz"'),
        "metrics.fee.unit: no unit 'gaz'; allowed are ratio, count, ns, us, ms, s, min, h, d, gas, wei, gwei, ether, "
        "units, bytes, KiB, MiB, GiB, blocks. Did you mean 'gas'?",
    ),
    "metric in per cent": (
        edit('unit = "ratio"', 'unit = "%"'),
        'metrics.tx_success.unit: a share is measured as counts; write unit = "ratio".',
    ),
    "metric from nowhere": (
        edit('source = "tests"', 'source = "promtheus"'),
        "metrics.api_latency.source: no source 'promtheus'; allowed are tests, prometheus, http, sql, log, chain, "
        "recorded. Did you mean 'prometheus'?",
    ),
    "metric name in capitals": (
        edit("[metrics.fee]", "[metrics.Fee]"),
        "metrics: 'Fee' is no metric's name; write lower-case letters, digits, '-' or '_', such as 'tx_success'.",
    ),
    "typo in a contradiction": (
        edit("choice =", "chose ="),
        "contradictions['profiles in beta']: no key 'chose'; allowed are where, says, choice. Did you mean 'choice'?",
    ),
    "a contradiction of one": (
        edit('["500+", "100+"]', '["500+"]'),
        "contradictions['profiles in beta'].says: has 1 of the 2 entries that are needed at least.",
    ),
    "typo in a stage": (
        edit("deadline", "dealine"),
        f"stages.alpha: no key 'dealine'; allowed are {', '.join(StageTable.model_fields)}. Did you mean 'deadline'?",
    ),
    "stage a string": (
        SMALL.replace("[stages.beta]\nnetwork", "[stages]\nbeta"),
        "stages.beta: 'local' is a string; a table is needed.",
    ),
    "stage in capitals": (
        SMALL.replace("stages.beta", "stages.Beta"),
        "stages: 'Beta' is no name; a name is lower-case letters, digits and '-', begins with a letter and has at "
        "most 32 characters. Did you mean 'beta'?",
    ),
    "stage with blanks": (
        SMALL.replace("stages.beta", "stages.'dark launch'"),
        "stages: 'dark launch' is no name; a name is lower-case letters, digits and '-', begins with a letter and "
        "has at most 32 characters. Did you mean 'dark-launch'?",
    ),
    "deadline in months": (
        edit('"30m"', '"7M"'),
        "stages.alpha.deadline: '7M' has the unit 'M', which may be months or minutes; minutes are 'm'; write a "
        "duration as whole numbers with d, h, m or s, largest unit first, such as '7d' or '1h30m'.",
    ),
    "typo in an exposure": (
        edit("sample =", "samples ="),
        "stages.public.exposure: no key 'samples'; allowed are users, share, flag, sample, confidence, description. "
        "Did you mean 'sample'?",
    ),
    "users by word": (
        edit('"10..20"', '"ten"'),
        "stages.alpha.exposure.users: 'ten' is no number of users; write 10, '10..20' or '100..'.",
    ),
    "users negative": (
        edit('"10..20"', "-1"),
        "stages.alpha.exposure.users: -1 is no number of users; write 10, '10..20' or '100..'.",
    ),
    "users a float": (
        edit('"10..20"', "10.5"),
        "stages.alpha.exposure.users: 10.5 is a float; a number of users, 10, '10..20' or '100..', is needed.",
    ),
    "share as a ratio": (
        edit('"25 %"', '"0.25"'),
        "stages.public.exposure.share: '0.25' is no share; write per cent, such as '25 %'.",
    ),
    "share a float": (
        edit('"25 %"', "0.25"),
        "stages.public.exposure.share: 0.25 is a float; a share in per cent, such as '25 %', is needed.",
    ),
    "sample too small": (
        edit("sample = 5000", "sample = 5"),
        "stages.public.exposure.sample: 5 is out of range; allowed is 100 to 1000000.",
    ),
    "typo in a contract": (
        edit("paused =", "pausd ="),
        f"stages.alpha.contracts.SkillProfile: no key 'pausd'; allowed are {', '.join(ContractTable.model_fields)}. "
        "Did you mean 'paused'?",
    ),
    "paused in quotes": (
        edit("paused = false", 'paused = "false"'),
        "stages.alpha.contracts.SkillProfile.paused: 'false' is a string; true or false is needed. "
        "Leave out the quotes.",
    ),
    "role in lower case": (
        edit("PAUSER_ROLE", "pauser_role"),
        "stages.alpha.contracts.SkillProfile.roles: 'pauser_role' is no role; write its constant's name, such as "
        "PAUSER_ROLE, or its hash.",
    ),
    "role without holders": (
        edit('["SkillClaim"]', "[]"),
        f"stages.alpha.contracts.SkillProfile.roles.{HASH}: is empty; at least one entry is needed.",
    ),
    "no roles": (
        SMALL + '[contracts]\nartifacts = "contracts"\n[stages.beta.contracts.SkillProfile]\nroles = {}\n',
        "stages.beta.contracts.SkillProfile.roles: is empty, which checks nothing; leave it out or write an entry.",
    ),
    "no calls": (
        SMALL + '[contracts]\nartifacts = "contracts"\n[stages.beta.contracts.SkillProfile]\ncalls = {}\n',
        "stages.beta.contracts.SkillProfile.calls: is empty, which checks nothing; leave it out or write an entry.",
    ),
    "code of no bytes": (
        edit("code_size = 2868", "code_size = 0"),
        "stages.alpha.contracts.SkillProfile.code_size: 0 is out of range; allowed is 1 to 1000000000.",
    ),
    "code hash too short": (
        edit(f'code_hash = "{HASH}"', 'code_hash = "0xab"'),
        "stages.alpha.contracts.SkillProfile.code_hash: '0xab' is no hash of 32 bytes; write 0x and 64 hexadecimal "
        "digits.",
    ),
    "call with a return type": (
        edit("totalProfiles =", '"totalProfiles()(uint256)" ='),
        "stages.alpha.contracts.SkillProfile.calls: 'totalProfiles()(uint256)' is no view call; write its name, such "
        "as totalSupply, or its signature, such as hasRole(bytes32,address). Leave out the return type.",
    ),
    "call without a value": (
        edit(", equals = true }", " }"),
        "stages.alpha.contracts.SkillProfile.calls['hasRole(bytes32,address)']: 'equals' is missing; write for "
        "example equals = true.",
    ),
    "typo in a call": (
        edit("arguments =", "args ="),
        "stages.alpha.contracts.SkillProfile.calls['hasRole(bytes32,address)']: no key 'args'; allowed are arguments, "
        "equals. Did you mean 'arguments'?",
    ),
    "call of a float": (
        edit("totalProfiles = 0", "totalProfiles = 0.5"),
        "stages.alpha.contracts.SkillProfile.calls.totalProfiles: 0.5 is a float; contracts know integers only, "
        "written whole, such as 1500000000000000000.",
    ),
    "typo in a criterion": (
        edit("min_samples", "min_sample"),
        "stages.alpha.criteria['transactions succeed']: no key 'min_sample'; allowed are name, metric, promote, alert, "
        "statistic, min_samples, advisory, rollback, on_no_data, over, max_age, max_gap, max_blind, baseline. Did you mean 'min_samples'?",
    ),
    "promote misspelt": (
        edit('promote = "> 99 %"', 'promot = "> 99 %"'),
        "stages.alpha.criteria['transactions succeed']: no key 'promot'; allowed are name, metric, promote, alert, "
        "statistic, min_samples, advisory, rollback, on_no_data, over, max_age, max_gap, max_blind, baseline. Did you mean 'promote'?",
    ),
    "no promote": (
        edit('promote = "> 99 %"', ""),
        "stages.alpha.criteria['transactions succeed']: 'promote' is missing; write for example promote = \"> 99 %\".",
    ),
    "criterion without name": (
        edit('name = "answers are quick"', ""),
        "stages.alpha.criteria[#2]: 'name' is missing; write for example name = \"transactions succeed\".",
    ),
    "promote a float": (
        edit('"> 99 %"', "0.99"),
        "stages.alpha.criteria['transactions succeed'].promote: 0.99 is a float; a bound with its unit, such as "
        "'> 99 %' or '< 200 ms', is needed.",
    ),
    "promote without relation": (
        edit('"> 99 %"', '"0.99"'),
        "stages.alpha.criteria['transactions succeed'].promote: '0.99' says no relation; write '> 99 %'.",
    ),
    "promote with a look-alike": (
        edit('"> 99 %"', '"≥ 99 %"'),
        "stages.alpha.criteria['transactions succeed'].promote: '≥ 99 %' begins with '≥'; write '>='.",
    ),
    "typo in a lone trigger": (
        edit('{ when = "> 500 ms" }', '{ wen = "> 500 ms" }'),
        "stages.alpha.criteria['answers are quick'].rollback: no key 'wen'; allowed are when, severity, over, "
        "window. Did you mean 'when'?",
    ),
    "severity unknown": (
        edit('"planned"', '"plannd"'),
        "stages.alpha.criteria['transactions succeed'].rollback['< 95 %'].severity: no severity 'plannd'; allowed are "
        "immediate, planned. Did you mean 'planned'?",
    ),
    "statistic unknown": (
        edit('"p95"', '"p75"'),
        "stages.alpha.criteria['answers are quick'].statistic: no statistic 'p75'; allowed are every, sum, count, "
        "mean, max, min, p50, p90, p95, p99. Did you mean 'p95'?",
    ),
    "no data promotes": (
        edit('on_no_data = "hold"', 'on_no_data = "promote"'),
        "stages.alpha.criteria['transactions succeed'].on_no_data: on_no_data 'promote' is never allowed, missing "
        "data is no reason to go on; allowed is hold.",
    ),
    "no samples": (
        edit("min_samples = 299", "min_samples = 0"),
        "stages.alpha.criteria['transactions succeed'].min_samples: 0 is out of range; allowed is 1 to 1000000000000.",
    ),
    "typo in a checklist": (
        edit("evidence =", "evidense ="),
        "stages.alpha.checklist['Audit letter received']: no key 'evidense'; allowed are text, evidence, advisory. "
        "Did you mean 'evidence'?",
    ),
    "checklist a table": (
        edit('[[stages.alpha.checklist]]\ntext = "Audit letter received"\nevidence = true\n', "").replace(
            "[[stages.alpha.checklist]]", "[stages.alpha.checklist]"
        ),
        "stages.alpha.checklist: is a table; an array is needed.",
    ),
    "typo in a known failure": (
        edit('owner = "Jo', 'ower = "Jo'),
        "stages.alpha.known_failures['suites/alpha/test_pause.py::test_pause']: no key 'ower'; allowed are test, "
        "owner, reason, expires. Did you mean 'owner'?",
    ),
    "known failure of a file": (
        edit("test_pause.py::test_pause", "test_pause.py"),
        "stages.alpha.known_failures['suites/alpha/test_pause.py'].test: 'suites/alpha/test_pause.py' is no test's "
        "id; write it as pytest does, such as beta/test_pause.py::test_pause.",
    ),
    "expiry without offset": (
        edit("18:00:00+01:00", "18:00:00"),
        "stages.alpha.known_failures['suites/alpha/test_pause.py::test_pause'].expires: 2026-12-31T18:00:00 is a "
        "date-time without offset; a date-time with its offset is needed, such as 2026-12-31T18:00:00Z without "
        "quotes.",
    ),
    "expiry a date": (
        edit("2026-12-31T18:00:00+01:00", "2026-12-31"),
        "stages.alpha.known_failures['suites/alpha/test_pause.py::test_pause'].expires: 2026-12-31 is a date; a "
        "date-time with its offset is needed, such as 2026-12-31T18:00:00Z without quotes.",
    ),
    "no expiry": (
        edit("expires = 2026-12-31T18:00:00+01:00", ""),
        "stages.alpha.known_failures['suites/alpha/test_pause.py::test_pause']: 'expires' is missing; write for "
        "example expires = 2026-12-31T18:00:00Z.",
    ),
    "a control character in a key": (
        SMALL + '"\\u001b[31mred" = 1\n',
        f"stages.beta: no key '\\x1b[31mred'; allowed are {', '.join(StageTable.model_fields)}.",
    ),
}


@pytest.mark.parametrize(("plan", "sentence"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_plan_is_refused_in_one_sentence(sentence_of: Callable[..., str], plan: str, sentence: str) -> None:
    assert sentence_of(plan) == PLACE + sentence


@pytest.mark.parametrize("plan", [plan for plan, _ in MISSHAPEN.values()], ids=MISSHAPEN)
def test_the_schema_refuses_the_same_misshapen_plans(plan: str) -> None:
    """An editor must not call good what the loader refuses."""
    assert not VALIDATOR.is_valid(as_json(plan))


CONTRACT = SMALL + '[contracts]\nartifacts = "contracts"\n[stages.beta.contracts.SkillProfile]\n'
ADVISORY = SMALL.replace('network = "local"\n', "") + METRIC + CRITERION + "advisory = true\n"

# Plans of the right shape that cannot be meant: names, units, files, sums.
MEANINGLESS = {
    "network unknown": (
        SMALL.replace('network = "local"', 'network = "locl"'),
        "stages.beta.network: no network 'locl'; the plan has local. Did you mean 'local'?",
    ),
    "url of a tester": (
        SMALL.replace('"tester"', '"tester"\nurl = "https://node.example"'),
        "networks.local.url: a network of kind tester has no url; that is for kind rpc, leave it out.",
    ),
    "state of a tester": (
        SMALL.replace('"tester"', '"tester"\nstate = "state.json"'),
        "networks.local.state: a network of kind tester cannot load a state; use kind anvil.",
    ),
    "binary of a real chain": (
        real('binary = "anvil"'),
        "networks.mainnet.binary: a network of kind rpc has no binary; that is for kind anvil or fork, leave it out.",
    ),
    "real chain without url": (
        real().replace('url = "https://node.example"\n', ""),
        "networks.mainnet: a network of kind rpc needs 'url'; write for example url = \"${MAINNET_RPC_URL}\".",
    ),
    "real chain without chain id": (
        real().replace("chain_id = 1\n", ""),
        "networks.mainnet: a network of kind rpc needs 'chain_id'; write for example chain_id = 1.",
    ),
    "fork of nothing": (
        real(fork='[networks.rehearsal]\nkind = "fork"'),
        "networks.rehearsal: a network of kind fork needs 'of'; write for example of = \"mainnet\".",
    ),
    "fork of a misspelt network": (
        real(fork=FORK.replace("mainnet", "mainet")),
        "networks.rehearsal.of: no network 'mainet'; those of kind rpc and anvil are mainnet. Did you mean 'mainnet'?",
    ),
    "fork of itself": (
        real(fork=FORK.replace("mainnet", "rehearsal")),
        "networks.rehearsal.of: 'rehearsal' is of kind fork, a fork itself; fork what it is forked from; those of kind "
        "rpc and anvil are forked: mainnet.",
    ),
    "fork of a tester": (
        real(fork=FORK.replace("mainnet", "local")),
        "networks.rehearsal.of: 'local' is of kind tester, whose state no other program can take over; those of kind "
        "rpc and anvil are forked: mainnet.",
    ),
    "fork of an anvil at a block": (
        real(fork=FORK.replace("mainnet", "devnet") + '\nblock = 3\n[networks.devnet]\nkind = "anvil"'),
        "networks.rehearsal.block: an anvil is forked as it stands, and devnet is one; leave block out.",
    ),
    "fork with a chain id": (
        real(fork=FORK + "\nchain_id = 1"),
        "networks.rehearsal.chain_id: a fork has the chain id of the network it is forked from; leave chain_id out.",
    ),
    "url of another scheme": (
        real().replace("https://node.example", "wss://node.example/secret"),
        "networks.mainnet.url: does not begin with http://, https://; nodes are spoken to over HTTP.",
    ),
    "url without a host": (
        real().replace("https://node.example", "https:///secret"),
        "networks.mainnet.url: is a URL without a host; write for example https://node.example/v1.",
    ),
    "url with a port that is none": (
        real().replace("https://node.example", "https://user:secret@node.example:99999/"),
        "networks.mainnet.url: is no URL; write for example https://node.example/v1.",
    ),
    "url with a blank": (
        real().replace("https://node.example", "https://user:secret@node.example/ "),
        "networks.mainnet.url: has a blank or a control character in it; write one URL.",
    ),
    "one url twice": (
        real().replace('"https://node.example"', '["https://node.example", "https://node.example"]'),
        "networks.mainnet.url[#2]: is listed twice; a quorum needs different nodes.",
    ),
    "a quorum of more than there are": (
        real("quorum = 2"),
        "networks.mainnet.quorum: 2 URLs cannot agree where there are 1.",
    ),
    "a genesis that is no hash": (
        real('genesis = "0xd4e5"'),
        "networks.mainnet.genesis: '0xd4e5' is no block hash; it is 0x and 64 hexadecimal digits.",
    ),
    "a recorded state that is missing": (
        edit('binary = "anvil"', 'binary = "anvil"\nstate = "state.json"'),
        "networks.devnet.state: no file 'state.json'; paths are relative to the plan's own folder.",
    ),
    "environment that bends pytest": (
        edit("DATABASE_URL", "PYTEST_ADDOPTS"),
        "rollout.environment[#1]: 'PYTEST_ADDOPTS' changes how Python or pytest run, so a gate never hands it on; "
        "leave it out.",
    ),
    "environment twice": (
        edit('["DATABASE_URL"]', '["A", "A"]'),
        "rollout.environment[#2]: 'A' is listed twice; list each once.",
    ),
    "binary of a tester": (
        edit('kind = "tester"', 'kind = "tester"\nbinary = "anvil"'),
        "networks.local.binary: a network of kind tester runs no program; leave binary out.",
    ),
    "artifacts missing": (
        edit('"contracts/out"', '"contracts/oout"'),
        "contracts.artifacts: no folder 'contracts/oout'; paths are relative to the plan's own folder.",
    ),
    "artifacts a file": (
        SMALL + '[contracts]\nartifacts = ["contracts", "devnet.json"]\n',
        "contracts.artifacts[#2]: no folder 'devnet.json'; paths are relative to the plan's own folder.",
    ),
    "deployment missing": (
        edit('"devnet.json"', '"nowhere.json"'),
        "contracts.deployments.devnet: no file or folder 'nowhere.json'; paths are relative to the plan's own folder.",
    ),
    "deployment of no network": (
        edit("devnet = ", "devnt = "),
        "contracts.deployments: no network 'devnt'; the plan has local, devnet. Did you mean 'devnet'?",
    ),
    "deployment no JSON": (
        edit('"devnet.json"', '"broken.json"'),
        "contracts.deployments.devnet: 'broken.json' is no JSON that records contracts; a map of contract names to "
        "addresses would do.",
    ),
    "deployment format unknown": (
        edit('"devnet.json"', '{ path = "devnet.json", format = "foundy" }'),
        "contracts.deployments.devnet.format: no format 'foundy'; allowed are hardhat-deploy, ignition, foundry, "
        "openzeppelin, ape, unified, list, plain. Did you mean 'foundry'?",
    ),
    "deployment path missing": (
        edit('"devnet.json"', '{ format = "foundry" }'),
        "contracts.deployments.devnet: 'path' is missing; write for example path = \"deployments/mainnet\".",
    ),
    "deployment name that is none": (
        edit('"devnet.json"', '{ path = "devnet.json", names = { "a b" = "Vault" } }'),
        "contracts.deployments.devnet.names: 'a b' is no contract's name; write a Solidity name, such as SkillProfile.",
    ),
    "deployment table, file missing": (
        edit('"devnet.json"', '{ path = "nowhere.json" }'),
        "contracts.deployments.devnet.path: no file or folder 'nowhere.json'; paths are relative to the plan's own "
        "folder.",
    ),
    "flagd file missing": (
        SMALL + '[flags]\nprovider = "flagd:flag.json"\n',
        "flags.provider: no file 'flagd:flag.json'; paths are relative to the plan's own folder.",
    ),
    "flagd file broken": (
        SMALL + '[flags]\nprovider = "flagd:broken.json"\n',
        "flags.provider: 'flagd:broken.json' is no flagd file; a JSON object with a table 'flags' is needed.",
    ),
    "values beside flagd": (
        SMALL + '[flags]\nprovider = "flagd:flags.json"\nvalues = { a = 1 }\n',
        "flags.values: only the memory provider has values; leave them out.",
    ),
    "flag unknown": (
        edit("[stages.alpha.flags]\n", "[stages.alpha.flags]\nendorsments = true\n"),
        "stages.alpha.flags: no flag 'endorsments'; the provider has profileCreation, endorsements, limit, theme. "
        "Did you mean 'endorsements'?",
    ),
    "flag unknown to flagd": (
        SMALL + '[flags]\nprovider = "flagd:flags.json"\n[stages.beta.flags]\nnewflow = true\n',
        "stages.beta.flags: no flag 'newflow'; the provider has newFlow. Did you mean 'newFlow'?",
    ),
    "flag without provider": (
        SMALL + "[stages.beta.flags]\na = true\n",
        "stages.beta.flags: no flag 'a'; the provider has none.",
    ),
    "deadline of two days": (
        edit('"30m"', '"2d"'),
        "stages.alpha.deadline: '2d' is longer than 24h, the longest a run of a gate may take.",
    ),
    "exposure of nobody": (
        SMALL + "exposure = {}\n",
        "stages.beta.exposure: says nobody; write users, or a share and its flag.",
    ),
    "users backwards": (
        edit('"10..20"', '"20..10"'),
        "stages.alpha.exposure.users: '20..10' ends before it begins; write the smaller number first.",
    ),
    "share without flag": (
        edit('flag = "endorsements", ', ""),
        "stages.public.exposure: has a share without a flag; a share is steered by a flag, so write both.",
    ),
    "flag without share": (
        edit('share = "25 %", ', ""),
        "stages.public.exposure: has a flag without a share; a share is steered by a flag, so write both.",
    ),
    "share of too many": (
        edit('"25 %"', '"125 %"'),
        "stages.public.exposure.share: '125 %' is outside 0 % to 100 %.",
    ),
    "share by a flag nobody has": (
        edit('flag = "endorsements"', 'flag = "endorsement"'),
        "stages.public.exposure.flag: no flag 'endorsement'; the plan has profileCreation, endorsements, limit, "
        "theme. Did you mean 'endorsements'?",
    ),
    "share by a number": (
        edit('flag = "endorsements"', 'flag = "limit"'),
        "stages.public.exposure.flag: 'limit' is no boolean flag; a share is steered by true and false.",
    ),
    "complete confidence": (
        edit('confidence = "99 %"', 'confidence = "100 %"'),
        "stages.public.exposure.confidence: '100 %' is no confidence a sample can give; allowed is from 50 % to below "
        "100 %.",
    ),
    "contract unknown": (
        edit("contracts.SkillProfile]", "contracts.SkillProfil]").replace(
            "contracts.SkillProfile.calls", "contracts.SkillProfil.calls"
        ),
        "stages.alpha.contracts: no contract 'SkillProfil'; there is an artifact or an address on local for "
        "Endorsement, SkillClaim, SkillProfile. Did you mean 'SkillProfile'?",
    ),
    "contract deployed elsewhere": (
        SMALL.replace("[stages", '[networks.devnet]\nkind = "anvil"\n[stages')
        + '[contracts]\nartifacts = "contracts"\ndeployments = { devnet = "devnet.json" }\n'
        + "[stages.beta.contracts.Vault]\npaused = true\n",
        "stages.beta.contracts: no contract 'Vault'; there is an artifact or an address on local for Endorsement, "
        "SkillClaim, SkillProfile.",
    ),
    "contracts without network": (
        CONTRACT.replace('network = "local"\n', "") + "paused = true\n",
        "stages.beta.contracts: contracts stand on a network, and this stage names none; add a network.",
    ),
    "inventory of no network": (
        SMALL + "[contracts]\ninventory = { lokal = ['A'] }\n",
        "contracts.inventory: no network 'lokal'; the plan has local. Did you mean 'local'?",
    ),
    "inventory with a name twice": (
        SMALL + "[contracts]\ninventory = { local = ['A', 'A'] }\n",
        "contracts.inventory.local[#2]: 'A' is listed twice; list each contract once.",
    ),
    "inventory with no name": (
        SMALL + "[contracts]\ninventory = { local = ['A b'] }\n",
        "contracts.inventory.local[#1]: 'A b' is no contract's name; write a Solidity name, such as SkillProfile.",
    ),
    "inventory asked for, none there": (
        SMALL + "inventory = true\n",
        "stages.beta.inventory: there is no inventory; list the contracts of networks in [contracts.inventory].",
    ),
    "inventory not asked for": (
        SMALL + "inventory = false\n[contracts]\ninventory = { local = ['A'] }\n",
        "stages.beta.inventory: is false, which checks nothing; leave it out.",
    ),
    "inventory of nowhere": (
        SMALL + "inventory = ['lokal']\n[contracts]\ninventory = { local = ['A'] }\n",
        "stages.beta.inventory[#1]: no list of network 'lokal'; the inventory has local. Did you mean 'local'?",
    ),
    "inventory of a network twice": (
        SMALL + "inventory = ['local', 'local']\n[contracts]\ninventory = { local = ['A'] }\n",
        "stages.beta.inventory[#2]: 'local' is listed twice; list each network once.",
    ),
    "inventory of no networks": (
        SMALL + "inventory = []\n[contracts]\ninventory = { local = ['A'] }\n",
        "stages.beta.inventory: is empty, which checks nothing; leave it out or name a network.",
    ),
    "interface unknown": (
        CONTRACT + 'interfaces = ["ERC72"]\n',
        "stages.beta.contracts.SkillProfile.interfaces[#1]: no interface 'ERC72'; write its id, such as 0x80ac58cd, or "
        f"one of {some(INTERFACES)}. Did you mean 'ERC721'?",
    ),
    "interface twice": (
        CONTRACT + 'interfaces = ["0x80ac58cd", "0x80AC58CD"]\n',
        "stages.beta.contracts.SkillProfile.interfaces[#2]: '0x80AC58CD' is listed twice; list each interface once.",
    ),
    "artifact unknown": (
        CONTRACT + 'artifact = "SkilProfile"\n',
        "stages.beta.contracts.SkillProfile.artifact: no artifact 'SkilProfile'; there are Endorsement, SkillClaim, "
        "SkillProfile. Did you mean 'SkillProfile'?",
    ),
    "kind of proxy unknown": (
        CONTRACT + 'proxy = "uupsy"\n',
        "stages.beta.contracts.SkillProfile.proxy: no kind of proxy 'uupsy'; allowed are uups, transparent, beacon, "
        "none. Did you mean 'uups'?",
    ),
    "event fewer than never": (
        CONTRACT + "events = { Paused = -1 }\n",
        "stages.beta.contracts.SkillProfile.events.Paused: is below 0; nothing happens fewer than 0 times.",
    ),
    "event in words": (
        CONTRACT + 'events = { Paused = "never" }\n',
        "stages.beta.contracts.SkillProfile.events.Paused: 'never' is a string; true, false, a number or a table is "
        "needed.",
    ),
    "member unknown": (
        CONTRACT + 'members = { PAUSER_ROLE = ["amdin"] }\n',
        "stages.beta.contracts.SkillProfile.members.PAUSER_ROLE[#1]: 'amdin' is no address (0x and 40 hexadecimal "
        "digits), no account role (admin, deployer, user, other) and no contract. Did you mean 'admin'?",
    ),
    "token unknown": (
        CONTRACT + "balances = { SkilClaim = 5 }\n",
        "stages.beta.contracts.SkillProfile.balances: nothing is called 'SkilClaim'; write an address, or one of "
        "Endorsement, SkillClaim, SkillProfile. Did you mean 'SkillClaim'?",
    ),
    "spender unknown": (
        CONTRACT + "allowances = { SkillClaim = { usr = 5 } }\n",
        "stages.beta.contracts.SkillProfile.allowances.SkillClaim: nothing is called 'usr'; write an address, or one "
        "of admin, deployer, user, other, Endorsement, SkillClaim, SkillProfile. Did you mean 'user'?",
    ),
    "balance inexact": (
        CONTRACT + "balance = 1e18\n",
        "stages.beta.contracts.SkillProfile.balance: 1e18 is a float; an integer is needed.",
    ),
    "contract without state": (
        CONTRACT,
        f"stages.beta.contracts.SkillProfile: declares nothing; allowed are {some(ContractTable.model_fields)}.",
    ),
    "owner unknown": (
        edit('owner = "admin"', 'owner = "amdin"'),
        "stages.alpha.contracts.SkillProfile.owner: 'amdin' is no address (0x and 40 hexadecimal digits), no account "
        "role (admin, pauser) and no contract. Did you mean 'admin'?",
    ),
    "owner a placeholder": (
        edit('owner = "admin"', 'owner = "0x…"'),
        "stages.alpha.contracts.SkillProfile.owner: '0x…' is no address (0x and 40 hexadecimal digits), no account "
        "role (admin, pauser) and no contract.",
    ),
    "holder unknown": (
        edit('["pauser", ', '["pausr", '),
        "stages.alpha.contracts.SkillProfile.roles.PAUSER_ROLE[#1]: 'pausr' is no address (0x and 40 hexadecimal "
        "digits), no account role (admin, pauser) and no contract. Did you mean 'pauser'?",
    ),
    "holder twice": (
        edit('["pauser", ', '["pauser", "pauser", '),
        "stages.alpha.contracts.SkillProfile.roles.PAUSER_ROLE[#2]: 'pauser' is listed twice; list each holder once.",
    ),
    "implementation unknown": (
        edit('implementation = "SkillClaim"', 'implementation = "SkillClam"'),
        "stages.alpha.contracts.SkillProfile.implementation: no contract 'SkillClam'; write an address, or one of "
        "Endorsement, SkillClaim, SkillProfile. Did you mean 'SkillClaim'?",
    ),
    "too few arguments": (
        edit(f'["{HASH}", "{ALICE}"], equals', f'["{HASH}"], equals'),
        "stages.alpha.contracts.SkillProfile.calls['hasRole(bytes32,address)']: has 1 of the 2 arguments its "
        "signature takes.",
    ),
    "signature with a gap": (
        CONTRACT + 'calls = { "f(uint256,)" = 1 }\n',
        "stages.beta.contracts.SkillProfile.calls: 'f(uint256,)' is no signature; write it such as "
        "hasRole(bytes32,address).",
    ),
    "argument a float": (
        CONTRACT + "calls = { f = { arguments = [1, 1e18], equals = 1 } }\n",
        "stages.beta.contracts.SkillProfile.calls.f.arguments[#2]: 1e18 is a float; contracts know integers only, "
        "written whole, such as 1500000000000000000.",
    ),
    "value a struct by name": (
        CONTRACT + "calls = { f = { equals = [{ a = 1 }] } }\n",
        "stages.beta.contracts.SkillProfile.calls.f.equals[#1]: is a table; structs are written as arrays of "
        "their fields.",
    ),
    "metric unknown": (
        edit('metric = "tx_success"', 'metric = "tx_sucess"'),
        "stages.alpha.criteria['transactions succeed'].metric: no metric 'tx_sucess'; the plan has tx_success, "
        "api_latency, fee. Did you mean 'tx_success'?",
    ),
    "criterion twice": (
        edit('"answers are quick"', '"Transactions  Succeed"'),
        "stages.alpha.criteria['Transactions  Succeed'].name: is the name of two criteria of this stage; give each "
        "its own.",
    ),
    "criterion named like an id": (
        edit('"answers are quick"', '"a::b"'),
        "stages.alpha.criteria['a::b'].name: 'a::b' has '::', which separates the parts of an item's id; write it "
        "another way.",
    ),
    "statistic of a ratio": (
        edit("min_samples = 299", 'statistic = "p95"'),
        "stages.alpha.criteria['transactions succeed'].statistic: 'p95' does not go with a ratio, which is all good "
        "of all total; leave it out.",
    ),
    "bound in another dimension": (
        edit('"< 0.2 s"', '"< 200 gas"'),
        "stages.alpha.criteria['answers are quick'].promote: '< 200 gas' is in gas, but the metric is measured in ms; "
        "write for example '< 200 ms'.",
    ),
    "trigger impossible": (
        edit('{ when = "< 90 %" }', '{ when = "> 100 %" }'),
        "stages.alpha.criteria['transactions succeed'].rollback['> 100 %'].when: '> 100 %' can never hold, since the "
        "metric reaches 100 % at the utmost.",
    ),
    "checklist twice": (
        edit('"Team is calm"', '"audit letter RECEIVED"'),
        "stages.alpha.checklist['audit letter RECEIVED'].text: is the text of two entries of this checklist; write "
        "each once.",
    ),
    "removed twice": (
        SMALL + 'removed = ["a.py::b", "a.py::b"]\n',
        "stages.beta.removed[#2]: 'a.py::b' is listed twice; list each item once.",
    ),
    "known failure twice": (
        SMALL
        + '[[stages.beta.known_failures]]\ntest = "a::b"\nowner = "x"\nreason = "y"\nexpires = 2030-01-01T00:00:00Z\n'
        * 2,
        "stages.beta.known_failures['a::b'].test: is listed twice; list each test once.",
    ),
    "empty gate": (
        SMALL.replace('network = "local"\n', ""),
        "stages.beta: the gate has nothing to look at; declare a check that counts, or write a test in beta/test_*.py.",
    ),
    "advisory gate": (
        ADVISORY,
        "stages.beta: the gate has only advisory items, which never count; declare a check that counts, or write a "
        "test in beta/test_*.py.",
    ),
}


@pytest.mark.parametrize(("plan", "sentence"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_a_plan_that_cannot_be_meant_is_refused_in_one_sentence(
    sentence_of: Callable[..., str], plan: str, sentence: str
) -> None:
    assert sentence_of(plan) == PLACE + sentence


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("beta/test_pause.py", True),
        ("beta/deeper/pause_test.py", True),
        ("test_all.py", True),
        ("helpers/test_shared.py", True),
        ("gamma/test_other.py", False),
        (".hidden/test_x.py", False),
        ("beta/helper.py", False),
    ],
)
def test_a_gate_of_tests_alone_needs_a_test_file_of_its_own(
    root: Any, load_text: Callable[..., Rollout], sentence_of: Callable[..., str], file: str, counts: bool
) -> None:
    """Advisory items never count, so something else has to (rule 4)."""
    path = root / "suites" / "takumi" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("def test_it(): ...\n")
    plan = ADVISORY + '[stages.gamma]\nnetwork = "local"\n'

    if counts:
        assert load_text(plan).stages[0].name == "beta"
    else:
        assert sentence_of(plan).startswith(PLACE + "stages.beta: the gate has only advisory items")


def test_every_key_of_the_schema_says_what_it_is_for() -> None:
    def undescribed(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [each for index, below in enumerate(node) for each in undescribed(below, f"{path}[{index}]")]
        if not isinstance(node, dict):
            return []
        properties = node.get("properties", {})
        found = [f"{path}.{key}" for key, value in properties.items() if not value.get("description")]
        return found + [each for key, below in node.items() for each in undescribed(below, f"{path}.{key}")]

    document = schema()
    assert undescribed(document, "") == []
    assert all(table["additionalProperties"] is False for table in document["$defs"].values())
    assert document["additionalProperties"] is False


def test_the_schema_is_a_schema_of_its_dialect_and_says_nothing_of_null() -> None:
    document = schema()

    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == "https://pytest-rollout.dev/schema/plan/v1"
    written = json.dumps(document)
    assert '"type": "null"' not in written
    assert ": null" not in written


def test_default_account_roles_are_those_the_networks_room_gives() -> None:
    """The plan may name them without declaring any, so both rooms must mean the same."""
    assert set(DEFAULT_ACCOUNTS) == set(DEFAULT_ROLES)


def test_a_long_list_of_names_is_cut(sentence_of: Callable[..., str]) -> None:
    networks = "".join(f'[networks.n{number}]\nkind = "tester"\n' for number in range(30))
    listed = ", ".join(f"n{number}" for number in range(20))

    assert sentence_of(networks + SMALL.replace('network = "local"', 'network = "x"')) == (
        f"{PLACE}stages.beta.network: no network 'x'; the plan has {listed} and 11 more."
    )


def test_every_declared_state_is_an_item_of_its_own(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(
        CONTRACT
        + """
pending_owner = "user"
members = { PAUSER_ROLE = ["admin"], MINTER_ROLE = [] }
mappings = { pausers = ["admin"] }
proxy = "uups"
interfaces = ["ERC165", "0x80ac58cd"]
artifact = "SkillProfile"
libraries = { Sums = "SkillClaim" }
immutables = { fee = 5 }
events = { Paused = false, "RoleGranted(bytes32,address,address)" = { since = 7, equals = 2 } }
balances = { SkillClaim = 115792089237316195423570985008687907853269984665640564039457584007913129639935 }
allowances = { SkillClaim = { user = 0 } }
"""
    )

    found = {state.what: (state.expected, state.arguments) for state in rollout.stages[0].contracts}

    assert found == {
        "pending_owner": ("user", ()),
        "members.PAUSER_ROLE": (["admin"], ()),
        "members.MINTER_ROLE": ([], ()),
        "mappings.pausers": (["admin"], ()),
        "proxy": ("uups", ()),
        "interfaces.ERC165": (True, ()),
        "interfaces.0x80ac58cd": (True, ()),
        "artifact": ("SkillProfile", ()),
        "libraries.Sums": ("SkillClaim", ()),
        "immutables.fee": (5, ()),
        "events.Paused": (False, ()),
        "events.RoleGranted(bytes32,address,address)": (2, (7,)),
        "balances.SkillClaim": (2**256 - 1, ()),
        "allowances.SkillClaim.user": (0, ()),
    }


def test_every_contract_of_the_inventory_is_an_item(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(
        SMALL.replace('kind = "tester"', 'kind = "tester"\nchain_id = 56')
        + "inventory = true\n[contracts]\ninventory = { local = ['Vault', 'Coin'] }\n"
    )

    assert rollout.stages[0].checks == (
        Listed(network="local", contract="Vault", chain_id=56),
        Listed(network="local", contract="Coin", chain_id=56),
    )
