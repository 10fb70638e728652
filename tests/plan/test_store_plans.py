"""Stores in a plan: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from pytest_rollout.core.record import FieldKind, Identity
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.store_check import StoreCheck, StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.plan import schema

PLACE = "suites/takumi/rollout.toml: "
HEAD = """
[rollout]
name = "t"
[stores.before]
kind = "leveldb"
path = "state/leveldb"
[stores.after]
kind = "sqlite"
path = "state/records.db"
table = "records"
[stages.beta]
"""
GOOD = (
    HEAD
    + """
[[stages.beta.stores]]
name = "every contract moved"
left = "before"
right = "after"
key = ["networkName", "contractName"]
fields = ["address", "timestamp"]
kinds = { address = "address", timestamp = "integer" }
aliases = { networkName = { bscmainnet = ["bsc", "bsc-mainnet"] } }
short_names = true
inventory = ["bsc/contracts/Look.sol:LookCoin", "bscmainnet/Bridge"]
at_least = 2
scope = { chainId = [56, "97"] }
outside = { chainId = 31337 }
advisory = true
[[stages.beta.stores]]
name = "before alone"
left = "before"
key = "id"
"""
)


def test_store_checks_become_the_values_they_mean(load_text: Callable[..., Rollout]) -> None:
    rollout = load_text(GOOD)
    before = StoreSettings(name="before", kind=StoreKind.LEVELDB, path=rollout.folder / "state/leveldb")
    after = StoreSettings(
        name="after", kind=StoreKind.SQLITE, path=rollout.folder / "state/records.db", table="records"
    )

    assert rollout.stores == {"before": before, "after": after}
    assert rollout.stages[0].checks == (
        StoreCheck(
            name="every contract moved",
            left=before,
            right=after,
            asked=Asked(
                identity=Identity(
                    key=("networkName", "contractName"),
                    aliases={"networkName": {"bsc": "bscmainnet", "bsc-mainnet": "bscmainnet"}},
                    short_names=True,
                ),
                fields=("address", "timestamp"),
                kinds={"address": FieldKind.ADDRESS, "timestamp": FieldKind.INTEGER},
                inventory=("bscmainnet/LookCoin", "bscmainnet/Bridge"),
                scope={"chainId": ("56", "97")},
                outside={"chainId": ("31337",)},
            ),
            at_least=2,
            required=False,
        ),
        StoreCheck(name="before alone", left=before, right=None, asked=Asked(identity=Identity(key=("id",)))),
    )


LISTED = (
    GOOD.replace(
        'inventory = ["bsc/contracts/Look.sol:LookCoin", "bscmainnet/Bridge"]',
        "inventory = true",
    )
    .replace('"bsc-mainnet"] }', '"bsc-mainnet", "56"] }')
    .replace(
        "[stages.beta]",
        """[networks.bsc]
