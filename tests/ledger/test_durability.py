"""What survives: two at once, a kill, a full disk, a lock, a file that cannot be written."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_rollout.core.entries import EntryKind
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Judgement, Run, Subject
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.ledger.canonical import encode, parse, seal
from pytest_rollout.ledger.database import Database
from pytest_rollout.ledger.journal import read_history
from pytest_rollout.ledger.sqlite import SqliteLedger

Payload = Callable[..., bytes]
Child = Callable[..., "subprocess.Popen[str]"]

APPENDING = """
ledger = SqliteLedger.open(Path(sys.argv[1]))
for number in range(100_000):
    entry = ledger.append(EntryKind.TICK, tick(number, "x" * 3000))
    print(entry.sequence, entry.digest, flush=True)
"""

PROMOTING = """
from datetime import UTC, datetime, timedelta
from pytest_rollout.core.judgement import Subject
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.promotion import may_promote
from pytest_rollout.core.rollout import Rollout, Stage
from pytest_rollout.ledger.journal import read_history

subject = Subject(commit="c", committed=True, plan_digest="1", suite_digest="2", packages_digest="3")
stages = tuple(Stage(name=f"s{n}", title="S") for n in range(100))
plan = Rollout(name="toy", title="Toy", folder=Path("toy"), plan_digest="1", stages=stages)
ledger = SqliteLedger.open(Path(sys.argv[1]))
for line in sys.stdin:
    stage = line.strip()
    try:
        history = read_history(ledger, "toy")
        now = datetime(2026, 11, 2, 11, tzinfo=UTC)
        judgement = may_promote(
            rollout=plan, stage=stage, history=history, subject=subject, now=now, ledger_id=ledger.id
        )
        move = Promotion(
            rollout="toy", stage=stage, to=plan.after(stage).name, entry=history.entry,
            judgement=judgement.digest, judgement_sequence=judgement.sequence, run=judgement.run.id,
            attempts=1, person="p", at=now,
        )
        ledger.append(EntryKind.PROMOTION, encode(move.document()), expected_head=history.head.digest)
    except RolloutError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    else:
        print("promoted", flush=True)
"""


def judge(ledger: SqliteLedger, stage: str) -> None:
    """Record a green run of one stage."""
    at = datetime(2026, 11, 2, 10, tzinfo=UTC)
    run = Run(
        id=f"r-{stage}",
        rollout="toy",
        stage=stage,
        entry=read_history(ledger, "toy").entry,
        attempt=1,
        started_at=at,
        network="",
        rehearsal=False,
        ledger_id=ledger.id,
    )
    judgement = Judgement(
        verdict=Verdict.PROMOTE,
        findings=(Finding(item="a", kind=Kind.TEST, title="t", outcome=Outcome.PASS),),
        subject=Subject(commit="c", committed=True, plan_digest="1", suite_digest="2", packages_digest="3"),
        run=run,
        judged_at=at,
        rollout_title="Toy",
        stage_title="S",
    )
    ledger.append(EntryKind.RUN_STARTED, encode(run.document()))
    ledger.append(EntryKind.JUDGEMENT, seal(judgement).payload)


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_promotions_at_once_are_one_entry_and_one_refusal(path: Path, ledger: SqliteLedger, child: Child) -> None:
    """Two real processes, told at the same moment, over and over (rule 37)."""
    racers = [child(PROMOTING, path, stdin=subprocess.PIPE) for _ in range(2)]
    try:
        for number in range(40):
            judge(ledger, f"s{number}")
            for racer in racers:
                say(racer, f"s{number}")

            answers = sorted(hear(racer) for racer in racers)

            assert answers[1] == "promoted", answers
            assert "moved meanwhile" in answers[0] or answers[0].startswith(f"Refused: toy:s{number}: toy stands at"), (
                answers
            )
            moves = [each.value.stage for each in read_history(ledger, "toy").moves]
            assert moves == [f"s{each}" for each in range(number + 1)]
    finally:
        for racer in racers:
            racer.communicate(timeout=20)
    assert ledger.verify().sequence == 3 * 40


def test_appends_from_several_processes_all_find_their_place(path: Path, ledger: SqliteLedger, child: Child) -> None:
    script = """
