"""A table of a real PostgreSQL as a store: exact in every type, one moment, never written, one sentence for each trouble."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import plyvel
import pytest

from pytest_rollout.core.errors import StoreError
from pytest_rollout.core.record import FieldKind, Identity, Record
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from pytest_rollout.core.store_tally import Asked
from pytest_rollout.stores.dropping import without_a_record
from pytest_rollout.stores.joining import compare
from pytest_rollout.stores.opening import open_store
from tests import servers
from tests.stores.conftest import Owner

SECRETS = ("kept-secret", "other-secret")


def values(settings: StoreSettings) -> list[Any]:
    return [each.value for each in open_store(settings).records()]


EXACT = {
    "bigint": ("2^53 + 1", "bigint '9007199254740993'", 2**53 + 1),
    "numeric": ("a uint256", "numeric(78) '115792089237316195423570985008687907853269984665640564039457584007913129639935'",
                2**256 - 1),
    "decimal": ("its last zero", "numeric '1.50'", {"decimal": "1.50"}),
    "double": ("whole, and no integer", "double precision '1'", {"decimal": "1"}),
    "digits": ("every digit of a float", "0.1::float8 + 0.2::float8", {"decimal": "0.30000000000000004"}),
    "real": ("no digit that a real has not", "real '0.1'", {"decimal": "0.1"}),
    "bytea": ("bytes", "bytea '\\xDEADbeef'", "0xdeadbeef"),
    "jsonb": ("numbers in jsonb", "jsonb '{\"wei\": 12345678901234567890123, \"x\": 0.1}'",
              {"wei": 12345678901234567890123, "x": {"decimal": "0.1"}}),
    "json": ("null in json", "json '{\"a\": null}'", {"a": None}),
    "array": ("an array", "ARRAY[1, NULL, 9007199254740993]", [1, None, 2**53 + 1]),
    "instant": ("an instant in UTC", "timestamptz '2024-05-05 10:11:12.123456+05:30'", "2024-05-05T04:41:12.123456+00:00"),
    "local": ("a time without zone", "timestamp '2024-05-05 10:11:12.1'", "2024-05-05T10:11:12.1"),
    "interval": ("a month, which is no 30 days", "interval '1 month 1.5 seconds'", "P1MT1.5S"),
    "padded": ("blanks that a type adds", "char(4) 'ab'", "ab  "),
    "null": ("null", "NULL::text", None),
    "uuid": ("a uuid", "uuid 'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "endless": ("an infinite time", "timestamptz 'infinity'", "infinity"),
    "numeric NaN": ("NaN", "numeric 'NaN'", "NaN"),
}  # fmt: skip


@pytest.fixture(scope="module")
def every_type(server: str) -> dict[str, Any]:
    """One row of all of them, from a role that its administrator set up to lose digits and to write otherwise."""
    owner = Owner(server)
    columns = ", ".join(f'{text} AS "{name}"' for name, (_, text, _) in EXACT.items())
    owner.run(
        f'CREATE TABLE "every 100% type" AS SELECT {columns}',
        *(
            f"ALTER DATABASE {owner.url.database} SET {setting}"
            for setting in (
                "extra_float_digits = -5", "TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", "bytea_output = 'escape'",
                "IntervalStyle = 'sql_standard'", "client_encoding = 'LATIN1'",
            )
        ),
    )  # fmt: skip
    (row,) = values(owner.store("every 100% type"))
    return row


@pytest.mark.parametrize("name", EXACT)
def test_a_value_is_what_stands_in_the_table(every_type: dict[str, Any], name: str) -> None:
    assert every_type[name] == EXACT[name][2]
    assert type(every_type[name]) is type(EXACT[name][2])


ODD = {
    "quotes and percents": ('CREATE TABLE "a""b %s" (id int)', 'a"b %s'),
    "columns of the names that we use": ("CREATE TABLE t (j int, r int)", "t"),
    "a view": ("CREATE VIEW t AS SELECT 1 AS id", "t"),
    "a materialized view": ("CREATE MATERIALIZED VIEW t AS SELECT 1 AS id", "t"),
    "parts": ("CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t DEFAULT", "t"),
}


@pytest.mark.parametrize(("made_by", "table"), ODD.values(), ids=ODD)
def test_a_table_may_be_named_and_made_as_it_likes(owner: Owner, made_by: str, table: str) -> None:
    owner.run(made_by)
    if "VIEW" not in made_by:
        owner.run('INSERT INTO "' + table.replace('"', '""') + '" VALUES (1)')

    (row,) = values(owner.store(table))

    assert next(iter(row.values())) == 1


def test_a_schema_is_named_apart(owner: Owner) -> None:
    owner.run("CREATE SCHEMA old", "CREATE TABLE t AS SELECT 1 AS id", "CREATE TABLE old.t AS SELECT 2 AS id")

    assert values(owner.store("t")) == [{"id": 1}]
    assert values(owner.store("t", namespace="old")) == [{"id": 2}]


def test_a_question_is_a_store_too(owner: Owner) -> None:
    """With its own signs: percents, colons, a comment and a semicolon at its end."""
    owner.run("CREATE TABLE t AS SELECT n AS id, 'a:b %s ' || n AS note FROM generate_series(1, 3) AS n")

    found = values(owner.store(query="SELECT id, note FROM t WHERE note LIKE '%:b %' AND id <> 2 -- not this one\n;"))

    assert found == [{"id": 1, "note": "a:b %s 1"}, {"id": 3, "note": "a:b %s 3"}]


WRITES = [
    "SELECT 1; COMMIT; DELETE FROM t",
    "SELECT 1) AS r; COMMIT; DELETE FROM t; SELECT * FROM (SELECT 1",
    "WITH gone AS (DELETE FROM t RETURNING id) SELECT * FROM gone",
    "DELETE FROM t RETURNING id",
    "SELECT setval('s', 5)",
    "SELECT nextval('s')",
]


@pytest.mark.parametrize("query", WRITES)
def test_nothing_is_ever_written(owner: Owner, query: str) -> None:
    owner.run("CREATE TABLE t AS SELECT 1 AS id", "CREATE SEQUENCE s")

    with pytest.raises(StoreError) as caught:
        values(owner.store(query=query))

    assert owner.run("SELECT id, (SELECT last_value FROM s) FROM t") == [(1, 1)]
    assert len(str(caught.value).splitlines()) == 1


TROUBLE: dict[str, tuple[Callable[[Owner], StoreSettings], str]] = {
    "no table": (lambda owner: owner.store("recrods"), "there is no table 'recrods'; there are private, records. Did you mean 'records'?"),
    "no column": (lambda owner: owner.store(query="SELECT adress FROM records"), 'column "adress" does not exist'),
    "no permission": (lambda owner: owner.store("private", user="nobody"), "permission denied for table private"),
    "rows that a policy hides": (
        lambda owner: owner.store("records", user="tenant"),
        "query would be affected by row-level security policy for table",
    ),
    "another password": (lambda owner: owner.store("records", user="gone"), "password authentication failed"),
    "too slow": (lambda owner: owner.store(query="SELECT pg_sleep(9)", seconds=0.3), "statement timeout"),
    "a locked table": (lambda owner: owner.store("records", seconds=0.3), "statement timeout"),
    "two columns of a name": (
        lambda owner: owner.store(query="SELECT 1 AS id, 2 AS id"), "gives two columns of the name 'id'; name each apart."
    ),
    "no columns": (lambda owner: owner.store(query="SELECT FROM records"), "its rows have no columns."),
    "no SQL": (lambda owner: owner.store(query="SELEKT"), "syntax error"),
    "a server that ends the session": (
        lambda owner: owner.store(query="SELECT pg_terminate_backend(pg_backend_pid())"), " connection "
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def troubled(server: str) -> Owner:
    owner = Owner(server)
    owner.run(
        "CREATE TABLE records AS SELECT 1 AS id",
        "CREATE TABLE private AS SELECT 1 AS id",
        "CREATE ROLE nobody LOGIN PASSWORD 'other-secret'",
        "CREATE ROLE tenant LOGIN PASSWORD 'other-secret'",
        "GRANT SELECT ON records TO tenant",
        "ALTER TABLE records ENABLE ROW LEVEL SECURITY",
    )
    return owner


@pytest.mark.parametrize("what", TROUBLE)
def test_trouble_is_one_sentence_that_names_the_store(troubled: Owner, what: str) -> None:
    settings, says = TROUBLE[what][0](troubled), TROUBLE[what][1]

    with locked(troubled, wanted=what == "a locked table"), pytest.raises(StoreError) as caught:
        values(settings)

    assert str(caught.value).startswith(f"store own at postgresql://127.0.0.1/{troubled.url.database}: ")
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not any(secret in str(caught.value) for secret in SECRETS)


@contextmanager
def locked(owner: Owner, *, wanted: bool) -> Iterator[None]:
    """Another session holds the table for itself."""
    with servers.owner_of(owner.url.render_as_string(hide_password=False)) as other, other.transaction():
        if wanted:
            other.execute("LOCK TABLE records")
        yield


def test_text_that_is_no_utf_8_is_told(made: Callable[..., Owner]) -> None:
    """A server of encoding SQL_ASCII takes any bytes for text."""
    owner = made(encoding="SQL_ASCII")
    owner.run("CREATE TABLE t (note text)", r"INSERT INTO t VALUES (E'\xff')")

    with pytest.raises(StoreError, match=r'the database refused: invalid byte sequence for encoding "UTF8": 0xff\.$'):
        values(owner.store("t"))


def test_a_key_twice_in_a_json_column_is_no_record(owner: Owner) -> None:
    owner.run("""CREATE TABLE t AS SELECT 1 AS id, json '{"a": 1, "a": 2}' AS about""")

    (record,) = open_store(owner.store("t")).records()

    assert (record.place, record.error) == (
        "t row 1", "cannot be read exactly (key 'a' stands twice in one object)"
    )  # fmt: skip


def many(owner: Owner, rows: int) -> None:
    owner.run(f"CREATE TABLE t AS SELECT n AS id, repeat('x', 100) AS note FROM generate_series(1, {rows}) AS n")


def test_a_store_is_read_as_of_one_moment(owner: Owner) -> None:
    """Whatever is written while it is read: a page changed later is not half of it."""
    many(owner, 5000)
    records = open_store(owner.store("t")).records()
    first = next(records)

    owner.run("UPDATE t SET note = 'changed'", "DELETE FROM t WHERE id > 10", "INSERT INTO t VALUES (9999, 'new')")
    rest = [first.value, *(each.value for each in records)]

    assert len(rest) == 5000
    assert {each["note"] for each in rest} == {"x" * 100}


def test_a_server_that_goes_while_it_is_read_is_told(owner: Owner) -> None:
    many(owner, 5000)
    records = open_store(owner.store("t")).records()
    next(records)

    owner.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'FETCH%'")
    with pytest.raises(StoreError, match="^store own at .*the database refused: "):
        list(records)


def test_a_server_that_ended_is_told() -> None:
    with servers.postgresql() as url:
        settings = Owner(url).store("t")

    with pytest.raises(StoreError, match=r"^store own at .*: Connection refused\.$"):
        values(settings)


def test_a_reader_that_stops_leaves_no_session_behind(owner: Owner) -> None:
    many(owner, 5000)
    records = open_store(owner.store("t")).records()
    next(records)

    records.close()

    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(100):
        if owner.run(sessions) == [(0,)]:
            break
    assert owner.run(sessions) == [(0,)]


def test_a_big_table_takes_little_memory(owner: Owner, tmp_path: Path) -> None:
    """In a process of its own: 50 MB of rows, and a fraction of that for what is read of them."""
    owner.run("CREATE TABLE t AS SELECT n AS id, repeat(md5(n::text), 30) AS note FROM generate_series(1, 50000) AS n")
    script = tmp_path / "read.py"
    script.write_text(
        READ.format(settings=owner.store("t").database, url=owner.url.render_as_string(hide_password=False))
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    rows, kilobytes = map(int, done.stdout.split())
    assert rows == 50_000
    assert kilobytes < 15_000


READ = """
import resource
from datetime import timedelta
from pathlib import Path

