"""What every ledger does, wherever it is kept: one contract, SQLite and a real PostgreSQL server."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.ledger import postgres_sql
from pytest_rollout.ledger.canonical import encode, parse
from pytest_rollout.ledger.chained import ChainedLedger
from pytest_rollout.ledger.export import ExportedLedger, lines
from pytest_rollout.ledger.journal import read_history, read_on
from pytest_rollout.ledger.opening import create_ledger, ledger_exists, open_ledger, shown_url
from pytest_rollout.ledger.restoring import restore
from tests.servers import postgresql

Payload = Callable[..., bytes]
Store = tuple[str, Path]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a real server whose writes are synced, as the driver takes it."""
    with postgresql(durable=True) as url:
        yield url.replace("+psycopg", "")


def database(server: str, name: str) -> str:
    """A new, empty database on it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Where a ledger may be made: its address, and the project's root."""
    if request.param == "sqlite":
        return "sqlite:///ledger.db", tmp_path
    return database(request.getfixturevalue("server"), "one"), tmp_path


@pytest.fixture
def ledger(store: Store) -> ChainedLedger:
    return create_ledger(*store, busy_seconds=20)


def evidence(content: bytes) -> tuple[str, dict[str, bytes]]:
    digest = hashlib.sha256(content).hexdigest()
    return digest, {digest: content}


def test_it_begins_with_the_entry_that_founds_it(ledger: ChainedLedger) -> None:
    first = ledger.head()

    assert (first.sequence, first.kind) == (0, EntryKind.LEDGER_CREATED)
    assert parse(first.payload)["ledger_id"] == ledger.id
    assert ledger.verify() == first


def test_entries_are_kept_byte_for_byte_in_order(store: Store, ledger: ChainedLedger, tick: Payload) -> None:
    payloads = [tick(number, note="<b>&\x1b[31m ünï \U0001f600 ' \" %s $1") for number in range(1, 6)]

    appended = [ledger.append(EntryKind.TICK, payload) for payload in payloads]

    again = open_ledger(*store)
    assert list(again.entries())[1:] == appended
    assert [entry.payload for entry in again.entries(1)] == payloads
    assert again.head() == appended[-1] == again.verify()
    assert list(again.entries(4)) == appended[3:]
    assert list(again.entries(9)) == []


def test_there_is_one_and_it_is_never_overwritten(store: Store, ledger: ChainedLedger) -> None:
    assert ledger_exists(*store)
    with pytest.raises(LedgerError, match="exists already and is not overwritten"):
        create_ledger(*store)
    assert open_ledger(*store).id == ledger.id


def test_one_that_is_not_there_is_not_made_by_opening_it(store: Store) -> None:
    assert not ledger_exists(*store)
    with pytest.raises(LedgerError, match="create it with `rollout init`"):
        open_ledger(*store)
    assert not ledger_exists(*store)


def test_a_head_that_moved_is_refused_and_nothing_written(ledger: ChainedLedger, tick: Payload) -> None:
    seen = ledger.head()
    newer = ledger.append(EntryKind.TICK, tick(), expected_head=seen.digest)

    with pytest.raises(LedgerError, match="moved meanwhile: entry 1"):
        ledger.append(EntryKind.TICK, tick(2), expected_head=seen.digest)

    assert ledger.head() == newer


def test_one_pass_checks_every_link_and_hands_on_what_is_marked(ledger: ChainedLedger, tick: Payload) -> None:
    for number in range(1, 5):
        ledger.append(EntryKind.TICK, tick(number, note="marked" if number % 2 else ""))
    walked: list[int] = []
    verified: list[int] = []

    assert ledger.walk((b"marked", lambda row: walked.append(row[1]))) == ledger.head()
    assert ledger.verify((b"marked", lambda row: verified.append(row[1]))) == ledger.head()
    assert walked == verified == [0, 1, 3]


