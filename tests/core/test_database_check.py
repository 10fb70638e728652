"""A database's finding: spellings of SQL that mean the same, and nothing believed that was not recorded."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.core.criterion import Bound, Relation
from pytest_rollout.core.database import Column, DatabaseSettings, Index, Migrations, Risk, Structure, Tag
from pytest_rollout.core.database_check import DatabaseCheck
from pytest_rollout.core.evidence import Observation
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.outcome import Kind, Outcome
from pytest_rollout.core.sql_words import default_of, is_default, type_name
from pytest_rollout.core.units import UNITS

OWN = DatabaseSettings(name="own", url="sqlite:///x.db", shown="sqlite:///x.db", folder=Path())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INT", "integer"),
        ("serial", "INTEGER"),
        ("numeric(78)", "NUMERIC(78, 0)"),
        ("decimal(10,2)", "numeric( 10 , 2 )"),
        ("character varying(20)", "VARCHAR(20)"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("timestamp", "TIMESTAMP WITHOUT TIME ZONE"),
        ("timestamp(6) with time zone", "timestamptz(6)"),
        ("text[]", "TEXT[]"),
        ("float8", "double precision"),
    ],
)
def test_types_that_are_the_same(one: str, other: str) -> None:
    assert type_name(one) == type_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("integer", "bigint"), ("varchar(20)", "varchar"), ("numeric", "numeric(78)"), ("text", "text[]"), ("timestamp", "timestamptz")],
)  # fmt: skip
def test_types_that_are_not(one: str, other: str) -> None:
    assert type_name(one) != type_name(other)


@pytest.mark.parametrize(
    ("wanted", "seen", "is_same"),
    [
        ("testnet", "'testnet'::character varying", True),
        ("'testnet'", "'testnet'", True),
        ("it's", "'it''s'::text", True),
        ("0", "((0)::numeric)", True),
        ("true", "TRUE", True),
        ("now()", "CURRENT_TIMESTAMP", True),
        ("NULL", None, True),
        ("NULL", "NULL::character varying", True),
        ("testnet", "'mainnet'", False),
        ("testnet", "'TESTNET'", False),
        ("NULL", "'NULL'", False),
        ("0", None, False),
        ("(1) + (2)", "1) + (2", False),
    ],
)
def test_defaults_compare_without_what_a_database_adds(wanted: str, seen: str | None, is_same: bool) -> None:
    assert is_default(wanted, seen) is is_same


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("INT4", "integer"), ("text", "text"), ("TEXT[]", "text[]"), ("numeric( 78 )", "numeric(78,0)"),
        ("VARCHAR (20) []", "varchar(20)[]"), ("weird[", "weird["),
    ],
)  # fmt: skip
def test_a_type_has_one_name(text: str, name: str) -> None:
    assert type_name(text) == name


@pytest.mark.parametrize(
    ("text", "default"),
    [
        (None, "null"), ("NULL", "null"), ("CURRENT_TIMESTAMP", "now()"), ("(('a'))", "'a'"), ("(')')", "')'"),
        ("('(')", "'('"), ("('a)", "('a)"), ("(1) + (2)", "(1) + (2)"), ("((1)", "((1)"),
    ],
)  # fmt: skip
def test_a_default_is_without_what_stands_around_it(text: str | None, default: str) -> None:
    """A bracket within a text closes nothing."""
    assert default_of(text) == default


SEEN = {"rows": 2, "tags": {"a": 2}, "wrong": 0, "unsure": 0, "listed": []}
NOT_UNDERSTOOD: dict[str, tuple[dict[str, Any], Any]] = {
    "nothing": ({"structure": Structure(columns={"a": Column(type="int")})}, None),
    "no structure": ({"structure": Structure(columns={"a": Column(type="int")})}, {}),
    "tags that are not the rows": ({"tag": Tag(column="t", networks={})}, {"tag": SEEN | {"rows": 3}}),
    "a negative count": ({"tag": Tag(column="t", networks={})}, {"tag": SEEN | {"wrong": -1}}),
    "no migration recorded": ({"migrations": Migrations()}, {}),
    "drift that is none": ({"models": "a:b"}, {"drift": "none"}),
    "no revision at all": ({"revisions": Path()}, {"revisions": {"current": [], "heads": []}}),
}


@pytest.mark.parametrize(("about", "value"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_what_was_not_recorded_is_no_pass(about: dict[str, Any], value: Any) -> None:
    check = DatabaseCheck(name="it", database=OWN, table="t", **about)

    assert check.judge("item", Observation(item="item", value=value)).outcome is Outcome.ERROR


def test_applied_must_be_said() -> None:
    """A truthy word of a recorder is no yes."""
    value = {"migrations": {"files": [{"name": "1.sql", "risks": []}], "applied": "yes", "error": ""}}
    check = DatabaseCheck(name="it", database=OWN, migrations=Migrations())

    assert check.judge("item", Observation(item="item", value=value)).outcome is not Outcome.PASS


def test_what_came_from_the_environment_is_not_repeated() -> None:
    """The recorder's words are cleaned in the same way, so both still compare."""
    check = DatabaseCheck(
        name="it",
        database=OWN,
        table="t",
        structure=Structure(columns={"a": Column(default="hunter22")}, checks=("a <> 'hunter22'",)),
        tag=Tag(column="a", networks={"hunter22": "main"}, chain_id="c"),
    )

    cleaned = check.redacted(lambda value: value.replace("hunter22", "<X>") if isinstance(value, str) else value)

    assert "hunter22" not in repr(cleaned)
    assert cleaned == replace(
        check,
        structure=Structure(columns={"a": Column(default="<X>")}, checks=("a <> '<X>'",)),
        tag=Tag(column="a", networks={"<X>": "main"}, chain_id="c"),
    )
    assert replace(check, tag=None).redacted(lambda value: value).tag is None


