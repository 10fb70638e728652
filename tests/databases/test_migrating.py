"""Migrations read, and run on a copy: nothing lost, nothing that cannot be taken back unseen, the original untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pytest_rollout.core.database import Column, Index, Migrations, Risk, Structure
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.databases import copies
from pytest_rollout.databases.opening import Databases
from pytest_rollout.databases.statements import condition, risks, split
from tests import servers
from tests.databases.conftest import SECRET, Live

ADD_NETWORK = """
-- Add environment tracking; a semicolon here; and 100 % of rows
ALTER TABLE payments ADD COLUMN blockchain_network VARCHAR(20) DEFAULT 'test;net';
CREATE INDEX idx_payments_network ON payments(blockchain_network);
"""
WANTED = Structure(
    columns={"blockchain_network": Column(type="varchar(20)", default="test;net")},
    indexes={"idx_payments_network": Index(columns=("blockchain_network",))},
)


@pytest.fixture
def migrate(judged: Callable[..., Finding], tmp_path: Path) -> Callable[..., Finding]:
    def judge(live: Live, text: str, *allowed: Risk, changing: tuple[str, ...] = (), **about: Any) -> Finding:
        path = tmp_path / "001_network.sql"
        path.write_text(text)
        wanted = Migrations(files=(path,), allowed=frozenset(allowed), changing=changing)
        return judged(live, table="payments", migrations=wanted, **{"sums": ("amount",)} | about)

    return judge


def names(live: Live) -> list[str]:
    """The databases of the server."""
    return [row[0] for row in live.ask("SELECT datname FROM pg_database")] if not live.settings.is_sqlite else []


def test_a_migration_runs_on_a_copy_and_the_original_stays(payments: Live, migrate: Any) -> None:
    before = names(payments)

    finding = migrate(payments, ADD_NETWORK, structure=WANTED)

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured.startswith("1 migrations on a copy, 4 rows kept, ")
    assert names(payments) == before
    with pytest.raises(Exception, match="blockchain_network"):
        payments.ask("SELECT blockchain_network FROM payments")


MIGRATIONS: dict[str, tuple[str, tuple[Risk, ...], str]] = {
    "a row lost": ("DELETE FROM payments WHERE id = 1", (Risk.DELETE,), "1 rows, and 2 before"),
    "a sum changed": (
        "UPDATE payments SET amount = amount + 1 WHERE id = 1",
        (Risk.UPDATE,),
        "the sum of amount is 351, and 350 before",
    ),
    "a row of another table lost": ("DELETE FROM other", (Risk.DELETE,), "other had 1 rows and has 0"),
    "a table lost": ("DROP TABLE other", (), "drop table: DROP TABLE other; look at it, then allow it"),
    "a delete nobody looked at": ("DELETE FROM other WHERE id = 5", (), "delete: DELETE FROM other"),
    "not applied": ("ALTER TABLE payments ADD COLUMN status INTEGER", (), "not applied: 001_network.sql: "),
    "a null where none may be": (
        "INSERT INTO other VALUES (2);\nALTER TABLE payments ADD COLUMN network VARCHAR(20) NOT NULL",
        (),
        "not applied: 001_network.sql: ",
    ),
}


@pytest.mark.parametrize(("text", "allowed", "says"), MIGRATIONS.values(), ids=MIGRATIONS)
def test_what_a_migration_does_to_rows_is_told(
    payments: Live, migrate: Any, text: str, allowed: tuple[Risk, ...], says: str
) -> None:
    payments.run("CREATE TABLE other (id INTEGER PRIMARY KEY)", "INSERT INTO other VALUES (1)")
    before = names(payments)

    finding = migrate(payments, text, *allowed)

    assert finding.outcome is Outcome.FAIL
    assert says in finding.measured
    assert payments.ask("SELECT count(*) FROM payments") == [(2,)]
    assert names(payments) == before


def test_a_table_without_rows_shows_nothing(made: Any, migrate: Any) -> None:
    """Neither that its sums are kept, nor where it was not there."""
    live = made()
    live.run("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER)")
    empty = migrate(live, "ALTER TABLE payments ADD COLUMN note VARCHAR(20)")
    live.run("DROP TABLE payments")
    new = migrate(live, "CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER)")

    assert (empty.outcome, empty.measured) == (
        Outcome.INCONCLUSIVE,
        "payments had no row, so nothing shows that its sums are kept",
    )
    assert (new.outcome, new.measured) == (
        Outcome.INCONCLUSIVE,
        "there was no table payments before, so there are no sums to compare",
    )


def test_what_somebody_looked_at_is_allowed(payments: Live, migrate: Any) -> None:
    payments.run("CREATE TABLE other (id INTEGER PRIMARY KEY)", "INSERT INTO other VALUES (1)")

    finding = migrate(payments, "DELETE FROM other", Risk.DELETE, changing=("other",))

    assert finding.outcome is Outcome.PASS, finding.measured


def test_a_migration_of_sqlite_reaches_no_other_file(on_sqlite: Any, migrate: Any, tmp_path: Path) -> None:
    live = on_sqlite()
    live.run("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER)", "INSERT INTO payments VALUES (1, 1)")
    text = f"VACUUM;\nATTACH '{live.path}' AS prod;\nDELETE FROM prod.payments;"

    finding = migrate(live, text, Risk.DELETE, Risk.UNREAD)

    assert finding.measured == "not applied: 001_network.sql: not authorized"
    assert live.ask("SELECT count(*) FROM payments") == [(1,)]


def test_what_only_postgresql_can_do(on_postgresql: Any, migrate: Any) -> None:
    """Statement by statement, as a person would: an index beside the traffic, a function with semicolons in it."""
    live = on_postgresql()
    live.run("CREATE TABLE payments (id int, amount numeric)", "INSERT INTO payments VALUES (1, 0.1), (2, 0.2)")
    text = (
        "CREATE INDEX CONCURRENTLY idx_amount ON payments (amount);\n"
        "CREATE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 5 % 3; END; $$ LANGUAGE plpgsql;"
    )

    unseen = migrate(live, text)
    looked_at = migrate(
        live, text, Risk.UNREAD, structure=Structure(indexes={"idx_amount": Index(columns=("amount",))})
    )

    assert "unread: CREATE FUNCTION" in unseen.measured
    assert looked_at.outcome is Outcome.PASS, looked_at.measured


def test_a_namespace_is_where_names_are_looked_for(on_postgresql: Any, migrate: Any) -> None:
    """A table of the same name elsewhere is another one."""
    live = on_postgresql()
    live.run(
        "CREATE SCHEMA app; CREATE TABLE app.payments (id int PRIMARY KEY, amount int)",
        "INSERT INTO app.payments VALUES (1, 1), (2, 2)",
        "CREATE TABLE payments (id text)",
    )
    there = Live(replace(live.settings, namespace="app"))

    finding = migrate(there, ADD_NETWORK, structure=replace(WANTED, primary_key=("id",)))

    assert finding.outcome is Outcome.PASS, finding.measured
    assert "2 rows kept" in finding.measured
    assert Databases({"own": there.settings}).own.query("SELECT count(*) AS rows FROM payments") == [{"rows": 2}]


def test_a_copy_needs_a_server_that_lets_us(on_postgresql: Any, migrate: Any, monkeypatch: Any) -> None:
    live = on_postgresql()
    live.run("CREATE TABLE payments (id int, amount int)")
    nowhere = Live(replace(live.settings, copies="postgresql://me:other-secret@127.0.0.1:1/x"))

    with pytest.raises(StoreError, match=r"no copy could be made on databases.own\d+.copies") as caught:
        migrate(nowhere, ADD_NETWORK)
    assert "other-secret" not in str(caught.value)

    monkeypatch.setattr(copies, "_SERVERS", "/nowhere")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StoreError, match="needs pg_dump, which is not installed; on Debian: postgresql-client"):
        migrate(live, ADD_NETWORK)
    assert not [name for name in names(live) if name.startswith("rollout_copy")]


def test_a_password_is_no_argument_of_a_program(on_postgresql: Any, migrate: Any, monkeypatch: Any) -> None:
    """Anybody on the machine can list arguments."""
    ran: list[Any] = []
    run = copies.subprocess.run
    monkeypatch.setattr(copies.subprocess, "run", lambda command, **about: ran.append(command) or run(command, **about))
    live = on_postgresql()
    live.run("CREATE TABLE payments (id int, amount int)", "INSERT INTO payments VALUES (1, 1)")

    assert migrate(live, ADD_NETWORK).outcome is Outcome.PASS
    assert len(ran) == 2
    assert SECRET not in str(ran)


def test_a_role_that_may_only_read_is_enough(on_postgresql: Any, migrate: Any) -> None:
    """What a gate asks of production is SELECT."""
    live = on_postgresql()
    live.run("CREATE TABLE payments (id int, amount int)", "INSERT INTO payments VALUES (1, 1)")
    role = f"reader_{live.settings.name}"
    live.run(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'", f"GRANT SELECT ON payments TO {role}")
    reader = Live(replace(live.settings, url=live.settings.url.replace("tester:", f"{role}:")))

    assert migrate(reader, ADD_NETWORK).outcome is Outcome.PASS
    with servers.owner_of(reader.settings.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM payments")


# ------------------------------------------------------------------------------------------ statements read

STATEMENTS: dict[str, list[str]] = {
    "ALTER TABLE p ADD COLUMN a int": [],
    "CREATE TABLE z AS SELECT 1; INSERT INTO z SELECT 2; CREATE INDEX i ON z (a)": [],
    "ALTER TABLE p DROP COLUMN a, DROP CONSTRAINT c": ["drop column", "drop constraint"],
    "ALTER TABLE p ALTER COLUMN a TYPE bigint": ["change type"],
    "ALTER TABLE p ALTER COLUMN a SET NOT NULL": [],
    "ALTER TABLE p RENAME TO q; ALTER TABLE p RENAME COLUMN a TO b": ["rename", "rename"],
    "DROP INDEX i; DROP VIEW v; DROP SCHEMA s CASCADE": ["drop index", "drop other", "drop other"],
    "WITH gone AS (DELETE FROM x RETURNING 1) SELECT 1": ["delete"],
    "TRUNCATE x": ["truncate"],
    "UPDATE x SET a = 1": ["update"],
    "DO $$ BEGIN DELETE FROM x; END $$": ["unread"],
    "SELECT 'DROP TABLE x'; -- DROP TABLE x": [],
}


@pytest.mark.parametrize(("text", "expected"), STATEMENTS.items(), ids=STATEMENTS)
def test_what_cannot_be_taken_back_is_found(text: str, expected: list[str]) -> None:
    assert [risk for risk, _ in risks(text, "postgresql")] == expected


def test_statements_end_where_they_end() -> None:
    text = "SELECT ';' ; -- a; comment\nSELECT $$ a; b $$;\n\n;SELECT 3"

    assert split(text, "postgresql") == ["SELECT ';'", "-- a; comment\nSELECT $$ a; b $$", "SELECT 3"]


@pytest.mark.parametrize("text", ["ALTER TABLE (", "SELECT 'not closed", "(" * 5000])
def test_what_is_no_sql_is_told(text: str) -> None:
    with pytest.raises(StoreError, match="is no SQL that can be read"):
        risks(text, "postgresql")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("amount > 0", "((amount > (0)::numeric))", True),
        (
            "s IN ('a', 'b')",
            "((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            True,
        ),
        ("(a OR b) AND c", "a OR b AND c", False),
        ("NOT (a OR b)", "NOT a OR b", False),
        ("a - (b - c) > 0", "a - b - c > 0", False),
        ("S = 'A'", "s = 'a'", False),
    ],
)
def test_conditions_compare_by_what_they_mean(one: str, other: str, is_same: bool) -> None:
    assert (condition(one, "postgresql") == condition(other, "postgresql")) is is_same