from pytest_rollout.core.database import DatabaseSettings
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from pytest_rollout.stores.opening import open_store

database = DatabaseSettings(name="own", url={url!r}, shown="here", folder=Path())
records = open_store(StoreSettings(name="own", kind=StoreKind.SQL, table="t", database=database)).records()
next(records)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = 1 + sum(1 for _ in records)
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


# --------------------------------------------------------------------------------------------- with other stores

ADDRESS = "0x" + "aB" * 20
RECORDS = [
    {
        "contractName": name,
        "chainId": 56,
        "address": ADDRESS,
        "deploymentArgs": [str(2**200 + number), ADDRESS],
        "supply": 2**70 + number,
        "timestamp": f"2024-05-05T10:11:12.{number:03}Z",
    }
    for number, name in enumerate(
        ["LookCoin", "lookCoin", "Lookcoin", "Äther", "Zebra", "_under", "look coin", "look-coin"]
    )
]
ASKED = Asked(
    identity=Identity(key=("chainId", "contractName")),
    kinds={"address": FieldKind.ADDRESS, "timestamp": FieldKind.TIME},
)
TABLE = """CREATE TABLE records ("contractName" text, "chainId" int, address text, "deploymentArgs" jsonb,
supply numeric(78), timestamp timestamptz, "proxyAddress" text)"""


