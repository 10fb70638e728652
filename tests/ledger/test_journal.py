"""From entries to what they say about one rollout, checked on the way."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_rollout.core.checklist import Tick
from pytest_rollout.core.entries import Entry, EntryKind, Marked, next_entry
from pytest_rollout.core.errors import LedgerError
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.history import History
from pytest_rollout.core.judgement import Judgement, Run, Sealed, Subject
from pytest_rollout.core.moves import Promotion
from pytest_rollout.core.outcome import Kind, Outcome, Verdict
from pytest_rollout.ledger.canonical import encode, seal
from pytest_rollout.ledger.chained import COLUMNS, founding
from pytest_rollout.ledger.journal import read_histories, read_history, read_on
from pytest_rollout.ledger.port import Ledger
from pytest_rollout.ledger.rows import row_of, verified
from pytest_rollout.ledger.sqlite import SqliteLedger
from pytest_rollout.operations.judging_again import judge_again

Payload = Callable[..., bytes]
Edit = Callable[..., None]
AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
SUBJECT = Subject(commit="c", committed=True, plan_digest="1", suite_digest="2", packages_digest="3")


def run(ledger: SqliteLedger, rollout: str = "toy", number: int = 1) -> Run:
    return Run(
        id=f"r{number}",
        rollout=rollout,
        stage="alpha",
        entry=0,
        attempt=number,
        started_at=AT,
        network="local",
        rehearsal=False,
        ledger_id=ledger.id,
        arguments=("--stage=alpha",),
    )


def sealed(of: Run, *, items: int = 1) -> Sealed:
    findings = tuple(
        Finding(item=f"suites/test_a.py::test_{n}", kind=Kind.TEST, title=f"test {n}", outcome=Outcome.PASS)
        for n in range(items)
    )
    return seal(
        Judgement(
            verdict=Verdict.PROMOTE,
            findings=findings,
            subject=SUBJECT,
            run=of,
            judged_at=AT,
            rollout_title="Toy",
            stage_title="Alpha",
            manifest=tuple(f.item for f in findings),
        )
    )


def recorded(ledger: SqliteLedger, of: Run, *, items: int = 1) -> Sealed:
    made = sealed(of, items=items)
    ledger.append(EntryKind.RUN_STARTED, encode(of.document()))
    ledger.append(EntryKind.JUDGEMENT, made.payload)
    return made


def test_an_empty_ledger_says_nothing_about_a_rollout(ledger: SqliteLedger) -> None:
    history = read_history(ledger, "toy")

    assert (history.ledger_id, history.head, history.entry) == (ledger.id, ledger.head(), 0)
    assert history.newest_run("alpha") is None
    assert history.open_findings("alpha") == ()
    assert history.baseline("alpha") == ()


def test_a_judgement_comes_back_with_its_run_and_its_digest(ledger: SqliteLedger) -> None:
    made = recorded(ledger, run(ledger), items=3)

    history = read_history(ledger, "toy")

    judgement = history.newest_judgement("alpha")
    assert judgement is not None
    assert (judgement.sequence, judgement.digest, judgement.verdict) == (2, made.digest, "promote")
    assert (judgement.run, judgement.subject, judgement.judged_at) == (run(ledger), SUBJECT, AT)
    assert (judgement.required, judgement.blocking) == (3, ())
    assert history.baseline("alpha") == made.judgement.manifest
    assert history.open_findings("alpha") == ()


def test_each_rollout_has_its_own_history_in_one_ledger(ledger: SqliteLedger, tick: Payload) -> None:
    recorded(ledger, run(ledger))
    recorded(ledger, run(ledger, "other", 2))
    ledger.append(EntryKind.TICK, tick(rollout="other"))

    toy, other = read_history(ledger, "toy"), read_history(ledger, "other")

    assert [each.value.id for each in toy.runs] == ["r1"]
    assert [each.run.id for each in other.judgements] == ["r2"]
    assert (len(toy.ticks), len(other.ticks)) == (0, 1)
    assert toy.head == other.head == ledger.head()


def test_a_name_within_a_longer_one_is_another_rollout(ledger: SqliteLedger, tick: Payload) -> None:
    ledger.append(EntryKind.TICK, tick(rollout="toy-two", note='about "toy"'))

    history = read_history(ledger, "toy")

    assert history.ticks == []
    assert history.head == ledger.head()


def test_moves_set_the_visit_that_later_runs_carry(ledger: SqliteLedger) -> None:
    made = recorded(ledger, run(ledger))
    move = Promotion(
        rollout="toy",
        stage="alpha",
        to="beta",
        entry=0,
        judgement=made.digest,
        judgement_sequence=2,
        run="r1",
        attempts=1,
        person="ann",
        at=AT,
    )
    ledger.append(EntryKind.PROMOTION, encode(move.document()))

    history = read_history(ledger, "toy")

    assert [(each.sequence, each.value) for each in history.moves] == [(3, move)]
    assert history.entry == 3
    assert history.consumed_by(made.digest) == 3
    assert history.consumed_by("0" * 64) is None


def test_no_history_is_read_from_a_broken_chain(ledger: SqliteLedger, tick: Payload, by_hand: Edit) -> None:
    recorded(ledger, run(ledger))
    ledger.append(EntryKind.TICK, tick())
    by_hand("UPDATE entries SET payload = CAST(replace(payload, 'promote', 'hold') AS BLOB) WHERE sequence = 2")

    with pytest.raises(LedgerError, match=r"^ledger entry 2: digest does not match its content; entries 0-1 verify"):
        read_history(ledger, "toy")


def test_no_history_is_read_when_only_the_last_entry_is_broken(ledger: SqliteLedger, by_hand: Edit) -> None:
    """The newest judgement is the one that decides, and the last one to be checked."""
    recorded(ledger, run(ledger))
    by_hand("UPDATE entries SET payload = CAST(replace(payload, 'alpha', 'gamma') AS BLOB) WHERE sequence = 2")

    with pytest.raises(LedgerError, match=r"^ledger entry 2: digest does not match"):
        read_history(ledger, "toy")


def test_many_large_judgements_do_not_pile_up(ledger: SqliteLedger) -> None:
    """Twenty gates of 500 items: what is kept is about one document, not twenty."""
    one = run(ledger)
    size = len(sealed(one, items=500).payload)
    for number in range(1, 21):
        recorded(ledger, run(ledger, number=number), items=500)
    read_history(ledger, "toy")

    tracemalloc.start()
    history = read_history(ledger, "toy")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(history.judgements) == 20
    assert kept < 8 * size


def test_entries_taken_over_are_as_strictly_read_as_those_appended(ledger: SqliteLedger) -> None:
    """A key written twice would say one thing to one reader and another to the next."""
    twice = next_entry(
        ledger.head(), ledger_id=ledger.id, kind=EntryKind.TICK, payload=b'{"rollout":"toy","rollout":"other"}'
    )

    with pytest.raises(LedgerError, match="written twice"):
        ledger.extend([twice], lambda _: b"")

    assert ledger.head().sequence == 0


def look(verdict: str = "hold", **changes: object) -> bytes:
    document: dict[str, object] = {
        "rollout": "toy",
        "stage": "alpha",
        "entry": 0,
        "watch": "w",
        "verdict": verdict,
        "at": AT.isoformat(),
        "kept": "{}",
        "findings": [],
        "fired": [],
        "evidence_digest": "",
    }
    return encode(document | changes)


def test_of_many_ticks_the_newest_of_each_kind_is_read(ledger: SqliteLedger, tick: Payload) -> None:
    for person in ("ann", "bob"):
        for number in (1, 2):
            ledger.append(EntryKind.TICK, tick(number, person=person))
    ledger.append(EntryKind.TICK, tick(1, stage="beta"))

    ticks = read_history(ledger, "toy").ticks

    assert [(each.sequence, each.value.number, each.value.person) for each in ticks] == [
        (3, 1, "bob"),
        (4, 2, "bob"),
        (5, 1, "ann"),
    ]


def test_an_alarm_is_not_forgotten_for_later_looks(ledger: SqliteLedger) -> None:
    """The newest look says how it goes on, the newest alarm still stands in the way."""
    for verdict in ("rollback", "rollback", "hold", "promote"):
        ledger.append(EntryKind.WATCH, look(verdict))

    history = read_history(ledger, "toy")

    newest, alarm = history.newest_watch("alpha"), history.alarm_after(1, "alpha")
    assert newest is not None
    assert alarm is not None
    assert (newest.verdict, alarm.sequence, alarm.value.verdict) == ("promote", 2, "rollback")
    assert history.alarm_after(2, "alpha") is None


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(look(rollout=["toy"]), id="a rollout that is no name"),
        pytest.param(look(entry=False), id="a visit that is no number"),
        pytest.param(look(stage={"toy": ""}), id="a stage that is none"),
        pytest.param(look(verdict=7), id="a verdict that is no text"),
        pytest.param(encode({"toy": "", "at": "toy"}), id="another document"),
    ],
)
def test_a_look_of_another_shape_is_not_passed_over(ledger: SqliteLedger, payload: bytes) -> None:
    """Whoever can only put in what nobody would read could otherwise hide an alarm in it; taken over, not appended."""
    strange = next_entry(ledger.head(), ledger_id=ledger.id, kind=EntryKind.WATCH, payload=payload)
    ledger.extend([strange], lambda _: b"")
    ledger.append(EntryKind.WATCH, look("promote"))

    with pytest.raises(LedgerError, match=r"^ledger entry 1: "):
        read_history(ledger, "toy")


def put(path: Path, ledger: SqliteLedger, kind: EntryKind, payload: bytes) -> None:
    """An entry that fits in its place, written past every check of its payload, as whoever may insert rows can."""
    entry = next_entry(ledger.head(), ledger_id=ledger.id, kind=kind, payload=payload)
    connection = sqlite3.connect(path)
    connection.execute(f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row_of(entry))
    connection.commit()
    connection.close()


@pytest.mark.parametrize("is_whole", [False, True], ids=["to look", "to move"])
@pytest.mark.parametrize(
    "respelt",
    [
        pytest.param(lambda text: text.replace(b'"toy"', b'"t\\u006fy"'), id="an escaped letter"),
        pytest.param(lambda text: text.replace(b'"toy"', b'"\\u0074\\u006F\\u0079"'), id="escaped letters"),
        pytest.param(lambda text: text.replace(b'"toy"', b'"toy", "x":"\\/"'), id="an escaped stroke"),
        pytest.param(lambda text: text.replace(b'"toy"', b'"toy","rollout":"other"'), id="another rollout behind it"),
        pytest.param(lambda text: text.replace(b'"toy"', b'"other","rollout":"toy"'), id="another rollout before it"),
        pytest.param(lambda text: text.replace(b":", b": "), id="blanks"),
        pytest.param(lambda text: b'{"z":1,' + text[1:], id="keys in another order"),
        pytest.param(lambda text: text.replace(b'"entry":0', b'"entry":-0'), id="another zero"),
        pytest.param(lambda text: text[:-1] + b',"z":null}', id="a null"),
        pytest.param(lambda text: text[:-1] + b',"z":1.5}', id="a fraction"),
        pytest.param(lambda text: text[:-1] + b',"z":9007199254740992}', id="a big integer"),
        pytest.param(lambda text: text[:-1], id="half of it"),
    ],
)
def test_an_alarm_in_another_spelling_is_refused_and_not_overlooked(
    path: Path, ledger: SqliteLedger, respelt: Callable[[bytes], bytes], is_whole: bool
) -> None:
    """Two readers could take it for two things: its digest is right, its form is none that anything here writes."""
    put(path, ledger, EntryKind.WATCH, respelt(look("rollback")))

    with pytest.raises(LedgerError, match=r"^ledger entry 1: payload.* Restore the ledger from a backup\.$"):
        read_history(ledger, "toy", whole=is_whole)


def test_a_stranger_reads_every_entry_whatever_stands_for_it(path: Path, ledger: SqliteLedger, tick: Payload) -> None:
    """`verify --judge` takes the time that a gate does not: of a kind, the older ones too."""
    put(path, ledger, EntryKind.TICK, tick().replace(b'"note":""', b'"note":"","note":""'))
    ledger.append(EntryKind.TICK, tick())
    assert [each.sequence for each in read_history(ledger, "toy").ticks] == [2]

    with pytest.raises(LedgerError, match=r"^ledger entry 1: payload: key 'note' is written twice\."):
        judge_again(ledger)


@pytest.mark.parametrize("kind", [EntryKind.PROMOTION, EntryKind.JUDGEMENT])
def test_a_stranger_is_told_of_an_entry_that_says_nothing(path: Path, ledger: SqliteLedger, kind: EntryKind) -> None:
    put(path, ledger, kind, b'{"x":1}')

    with pytest.raises(LedgerError, match=r"^ledger entry 1: no '(rollout|evidence_digest)'; it was not written by"):
        judge_again(ledger)


@pytest.mark.parametrize("kind", [EntryKind.RUN_STARTED, EntryKind.JUDGEMENT, EntryKind.ROLLBACK, EntryKind.TICK])
def test_no_entry_is_hidden_behind_an_escaped_letter(path: Path, ledger: SqliteLedger, kind: EntryKind) -> None:
    put(path, ledger, kind, encode(run(ledger).document()).replace(b'"toy"', b'"to\\u0079"'))

    with pytest.raises(LedgerError, match=r"^ledger entry 1: payload: JSON, but not in its canonical form"):
        read_history(ledger, "toy")


def test_escapes_that_belong_there_are_read(ledger: SqliteLedger, tick: Payload) -> None:
    ledger.append(EntryKind.TICK, tick(note='\x1b[31m "toy" \\u0074 \\/ \x7f \u00e4 \U0001f600'))

    assert len(read_history(ledger, "toy").ticks) == 1
    assert read_history(ledger, "other").ticks == []


class Kept:
    """A ledger of rows in memory, as far as reading it goes."""

    def __init__(self, told: list[tuple[EntryKind, bytes]]) -> None:
        self.id, self.told = "a" * 32, [founding("a" * 32, AT.isoformat())]
        for kind, payload in told:
            self.told.append(next_entry(self.told[-1], ledger_id=self.id, kind=kind, payload=payload))

    def walk(self, *notes: Marked) -> Entry:
        return verified(lambda: map(row_of, self.told), ledger_id=self.id, shown="kept", notes=notes)


NAMES, FEW = st.sampled_from(["toy", "other", "alpha"]), st.integers(0, 2)
TICKS = st.builds(
    lambda number, rollout, stage, entry, person: (
        EntryKind.TICK,
        encode(
            Tick(rollout=rollout, stage=stage, entry=entry, number=number, text=stage, person=person, at=AT).document()
        ),
    ),
    *(FEW, NAMES, NAMES, FEW, NAMES),
)
LOOKS = st.builds(
    lambda verdict, rollout, stage, entry: (EntryKind.WATCH, look(verdict, rollout=rollout, stage=stage, entry=entry)),
    *(st.sampled_from(["promote", "hold", "rollback"]), NAMES, NAMES, FEW),
)


@settings(deadline=None)
@given(told=st.lists(TICKS | LOOKS, max_size=30))
def test_several_histories_read_at_once_are_those_read_one_by_one(told: list[tuple[EntryKind, bytes]]) -> None:
    ledger = cast("Ledger", Kept(told))
    names = ["toy", "other", "none"]

    assert read_histories(ledger, names) == [read_history(ledger, each) for each in names]


@settings(deadline=None)
@given(told=st.lists(TICKS | LOOKS, max_size=30))
def test_what_is_left_unread_changes_nothing(told: list[tuple[EntryKind, bytes]]) -> None:
    """The history of the newest of each kind is that of every entry read to its end, one after the other."""
    ledger = Kept(told)
    slowly = History(rollout="toy", ledger_id=ledger.id)
    for entry in ledger.told:
        slowly.take(entry, json.loads(entry.payload), digest="")

    history = read_history(cast("Ledger", ledger), "toy")

    assert history == slowly
    assert history.ticks == slowly.ticks


def test_what_was_read_goes_on_from_where_it_ended(ledger: SqliteLedger, tick: Payload) -> None:
    recorded(ledger, run(ledger))
    history = read_history(ledger, "toy")
    ledger.append(EntryKind.TICK, tick(rollout="other"))
    ledger.append(EntryKind.WATCH, look("rollback"))
    recorded(ledger, run(ledger, number=2))

    read_on(ledger, history)

    assert history == read_history(ledger, "toy")
    assert history.head == ledger.head()
    read_on(ledger, history)
    assert history == read_history(ledger, "toy")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM entries WHERE sequence >= 2", r"entry 2: is not what was read there before"),
        ("UPDATE entries SET digest = previous WHERE sequence = 2", r"entry 2: is not what was read there before"),
        ("DELETE FROM entries WHERE sequence = 3", r"entry 4: does not follow"),
        ("UPDATE entries SET payload = CAST('{}' AS BLOB) WHERE sequence = 3", r"entry 3: does not follow"),
    ],
    ids=["cut off", "another head", "removed since", "changed since"],
)
def test_what_does_not_follow_what_was_read_is_refused(
    ledger: SqliteLedger, tick: Payload, by_hand: Edit, statement: str, told: str
) -> None:
    recorded(ledger, run(ledger))
    history = read_history(ledger, "toy")
    for number in (1, 2):
        ledger.append(EntryKind.TICK, tick(number))
    by_hand(statement)

    with pytest.raises(LedgerError, match=told):
        read_on(ledger, history)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE sequence = 2",
        "UPDATE entries SET kind = 'tick' WHERE sequence = 2",
        "UPDATE entries SET kind = 'ledger_created' WHERE sequence = 2",
        "UPDATE entries SET payload = CAST(replace(payload, 'rollback', 'promote') AS BLOB) WHERE sequence = 2",
        "UPDATE entries SET payload = CAST(replace(payload, 'toy', 'tox') AS BLOB) WHERE sequence = 2",
    ],
    ids=["removed", "disguised", "disguised as the first", "edited", "of another rollout"],
)
def test_an_alarm_in_the_middle_cannot_be_taken_out_of_the_way(
    ledger: SqliteLedger, tick: Payload, by_hand: Edit, statement: str
) -> None:
    """Why every link is checked, whatever the decision needs: an index of alarms would not have found any of these."""
    ledger.append(EntryKind.TICK, tick())
    ledger.append(EntryKind.WATCH, look("rollback"))
    ledger.append(EntryKind.TICK, tick(2))
    by_hand(statement)

    with pytest.raises(LedgerError, match=r"^ledger entry 2: .*; entries 0-1 verify"):
        read_history(ledger, "toy")