ledger = SqliteLedger.open(Path(sys.argv[1]), busy_seconds=60)
for number in range(25):
    ledger.append(EntryKind.TICK, tick(number, sys.argv[2]))
"""
    writers = [child(script, path, name) for name in "abcd"]

    assert [writer.communicate(timeout=60)[1] for writer in writers] == [""] * 4
    assert ledger.verify().sequence == 100
    notes = [parse(entry.payload)["note"] for entry in ledger.entries(1)]
    assert {name: notes.count(name) for name in "abcd"} == dict.fromkeys("abcd", 25)


def test_two_creations_at_once_leave_one_ledger(tmp_path: Path, child: Child) -> None:
    script = """
try:
    print(SqliteLedger.create(Path(sys.argv[1]) / "new" / "l.db").id)
except RolloutError as error:
    print(error)
"""
    makers = [child(script, tmp_path) for _ in range(4)]
    answers = [maker.communicate(timeout=60)[0].strip() for maker in makers]

    refused = [each for each in answers if "exists already" in each or "cannot be created (File exists)" in each]
    assert len(refused) == 3, answers
    assert SqliteLedger.open(tmp_path / "new" / "l.db").id in answers
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["l.db"]


def test_a_kill_in_the_middle_of_writing_loses_nothing_acknowledged(
    path: Path, ledger: SqliteLedger, child: Child, tick: Payload
) -> None:
    """What was returned is there, nothing is half there, and the next append follows on."""
    acknowledged: dict[int, str] = {}
    for round_ in range(10):
        writer = child(APPENDING, path)
        lines = [hear(writer)]
        time.sleep(0.01 + 0.013 * round_)
        writer.send_signal(signal.SIGKILL)
        lines += writer.communicate(timeout=20)[0].splitlines()
        whole = [line.split() for line in lines if len(line.split()) == 2 and len(line.split()[1]) == 64]
        acknowledged |= {int(sequence): digest for sequence, digest in whole}

        head = SqliteLedger.open(path).verify()

        stored = {entry.sequence: entry.digest for entry in ledger.entries()}
        assert acknowledged.items() <= stored.items()
        assert head.sequence in {max(acknowledged), max(acknowledged) + 1}
    assert ledger.append(EntryKind.TICK, tick()).sequence == head.sequence + 1
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]


def test_a_kill_in_the_middle_of_creating_leaves_no_half_ledger(tmp_path: Path, child: Child) -> None:
    for round_ in range(6):
        folder = tmp_path / str(round_)
        script = """
print("ready", flush=True)
SqliteLedger.create(Path(sys.argv[1]) / "l.db")
"""
        maker = child(script, folder)
        hear(maker)
        time.sleep(0.003 * round_)
        maker.send_signal(signal.SIGKILL)
        maker.communicate(timeout=20)

        if (folder / "l.db").exists():
            assert SqliteLedger.open(folder / "l.db").verify().sequence == 0
        else:
            assert SqliteLedger.create(folder / "l.db").verify().sequence == 0


def test_a_full_disk_is_told_and_loses_nothing(path: Path, ledger: SqliteLedger, child: Child, tick: Payload) -> None:
    """A file size limit stops SQLite in the middle of a write, as a quota does."""
    script = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
ledger = SqliteLedger.open(Path(sys.argv[1]), shown="ledger.db")
try:
    for number in range(1000):
        print(ledger.append(EntryKind.TICK, tick(number, "x" * 3000)).sequence, flush=True)
except RolloutError as error:
    print(error)
try:
    ledger.append(EntryKind.TICK, tick(0, "x" * 300_000))
except RolloutError as error:
    print(error)
print(ledger.verify().sequence)
"""
    out, err = child(script, path).communicate(timeout=60)

    *sequences, first, second, verified = out.splitlines()
    assert err == ""
    assert len(sequences) > 10
    assert sequences == [str(each) for each in range(1, len(sequences) + 1)]
    for sentence in (first, second):
        assert sentence == (
            "ledger ledger.db: disk I/O error; nothing counts as recorded. "
            "Check space, quota and file size limits, then run `rollout ledger verify`."
        )
    assert verified == sequences[-1]
    assert ledger.verify().sequence == len(sequences)
    assert ledger.append(EntryKind.TICK, tick()).sequence == len(sequences) + 1