def test_a_history_goes_on_from_where_it_was_read_while_others_write(
    store: Store, ledger: ChainedLedger, tick: Payload
) -> None:
    """No lock is held by whoever reads, and what comes meanwhile is read next."""
    ledger.append(EntryKind.TICK, tick())
    history = read_history(ledger, "toy")
    other = open_ledger(*store)
    for number in (2, 3):
        other.append(EntryKind.TICK, tick(number))

    read_on(ledger, history)

    assert history == read_history(other, "toy", whole=True)
    assert (len(history.ticks), history.head) == (3, other.head())


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000, b"x" * 3_000_000], ids=["empty", "bytes", "large"])
def test_evidence_is_kept_with_its_entry(store: Store, ledger: ChainedLedger, tick: Payload, content: bytes) -> None:
    digest, attachments = evidence(content)
    for _ in range(2):  # the same twice is stored once
        ledger.append(EntryKind.TICK, tick(evidence_digest=digest, evidence_name="x"), attachments=attachments)

    assert open_ledger(*store).attachment(digest) == content
    assert ledger.verify().sequence == 2


def test_evidence_that_is_not_there_is_found(ledger: ChainedLedger, tick: Payload) -> None:
    digest, _ = evidence(b"never handed in")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest, evidence_name="x"))

    with pytest.raises(LedgerError, match=r"^ledger entry 1: .*evidence missing"):
        ledger.verify()


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"a": 1}', b"x" * 10], ids=["nothing", "empty", "spaced", "text"])
def test_what_could_not_be_read_again_is_not_written(ledger: ChainedLedger, payload: bytes) -> None:
    with pytest.raises(LedgerError):
        ledger.append(EntryKind.TICK, payload)
    assert ledger.head().sequence == 0


def test_the_ledger_of_another_plan_is_refused(store: Store, ledger: ChainedLedger) -> None:
    with pytest.raises(LedgerError, match=f"its id is {ledger.id}, the plan belongs to {'f' * 32}"):
        open_ledger(*store, expected_id="f" * 32)


def test_writing_goes_on_while_somebody_reads(ledger: ChainedLedger, tick: Payload) -> None:
    ledger.append(EntryKind.TICK, tick())
    reading = ledger.entries()
    next(reading)

    ledger.append(EntryKind.TICK, tick(2))

    assert next(reading).sequence == 1


PROMOTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.moves import Promotion
from pytest_rollout.ledger.canonical import encode
from pytest_rollout.ledger.opening import open_ledger

ledger = open_ledger(sys.argv[1], Path(sys.argv[2]), busy_seconds=60)
head = ledger.head()
print("ready", flush=True)
sys.stdin.readline()
move = Promotion(rollout="toy", stage="alpha", to="beta", entry=0, judgement="0" * 64, judgement_sequence=1, run="r",
                 attempts=1, person=sys.argv[3], at=datetime.now(UTC))
try:
    ledger.append(EntryKind.PROMOTION, encode(move.document()), expected_head=head.digest)
    print("promoted")
except LedgerError as error:
    print(error)