@pytest.fixture
def moved(owner: Owner, tmp_path: Path) -> tuple[StoreSettings, Owner]:
    """A LevelDB, and the table that its records were moved to, in another order."""
    database = plyvel.DB(str(tmp_path / "db"), create_if_missing=True)
    for record in RECORDS:
        database.put(f"56-{record['contractName']}".encode(), json.dumps(record).encode())
    database.close()
    owner.run(TABLE)
    for record in reversed(RECORDS):
        row = record | {
            "address": ADDRESS.lower(),
            "timestamp": record["timestamp"].replace("T10:", "T12:").replace("Z", "+02"),
        }
        owner.run(f"INSERT INTO records SELECT * FROM json_populate_record(NULL::records, '{json.dumps(row)}')")
    return StoreSettings(name="before", kind=StoreKind.LEVELDB, path=tmp_path / "db"), owner


def compared(before: StoreSettings, after: StoreSettings, asked: Asked) -> dict[str, Any]:
    return compare(open_store(before), open_store(after), asked)


def test_a_leveldb_and_the_table_it_was_moved_to_are_the_same(moved: Any) -> None:
    """NULL is no missing field, unless the plan says so; names that collations fold or sort are apart."""
    before, owner = moved

    exactly = compared(before, owner.store("records"), ASKED)
    as_declared = compared(before, owner.store("records"), replace(ASKED, null_is_absent=True))

    assert exactly["counts"] == {"differing": len(RECORDS)}
    assert exactly["listed"]["differing"][0][1] == [["proxyAddress", "nothing", "None"]]
    assert (as_declared["same"], as_declared["counts"]) == (len(RECORDS), {})


