"""Declared database checks in a gate: a migration on a copy, tags against the chain, a password that stays unsaid."""

from __future__ import annotations

import sqlite3
from contextlib import closing

PLAN = """
[rollout]
name = "toy"
[networks.local]
kind = "tester"
chain_id = 42161
[networks.other]
kind = "tester"
[contracts.deployments]
local = "local.json"
[databases.own]
url = "sqlite:///own.db"
[databases.far]
url = "${FAR}"
[stages.alpha]
network = "local"
[[stages.alpha.databases]]
name = "the migration keeps every row"
database = "own"
table = "payments"
migrations = "001.sql"
columns = { network = { type = "varchar(20)", default = "testnet" } }
sums = ["amount"]
[[stages.alpha.databases]]
name = "rows know their chain"
database = "own"
table = "moves"
tag = { column = "network", networks = { mainnet = "local" }, chain_id = "chain_id", contract = "escrow" }
[[stages.alpha.databases]]
name = "far away"
database = "far"
table = "payments"
rows = "> 0"
"""
TEST = """
def test_rows(databases):
    assert databases.own.query("SELECT sum(amount) AS total FROM payments") == [{"total": 350}]
"""
ESCROW = "0x" + "e5" * 20


def test_a_gate_looks_at_databases(bare) -> None:
    bare.write(
        {
            "rollout.toml": PLAN,
            "test_rows.py": TEST,
            "001.sql": "ALTER TABLE payments ADD COLUMN network VARCHAR(20) DEFAULT 'testnet';",
            "local.json": f'{{"Escrow": "{ESCROW}"}}',
        }
    )
    with closing(sqlite3.connect(bare.folder / "own.db")) as connection:
        connection.executescript(
            "CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER);"
            "INSERT INTO payments VALUES (1, 100), (2, 250);"
            "CREATE TABLE moves (id INTEGER PRIMARY KEY, network TEXT, chain_id INTEGER, escrow TEXT);"
            f"INSERT INTO moves VALUES (1, 'mainnet', 42161, '{ESCROW}'), (2, 'mainnet', 1, '{ESCROW}');"
        )
    before = (bare.folder / "own.db").read_bytes()
    bare.environment["FAR"] = "postgresql://me:kept-secret@127.0.0.1:1/payments"
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=junit,brief")

    found = {each["title"]: each for each in ran.judgement["findings"] if each["kind"] == "databases"}
    assert ran.status == 10
    kept = found["the migration keeps every row"]
    assert (kept["outcome"], kept["item"]) == (
        "pass",
        "rollout.toml::alpha::databases::the migration keeps every row",
    ), kept
    assert found["rows know their chain"]["measured"] == (
        "1 of 2 rows wrong about their chain: mainnet, and chain_id 1 is not local's 42161"
    )
    assert found["far away"]["outcome"] == "error"
    assert "at postgresql://127.0.0.1:1/payments: the database refused" in found["far away"]["measured"]
    written = [each.read_bytes() for each in (bare.folder / "reports").rglob("*") if each.is_file()]
    assert all(b"kept-secret" not in each for each in [*written, ran.out.encode(), ran.err.encode()])
    assert (bare.folder / "own.db").read_bytes() == before
