"""Declared store checks in a gate, the stores fixture, and the same comparison by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

import plyvel
import pytest

from tests import servers

PLAN = """
[rollout]
name = "toy"
[stores.before]
kind = "ndjson"
path = "before.ndjson"
[stores.after]
kind = "json"
path = "after"
[stages.alpha]
[[stages.alpha.stores]]
name = "all moved"
left = "before"
right = "after"
key = ["chainId", "contractName"]
kinds = { address = "address" }
inventory = ["56/LookCoin", "97/LookCoin"]
"""
TEST = "def test_state(stores):\n    assert len(list(stores.before.records())) == 2\n"
ADDRESS = "0x" + "ab" * 19 + "01"


def stores(address: str) -> dict[str, str]:
    records = [{"chainId": chain, "contractName": "LookCoin", "address": ADDRESS} for chain in (56, 97)]
    moved = [records[0], records[1] | {"address": address}]
    return {
        "before.ndjson": "".join(json.dumps(each) + "\n" for each in records),
        **{f"after/{each['chainId']}.json": json.dumps(each) for each in moved},
    }


@pytest.mark.parametrize(
    ("address", "status"), [(ADDRESS.upper().replace("X", "x"), 0), ("0x" + "0" * 40, 10)], ids=["same", "zero"]
)
def test_a_gate_and_the_command_line_say_the_same(bare, address, status) -> None:
    bare.write({"rollout.toml": PLAN, "test_state.py": TEST} | stores(address))
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")
    by_hand = bare.rollout("compare", "before", "after")
    by_path = bare.rollout("compare", "before.ndjson", "after", "--key", "chainId,contractName", "--json")

    (finding,) = (f for f in ran.judgement["findings"] if f["kind"] == "stores")
    assert (ran.status, by_hand.status) == (status, status), ran.says
    assert finding["item"] == "rollout.toml::alpha::stores::all moved"
    assert finding["measured"] in by_hand.out
    assert json.loads(by_path.out)["left"] == 2
    if status:
        assert finding["measured"].startswith("1 addresses of nothing: 97/LookCoin address: the zero address (97.json)")
        assert f"97/LookCoin address: {ADDRESS} | {address}" in by_hand.out


def test_what_cannot_be_compared_by_hand_is_told(bare) -> None:
    bare.write({"rollout.toml": PLAN} | stores(ADDRESS))

    no_key = bare.rollout("compare", "before.ndjson", "after")
    nothing = bare.rollout("compare", "before.ndjson", "gone", "--key", "chainId")

    assert (no_key.status, nothing.status) == (4, 4)
    assert "No check of a plan compares these two; write --key FIELDS." in no_key.err
    assert "gone: is no declared store, and nothing is there." in nothing.err


def test_half_a_surrogate_pair_in_a_store_is_told(bare) -> None:
    """JSON can say what no terminal and no report can: it is spelt out, by hand and in a gate."""
    files = stores(ADDRESS)
    files["before.ndjson"] = files["before.ndjson"].replace('"}', '", "note": "\\ud800"}')
    bare.write({"rollout.toml": PLAN, "test_state.py": TEST} | files)
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")
    by_hand = bare.rollout("compare", "before", "after")
    as_json = bare.rollout("compare", "before", "after", "--json")

    assert (ran.status, by_hand.status, as_json.status) == (10, 10, 10), ran.says
    assert "56/LookCoin note: \\ud800 | nothing" in by_hand.out
    assert json.loads(as_json.out)["listed"]["differing"][0] == ["56/LookCoin", [["note", "\ud800", "nothing"]]]


LONG = "kept-secret-" + "0123456789abcdef" * 12


@pytest.mark.parametrize("secret", ["kept-secret-0815", LONG], ids=["short", "longer than what is shown"])
def test_no_secret_is_shown_of_values_that_differ(bare, secret) -> None:
    """By the plan's names, by paths, in a gate; and none by half, for a long value is cut after it was cleaned."""
    files = stores(ADDRESS)
    files["before.ndjson"] = files["before.ndjson"].replace("}", f', "note": "at {secret}, {"x" * 99}"}}')
    plan = PLAN.replace('name = "toy"\n', 'name = "toy"\ntitle = "${NOTED}"\n')
    bare.write({"rollout.toml": plan, "test_state.py": TEST} | files)
    bare.environment["NOTED"] = secret
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")
    by_name = bare.rollout("compare", "before", "after")
    by_path = bare.rollout("compare", "before.ndjson", "after", "--key", "chainId,contractName", "--json")

    assert (ran.status, by_name.status, by_path.status) == (10, 10, 10), ran.says
    assert "note: at <NOTED>, xxx" in by_name.out
    assert "at <NOTED>, xxx" in by_path.out
    printed = [each.out + each.err for each in (ran, by_name, by_path)]
    kept = [each.read_bytes() for each in bare.folder.rglob("*") if each.is_file() and each.name != "before.ndjson"]
    assert not any("kept-secret" in each for each in printed)
    assert not any(b"kept-secret" in each for each in kept)