CHANGES = {
    "a wei": ("UPDATE records SET supply = supply + 1 WHERE supply = 2::numeric ^ 70", {"differing": 1}),
    "a microsecond": ("UPDATE records SET timestamp = timestamp + '1us' WHERE \"contractName\" = 'Zebra'", {"differing": 1}),
    "an argument": ("""UPDATE records SET "deploymentArgs" = '["1"]' WHERE "contractName" = 'Zebra'""", {"differing": 1}),
    "a text for a number": ("ALTER TABLE records ALTER supply TYPE text", {"differing": len(RECORDS)}),
    "a lost one": ("DELETE FROM records WHERE \"contractName\" = 'lookCoin'", {"only_left": 1}),
    "one too many": ("INSERT INTO records (\"contractName\", \"chainId\") VALUES ('new', 56)", {"only_right": 1}),
    "one twice": ("INSERT INTO records SELECT * FROM records WHERE \"contractName\" = 'Zebra'", {"doubles": 1}),
    "no name": ("UPDATE records SET \"contractName\" = NULL WHERE \"contractName\" = 'Zebra'", {"nameless": 1, "only_left": 1}),
    "a column lost": ('ALTER TABLE records DROP "chainId"', {"nameless": len(RECORDS), "only_left": len(RECORDS)}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "counts"), CHANGES.values(), ids=CHANGES)
def test_what_the_table_has_otherwise_is_found(moved: Any, change: str, counts: dict[str, int]) -> None:
    before, owner = moved
    owner.run(change)

    assert compared(before, owner.store("records"), replace(ASKED, null_is_absent=True))["counts"] == counts


def test_two_tables_agree_however_their_servers_sort(owner: Owner) -> None:
    """A million rows do not wait for the other's order: no order is asked for, and identity is compared byte by byte."""
    owner.run(
        "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        "CREATE TABLE a AS SELECT n::text AS id, n AS v FROM generate_series(1, 3000) AS n",
        "CREATE TABLE b (id text COLLATE folding, v int)",
        "INSERT INTO b SELECT id, v FROM a ORDER BY v DESC",
        "INSERT INTO a VALUES ('Straße', 1), ('strasse', 2)",
        "INSERT INTO b VALUES ('STRASSE', 1), ('strasse', 2)",
    )

    tally = compared(owner.store("a"), owner.store("b"), Asked(identity=Identity(key=("id",))))

    assert (tally["same"], tally["counts"]) == (3001, {"only_left": 1, "only_right": 1})
    assert tally["listed"] == {"only_left": ["Straße"], "only_right": ["STRASSE"]}


def test_a_drill_is_given_a_row_less(owner: Owner, tmp_path: Path) -> None:
    """By a question, for a server is not copied; of a question as well."""
    owner.run('CREATE SCHEMA "old"', 'CREATE TABLE old."a""b" AS SELECT n AS id FROM generate_series(1, 3) AS n')

    table = without_a_record(owner.store('a"b', namespace="old"), tmp_path)
    query = without_a_record(owner.store(query='SELECT * FROM old."a""b"; '), tmp_path)

    assert [len(values(each)) for each in (table, query) if each is not None] == [2, 2]


def test_places_of_rows_are_told_apart(owner: Owner) -> None:
    owner.run("CREATE TABLE t AS SELECT 1 AS id FROM generate_series(1, 3)")

    assert [each.place for each in open_store(owner.store("t")).records()] == ["t row 1", "t row 2", "t row 3"]
    assert isinstance(next(iter(open_store(owner.store("t")).records())), Record)
    assert list(open_store(owner.store("t")).leftovers()) == []