def test_a_database_that_may_not_grow_is_told_as_a_full_disk(
    ledger: SqliteLedger, tick: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite answers SQLITE_FULL for its own page limit as for a full file system."""
    prepare = Database._prepare

    def limited(database: Database, connection: sqlite3.Connection) -> None:
        prepare(database, connection)
        connection.execute("PRAGMA max_page_count = 8")

    monkeypatch.setattr(Database, "_prepare", limited)

    with pytest.raises(LedgerError) as caught:
        ledger.append(EntryKind.TICK, tick(note="x" * 50_000))

    assert str(caught.value) == ("ledger ledger.db: the disk is full; nothing was recorded. Make room, then try again.")
    assert ledger.verify().sequence == 0


def test_a_creation_without_room_leaves_nothing(tmp_path: Path, child: Child) -> None:
    script = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    SqliteLedger.create(Path(sys.argv[1]) / "l.db", shown="l.db")
except RolloutError as error:
    print(error)
"""
    out, err = child(script, tmp_path).communicate(timeout=60)

    assert (err, out.startswith("ledger l.db: disk I/O error; nothing counts as recorded.")) == ("", True), out
    assert [each.name for each in tmp_path.iterdir()] == []


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_ledger_is_told_after_the_wait(path: Path, ledger: SqliteLedger, tick: Payload, lock: str) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"BEGIN {lock}")

    with pytest.raises(LedgerError) as caught:
        ledger.append(EntryKind.TICK, tick())

    other.close()
    assert str(caught.value) == (
        "ledger ledger.db: locked by another process for 0.2 s; nothing was recorded. Try again."
    )
    assert ledger.append(EntryKind.TICK, tick()).sequence == 1


def test_a_lock_that_is_released_in_time_is_waited_for(path: Path, ledger: SqliteLedger, child: Child) -> None:
    script = """
print("ready", flush=True)
print(SqliteLedger.open(Path(sys.argv[1]), busy_seconds=60).append(EntryKind.TICK, tick(1)).sequence)
"""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    writer = child(script, path)
    hear(writer)
    time.sleep(0.3)
    assert writer.poll() is None
    other.execute("COMMIT")
    other.close()

    assert writer.communicate(timeout=30) == ("1\n", "")
    assert ledger.verify().sequence == 1


AS_NOBODY = """
import os
payload = tick(1)  # Python's own files may be closed to the other user, so all is loaded by now
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    ledger = SqliteLedger.open(Path(sys.argv[1]), shown="ledger.db")
    print(ledger.verify().sequence)
    ledger.append(EntryKind.TICK, payload)
except RolloutError as error:
    print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder another user can reach; pytest's own are closed to everybody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "ledger"
        folder.mkdir()
        Path(name).chmod(0o755)
        yield folder


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "answers"),
    [
        (
            0o444,
            0o777,
            ["0", "ledger ledger.db: the file or its folder cannot be written; nothing was recorded. Make both"],
        ),
        (0o666, 0o555, ["0", "ledger ledger.db: "]),
        (0o000, 0o777, ["ledger ledger.db: the file, or a journal beside it, cannot be opened; nothing was recorded."]),
        (0o666, 0o000, ["ledger ledger.db: cannot be reached (Permission denied). Check the folder and its"]),
    ],
    ids=["read-only file", "read-only folder", "closed file", "closed folder"],
)
def test_a_ledger_that_may_not_be_written_is_told(
    open_folder: Path, child: Child, tick: Payload, file_mode: int, folder_mode: int, answers: list[str]
) -> None:
    """What can be read still is; the sentence names what cannot be written."""
    path = open_folder / "ledger.db"
    ledger = SqliteLedger.create(path)
    path.chmod(file_mode)
    open_folder.chmod(folder_mode)

    out, err = child(AS_NOBODY, path).communicate(timeout=30)

    open_folder.chmod(0o755)
    path.chmod(0o644)
    assert err == ""
    assert len(out.splitlines()) == len(answers), out
    for line, answer in zip(out.splitlines(), answers, strict=True):
        assert line.startswith(answer)
    assert "nothing was recorded" in out or "cannot be reached" in out
    assert ledger.verify().sequence == 0
