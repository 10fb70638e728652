"""What a drill does to the world, part by part, without a gate."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from pytest_rollout.core.drilled import Drill, DrillPolicy, require
from pytest_rollout.core.errors import LedgerError, Refused
from pytest_rollout.core.faults import Came, Fault, Tried, came_out
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.records import Record
from pytest_rollout.core.rollout import SourceKind, SourceSettings
from pytest_rollout.core.store_check import StoreKind, StoreSettings
from pytest_rollout.core.subject import Subject
from pytest_rollout.faults import answers
from pytest_rollout.faults.standin import Said, StandIn
from pytest_rollout.stores.dropping import without_a_record
from pytest_rollout.stores.opening import open_store

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
SUBJECT = Subject(commit="c", committed=True, plan_digest="p", suite_digest="s", packages_digest="k")
GOOD = Tried(fault=Fault.FLAG, item="rollout.toml::a::flags::f", came=Came.NOTICED)
BAD = Tried(fault=Fault.CODE, item="rollout.toml::a::contracts::Probe", came=Came.MISSED)


def drill(*tried: Tried, **other: Any) -> Drill:
    about: dict[str, Any] = {
        "rollout": "toy",
        "stage": "a",
        "entry": 0,
        "network": "local",
        "commit": "c",
        "committed": True,
        "plan_digest": "p",
        "suite_digest": "s",
        "packages_digest": "k",
        "person": "Jo",
        "at": NOW,
        "tried": tried,
    }
    return Drill(**(about | other))


# ------------------------------------------------------------------------------------------- the score


@pytest.mark.parametrize(
    ("before", "after", "looked", "came"),
    [
        (Outcome.PASS, Outcome.FAIL, True, Came.NOTICED),
        (Outcome.PASS, Outcome.NOT_RUN, True, Came.NOTICED),
        (Outcome.PASS, Outcome.PASS, True, Came.MISSED),
        (Outcome.PASS, Outcome.ERROR, False, Came.UNPROVEN),
        (Outcome.PASS, None, True, Came.UNPROVEN),
        (Outcome.PENDING, Outcome.FAIL, True, Came.UNPROVEN),
        (None, Outcome.FAIL, True, Came.UNPROVEN),
    ],
)
def test_an_item_noticed_only_if_it_passed_before_and_looked(before, after, looked, came) -> None:
    """What fails anyway, or fails before it looks, proves nothing."""
    assert came_out(Fault.CODE, before, after, was_looked_at=looked)[0] is came


def test_what_is_unproven_counts_against_and_what_is_out_of_reach_does_not() -> None:
    tried = [GOOD, Tried(fault=Fault.FLAG, item="x", came=Came.UNPROVEN)]

    assert drill(*tried, Tried(fault=Fault.STATE, item="y", came=Came.OUT_OF_REACH)).score == Fraction(1, 2)


def test_a_drill_that_tried_nothing_is_not_clean() -> None:
    """Vacuous itself: 0 of 0 is no score."""
    empty = drill(Tried(fault=Fault.STATE, item="y", came=Came.OUT_OF_REACH))

    assert not empty.is_clean
    with pytest.raises(Refused, match="nothing to alter"):
        require(DrillPolicy(score=Fraction(1, 100)), empty, SUBJECT, NOW, place="toy:a")


def test_a_gate_of_tests_alone_has_no_score() -> None:
    """That its items are missed when they do not run is the supervisor's doing, whatever they assert."""
    alone = drill(Tried(fault=Fault.ITEM, item="3 items", came=Came.NOTICED))

    assert not alone.is_clean
    with pytest.raises(Refused, match="nothing to alter but the presence of items"):
        require(DrillPolicy(score=Fraction(1, 100)), alone, SUBJECT, NOW, place="toy:a")


@pytest.mark.parametrize(
    ("found", "at", "says"),
    [
        (None, NOW, "none is recorded"),
        (drill(GOOD, commit="d"), NOW, "commit changed since the last drill"),
        (drill(GOOD, plan_digest="q"), NOW, "plan changed since"),
        (drill(GOOD, suite_digest="q"), NOW, "suite changed since"),
        (drill(GOOD, packages_digest="q"), NOW, "installed packages changed since"),
        (drill(GOOD, committed=False), NOW, "files that no commit has"),
        (drill(GOOD), NOW + timedelta(days=8), "the plan allows 7 days"),
        (drill(GOOD), NOW - timedelta(seconds=1), "the plan allows 7 days"),
        (drill(GOOD, BAD), NOW, "noticed 1 of 2 faults, the plan wants 90 %; unnoticed: Probe"),
    ],
)
def test_a_promotion_wants_a_drill_of_what_is_there_now(found, at, says) -> None:
    policy = DrillPolicy(score=Fraction(9, 10))

    with pytest.raises(Refused, match=says):
        require(policy, found, SUBJECT, at, place="toy:a")
    require(policy, drill(*[GOOD] * 9, BAD), SUBJECT, NOW, place="toy:a")


def test_a_drill_reads_back_as_it_was_written() -> None:
    made = drill(GOOD, BAD, quiet=("t.py::test_a",))

    assert Drill.read(Record(made.document(), "ledger entry 3")) == made
    with pytest.raises(LedgerError, match="ledger entry 3: tried"):
        Drill.read(Record(made.document() | {"tried": [{"fault": "x", "came": "y"}]}, "ledger entry 3"))


# ------------------------------------------------------------------------------------------ the servers


MATRIX = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"]] * 4}]}}
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [9e9, "2"]}]}}


def said(document: object) -> Said:
    return Said(status=200, headers={"Date": "Mon, 02 Nov 2026 10:00:00 GMT"}, body=json.dumps(document).encode())


