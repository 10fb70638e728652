"""The wire: what a recording process may say, and what happens to what is none of it."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_rollout.core.chain import Block
from pytest_rollout.core.evidence import Evidence
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.runner import channel
from pytest_rollout.runner.channel import Briefing, Inbox, Outbox, Pin

HELLO = b'{"e":"hello","p":"main","n":0,"pid":1}\n'
END = b'{"e":"end","p":"main","n":1,"count":2,"exit":0}\n'


class Wire:
    """An inbox with its evidence, and processes that say bytes to it."""

    def __init__(self, folder: Path, secrets: dict[str, str]) -> None:
        self.path = folder / "socket"
        self.evidence = Evidence()
        self.inbox = Inbox(self.path, self.evidence.fold, Redactor(secrets))
        self.kept: bytes | None = None

    def say(self, *pieces: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as process:
            process.connect(str(self.path))
            for piece in pieces:
                process.sendall(piece)
                self.listen()
        self.listen()

    def listen(self) -> None:
        for _ in range(50):
            self.inbox.listen(0.001)

    def close(self) -> bytes:
        if self.kept is None:
            self.inbox.close()
            self.kept = self.inbox.everything()
        return self.kept


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path, {})
    yield wire
    wire.close()


def test_whole_lines_are_folded_and_kept_as_they_were_said(wire: Wire) -> None:
    """A line may arrive in pieces and several at once."""
    wire.say(HELLO[:10], HELLO[10:] + END[:5], END[5:])

    assert wire.evidence.processes["main"].ended
    assert wire.close() == HELLO + END
    assert wire.inbox.refusals == []


REFUSED = {
    "garbage": (b"\xff\xfe\x00\n", "UnicodeDecodeError"),
    "no JSON": (b"hello\n", "JSONDecodeError"),
    "no object": (b"[1]\n", "not an event"),
    "a number": (b"7\n", "not an event"),
    "null": (b"null\n", "not an event"),
    "an empty line": (b"\n", "JSONDecodeError"),
    "an unknown event": (b'{"e":"promote","p":"main","n":1}\n', "not an event"),
    "no process": (b'{"e":"hello","n":0}\n', "not an event"),
    "a process that is no text": (b'{"e":"hello","p":7,"n":0}\n', "not an event"),
    "NaN seconds": (b'{"e":"item","p":"main","n":1,"id":"a","phases":[],"s":NaN}\n', "not an event"),
    "endless digits": (b'{"e":"end","p":"main","n":1,"count":' + b"9" * 5000 + b',"exit":0}\n', "ValueError"),
    "a network that is no text": (b'{"e":"pin","p":"main","n":1,"network":7}\n', "not an event"),
    "a count that is none": (b'{"e":"limited","p":"main","n":1,"network":"a","count":true}\n', "not an event"),
    "deep nesting": (b"[" * 100_000 + b"\n", "RecursionError"),
}


@pytest.fixture
def recursion_limit():
    """Python's own, as in the supervisor: a process that has imported web3 has a far higher one, and crashes."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(("said", "why"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_is_no_event_is_refused_and_the_speaker_cut_off(
    wire: Wire, said: bytes, why: str, recursion_limit: None
) -> None:
    """What was said before stands; what comes after from the same speaker is not heard."""
    wire.say(HELLO + said + END)

    assert len(wire.inbox.refusals) == 1
    assert why in wire.inbox.refusals[0]
    assert not wire.evidence.processes["main"].ended
    assert wire.close() == HELLO


def test_a_process_that_ends_in_the_middle_of_a_line_is_told(wire: Wire) -> None:
    """Half an event is no event; that something was lost is named."""
    wire.say(HELLO + b'{"e":"end"')

    assert wire.inbox.refusals == ["a process was cut off in the middle of an event"]
    assert wire.close() == HELLO


def test_a_line_without_an_end_is_refused_at_its_limit(wire: Wire, monkeypatch) -> None:
    """Memory is the supervisor's: nobody fills it from a test."""
    monkeypatch.setattr(channel, "LONGEST_LINE", 1000)

    wire.say(b'"' + b"x" * 3000)

    assert wire.inbox.refusals == ["an event of more than 1000 bytes"]


def test_a_flood_is_refused_at_its_limit(wire: Wire, monkeypatch) -> None:
    monkeypatch.setattr(channel, "MOST_BYTES", 100)

    wire.say(HELLO * 10)

    assert wire.inbox.refusals == ["more than 100 bytes of events"]


