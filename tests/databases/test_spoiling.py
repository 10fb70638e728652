"""Copies spoilt for a drill, in SQLite and on a real PostgreSQL: the check tells, and the original is as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.database import Column, DatabaseSettings, Index, Structure, Tag
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.faults import Fault
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.units import UNITS
from pytest_rollout.databases.copies import copy_of
from pytest_rollout.databases.spoiling import spoil
from tests.databases.conftest import ROWS, TABLES, Live

Judge = Callable[..., Finding]
ABOUT: dict[str, Any] = {
    "table": "payments",
    "structure": Structure(
        columns={
            "amount": Column(type="numeric(78)"),
            "tx_hash": Column(type="varchar(66)"),
            "network": Column(type="varchar(20)"),
        },
        primary_key=("id",),
        unique=(("tx_hash",),),
        indexes={"idx_status": Index(columns=("status", "amount"))},
        foreign_keys={"escrow_id": "escrows.id"},
        checks=("amount > 0",),
    ),
    "rows": Bound(relation=Relation(">"), limit=Fraction(0), unit=UNITS["count"]),
    "tag": Tag(
        column="network",
        networks={"mainnet": "arbitrum", "testnet": "sepolia"},
        chain_id="chain_id",
        chain_ids={"arbitrum": 42161, "sepolia": 421614},
    ),
}
TAGGED = [
    "ALTER TABLE payments ADD COLUMN network VARCHAR(20)",
    "ALTER TABLE payments ADD COLUMN chain_id INTEGER",
    "UPDATE payments SET network = 'mainnet', chain_id = 42161",
]
SPOILT = {
    Fault.COLUMN: "no column tx_hash",
    Fault.INDEX: "no index idx_status",
    Fault.CONSTRAINT: "the primary key is none; tx_hash is not unique",
    Fault.TABLE: "0 rows, not > 0",
    Fault.TAG: "testnet, and chain_id 42161 is not sepolia's 421614",
}


@pytest.fixture
def tagged(payments: Live) -> Live:
    payments.run(*TAGGED)
    return payments


def spoilt(fault: Fault, copy: DatabaseSettings, table: str = "payments") -> bool:
    return spoil(fault, copy, table, [DatabaseCheck(name="it", database=copy, **ABOUT | {"table": table})])


@pytest.mark.parametrize(("fault", "says"), SPOILT.items(), ids=[each.value for each in SPOILT])
def test_the_check_tells_what_was_done_to_the_copy(tagged: Live, judged: Judge, fault: Fault, says: str) -> None:
    with copy_of(tagged.settings) as copy:
        as_copied = judged(Live(copy), **ABOUT)
        assert spoilt(fault, copy)
        after = judged(Live(copy), **ABOUT)
        where = copy.url

    assert as_copied.outcome is Outcome.PASS, as_copied.measured
    assert after.outcome is Outcome.FAIL
    assert says in after.measured
    assert where != tagged.settings.url
    assert judged(tagged, **ABOUT).measured == as_copied.measured


def test_a_copy_that_is_no_longer_needed_is_gone(tagged: Live) -> None:
    with copy_of(tagged.settings) as copy:
        assert Live(copy).ask("SELECT count(*) FROM payments") == [(2,)]

    with pytest.raises(Exception, match=r"does not exist|unable to open"):
        Live(copy).ask("SELECT 1")


def test_what_is_not_there_cannot_be_spoilt(made: Any) -> None:
    """No index, no key, no row: a fault that was not done is nothing that a check could have noticed."""
    live = made()
    live.run("CREATE TABLE bare (id INTEGER, network VARCHAR(20))")

    with copy_of(live.settings) as copy:
        done = {fault for fault in reversed(SPOILT) if spoilt(fault, copy, "bare")}

    assert done == {Fault.COLUMN}


def test_a_namespace_is_spoilt_where_it_is(on_postgresql: Any, judged: Judge) -> None:
    """A table of that name elsewhere stays: in the copy too it is another table."""
    live = on_postgresql()
    live.run(TABLES, *ROWS, *TAGGED, "CREATE SCHEMA app", "SET search_path TO app;" + TABLES + ";".join(ROWS + TAGGED))

    with copy_of(replace(live.settings, namespace="app")) as copy:
        done = {fault for fault in SPOILT if spoilt(fault, copy)}
        inside, outside = judged(Live(copy), **ABOUT), judged(Live(replace(copy, namespace="public")), **ABOUT)

    assert done == {*SPOILT} - {Fault.TAG}, "after the rows are gone there is no tag to alter"
    assert inside.outcome is Outcome.FAIL
    assert outside.outcome is Outcome.PASS, outside.measured


def test_a_server_that_makes_no_copy_says_what_to_declare(on_postgresql: Any) -> None:
    live = on_postgresql()
    other = make_url(live.settings.url).set(host="127.0.0.1", port=1).render_as_string(hide_password=False)

    with pytest.raises(StoreError, match=r"no copy can be made: databases\.own\d+\.copies names no server"):
        copy_of(replace(live.settings, copies="")).__enter__()
    with pytest.raises(StoreError, match="no copy could be made on databases") as caught:
        copy_of(replace(live.settings, copies=other)).__enter__()
    assert "kept-secret" not in str(caught.value)
