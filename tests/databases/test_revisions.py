"""Alembic: the newest revision applied, missing ones rehearsed on a copy, and drift from the models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.database import Column, Migrations, Risk, Structure
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from tests.databases.conftest import Live

REVISION = """
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {before!r}

def upgrade():
    {upgrade}
"""
MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[str | None] = mapped_column(sa.String(20))
"""
FIRST = "op.create_table('payments', sa.Column('id', sa.Integer, primary_key=True))"
SECOND = "op.add_column('payments', sa.Column('network', sa.String(20)))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two revisions, and an ``env.py`` that must never run: it would reach for a real database."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "a1_payments.py").write_text(REVISION.format(revision="a1", before=None, upgrade=FIRST))
    (versions / "b2_network.py").write_text(REVISION.format(revision="b2", before="a1", upgrade=SECOND))
    (tmp_path / "migrations" / "env.py").write_text("raise SystemExit('env.py was run')\n")
    return versions.parent


@pytest.fixture
def at_first(made: Any) -> Live:
    """A database at the first of the two."""
    live = made()
    live.run(
        "CREATE TABLE payments (id INTEGER NOT NULL PRIMARY KEY)",
        "INSERT INTO payments VALUES (1)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('a1')",
    )
    return live


def test_a_revision_that_was_not_applied_is_told(at_first: Live, folder: Path, judged: Callable[..., Finding]) -> None:
    behind = judged(at_first, revisions=folder)
    at_first.run("UPDATE alembic_version SET version_num = 'b2'")
    newest = judged(at_first, revisions=folder)

    assert (behind.outcome, behind.measured) == (Outcome.FAIL, "at revision a1, the newest is b2")
    assert (newest.outcome, newest.measured) == (Outcome.PASS, "revision b2")


def test_missing_revisions_are_run_on_a_copy(at_first: Live, folder: Path, judged: Callable[..., Finding]) -> None:
    wanted = Structure(columns={"network": Column(type="varchar(20)", null=True)})

    finding = judged(at_first, table="payments", structure=wanted, migrations=Migrations(alembic=folder))

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured.startswith("1 migrations on a copy, 1 rows kept")
    assert at_first.ask("SELECT * FROM payments") == [(1,)]
    assert at_first.ask("SELECT version_num FROM alembic_version") == [("a1",)]


def test_a_revision_that_loses_something_is_read_first(
    at_first: Live, folder: Path, judged: Callable[..., Finding]
) -> None:
    asking = "op.get_bind().execute(sa.text('SELECT 1')).scalar_one()"
    (folder / "versions" / "c3.py").write_text(
        REVISION.format(revision="c3", before="b2", upgrade="op.drop_table('payments')")
    )
    (folder / "versions" / "d4.py").write_text(REVISION.format(revision="d4", before="c3", upgrade=asking))

    finding = judged(at_first, migrations=Migrations(alembic=folder, allowed=frozenset({Risk.DELETE})))

    assert "c3.py: drop table: DROP TABLE payments" in finding.measured
    assert "d4.py: unread" in finding.measured
    assert "table payments is gone, with 1 rows" in finding.measured


def test_nothing_left_to_run_is_no_rehearsal(at_first: Live, folder: Path, judged: Callable[..., Finding]) -> None:
    at_first.run("UPDATE alembic_version SET version_num = 'b2'")

    finding = judged(at_first, migrations=Migrations(alembic=folder))

    assert (finding.outcome, finding.measured) == (Outcome.NOT_RUN, "no migration is left to run")


def test_drift_from_the_models_is_told(at_first: Live, judged: Callable[..., Finding], tmp_path: Path) -> None:
    name = f"models_of_{at_first.settings.name}"
    (tmp_path / f"{name}.py").write_text(MODELS)

    drifted = judged(at_first, models=f"{name}:Base")
    at_first.run("ALTER TABLE payments ADD COLUMN network VARCHAR(20)")
    same = judged(at_first, models=f"{name}:Base")

    assert (drifted.outcome, drifted.measured) == (Outcome.FAIL, "drift: add_column payments network")
    assert (same.outcome, same.measured) == (Outcome.PASS, "no drift")


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ("no_such_module:Base", "models no_such_module:Base: No module named 'no_such_module'"),
        ("fractions:Nothing", "has no attribute 'Nothing'"),
        ("fractions:Fraction", "is a ABCMeta, and neither metadata nor a declarative base"),
    ],
)
def test_models_that_are_none(on_sqlite: Any, judged: Callable[..., Finding], models: str, says: str) -> None:
    live = on_sqlite()
    live.run("CREATE TABLE payments (id INTEGER PRIMARY KEY)")

    with pytest.raises(StoreError, match=says):
        judged(live, models=models)


def test_a_revision_that_fails_is_one_sentence(at_first: Live, folder: Path, judged: Callable[..., Finding]) -> None:
    again = REVISION.format(revision="c3", before="b2", upgrade=SECOND)
    (folder / "versions" / "c3.py").write_text(again)

    finding = judged(at_first, migrations=Migrations(alembic=folder))

    assert finding.outcome is Outcome.FAIL
    assert "not applied: a revision failed: " in finding.measured
    assert "network" in finding.measured
