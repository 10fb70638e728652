"""Structure, rows, sums and tags of a database, on SQLite and on a real PostgreSQL; nothing is ever written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.database import Column, Index, Migrations, Structure, Tag
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.units import UNITS
from pytest_rollout.databases.opening import Databases
from tests.databases.conftest import ESCROW, ROWS, SECRET, TABLES, Book, Live

Judge = Callable[..., Finding]
AS_IT_IS = Structure(
    columns={
        "id": Column(type="int", null=False),
        "escrow_id": Column(type="integer", null=True, default="NULL"),
        "amount": Column(type="decimal(78, 0)", null=False),
        "status": Column(type="character varying(20)", null=False, default="open"),
        "tx_hash": Column(type="VARCHAR(66)"),
    },
    primary_key=("id",),
    unique=(("tx_hash",), ("escrow_id",), ("id",)),
    indexes={
        "idx_status": Index(columns=("status", "amount")),
        "idx_escrow": Index(columns=("escrow_id",), unique=True),
    },
    foreign_keys={"escrow_id": "escrows.id"},
    checks=("amount > 0", "(status = 'open' OR status = 'paid')", "status in ('open', 'paid')"),
)


def bound(text: str, limit: int) -> Bound:
    return Bound(relation=Relation(text), limit=Fraction(limit), unit=UNITS["count"])


def test_a_table_that_is_as_declared_passes(payments: Live, judged: Judge) -> None:
    wanted = replace(AS_IT_IS, checks=(AS_IT_IS.checks[0], AS_IT_IS.checks[2]))

    finding = judged(payments, table="payments", structure=wanted, rows=bound("==", 2))

    assert (finding.outcome, finding.kind) == (Outcome.PASS, Kind.DATABASE), finding.measured
    assert finding.measured.endswith("indexes, 2 rows")
    assert SECRET not in f"{finding}"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a missing column": ({"columns": {"network": Column(type="text")}}, "no column network"),
    "another type": ({"columns": {"amount": Column(type="bigint")}}, "amount is numeric"),
    "another size": ({"columns": {"status": Column(type="varchar(10)")}}, "status is varchar(20), not varchar(10)"),
    "may be null": ({"columns": {"tx_hash": Column(null=False)}}, "tx_hash may be null"),
    "may not be null": ({"columns": {"amount": Column(null=True)}}, "amount may not be null"),
    "another default": ({"columns": {"status": Column(default="paid")}}, "the default of status is 'open'"),
    "no default": ({"columns": {"amount": Column(default="0")}}, "the default of amount is none, not 0"),
    "no index": ({"indexes": {"idx_tx": Index(columns=("tx_hash",))}}, "no index idx_tx"),
    "an index in another order": (
        {"indexes": {"idx_status": Index(columns=("amount", "status"))}},
        "index idx_status is on status, amount",
    ),
    "an index that is not unique": (
        {"indexes": {"idx_status": Index(columns=("status", "amount"), unique=True)}},
        "index idx_status is on status, amount",
    ),
    "another key": ({"primary_key": ("escrow_id",)}, "the primary key is id"),
    "not unique": ({"unique": (("status",),)}, "status is not unique"),
    "refers elsewhere": ({"foreign_keys": {"escrow_id": "assets.id"}}, "escrow_id refers to escrows.id, not assets.id"),
    "no constraint": ({"checks": ("amount >= 0",)}, "no constraint amount >= 0"),
    "brackets that matter": ({"checks": ("status = 'open' OR amount > 0",)}, "no constraint status = 'open' OR"),
    "too many columns": (
        {"columns": {"id": Column(type="int")}, "exact": True},
        "column escrow_id, which nobody declared",
    ),
}


@pytest.mark.parametrize(("wanted", "says"), WRONG.values(), ids=WRONG)
def test_what_is_otherwise_is_told(payments: Live, judged: Judge, wanted: dict[str, Any], says: str) -> None:
    finding = judged(payments, table="payments", structure=Structure(**wanted))

    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured.replace("(78, 0)", "").replace("(78)", "")


def test_an_index_over_some_rows_is_not_one_over_all(payments: Live, judged: Judge) -> None:
    payments.run("DROP INDEX idx_escrow; CREATE UNIQUE INDEX idx_escrow ON payments (escrow_id) WHERE status = 'paid'")
    wanted = Structure(indexes={"idx_escrow": Index(columns=("escrow_id",), unique=True)}, unique=(("escrow_id",),))

    finding = judged(payments, table="payments", structure=wanted)

    assert "index idx_escrow covers only rows where" in finding.measured
    assert "escrow_id is not unique" in finding.measured


def test_an_index_that_was_not_built_to_its_end_is_none(on_postgresql: Any, judged: Judge) -> None:
    """``CREATE UNIQUE INDEX CONCURRENTLY`` that fails leaves an index behind that nothing uses."""
    live = on_postgresql()
    live.run("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        live.run("CREATE UNIQUE INDEX CONCURRENTLY idx_a ON t (a)")

    wanted = Structure(indexes={"idx_a": Index(columns=("a",), unique=True)}, unique=(("a",),))
    finding = judged(live, table="t", structure=wanted)

    assert finding.measured == "index idx_a is invalid: it was not built to its end; a is not unique"


# ------------------------------------------------------------------------------------------ rows and sums


def test_rows_and_sums_are_those_of_another_database(payments: Live, made: Any, judged: Judge) -> None:
    backup = made()
    backup.run(TABLES, *ROWS)

    same = judged(payments, table="payments", same_as=backup.settings, sums=("amount",))
    backup.run("UPDATE payments SET amount = 251 WHERE id = 2")
    one_off = judged(payments, table="payments", same_as=backup.settings, sums=("amount",))
    backup.run("DELETE FROM payments WHERE id = 2")
    lost = judged(payments, table="payments", same_as=backup.settings)

    assert (same.outcome, same.measured) == (Outcome.PASS, "2 rows, sum of amount 350")
    assert (one_off.outcome, one_off.measured) == (
        Outcome.FAIL,
        f"the sum of amount is 350, and 351 in {backup.settings.name}",
    )
    assert lost.measured == f"2 rows, and 1 in {backup.settings.name}"


def test_sums_are_exact_beyond_what_a_float_tells_apart(payments: Live, made: Any, judged: Judge) -> None:
    """10^30 + 1 and 10^30 are one float; SQLite keeps such amounts as text."""
    other = made()
    for live, amount in ((payments, 10**30), (other, 10**30 + 1)):
        if live is other:
            other.run(TABLES, *ROWS)
        live.run("CREATE TABLE wei (amount VARCHAR(80))", f"INSERT INTO wei VALUES ('{amount}'), ('5'), (NULL)")

    finding = judged(payments, table="wei", same_as=other.settings, sums=("amount",))

    assert finding.outcome is Outcome.FAIL
    assert f"the sum of amount is {10**30 + 5}, and {10**30 + 6}" in finding.measured


@pytest.mark.parametrize("value", ["0.1", "'a lot'"], ids=["a float", "a text"])
def test_a_column_without_exact_sums_is_refused(payments: Live, judged: Judge, value: str) -> None:
    kind = "double precision" if value == "0.1" else "varchar(20)"
    payments.run(f"CREATE TABLE odd (amount {kind})", f"INSERT INTO odd VALUES ({value})")

    with pytest.raises(StoreError, match=r"^database own\d+.*(floats have no exact sum|is no number|invalid input)"):
        judged(payments, table="odd", same_as=payments.settings, sums=("amount",))


def test_two_empty_tables_do_not_agree(payments: Live, judged: Judge) -> None:
    payments.run("DELETE FROM payments")

    finding = judged(payments, table="payments", same_as=payments.settings)

    assert (finding.outcome, finding.measured) == (Outcome.INCONCLUSIVE, "no row to compare")


# --------------------------------------------------------------------------------------------------- tags

NETWORKS = {"mainnet": "arbitrum", "testnet": "sepolia"}
TAGGED = (
    "CREATE TABLE moves (id INTEGER PRIMARY KEY, network VARCHAR(20), chain_id INTEGER, escrow VARCHAR(42), "
    "tx_hash VARCHAR(66))"
)
TX = "0x" + "ab" * 32
BOOKS = {
    "arbitrum": Book(ESCROW, mined={TX: {"blockNumber": "0x5"}, "0x02": {"blockNumber": None}}),
    "sepolia": Book("0x" + "77" * 20),
}


def tag(**about: Any) -> Tag:
    return Tag(
        **{"column": "network", "networks": NETWORKS, "chain_ids": {"arbitrum": 42161, "sepolia": 421614}} | about
    )


MOVES: dict[str, tuple[list[str], dict[str, Any], str, Outcome]] = {
    "consistent by all three": (
        [f"(1, 'mainnet', 42161, '{ESCROW.upper().replace('X', 'x')}', '{TX}')"],
        {"chain_id": "chain_id", "contract": "escrow", "transaction": "tx_hash"},
        "1 mainnet",
        Outcome.PASS,
    ),
    "the other chain's id": (
        ["(1, 'mainnet', 421614, NULL, NULL)", "(2, 'mainnet', 42161, NULL, NULL)"],
        {"chain_id": "chain_id"},
        "1 of 2 rows wrong about their chain: mainnet, and chain_id 421614 is not arbitrum's 42161",
        Outcome.FAIL,
    ),
    "the default of the migration": (
        [f"(1, 'testnet', 42161, '{ESCROW}', NULL)"],
        {"contract": "escrow"},
        f"testnet, and escrow {ESCROW} is no contract of sepolia",
        Outcome.FAIL,
    ),
    "a transaction of another chain": (
        [f"(1, 'mainnet', 1, NULL, '{TX[:-1]}c')"],
        {"transaction": "tx_hash"},
        "is no transaction that arbitrum knows",
        Outcome.FAIL,
    ),
    "a transaction that waits": (
        ["(1, 'mainnet', 1, NULL, '0x02')"],
        {"transaction": "tx_hash"},
        "is not mined on arbitrum",
        Outcome.FAIL,
    ),
    "no reference": (
        ["(1, 'mainnet', 42161, NULL, NULL)"],
        {"transaction": "tx_hash"},
        "1 rows of mainnet have no tx_hash",
        Outcome.FAIL,
    ),
    "no reference yet": (
        ["(1, 'mainnet', 42161, NULL, NULL)"],
        {"transaction": "tx_hash", "optional": True},
        "1 mainnet",
        Outcome.PASS,
    ),
    "no tag": (["(1, NULL, 42161, NULL, NULL)"], {"chain_id": "chain_id"}, "1 rows say 'no tag'", Outcome.FAIL),
    "a tag of nothing": (
        ["(1, 'mainet', 42161, NULL, NULL)"],
        {"chain_id": "chain_id"},
        "1 rows say 'mainet', which stands for no network",
        Outcome.FAIL,
    ),
    "no row": ([], {"chain_id": "chain_id"}, "no row with a network to look at", Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("rows", "about", "says", "outcome"), MOVES.values(), ids=MOVES)
def test_every_row_says_the_chain_that_it_refers_to(
    made: Any, judged: Judge, rows: list[str], about: dict[str, Any], says: str, outcome: Outcome
) -> None:
    live = made()
    live.run(TAGGED, *(f"INSERT INTO moves VALUES {row}" for row in rows))

    finding = judged(live, BOOKS, table="moves", tag=tag(**about))

    assert finding.outcome is outcome, finding.measured
    assert says in finding.measured


def test_a_network_without_contracts_tells_nothing(made: Any, judged: Judge) -> None:
    live = made()
    live.run(TAGGED, f"INSERT INTO moves VALUES (1, 'mainnet', 1, '{ESCROW}', NULL)")

    with pytest.raises(StoreError, match="no contract of arbitrum is known; record its deployments"):
        judged(live, {"arbitrum": Book()}, table="moves", tag=tag(contract="escrow"))


# ------------------------------------------------------------------------------------- read-only, by force


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM payments",
        "UPDATE payments SET amount = 1 RETURNING id",
        "DROP TABLE payments",
        "INSERT INTO escrows VALUES (9, 'x') RETURNING id",
    ],
)
def test_a_question_cannot_write(payments: Live, statement: str) -> None:
    databases = Databases({"own": payments.settings})

    with pytest.raises(StoreError):
        databases.own.query(statement)

    assert payments.ask("SELECT id, amount FROM payments ORDER BY id") == [(1, 100), (2, 250)]
    assert databases.own.query("SELECT id FROM payments WHERE amount > :least", least=200) == [{"id": 2}]


def test_a_file_is_never_made_and_never_attached(on_sqlite: Any, tmp_path: Any) -> None:
    live = on_sqlite()
    live.run(TABLES)
    before = live.path.read_bytes()
    gone = replace(live.settings, url="sqlite:///gone.db", shown="sqlite:///gone.db")

    with pytest.raises(StoreError, match="no file sqlite:///gone.db; correct its url"):
        Databases({"x": gone}).x.query("SELECT 1")
    with pytest.raises(StoreError, match="more was asked than to read this one database"):
        Databases({"x": live.settings}).x.query("ATTACH 'other.db' AS other")

    assert [each.name for each in tmp_path.iterdir()] == [live.path.name]
    assert live.path.read_bytes() == before


def test_what_is_not_there_is_told_with_the_nearest(payments: Live, judged: Judge) -> None:
    with pytest.raises(StoreError, match="there is no table 'payment'; there are .* Did you mean 'payments'?"):
        judged(payments, table="payment", rows=bound(">", 0))
    with pytest.raises(StoreError, match="no database 'paymens'; the plan has payments. Did you mean 'payments'?"):
        Databases({"payments": payments.settings})["paymens"]


def test_a_server_that_does_not_answer_or_does_not_know_us_is_one_sentence(on_postgresql: Any, judged: Judge) -> None:
    live = on_postgresql()
    for url in (
        live.settings.url.replace(SECRET, "other-secret"),
        "postgresql://me:other-secret@127.0.0.1:1/x",
    ):
        stranger = Live(replace(live.settings, url=url))
        with pytest.raises(StoreError, match=r"^database own\d+ at postgresql://.*: the database refused") as caught:
            judged(stranger, table="t", rows=bound(">", 0))
        assert "secret" not in str(caught.value)


def test_a_question_without_end_is_stopped(payments: Live, slow: Any) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i % 7) AS value FROM n"

    with pytest.raises(StoreError, match="interrupted|statement timeout"):
        Databases({"own": slow(payments, 0.2).settings}).own.query(endless)


@pytest.mark.parametrize(
    ("library", "called", "about"),
    [
        ("sqlalchemy", "SQLAlchemy", {"rows": bound(">", 0)}),
        ("sqlglot", "sqlglot", {"structure": Structure(checks=("amount > 0",))}),
        ("alembic", "Alembic", {"models": "fractions:Fraction"}),
    ],
)
def test_a_part_of_the_extra_that_is_missing_is_one_sentence(
    on_sqlite: Any, judged: Judge, monkeypatch: pytest.MonkeyPatch, library: str, called: str, about: dict[str, Any]
) -> None:
    live = on_sqlite()
    live.run(TABLES, *ROWS)
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(StoreError) as caught:
        judged(live, table="payments", **about)

    says = f"databases need {called}, which is not installed. Run: pip install 'pytest-rollout[sql]'"
    assert str(caught.value).endswith(says)


def test_rows_that_a_policy_hides_are_no_smaller_table(on_postgresql: Any, judged: Judge) -> None:
    """A role of one tenant counts its own rows and would call them all."""
    live = on_postgresql()
    live.run(
        "CREATE TABLE t (id int, tenant text)",
        "INSERT INTO t VALUES (1, 'tenant'), (2, 'other')",
        "DROP ROLE IF EXISTS tenant",
        "CREATE ROLE tenant LOGIN PASSWORD 'kept-secret'",
        "GRANT SELECT ON t TO tenant",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON t USING (tenant = current_user)",
    )
    tenant = Live(replace(live.settings, url=live.settings.url.replace("tester", "tenant")))

    with pytest.raises(StoreError, match='would be affected by row-level security policy for table "t"'):
        judged(tenant, table="t", rows=bound("==", 1))
    live.run("DROP OWNED BY tenant", "DROP ROLE tenant")


def test_a_look_leaves_nothing_beside_a_file(on_sqlite: Any, judged: Judge) -> None:
    """SQLite makes two files beside a database in WAL mode, even for who may only read."""
    live = on_sqlite()
    live.run("PRAGMA journal_mode = WAL; CREATE TABLE t (id int); INSERT INTO t VALUES (1)")

    finding = judged(live, table="t", rows=bound("==", 1), migrations=Migrations(files=(_file(live, "SELECT 1;"),)))

    assert finding.outcome is Outcome.PASS, finding.measured
    assert [each.name for each in live.path.parent.glob(f"{live.path.name}*")] == [live.path.name]


def test_a_file_that_was_cut_off_or_left_its_log_behind_is_told(on_sqlite: Any, judged: Judge) -> None:
    live = on_sqlite()
    live.run("PRAGMA journal_mode = WAL; CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    whole = live.path.read_bytes()

    live.path.write_bytes(whole[:-1])
    with pytest.raises(StoreError, match="ends in the midst of a page; restore it from a backup"):
        judged(live, table="t", rows=bound("==", 1))
    live.path.write_bytes(whole)
    live.path.with_name(f"{live.path.name}-shm").touch()
    with pytest.raises(StoreError, match="-wal is missing beside its -shm"):
        judged(live, table="t", rows=bound("==", 1))


def _file(live: Live, script: str) -> Path:
    path = live.settings.folder / "migration.sql"
    path.write_text(script)
    return path