SQL_PLAN = PLAN.replace('"ndjson"\npath = "before.ndjson"', '"leveldb"\npath = "before"').replace(
    '"json"\npath = "after"', '"sql"\nurl = "${RECORDS_URL}"\ntable = "records"'
)
TABLE = 'CREATE TABLE records ("chainId" int, "contractName" text, address text, wei numeric(78))'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with servers.postgresql() as url:
        yield url.replace("+psycopg", "")


def fill(server: str, wei: int) -> None:
    with servers.owner_of(server) as connection:
        connection.execute("DROP TABLE IF EXISTS records")
        connection.execute(TABLE)
        for chain in (97, 56):
            connection.execute("INSERT INTO records VALUES (%s, 'LookCoin', %s, %s)", (chain, ADDRESS.lower(), wei))


@pytest.mark.parametrize(("wei", "status"), [(2**200, 0), (2**200 + 1, 10)], ids=["same", "a wei more"])
def test_a_leveldb_is_compared_with_the_server_it_was_moved_to(bare, server, wei, status) -> None:
    """In a gate, by the plan's names, and by an address; the password is nowhere."""
    bare.write({"rollout.toml": SQL_PLAN, "test_state.py": "def test_state(stores):\n    assert stores.after\n"})
    database = plyvel.DB(str(bare.folder / "before"), create_if_missing=True)
    for chain in (56, 97):
        record = {"chainId": chain, "contractName": "LookCoin", "address": ADDRESS, "wei": 2**200}
        database.put(str(chain).encode(), json.dumps(record).encode())
    database.close()
    fill(server, wei)
    bare.environment["RECORDS_URL"] = server
    bare.rollout("init")

    ran = bare.pytest("--stage=alpha", "--rollout-formats=")
    by_name = bare.rollout("compare", "before", "after")
    by_hand = bare.rollout("compare", "before", "env:RECORDS_URL#public.records", "--key", "chainId,contractName")
    by_address = bare.rollout("compare", f"{server}#records", "before", "--key", "chainId,contractName", "--json")

    assert (ran.status, by_name.status, by_hand.status, by_address.status) == (status,) * 4, ran.says
    assert json.loads(by_address.out)["counts"] == ({"differing": 2} if status else {})
    if status:
        assert f"56/LookCoin wei: {2**200} | {2**200 + 1}" in by_name.out
        assert f"56/LookCoin wei: {2**200} | {2**200 + 1}" in by_hand.out
    printed = [each.out + each.err for each in (ran, by_name, by_hand, by_address)]
    kept = [each.read_bytes() for each in bare.folder.rglob("*") if each.is_file()]
    assert not any("kept-secret" in each for each in printed)
    assert not any(b"kept-secret" in each for each in kept)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("env:NOWHERE#records", "env:NOWHERE#records: the variable NOWHERE is not set; it is to hold postgresql://"),
        (
            "postgresql://me:kept-secret@db/x",
            "postgresql://db/x names no table of a PostgreSQL; write postgresql://HOST",
        ),
        ("postgresql://me:kept-secret@db:port/x#t", "a store is no database's URL; write postgresql://HOST"),
        ("postgresql://me:kept-secret@db/x#a b.t", "'a b' is no plain name of a schema; declare the store in a plan."),
        (
            "postgresql://me:kept-secret@127.0.0.1:1/x#t",
            "store postgresql://127.0.0.1:1/x#t: the database refused: connection failed",
        ),
    ],
    ids=["no variable", "no table", "no port", "a schema that is more", "nobody there"],
)
def test_a_server_that_is_named_badly_is_one_sentence(bare, name, says) -> None:
    bare.write({"rollout.toml": PLAN} | stores(ADDRESS))

    ran = bare.rollout("compare", "before.ndjson", name, "--key", "chainId")

    assert ran.status == 4
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert "kept-secret" not in ran.out + ran.err
