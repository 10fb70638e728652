"""Databases in a plan: what they mean, and one sentence for each mistake."""

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

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.database import Column, Index, Migrations, Risk, Structure, Tag
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.core.units import UNITS
from pytest_rollout.plan import schema

PLACE = "suites/takumi/rollout.toml: "
HEAD = """
[rollout]
name = "t"
[networks.arbitrum]
kind = "tester"
chain_id = 42161
[networks.unnumbered]
kind = "tester"
[databases.own]
url = "sqlite:///data/own.db"
[databases.payments]
url = "${DB:-postgresql://me:kept-secret@db.example:5433/payments}"
namespace = "app"
timeout = "2m"
copies = "${COPIES:-postgresql://me:kept-other@db.example/postgres}"
[stages.beta]
"""
GOOD = (
    HEAD
    + """
[[stages.beta.databases]]
name = "payments say their network"
database = "payments"
table = "payments"
columns = { id = "bigint", amount = { type = "numeric(78)", null = false }, network = { default = "testnet" }, n = { default = 0 } }
exact = true
primary_key = "id"
unique = ["tx_hash", ["network", "number"]]
indexes = { idx_network = "network", idx_tx = { columns = ["tx_hash"], unique = true } }
foreign_keys = { escrow_id = "escrows.id" }
checks = "amount > 0"
rows = ">= 1"
sums = ["amount"]
same_as = "own"
tag = { column = "network", networks = { mainnet = "arbitrum" }, chain_id = "chain_id", contract = "escrow", optional = true }
migrations = ["migrations/*.sql"]
allow = "drop column"
changing = "settings"
models = "app.models:Base.metadata"
advisory = true
[[stages.beta.databases]]
name = "newest revision"
database = "own"
revisions = "alembic"
[[stages.beta.databases]]
name = "revisions rehearsed"
database = "own"
revisions = "alembic"
rehearse = true
"""
)


@pytest.fixture
def migrations(root: Path) -> Path:
    """Two SQL files, and a folder of Alembic's."""
    folder = root / "suites" / "takumi"
    (folder / "migrations").mkdir()
    (folder / "alembic" / "versions").mkdir(parents=True)
    for name in ("002_b.sql", "001_a.sql"):
        (folder / "migrations" / name).write_text("SELECT 1;")
    return folder


def test_database_checks_become_the_values_they_mean(load_text: Callable[..., Rollout], migrations: Path) -> None:
    rollout = load_text(GOOD)
    own, payments = rollout.databases["own"], rollout.databases["payments"]
    check, newest, rehearsed = rollout.stages[0].checks

    assert (own.is_sqlite, own.shown, own.timeout) == (True, "sqlite:///data/own.db", timedelta(seconds=30))
    assert (payments.shown, payments.namespace) == ("postgresql://db.example:5433/payments", "app")
    assert payments.timeout == timedelta(minutes=2)
    assert check == DatabaseCheck(
        name="payments say their network",
        database=payments,
        table="payments",
        structure=Structure(
            columns={
                "id": Column(type="bigint"),
                "amount": Column(type="numeric(78)", null=False),
                "network": Column(default="testnet"),
                "n": Column(default="0"),
            },
            primary_key=("id",),
            unique=(("tx_hash",), ("network", "number")),
            indexes={"idx_network": Index(columns=("network",)), "idx_tx": Index(columns=("tx_hash",), unique=True)},
            foreign_keys={"escrow_id": "escrows.id"},
            checks=("amount > 0",),
            exact=True,
        ),
        rows=Bound(relation=Relation.AT_LEAST, limit=Fraction(1), unit=UNITS["count"]),
        sums=("amount",),
        same_as=own,
        tag=Tag(
            column="network",
            networks={"mainnet": "arbitrum"},
            chain_id="chain_id",
            contract="escrow",
            optional=True,
            chain_ids={"arbitrum": 42161},
        ),
        migrations=Migrations(
            files=(migrations / "migrations/001_a.sql", migrations / "migrations/002_b.sql"),
            allowed=frozenset({Risk.DROP_COLUMN}),
            changing=("settings",),
        ),
        models="app.models:Base.metadata",
        required=False,
    )
    assert newest == DatabaseCheck(name="newest revision", database=own, revisions=migrations / "alembic")
    assert rehearsed.migrations == Migrations(alembic=migrations / "alembic")  # type: ignore[attr-defined]


def test_a_password_is_a_secret_and_never_shown(load_text: Callable[..., Rollout], migrations: Path) -> None:
    """The whole URL is one already; what a server repeats may be the password alone."""
    rollout = load_text(GOOD)

    assert {"kept-secret", "kept-other"} <= set(rollout.secrets.values())
    assert "kept-" not in repr(rollout)


def test_the_schema_takes_the_same() -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(tomllib.loads(GOOD))))


def check(text: str, about: str = 'database = "own"\ntable = "payments"') -> str:
    return f'{HEAD}[[stages.beta.databases]]\nname = "c"\n{about}\n{text}\n'


def url(text: str) -> str:
    return GOOD.replace("sqlite:///data/own.db", text)