def test_a_refused_speaker_does_not_silence_another(wire: Wire) -> None:
    """Each process has a connection of its own."""
    wire.say(b"garbage\n")
    wire.say(HELLO + END)

    assert wire.evidence.processes["main"].ended
    assert len(wire.inbox.refusals) == 1


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(HELLO + END, id="the same name again"),
        pytest.param(END.replace(b'"n":1', b'"n":2'), id="without a hello"),
        pytest.param(HELLO.replace(b'"main"', b'"gw7"') + END, id="under two names"),
    ],
)
def test_nobody_speaks_for_another_process(wire: Wire, forged: bytes) -> None:
    """A connection is one process; what else comes through it is refused, and the refusal is told."""
    wire.say(HELLO + END)
    wire.say(forged)

    assert wire.evidence.processes["main"].gaps == 0
    assert len(wire.inbox.refusals) == 1
    assert "spoke for process main" in wire.inbox.refusals[0]


def test_a_missing_number_is_a_gap(wire: Wire) -> None:
    wire.say(HELLO + END.replace(b'"n":1', b'"n":2'))

    assert wire.evidence.processes["main"].gaps > 0


def test_nobody_begins_before_the_briefing(wire: Wire, planned) -> None:
    """A hello is answered only once "run started" is durable; late comers are answered at once."""
    briefing = Briefing(
        rollout=planned({"suites/test_a.py": ""}), stage="alpha", plan="p", network=None, declared=(), suite="s"
    )
    answers: list[Briefing] = []

    def introduce(name: str) -> None:
        outbox = Outbox(str(wire.path))
        answers.append(outbox.introduce(name, {}))
        outbox.end(0)

    early = threading.Thread(target=introduce, args=("main",))
    early.start()
    while "main" not in wire.evidence.processes:
        wire.inbox.listen(0.01)
    wire.listen()
    assert answers == []

    wire.inbox.brief(briefing)
    late = threading.Thread(target=introduce, args=("gw0",))
    late.start()
    while early.is_alive() or late.is_alive():
        wire.inbox.listen(0.01)
    wire.listen()

    assert [answer.stage for answer in answers] == ["alpha", "alpha"]
    assert all(process.ended and not process.gaps for process in wire.evidence.processes.values())


def test_a_process_is_told_where_to_read_another_network(wire: Wire, planned) -> None:
    """One that the briefing does not tell of is looked at when it is asked for."""
    briefing = Briefing(
        rollout=planned({"suites/test_a.py": ""}), stage="alpha", plan="p", network=None, declared=(), suite="s"
    )
    block = Block(number=6, hash="0x" + "ab" * 32, timestamp=1)
    wire.inbox.brief(briefing, lambda name: Pin(block=block) if name == "mainnet" else Pin(trouble=f"no {name}"))
    told: list[Pin] = []

    def ask() -> None:
        outbox = Outbox(str(wire.path))
        outbox.introduce("main", {})
        told.extend(outbox.pin(name) for name in ("mainnet", "elsewhere"))
        outbox.end(0)

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        wire.inbox.listen(0.01)
    wire.listen()

    assert told == [Pin(block=block), Pin(trouble="no elsewhere")]
    assert wire.evidence.opened == {"mainnet", "elsewhere"}
    assert not wire.evidence.processes["main"].gaps


def test_threads_of_a_test_may_speak_at_once(wire: Wire, planned) -> None:
    """Measurements from threads are numbered one after the other: no gap, no torn line."""
    briefing = Briefing(
        rollout=planned({"suites/test_a.py": ""}), stage="alpha", plan="p", network=None, declared=(), suite="s"
    )
    wire.inbox.brief(briefing)

    def run() -> None:
        outbox = Outbox(str(wire.path))
        outbox.introduce("main", {"pid": 1})
        event = {"e": "measure", "id": "a::b", "metric": "settled", "good": 1, "total": 1}
        threads = [threading.Thread(target=lambda: [outbox.send(dict(event)) for _ in range(200)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outbox.end(0)

    process = threading.Thread(target=run)
    process.start()
    while process.is_alive() or not wire.inbox.is_quiet:
        wire.inbox.listen(0.01)

    assert len(wire.evidence.measurements) == 1600
    assert wire.evidence.processes["main"].gaps == 0
    assert wire.inbox.refusals == []


def test_a_secret_is_gone_before_it_is_folded_or_kept(tmp_path: Path) -> None:
    """Neither the judge nor the ledger ever sees it; an append-only ledger cannot forget."""
    wire = Wire(tmp_path, {"KEY": "s3cr3t-value"})
    event = {
        "e": "trouble",
        "p": "main",
        "n": 1,
        "what": "x",
        "text": "with s3cr3t-value inside",
        "id": "a::b[s3cr3t-value]",
    }

    wire.say(HELLO + json.dumps(event).encode() + b"\n")

    assert wire.evidence.troubles == [("x", "with <KEY> inside", "a::b[<KEY>]")]
    assert b"s3cr3t" not in wire.close()