"""


def test_fifty_promoters_at_once_are_one_entry(store: Store, ledger: ChainedLedger) -> None:
    """Rule 37, with processes and threads: every one has read the same head, and all are told at once."""
    from pytest_rollout.core.moves import Promotion

    head = ledger.head()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTER, store[0], str(store[1]), f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    processes = [(each, each.stdout, each.stdin) for each in started]
    for _, out, _ in processes:
        assert out is not None
        assert out.readline() == "ready\n"

    def promote(number: int) -> str:
        if number < len(processes):
            process, _, _ = processes[number]
            return process.communicate("go\n", timeout=120)[0].strip()
        own = open_ledger(*store, busy_seconds=60)
        move = Promotion(
            rollout="toy",
            stage="alpha",
            to="beta",
            entry=0,
            judgement="0" * 64,
            judgement_sequence=1,
            run="r",
            attempts=1,
            person=f"p{number}",
            at=parse_moment(),
        )
        try:
            own.append(EntryKind.PROMOTION, encode(move.document()), expected_head=head.digest)
        except LedgerError as error:
            return str(error)
        return "promoted"

    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(promote, range(50)))

    assert sorted(each == "promoted" for each in said) == [False] * 49 + [True]
    assert {each for each in said if each != "promoted"} == {
        f"ledger {ledger.shown}: moved meanwhile: entry 1 (promotion) was recorded since it was read; nothing was "
        "recorded. Look with `rollout status`, then try again."
    }
    assert ledger.verify().sequence == 1


def parse_moment() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


# Carried elsewhere and back -----------------------------------------------------------------------


@pytest.fixture
def filled(ledger: ChainedLedger, tick: Payload) -> ChainedLedger:
    digest, attachments = evidence(b"letter" * 1000)
    for number in range(5):
        ledger.append(EntryKind.TICK, tick(number, note="ünï \U0001f600"))
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest, evidence_name="x"), attachments=attachments)
    return ledger


@pytest.fixture
def exported(filled: ChainedLedger, tmp_path: Path) -> Path:
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(lines(filled)))
    return file


def test_an_export_is_verified_by_itself(filled: ChainedLedger, exported: Path) -> None:
    """A stranger has the file and nothing else."""
    stranger = ExportedLedger(exported)

    assert stranger.id == filled.id
    assert stranger.verify() == filled.head() == stranger.head()
    assert list(stranger.entries(2)) == list(filled.entries(2))
    assert stranger.attachment(evidence(b"letter" * 1000)[0]) == b"letter" * 1000


def test_a_backup_is_restored_into_either_kind(
    filled: ChainedLedger, exported: Path, server: str, tmp_path: Path
) -> None:
    """From SQLite to PostgreSQL and back: the same entries, the same head."""
    for url in ("sqlite:///restored.db", database(server, "two")):
        assert restore(ExportedLedger(exported), url, tmp_path) == (0, 7)
        restored = open_ledger(url, tmp_path)
        assert (restored.id, restored.verify()) == (filled.id, filled.head())
        assert restore(ExportedLedger(exported), url, tmp_path) == (7, 7)


def test_an_older_copy_is_brought_up_to_date_and_a_fork_is_refused(
    filled: ChainedLedger, exported: Path, tmp_path: Path, tick: Payload
) -> None:
    older = exported.read_bytes()
    url = "sqlite:///copy.db"
    restore(ExportedLedger(exported), url, tmp_path)
    filled.append(EntryKind.TICK, tick(9))
    exported.write_bytes(b"".join(lines(filled)))

    assert restore(ExportedLedger(exported), url, tmp_path) == (7, 8)

    open_ledger(url, tmp_path).append(EntryKind.TICK, tick(10))
    filled.append(EntryKind.TICK, tick(11))
    exported.write_bytes(b"".join(lines(filled)))
    with pytest.raises(LedgerError, match="it is newer, or they went different ways. Nothing was changed"):
        restore(ExportedLedger(exported), url, tmp_path)
    exported.write_bytes(older)
    with pytest.raises(LedgerError, match="has entries which the export has not"):
        restore(ExportedLedger(exported), url, tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[: text.rindex(b'{"attachment"')], "evidence .* is missing"),
        (lambda text: b"".join(text.splitlines(keepends=True)[:-2]), "it is cut off, or was put together"),
        (lambda text: text[:-20], "is torn|is no JSON"),
        (lambda text: text.replace(b'"number\\":3', b'"number\\":4'), "digest does not match its content"),
        (lambda text: text.replace(b'"kind":"tick"', b'"kind":"promotion"', 1), "digest does not match its content"),
        (lambda text: text.replace(b'"sequence":3', b'"sequence":4'), "entry 3: is missing"),
        (lambda text: text.replace(b"ledger-export/v1", b"ledger-export/v2"), "is not that of an export this version"),
        (lambda text: text.replace(b'"kind":"tick"', b'"kind":"coronation"', 1), "is none this version knows"),
        (lambda text: b"", "is not that of an export"),
        (lambda text: b"\xff\xfe" + text, "is no JSON"),
        (lambda text: text + b'{"sequence":7}\n', "a line is no entry"),
        (lambda text: text.split(b"\n", 1)[0] + b"\n", "no first entry"),
    ],
    ids=[
        *("no evidence", "tail cut", "torn", "payload", "kind", "sequence", "newer", "unknown kind"),
        *("empty", "no text", "more", "header alone"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_export_that_was_changed_is_refused(exported: Path, change: Callable[[bytes], bytes], told: str) -> None:
    """It is the same file wherever it comes from."""
    exported.write_bytes(change(exported.read_bytes()))

    with pytest.raises(LedgerError, match=told):
        ExportedLedger(exported).verify()


def test_an_export_is_not_appended_to(exported: Path, tick: Payload) -> None:
    with pytest.raises(LedgerError, match="`rollout ledger import` makes a ledger of it"):
        ExportedLedger(exported).append(EntryKind.TICK, tick())


# PostgreSQL alone ---------------------------------------------------------------------------------


@pytest.fixture
def team(server: str) -> tuple[str, str]:
    """A database set up by its owner with our SQL, and the address of a user who may append and no more."""
    owner = database(server, "team")
    with psycopg.connect(owner) as connection:
        connection.execute("DROP ROLE IF EXISTS gate")
        connection.execute(postgres_sql.script())
        connection.execute("CREATE ROLE gate LOGIN PASSWORD 'gate-secret'")
        connection.execute(f"GRANT {postgres_sql.APPENDER} TO gate")
    parts = urlsplit(owner)
    yield owner, parts._replace(netloc=f"gate:gate-secret@{parts.hostname}:{parts.port}").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE team WITH (FORCE)")
        connection.execute("DROP ROLE gate")


def test_the_role_may_append_and_neither_change_nor_remove(
    team: tuple[str, str], tmp_path: Path, tick: Payload
) -> None:
    _, gate = team
    ledger = create_ledger(gate, tmp_path)
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest, evidence_name="x"), attachments=attachments)
    schema = postgres_sql.SCHEMA

    for statement in (
        f"UPDATE {schema}.entries SET kind = 'promotion'",
        f"DELETE FROM {schema}.entries",
        f"DELETE FROM {schema}.attachments",
        f"TRUNCATE {schema}.entries CASCADE",
        f"DROP TABLE {schema}.entries CASCADE",
        f"ALTER TABLE {schema}.entries DISABLE TRIGGER ALL",
        f"CREATE OR REPLACE FUNCTION {schema}.stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TABLE {schema}.other (x int)",
        "SET session_replication_role = replica",
    ):
        with psycopg.connect(gate) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    assert ledger.verify().sequence == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {s}.entries SET payload = ''",
        "DELETE FROM {s}.entries WHERE sequence = 1",
        "TRUNCATE {s}.entries CASCADE",
        "UPDATE {s}.attachments SET content = ''",
        "TRUNCATE {s}.attachments",
        "INSERT INTO {s}.entries VALUES (5, 'x', repeat('1', 64), 'tick', '', repeat('2', 64))",
        "INSERT INTO {s}.entries VALUES (2, 'x', repeat('1', 64), 'tick', '', repeat('2', 64))",
        "SET session_replication_role = replica; DELETE FROM {s}.entries",
    ],
    ids=["update", "delete", "truncate", "evidence", "all evidence", "a gap", "no chain", "as a replica"],
)
def test_not_even_its_owner_changes_it_by_mistake(
    team: tuple[str, str], tmp_path: Path, tick: Payload, statement: str
) -> None:
    owner, gate = team
    ledger = create_ledger(gate, tmp_path)
    digest, attachments = evidence(b"letter")
    ledger.append(EntryKind.TICK, tick(evidence_digest=digest, evidence_name="x"), attachments=attachments)

    with psycopg.connect(owner) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute(statement.format(s=postgres_sql.SCHEMA))
    assert ledger.verify().sequence == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP TRIGGER entries_stay ON {s}.entries", "guards against editing were altered (entries_stay)"),
        ("ALTER TABLE {s}.entries DISABLE TRIGGER entries_remain", "were altered (entries_remain)"),
        ("ALTER TABLE {s}.entries ENABLE TRIGGER entries_stay", "were altered (entries_stay)"),
        (
            "CREATE OR REPLACE FUNCTION {s}.entries_follow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
            "were altered (entries_follow)",
        ),
        (
            "CREATE TRIGGER more BEFORE INSERT ON {s}.attachments FOR EACH ROW EXECUTE FUNCTION {s}.stays()",
            "were altered (more)",
        ),
    ],
    ids=["dropped", "switched off", "weakened", "exchanged", "one more"],
)
def test_guards_that_were_altered_are_found(team: tuple[str, str], tmp_path: Path, statement: str, told: str) -> None:
    owner, gate = team
    ledger = create_ledger(gate, tmp_path)
    with psycopg.connect(owner) as connection:
        connection.execute(statement.format(s=postgres_sql.SCHEMA))

    with pytest.raises(LedgerError) as caught:
        ledger.verify()
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            "UPDATE {s}.entries SET payload = replace(convert_from(payload, 'UTF8'), '\"ann\"', '\"eve\"')::bytea",
            "entry 1: digest",
        ),
        ("DELETE FROM {s}.entries WHERE sequence = 1", "entry 1: is missing"),
        ("UPDATE {s}.entries SET kind = 'promotion' WHERE sequence = 2", "entry 2: digest"),
    ],
    ids=["edited", "removed", "another kind"],
)
def test_what_was_edited_past_the_guards_is_found(
    team: tuple[str, str], tmp_path: Path, tick: Payload, edit: str, told: str
) -> None:
    owner, gate = team
    ledger = create_ledger(gate, tmp_path)
    for number in range(3):
        ledger.append(EntryKind.TICK, tick(number))
    with psycopg.connect(owner) as connection:
        connection.execute(f"ALTER TABLE {postgres_sql.SCHEMA}.entries DISABLE TRIGGER ALL")
        connection.execute(edit.format(s=postgres_sql.SCHEMA))

    with pytest.raises(LedgerError, match=f"ledger {told}"):
        ledger.verify()


def test_a_cut_tail_verifies_to_another_head(team: tuple[str, str], tmp_path: Path, tick: Payload) -> None:
    """What a chain cannot show; a head noted elsewhere does."""
    owner, gate = team
    ledger = create_ledger(gate, tmp_path)
    noted = [ledger.append(EntryKind.TICK, tick(number)) for number in range(3)][-1]
    schema = postgres_sql.SCHEMA
    with psycopg.connect(owner) as connection:
        connection.execute(f"ALTER TABLE {schema}.entries DISABLE TRIGGER entries_stay")
        connection.execute(f"DELETE FROM {schema}.entries WHERE sequence = 3")
        connection.execute(f"ALTER TABLE {schema}.entries ENABLE ALWAYS TRIGGER entries_stay")

    assert ledger.verify().digest != noted.digest
    assert noted.digest not in {entry.digest for entry in ledger.entries()}


def test_an_appender_that_waits_too_long_is_told(team: tuple[str, str], tmp_path: Path, tick: Payload) -> None:
    owner, gate = team
    create_ledger(gate, tmp_path)
    with psycopg.connect(owner) as connection:
        connection.execute("SELECT pg_advisory_lock(1380928588)")
        with pytest.raises(LedgerError, match=r"locked by another process for 0\.2 s; nothing was recorded"):
            open_ledger(gate, tmp_path, busy_seconds=0.2).append(EntryKind.TICK, tick())


def test_a_user_without_the_role_is_told(server: str, tmp_path: Path) -> None:
    """Who may not make tables is told what the owner has to run."""
    owner = database(server, "bare")
    with psycopg.connect(owner) as connection:
        connection.execute("DROP ROLE IF EXISTS nobody_here")
        connection.execute("CREATE ROLE nobody_here LOGIN PASSWORD 'x-secret'")
    parts = urlsplit(owner)
    url = parts._replace(netloc=f"nobody_here:x-secret@{parts.hostname}:{parts.port}").geturl()

    with pytest.raises(LedgerError) as caught:
        create_ledger(url, tmp_path)

    assert "this user may not do that" in str(caught.value)
    assert "`rollout ledger sql`" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_that_is_refused_is_not_repeated(server: str, tmp_path: Path) -> None:
    parts = urlsplit(server)
    url = parts._replace(netloc=f"tester:hunter2@{parts.hostname}:{parts.port}").geturl()

    with pytest.raises(LedgerError) as caught:
        open_ledger(url, tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "tester" not in str(caught.value)


def test_a_server_that_does_not_sync_holds_no_ledger(tmp_path: Path) -> None:
    with postgresql() as url, pytest.raises(LedgerError, match="the server runs with fsync = off"):
        create_ledger(url, tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:hunter2@db.example:5432/ledger?sslmode=require", "postgresql://db.example/ledger"),
        ("postgresql+psycopg://ann:hunter2@db/ledger", "postgresql://db/ledger"),
        ("postgresql:///ledger?host=/tmp&password=hunter2", "postgresql:///ledger"),
        ("sqlite:///ledger.db", "sqlite:///ledger.db"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_the_address_comes_from_the_environment(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database(server, "named")
    monkeypatch.setenv("ROLLOUT_LEDGER", url)
    made = create_ledger(None, tmp_path)
    monkeypatch.setenv("TEAM_LEDGER", url)

    assert open_ledger(None, tmp_path).id == open_ledger("env:TEAM_LEDGER", tmp_path).id == made.id
    with pytest.raises(LedgerError, match="^--rollout-ledger env:NOBODY: the environment has no such variable"):
        open_ledger("env:NOBODY", tmp_path)