OWN = 'database = "own"'
AT = "stages.beta.databases['c']"
TAG = 'tag = { column = "network", networks = { mainnet = "arbitrum" }'
MISTAKES = {
    "a typo": (check('colums = { id = "int" }'), f"{AT}: no key 'colums'"),
    "an unknown database": (
        check("", 'database = "paymens"'),
        f"{AT}.database: no database 'paymens'; the plan has own, payments. Did you mean 'payments'?",
    ),
    "asks nothing": (check("", 'database = "own"'), f"{AT}: asks nothing; write such as table and columns, migrations"),
    "asks nothing of a table": (
        check(""),
        f"{AT}.table: nothing is asked of 'payments'; write such as columns, or rows.",
    ),
    "no table": (check('rows = ">= 1"', 'database = "own"'), f"{AT}: asks for rows and names no table; write table."),
    "a bound without a number": (check('rows = "many"'), f"{AT}.rows"),
    "sums of nothing": (
        check('sums = ["amount"]'),
        f"{AT}.sums: are compared with nothing; add same_as, or migrations.",
    ),
    "with itself": (check('same_as = "own"'), f"{AT}.same_as: 'own' is compared with itself, which it always equals."),
    "an empty column": (
        check("columns = { id = {} }"),
        f"{AT}.columns.id: says nothing; write its type, null or default.",
    ),
    "a column of a number": (check("columns = { id = 5 }"), f"{AT}.columns.id"),
    "exactly nothing": (check('exact = true\nrows = "> 0"'), f"{AT}.exact: allows no other column, and no column is"),
    "a key to nowhere": (
        check('foreign_keys = { escrow_id = "escrows" }'),
        f"{AT}.foreign_keys.escrow_id: 'escrows' is no table with a column; write such as escrows.id.",
    ),
    "a tag of no network": (
        check(TAG.replace("arbitrum", "arbitrun") + ', chain_id = "c" }'),
        f"{AT}.tag.networks.mainnet: no network 'arbitrun'; the plan has arbitrum, unnumbered. Did you mean 'arbitrum'?",
    ),
    "a tag without a chain id": (
        check(TAG.replace('"arbitrum"', '"unnumbered"') + ', chain_id = "c" }'),
        f"{AT}.tag.networks.mainnet: 'unnumbered' has no chain_id to compare with; declare it.",
    ),
    "a tag of nothing": (
        check(TAG + " }"),
        f"{AT}.tag: nothing of a row refers to a chain; write chain_id, contract or transaction.",
    ),
    "no migration": (check('migrations = "none/*.sql"'), f"{AT}.migrations: 'none/*.sql' matches no file"),
    "a migration elsewhere": (check('migrations = "../*.sql"'), "'../*.sql' leads out of the plan's folder"),
    "a migration twice": (
        check('migrations = ["migrations/001_a.sql", "migrations/*"]'),
        f"{AT}.migrations[#2]: 'migrations/*' names '001_a.sql' a second time.",
    ),
    "no server for copies": (
        GOOD.replace("copies =", "# copies ="),
        "a migration is run on a copy, and databases.payments has no copies; name a server for it.",
    ),
    "an unknown risk": (check('migrations = "migrations/*"\nallow = "drop colum"'), "no risk 'drop colum'"),
    "a risk of nothing": (
        check('rows = "> 0"\nallow = "delete"'),
        f"{AT}.allow: is about migrations, and there are none",
    ),
    "no revisions": (
        check('revisions = "migrations"', OWN),
        "no folder of Alembic's 'migrations'; it has a folder 'versions'",
    ),
    "a rehearsal of nothing": (check("rehearse = true"), f"{AT}: rehearses no revisions; write revisions."),
    "models that are none": (check('models = "app"', OWN), f"{AT}.models: 'app' is no module and name; write such as"),
    "two of a name": (
        check('rows = "> 0"') + check('rows = "> 0"').replace(HEAD, "").replace('"c"', '"C"'),
        "stages.beta.databases['C'].name: is the name of two database checks of this stage",
    ),
    "another server": (url("mysql://x/y"), "databases.own.url: is no URL of SQLite or PostgreSQL"),
    "no file": (url("sqlite://"), "databases.own.url: names no file"),
    "in memory": (url("sqlite:///:memory:"), "databases.own.url: names no file"),
    "no port": (url("postgresql://me@db:port/x"), "databases.own.url: is no database's URL"),
    "a password in the plan": (
        url("postgresql://me:hunter22@db/x"),
        'databases.own.url: has a password in it; take it from the environment, as "${PAYMENTS_DATABASE_URL}".',
    ),
    "a namespace of a file": (
        GOOD.replace('own.db"', 'own.db"\nnamespace = "x"'),
        "databases.own.namespace: is for PostgreSQL; a SQLite file has no namespace, leave it out.",
    ),
    "a namespace with more in it": (
        GOOD.replace('namespace = "app"', 'namespace = "app -c x=y"'),
        "databases.payments.namespace: 'app -c x=y' is no plain name of a schema",
    ),
    "copies in a file": (
        GOOD.replace("${COPIES:-postgresql://me:kept-other@db.example/postgres}", "sqlite:///x.db"),
        "databases.payments.copies: is a SQLite file; a copy of a PostgreSQL database needs a server.",
    ),
}


@pytest.mark.parametrize(("plan", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence(sentence_of: Any, migrations: Path, plan: str, says: str) -> None:
    sentence = sentence_of(plan)

    assert sentence.startswith(PLACE)
    assert says in sentence
    assert "hunter22" not in sentence
    assert "kept-" not in sentence