kind = "tester"
chain_id = 56
[networks.sapphire]
kind = "tester"
chain_id = 23295
[contracts.inventory]
bsc = ["LookCoin", "Bridge"]
sapphire = ["LookCoin"]
[stages.beta]""",
    )
)


def test_the_inventory_of_contracts_is_one_of_records(load_text: Callable[..., Rollout]) -> None:
    """N of N: by chain id and name, however the store spells the chain."""
    check = load_text(LISTED).stages[0].checks[-2]

    assert isinstance(check, StoreCheck)
    assert check.asked.inventory == ("bscmainnet/LookCoin", "bscmainnet/Bridge", "23295/LookCoin")


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def check(text: str, about: str = 'left = "before"\nright = "after"\nkey = ["a", "b"]') -> str:
    return f'{HEAD}[[stages.beta.stores]]\nname = "c"\n{about}\n{text}\n'


def server(about: str) -> str:
    return GOOD.replace('kind = "sqlite"\npath = "state/records.db"', f'kind = "sql"\n{about}')


def test_a_store_of_a_server_keeps_its_password_to_itself(
    load_text: Callable[..., Rollout],
) -> None:
    plan = server('url = "${RECORDS_URL}"\nnamespace = "old"\ntimeout = "5s"').replace(
        "beta.stores]]", "beta.stores]]\nnull_is_absent = true", 1
    )
    rollout = load_text(plan, RECORDS_URL="postgresql://me:kept-secret@db:5433/records?sslmode=require")
    database = rollout.stores["after"].database

    assert database is not None
    assert (database.shown, database.namespace, database.timeout) == (
        "postgresql://db:5433/records", "old", timedelta(seconds=5)
    )  # fmt: skip
    assert rollout.secrets["stores.after.url"] == "kept-secret"
    assert "kept-secret" not in repr(rollout.stores) + repr(rollout.stages)
    assert rollout.stages[0].checks[0].asked.null_is_absent
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(plan))))


AT = "stages.beta.stores['c']"
MISTAKES = {
    "a typo": (check("alias = {}"), f"{AT}: no key 'alias'"),
    "no key": (check("", 'left = "before"'), f"{AT}: 'key' is missing"),
    "an empty key": (check("", 'left = "before"\nkey = []'), f"{AT}.key: is empty"),
    "an unknown store": (
        check("", 'left = "befor"\nkey = "a"'),
        f"{AT}.left: no store 'befor'; the plan has before, after. Did you mean 'before'?",
    ),
    "with itself": (
        check("", 'left = "before"\nright = "before"\nkey = "a"'),
        f"{AT}.right: 'before' is compared with itself, which it always equals.",
    ),
    "with itself by another name": (
        GOOD.replace('"sqlite"\npath = "state/records.db"\ntable = "records"', '"leveldb"\npath = "state/./leveldb/"'),
        ".right: 'after' is compared with itself, which it always equals.",
    ),
    "an unknown kind of field": (check('kinds = { a = "adress" }'), "no kind 'adress'"),
    "an alias of no key": (
        check('aliases = { c = { x = "y" } }'),
        f"{AT}.aliases: 'c' is no field of the key, which is a, b.",
    ),
    "an alias twice": (
        check('aliases = { a = { x = ["y"], z = ["y"] } }'),
        f"{AT}.aliases.a.z[#1]: 'y' means two things; list it once.",
    ),
    "too few parts": (
        check('inventory = ["x"]'),
        f"{AT}.inventory[#1]: 'x' has fewer parts than the key; write <a>/<b>.",
    ),
    "listed twice": (check('inventory = ["x/y", "x/y"]'), f"{AT}.inventory[#2]: 'x/y' is listed twice"),
    "more than listed": (
        check('inventory = ["x/y"]\nat_least = 2'),
        f"{AT}.at_least: 2 are more than the 1 that the inventory lists.",
    ),
    "no inventory": (check("inventory = true"), f"{AT}.inventory: there is no inventory; list the contracts"),
    "a false inventory": (check("inventory = false"), f"{AT}.inventory: is false, which lists nothing; leave it out."),
    "an inventory by one field": (
        LISTED.replace('key = ["networkName", "contractName"]', 'key = "networkName"'),
        ".inventory: a contract is known by its chain and its name, and the key is networkName;",
    ),
    "a network without its id": (
        LISTED.replace("chain_id = 23295", ""),
        ".inventory: network sapphire has no chain_id, by which its records are known; declare it.",
    ),
    "an inventory of numbers": (check("inventory = [1]"), f"{AT}.inventory"),
    "a table without tables": (
        GOOD.replace('"leveldb"', '"ndjson"\ntable = "x"', 1),
        "stores.before: of kind ndjson has no tables; write table for kinds sqlite and sql alone.",
    ),
    "no table": (GOOD.replace('table = "records"\n', ""), "stores.after: needs a table, or a query"),
    "a table and a query": (
        GOOD.replace('table = "records"', 'table = "records"\nquery = "SELECT 1"'),
        "stores.after: needs a table, or a query; write one of them.",
    ),
    "a query of nothing": (
        GOOD.replace('table = "records"', 'query = " ; "'),
        "stores.after.query: asks nothing; write one SELECT.",
    ),
    "no path": (GOOD.replace('path = "state/records.db"\n', ""), "stores.after: says not where it is; write path."),
    "a url of a file": (
        GOOD.replace('path = "state/records.db"', 'url = "postgresql://h/d"\npath = "x"'),
        "stores.after.url: is nothing of kind sqlite; leave it out.",
    ),
    "a path of a server": (
        server('url = "postgresql://h/d"\npath = "x"'),
        "stores.after.path: is nothing of kind sql; leave it out.",
    ),
    "no url": (server(""), "stores.after: says not where it is; write url."),
    "a file's url": (server('url = "sqlite:///x.db"'), "stores.after.url: is a SQLite file; write kind = 'sqlite'"),
    "another server": (server('url = "mysql://h/d"'), "stores.after.url: is no URL of SQLite or PostgreSQL;"),
    "a password in the plan": (
        server('url = "postgresql://me:kept-secret@h/d"'),
        "stores.after.url: has a password in it; take it from",
    ),
    "a schema that is more": (
        server('url = "postgresql://h/d"\nnamespace = "a -c x=y"'),
        "stores.after.namespace: 'a -c x=y' is no plain name",
    ),
    "no time": (server('url = "postgresql://h/d"\ntimeout = "soon"'), "stores.after.timeout"),
    "an unknown kind of store": (GOOD.replace('"leveldb"', '"rocksdb"', 1), "stores.before.kind: no kind 'rocksdb'"),
    "two of a name": (
        check("") + check("").replace(HEAD, "").replace('"c"', '"C"'),
        "stages.beta.stores['C'].name: is the name of two store checks of this stage",
    ),
}


@pytest.mark.parametrize(("plan", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence(sentence_of: Any, plan: str, says: str) -> None:
    sentence = sentence_of(plan)

    assert sentence.startswith(PLACE)
    assert says in sentence