def test_prometheus_answers_nan_or_nothing_of_the_last_hour() -> None:
    values = json.loads(answers.prometheus_nan(b"", said(MATRIX)).body)["data"]["result"][0]["values"]
    now = datetime.now(UTC).timestamp()
    recent = {"metric": {"recent": "1"}, "values": [[now, "2"]]}
    both = {"metric": {}, "values": [[now - 7200, "2"], [now - 60, "2"]]}
    document = {"status": "success", "data": {"resultType": "matrix", "result": [recent, both]}}
    older = json.loads(answers.prometheus_stale(b"", said(document)).body)["data"]["result"]
    moved = json.loads(answers.prometheus_stale(b"", said(VECTOR)).body)["data"]["result"][0]["value"]

    assert values == [[1, "NaN"]] * 4
    assert older == [{"metric": {}, "values": [[now - 7200, "2"]]}]
    assert moved[0] < 9e9 - 86400


def test_a_document_has_no_numbers_left_or_is_a_month_old() -> None:
    spoilt = answers.http_nan(b"", said({"a": [1, "x", True], "b": {"c": 2.5}}))
    old = answers.http_stale(b"", said({"a": 1}))

    assert spoilt.body == b'{"a": [NaN, "x", true], "b": {"c": NaN}}'
    assert parsedate_to_datetime(old.headers["Date"]) < datetime.now(UTC) - timedelta(days=29)


def test_what_is_no_answer_is_handed_on_as_it_is() -> None:
    """A source that is down without the drill stays down, and its criterion is unproven."""
    page = Said(status=502, headers={}, body=b"<html>")

    assert answers.prometheus_nan(b"", page) == page


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "time,n\n2026-11-02T10:00:00+00:00,5\n"),
        ("a.ndjson", '{"time": "2026-11-02T10:00:00Z", "n": 5}\n'),
        ("b.ndjson", '{"time": 1793613600, "n": 5}\n'),
        ("c.ndjson", '{"time": 1793613600000, "n": 5}\n'),
        ("d.ndjson", '{"time": 1793613600.5, "n": 5}\n'),
    ],
)
def test_a_recorded_file_has_nan_or_is_a_month_old(tmp_path: Path, name: str, text: str) -> None:
    path, source = tmp_path / name, SourceSettings(kind=SourceKind.RECORDED, query="n", path=name)
    path.write_text(text)

    old = answers.recorded_stale(source, path)
    assert answers.recorded_nan(source, path).lower().count("nan") == 1
    assert any(each in old for each in ("2026-10-03T10:00:00", "1791021600"))
    assert path.read_text() == text


def test_a_stand_in_hands_on_with_the_path_and_alters_or_breaks() -> None:
    seen = []

    def alters(_asked: bytes, real: Said) -> Said:
        seen.append(real.body)
        return Said(status=200, headers={"X-Drill": "1"}, body=b"other")

    with (
        StandIn("http://nobody.invalid/base") as broken,
        StandIn(broken.url, alters=alters) as altering,
        urlopen(f"{altering.url}/x") as answer,
    ):
        assert broken.url.endswith("/base")
        assert (answer.read(), answer.headers["X-Drill"]) == (b"other", "1")
    assert seen == [b"a drill"]


def test_a_stand_in_hands_on_the_credentials_of_the_real_address() -> None:
    """Without them a node that wants some says 401, and every fault on it would seem noticed."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        real = f"http://me:p%40ss@127.0.0.1:{server.server_port}"
        with StandIn(real, alters=lambda _, said: said) as altering, urlopen(altering.url):
            assert "me" not in altering.url
        server.shutdown()

    assert heard == [f"Basic {base64.b64encode(b'me:p@ss').decode()}"]


# ------------------------------------------------------------------------------------------- the stores


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE t (id INTEGER, name TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "b")])


def _leveldb(path: Path) -> None:
    import plyvel

    with closing(plyvel.DB(str(path), create_if_missing=True)) as database:
        database.put(b"1", b'{"id": 1}')
        database.put(b"2", b'{"id": 2}')


def _folder(path: Path, *contents: object) -> None:
    path.mkdir()
    for number, content in enumerate(contents):
        (path / f"{number}.json").write_text(json.dumps(content))


UNIFIED = {
    "chainId": 1,
    "network": "x",
    "contracts": {"core": {"A": "0x1", "B": "0x2"}},
    "extended_B": {"timestamp": 1},
}
SUMS = "".join(f"{str(n) * 64}  {n}.txt\n" for n in (1, 2))
STORES = {
    StoreKind.NDJSON: lambda path: path.write_text('{"id": 1}\n{"id": 2}\n'),
    StoreKind.SQLITE: _sqlite,
    StoreKind.LEVELDB: _leveldb,
    StoreKind.JSON: lambda path: _folder(path, {"id": 1}, [{"id": 2}, {"id": 3}]),
    StoreKind.UNIFIED: lambda path: _folder(path, UNIFIED),
    StoreKind.FILES: lambda path: _folder(path, 1, 2),
    StoreKind.MANIFEST: lambda path: path.write_text(SUMS),
}


@pytest.mark.parametrize("kind", STORES)
def test_a_copy_of_a_store_lacks_exactly_one_record(tmp_path: Path, kind: StoreKind) -> None:
    """Whatever the store is made of; the store itself is only read."""
    settings = StoreSettings(name="s", kind=kind, path=tmp_path / "store", table="t")
    STORES[kind](settings.path)
    before = [each.value for each in open_store(settings).records()]

    less = without_a_record(settings, tmp_path / "copy")

    assert less is not None
    left = [each.value for each in open_store(less).records()]
    assert len(left) == len(before) - 1
    assert all(each in before for each in left)
    assert [each.value for each in open_store(settings).records()] == before