PASS, FAIL, ERROR, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE
OTHER = DatabaseSettings(name="other", url="sqlite:///y.db", shown="sqlite:///y.db", folder=Path())


def judged(value: Any, **about: Any) -> Finding:
    check = DatabaseCheck(name="it", database=OWN, **about)
    return check.judge("item", Observation(item="item", value=value, source="own"))


WANTED = Structure(
    columns={"a": Column(type="int", null=False, default="0"), "b": Column()},
    primary_key=("a", "b"),
    unique=(("b", "a"),),
    indexes={"i": Index(columns=("a", "b")), "u": Index(columns=("b",), unique=True)},
    foreign_keys={"b": "t.c"},
    checks=("a > 0", "b > 0"),
    exact=True,
)
BUILT: dict[str, Any] = {
    "columns": {"a": {"type": "INTEGER", "null": False, "default": "0"}, "b": {"type": "TEXT", "null": True, "default": None}},
    "primary_key": ["a", "b"],
    "unique": [["a", "b"]],
    "indexes": {
        "i": {"columns": ["a", "b"], "unique": False, "valid": True, "where": ""},
        "u": {"columns": ["b"], "unique": True, "valid": True, "where": ""},
    },
    "foreign_keys": {"b": "t.c"},
    "checks": {"wanted": ["a>0", "b>0"], "seen": ["a>0", "b>0", "c>0"]},
}  # fmt: skip


def column(**changes: Any) -> dict[str, Any]:
    return {"columns": BUILT["columns"] | {"a": BUILT["columns"]["a"] | changes}}


def index(**changes: Any) -> dict[str, Any]:
    return {"indexes": BUILT["indexes"] | {"i": BUILT["indexes"]["i"] | changes}}


STRUCTURES: dict[str, tuple[dict[str, Any], str]] = {
    "a column gone": ({"columns": {"a": BUILT["columns"]["a"]}}, "no column b"),
    "another type": (column(type="TEXT"), "a is text, not int"),
    "may be null": (column(null=True), "a may be null"),
    "another default": (column(default="1"), "the default of a is 1, not 0"),
    "no default": (column(default=None), "the default of a is none, not 0"),
    "a column more": ({"columns": BUILT["columns"] | {"c": {}}}, "column c, which nobody declared"),
    "an index gone": ({"indexes": {"u": BUILT["indexes"]["u"]}}, "no index i"),
    "an index more": ({"indexes": BUILT["indexes"] | {"j": {}}}, "index j, which nobody declared"),
    "an index turned round": (index(columns=["b", "a"]), "index i is on b, a"),
    "a unique index": (index(unique=True), "index i is unique on a, b"),
    "an index of an expression": (index(columns=["a", None]), "index i is on a, None"),
    "an index half built": (index(valid=False), "index i is invalid: it was not built to its end"),
    "an index nobody knows to be built": (index(valid=1), "index i is invalid: it was not built to its end"),
    "an index of some rows": (index(where="a > 1"), "index i covers only rows where a > 1"),
    "another primary key": ({"primary_key": ["b", "a"]}, "the primary key is b, a"),
    "no primary key": ({"primary_key": []}, "the primary key is none"),
    "nothing unique": ({"unique": []}, "b, a is not unique"),
    "another reference": ({"foreign_keys": {"b": "t.d"}}, "b refers to t.d, not t.c"),
    "no reference": ({"foreign_keys": {}}, "b refers to nothing, not t.c"),
    "no constraint": ({"checks": BUILT["checks"] | {"seen": ["a>0"]}}, "no constraint b > 0"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "says"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_table_must_be_made_of_what_is_declared(changes: dict[str, Any], says: str) -> None:
    finding = judged({"structure": BUILT | changes}, table="t", structure=WANTED)

    assert (finding.outcome, finding.measured) == (FAIL, says)


@pytest.mark.parametrize("wanted", [[], ["a>0"], ["a>0", "b>0", "c>0"]], ids=["none", "fewer", "more"])
def test_constraints_that_were_not_all_looked_for_are_no_pass(wanted: list[str]) -> None:
    """A recorder that spells fewer than the plan has looked for fewer."""
    checks = BUILT["checks"] | {"wanted": wanted}

    assert judged({"structure": BUILT | {"checks": checks}}, table="t", structure=WANTED).outcome is ERROR


def test_what_is_not_asked_of_a_table_is_not_looked_at() -> None:
    loose = Structure(columns={"a": Column(), "b": Column(null=True)}, indexes={"u": WANTED.indexes["u"]})
    more = {"columns": BUILT["columns"] | {"c": {}}, "indexes": BUILT["indexes"] | {"j": {}}}
    more |= {"checks": {"wanted": [], "seen": []}}
    needs_null = replace(loose, columns={"a": Column(null=True)})

    assert judged({"structure": BUILT}, structure=WANTED).measured == "2 columns, 2 indexes"
    assert judged({"structure": BUILT | more}, structure=loose).measured == "3 columns, 3 indexes"
    assert judged({"structure": BUILT | more}, structure=needs_null).measured == "a may not be null"


@pytest.mark.parametrize(
    "part",
    [
        {"columns": {"a": Column()}},
        {"primary_key": ("z",)},
        {"unique": (("z",),)},
        {"indexes": {"z": Index(columns=("z",))}},
        {"foreign_keys": {"z": "t.z"}},
        {"checks": ("z",)},
    ],
    ids=lambda part: next(iter(part)),
)  # fmt: skip
def test_each_part_of_a_structure_is_asked_by_itself(part: dict[str, Any]) -> None:
    assert judged({}, structure=Structure(**part)).outcome is ERROR
    assert not Structure(exact=True).is_asked


def at_least(rows: int) -> Bound:
    return Bound(relation=Relation.AT_LEAST, limit=Fraction(rows), unit=UNITS["count"])


def counted(rows: int = 3, values: int = 2, total: str = "10") -> dict[str, Any]:
    return {"rows": rows, "sums": {"amount": {"values": values, "sum": total}}}


COUNTED: dict[str, tuple[dict[str, Any], dict[str, Any], Outcome, str]] = {
    "as many as asked": ({"rows": at_least(3)}, {"here": counted()}, PASS, "3 rows"),
    "fewer": ({"rows": at_least(4)}, {"here": counted()}, FAIL, "3 rows, not >= 4"),
    "counted for their sums": ({"sums": ("amount",)}, {"here": counted()}, PASS, "3 rows"),
    "as in the other": (
        {"same_as": OTHER, "sums": ("amount",)}, {"here": counted(), "other": counted(total="10.0")}, PASS,
        "3 rows, sum of amount 10",
    ),
    "no row to compare": (
        {"same_as": OTHER}, {"here": counted(0), "other": counted(0)}, INCONCLUSIVE, "no row to compare",
    ),
    "another number of rows": (
        {"same_as": OTHER}, {"here": counted(), "other": counted(4)}, FAIL, "3 rows, and 4 in other",
    ),
    "another sum": (
        {"same_as": OTHER, "sums": ("amount",)}, {"here": counted(), "other": counted(total="11")}, FAIL,
        "the sum of amount is 10, and 11 in other",
    ),
    "values in other rows": (
        {"same_as": OTHER, "sums": ("amount",)}, {"here": counted(), "other": counted(values=3)}, FAIL,
        "2 rows with amount, and 3 in other",
    ),
    "a truth for a count": (
        {"rows": at_least(1)}, {"here": {"rows": True}}, ERROR, "not understood (ValueError: True is no count)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("about", "counts", "outcome", "says"), COUNTED.values(), ids=COUNTED)
def test_rows_are_counted_and_summed_exactly(about, counts, outcome, says) -> None:
    finding = judged({"counts": counts}, **about)

    assert (finding.outcome, finding.measured) == (outcome, says)


TAG = Tag(column="chain", networks={"main": "mainnet"}, chain_id="id", contract="address")
TAGGED: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "right": ({"tags": {"b": 1, "a": 1}}, PASS, "1 a, 1 b"),
    "none": ({"rows": 0, "tags": {}}, INCONCLUSIVE, "no row with a chain to look at"),
    "wrong": (
        {"wrong": 6, "unsure": 1, "listed": ["r1", "r2", "r3", "r4"]}, FAIL, "6 of 2 rows wrong about their chain: r1; r2; r3",
    ),
    "more wrong than there can be": (
        {"wrong": 7}, ERROR, "not understood (ValueError: {'a': 2} are not 2 rows)",
    ),
    "unsure": (
        {"unsure": 1, "listed": ["r1", "r2", "r3", "r4"]}, INCONCLUSIVE,
        "1 of 2 rows whose chain nobody can tell: r1; r2; r3",
    ),
    "other rows": ({"rows": 3}, ERROR, "not understood (ValueError: {'a': 2} are not 3 rows)"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "outcome", "says"), TAGGED.values(), ids=TAGGED)
def test_each_row_is_of_the_chain_that_it_says(changes, outcome, says) -> None:
    finding = judged({"tag": SEEN | changes}, tag=TAG)

    assert (finding.outcome, finding.measured) == (outcome, says)


RAN: dict[str, Any] = {
    "files": [{"name": "1.sql", "risks": []}, {"name": "2.sql", "risks": [["delete", "DELETE FROM t"]]}],
    "applied": True,
    "error": "",
    "before": {"t": 3, "u": 2},
    "after": {"t": 3, "u": 2, "v": 0},
    "here": counted(),
    "then": counted(),
}
ALLOWED = Migrations(allowed=frozenset({Risk.DELETE}))
GONE = replace(ALLOWED, allowed=frozenset({Risk.DELETE, Risk.DROP_TABLE}))
MIGRATED: dict[str, tuple[Migrations, dict[str, Any], Outcome, str]] = {
    "every row kept": (ALLOWED, {}, PASS, "2 migrations on a copy, 5 rows kept"),
    "a risk nobody looked at": (Migrations(), {}, FAIL, "2.sql: delete: DELETE FROM t; look at it, then allow it"),
    "not applied": (ALLOWED, {"applied": False, "error": "no such table"}, FAIL, "not applied: no such table"),
    "not run": (ALLOWED, {"applied": False}, FAIL, "not applied: nothing was run"),
    "nothing left": (ALLOWED, {"files": []}, Outcome.NOT_RUN, "no migration is left to run"),
    "rows lost": (ALLOWED, {"after": {"t": 3, "u": 1}}, FAIL, "u had 2 rows and has 1"),
    "rows that may change": (
        replace(ALLOWED, changing=("u",)), {"after": {"t": 3, "u": 1}}, PASS, "2 migrations on a copy, 5 rows kept",
    ),
    "a table gone": (ALLOWED, {"after": {"t": 3}}, FAIL, "table u is gone, with 2 rows"),
    "a table that may go": (GONE, {"after": {"t": 3}}, PASS, "2 migrations on a copy, 5 rows kept"),
    "rows of the table lost": (
        ALLOWED, {"after": {"t": 2, "u": 2}, "here": counted(2)}, FAIL, "2 rows, and 3 before",
    ),
    "another sum": (ALLOWED, {"then": counted(total="9")}, FAIL, "the sum of amount is 10, and 9 before"),
    "an empty table": (
        ALLOWED, {"before": {"t": 0, "u": 2}, "after": {"t": 0, "u": 2}, "here": counted(0), "then": counted(0)}, INCONCLUSIVE,
        "t had no row, so nothing shows that its sums are kept",
    ),
    "a new table": (
        ALLOWED, {"before": {"u": 2}}, INCONCLUSIVE, "there was no table t before, so there are no sums to compare",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "changes", "outcome", "says"), MIGRATED.values(), ids=MIGRATED)
def test_migrations_keep_every_row(wanted, changes, outcome, says) -> None:
    ran = RAN | changes
    finding = judged(
        {"migrations": ran, "counts": {"here": ran["here"]}}, table="t", sums=("amount",), migrations=wanted
    )

    assert finding.outcome is outcome
    assert finding.measured.removesuffix(", 3 rows") == says


def test_without_sums_a_new_or_empty_table_has_nothing_to_keep() -> None:
    new = {"migrations": RAN | {"before": {"u": 2}}}
    empty = {"before": {"t": 0}, "after": {"t": 0}, "here": counted(0), "then": counted(0)}

    assert judged(new, table="t", migrations=ALLOWED).outcome is PASS
    assert judged({"migrations": RAN | empty}, table="t", migrations=ALLOWED).outcome is PASS


def test_of_a_copy_that_was_not_migrated_nothing_else_is_asked() -> None:
    value = {"migrations": RAN | {"applied": False, "error": "locked"}}

    assert judged(value, table="t", rows=at_least(1), migrations=ALLOWED).measured == "not applied: locked"


def test_of_a_copy_that_was_migrated_all_else_is_asked() -> None:
    value = {"migrations": RAN, "counts": {"here": counted()}, "drift": ["a is new"]}

    finding = judged(value, table="t", rows=at_least(4), migrations=ALLOWED, models="m:b")

    assert (finding.outcome, finding.measured) == (FAIL, "3 rows, not >= 4; drift: a is new")


DRIFT = {"drift": ["a is new", "b is gone"]}
OTHERS: dict[str, tuple[Any, dict[str, Any], Outcome, str]] = {
    "drift": (DRIFT, {"models": "m:b"}, FAIL, "drift: a is new; drift: b is gone"),
    "no drift": ({"drift": []}, {"models": "m:b"}, PASS, "no drift"),
    "drift and an old revision": (
        DRIFT | {"revisions": {"current": ["b", "a"], "heads": ["c"]}}, {"models": "m:b", "revisions": Path()}, FAIL,
        "drift: a is new; drift: b is gone; at revision b, a, the newest is c",
    ),
    "the newest revision": (
        {"revisions": {"current": ["b", "a"], "heads": ["a", "b"]}}, {"revisions": Path()}, PASS, "revision b, a",
    ),
    "an old revision": (
        {"revisions": {"current": ["a"], "heads": ["b", "c"]}}, {"revisions": Path()}, FAIL,
        "at revision a, the newest is b, c",
    ),
    "no revision": (
        {"revisions": {"current": [], "heads": ["b"]}}, {"revisions": Path()}, FAIL, "at revision none, the newest is b",
    ),
    "an empty folder": (
        {"revisions": {"current": [], "heads": []}}, {"revisions": Path()}, ERROR, "there is no revision in the folder",
    ),
    "nothing": (None, {"revisions": Path()}, ERROR, "not understood (KeyError: 'revisions')"),
    "text": ("x", {"revisions": Path()}, ERROR, "not understood (KeyError: 'revisions')"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "about", "outcome", "says"), OTHERS.values(), ids=OTHERS)
def test_a_schema_is_that_of_its_models_and_its_revisions(value, about, outcome, says) -> None:
    finding = judged(value, **about)

    assert (finding.outcome, finding.measured) == (outcome, says)


def test_a_finding_of_a_database_says_all_that_a_reader_needs() -> None:
    about: dict[str, Any] = {
        "table": "t",
        "rows": at_least(3),
        "sums": ("amount", "fee"),
        "same_as": OTHER,
        "tag": TAG,
        "migrations": ALLOWED,
        "models": "m:b",
        "revisions": Path(),
    }
    needed = (
        "t as declared, rows >= 3, rows and the sums of amount, fee as in other, every chain that of the row's chain, "
        "migrations that keep every row and the sums of amount, fee, the same as m:b, the newest revision"
    )
    told = Finding(
        item="item",
        kind=Kind.DATABASE,
        title="it",
        outcome=ERROR,
        measured="not understood (KeyError: 'migrations')",
        detail="not understood (KeyError: 'migrations')",
        needed=needed,
        source="own",
        remedy="mend own or the plan, run the gate again",
    )

    assert judged(None, **about) == told
    assert judged({"drift": []}, models="m:b") == replace(
        told, outcome=PASS, measured="no drift", detail="", needed="own, the same as m:b", remedy=""
    )
    assert judged(None, table="t", rows=at_least(3), same_as=OTHER, migrations=ALLOWED).needed == (
        "t as declared, rows >= 3, rows as in other, migrations that keep every row"
    )
    assert not judged(None, required=False).required


def test_the_gravest_of_many_problems_decides_and_the_first_five_are_shown() -> None:
    revisions = {"current": [], "heads": []}
    value = {"drift": list("abcde"), "revisions": revisions, "tag": SEEN | {"unsure": 1}}

    finding = judged(value, models="m:b", revisions=Path(), tag=TAG)

    assert finding.outcome is FAIL
    assert finding.measured == "drift: a; drift: b; drift: c; drift: d; drift: e and 2 more"
    assert finding.detail.splitlines()[5:] == [
        "there is no revision in the folder",
        "1 of 2 rows whose chain nobody can tell: ",
    ]
    assert judged({"drift": list("abcde")}, models="m:b").measured.endswith("drift: e")
    assert judged({"drift": list("abcdef")}, models="m:b").measured.endswith("drift: e and 1 more")
    assert "… 1,007 characters cut …" in judged({"drift": ["x" * 3000]}, models="m:b").detail
