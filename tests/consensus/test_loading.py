"""Engines by import path, command and URL: loaded, or an error in one sentence, in every mode."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from datetime import timedelta

import pytest

from pytest_rollout.consensus.loading import import_engine, version_of
from pytest_rollout.consensus.opening import open_dual, open_engine
from pytest_rollout.consensus.remote import CommandEngine, EngineDied, EngineRefused, EngineSilent, ProcessEngine
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError
from pytest_rollout.core.mode import Mode

ENGINE = """
    import os, sys, time

    class InvalidBlock(Exception):
        pass

    class Engine:
        version = "file 1"

        def verify_block(self, block):
            print("engines may print")
            do = block.get("do")
            if do == "refuse":
                raise InvalidBlock("bad root")
            if do == "hang":
                time.sleep(30)
            if do == "eat":
                return len(bytearray(1 << 32))
            if do == "exit":
                os._exit(7)
            return {"index": block["index"], "root": block.get("root", b"\\xab"), "pid": os.getpid()}

    class Other(Engine):
        pass

    class Missing:
        def __init__(self):
            raise ImportError("libcandidate.so: cannot open shared object file")

    class Async:
        async def verify_block(self, block):
            return True

    def make():
        return Engine()

    nothing = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "engines.py").write_text(textwrap.dedent(ENGINE))
    (tmp_path / "broken.py").write_text("raise RuntimeError('no library')")
    return tmp_path


@pytest.mark.parametrize("name", ["Engine", "make"])
def test_a_class_or_factory_is_made_and_knows_its_version(folder, name) -> None:
    engine = import_engine(f"engines.py:{name}", folder)

    assert engine.verify_block({"index": 3})["index"] == 3
    assert version_of(engine) == "file 1"


UNLOADABLE = {
    "no path": ("engines", "no import path; write package.module:Name or file.py:Name"),
    "no file": ("engine.py:Engine", "no such file beside the plan"),
    "no name": ("engines.py:Engin", "engines.py has no 'Engin'. Did you mean 'Engine'?"),
    "no module": ("not_there.at_all:Engine", "no module 'not_there'"),
    "its library is missing": ("engines.py:Missing", "Missing() raised ImportError: libcandidate.so"),
    "its module raises": ("broken.py:Engine", "importing it raised RuntimeError: no library"),
    "no engine": ("engines.py:nothing", "nothing has no verify_block(block), and is no class or factory"),
    "a coroutine": ("engines.py:Async", "verify_block is a coroutine function"),
    "another class": ("json:JSONDecoder", "JSONDecoder has no verify_block(block)"),
}


@pytest.mark.parametrize("isolation", Isolation)
@pytest.mark.parametrize(("target", "sentence"), UNLOADABLE.values(), ids=UNLOADABLE)
def test_an_engine_that_cannot_load_is_an_error(folder, target, sentence, isolation) -> None:
    if isolation is Isolation.PROCESS and target not in {"engines.py:Missing", "broken.py:Engine"}:
        isolation = Isolation.THREAD  # two sentences from the other process are enough
    spec = EngineSpec(kind=EngineKind.IMPORT, target=target)

    with pytest.raises(EngineError) as error:
        open_engine(spec, folder, seconds=1, isolation=isolation)

    assert sentence in str(error.value)


@pytest.mark.parametrize("mode", Mode)
def test_a_candidate_that_cannot_load_is_an_error_in_every_mode(folder, mode) -> None:
    """A node never falls back to the reference as if nothing had been asked of it."""
    settings = EngineSettings(
        reference=EngineSpec(kind=EngineKind.IMPORT, target="engines.py:Engine"),
        candidate=EngineSpec(kind=EngineKind.IMPORT, target="engines.py:Missing"),
    )

    with pytest.raises(EngineError, match="libcandidate.so"):
        open_dual(settings, folder, mode=mode)


@pytest.fixture
def process(folder):
    engine = ProcessEngine("engines.py:Engine", folder=folder, seconds=5, memory=1 << 30)
    yield engine
    engine.close()


def test_an_engine_in_its_own_process_answers_refuses_and_survives_its_own_death(process) -> None:
    """Hang, memory, exit: each ends as what it is, and the next block is answered again."""
    first = process.verify_block({"index": 3, "root": b"\x01"})
    assert (first["index"], first["root"], process.version) == (3, "0x01", "file 1")
    with pytest.raises(EngineRefused) as refused:
        process.verify_block({"index": 3, "do": "refuse"})
    assert refused.value.refusal == "InvalidBlock"
    with pytest.raises(EngineRefused) as hungry:
        process.verify_block({"index": 3, "do": "eat"})
    assert hungry.value.refusal == "MemoryError"
    with pytest.raises(EngineDied, match="ended with status 7"):
        process.verify_block({"index": 3, "do": "exit"})
    again = process.verify_block({"index": 4})
    assert again["index"] == 4
    assert again["pid"] != first["pid"]


def test_a_process_that_hangs_is_ended(folder) -> None:
    engine = ProcessEngine("engines.py:Engine", folder=folder, seconds=0.3)
    pid = engine.pid

    with pytest.raises(EngineSilent):
        engine.verify_block({"index": 3, "do": "hang"})

    assert engine.pid is None
    assert pid is not None
    engine.close()


def test_a_candidate_in_its_own_process_stands_in_a_dual_run(folder) -> None:
    settings = EngineSettings(
        reference=EngineSpec(kind=EngineKind.IMPORT, target="engines.py:Engine"),
        candidate=EngineSpec(kind=EngineKind.IMPORT, target="engines.py:Other"),
        isolation=Isolation.PROCESS,
        memory=1 << 30,
        limit=timedelta(seconds=5),
        ignore=("pid",),
    )
    dual = open_dual(settings, folder)

    assert dual.verify_block({"index": 1, "root": b"\xfe"})["root"] == b"\xfe"
    with pytest.raises(Exception, match="bad root"):
        dual.verify_block({"index": 2, "do": "refuse"})
    dual.close()

    stats = dual.stats()
    assert (stats["comparisons"], stats["ignored"], stats["agreed_refusals"], stats["divergences"]) == (2, 1, 1, 0)


COMMAND = """
    import json, sys
    for line in sys.stdin:
        block = json.loads(line)["block"]
        if block["index"] < 0:
            print(json.dumps({"raised": "InvalidBlock", "text": "negative"}), flush=True)
        elif block["index"] == 13:
            print("thirteen", flush=True)
        elif block["index"] == 14:
            print(json.dumps({"valid": True}), flush=True)
        elif block["index"] == 15:
            sys.exit(2)
        elif block["index"] == 16:
            print('{"value": true}\\n{"value": true}', flush=True)
        else:
            print(json.dumps({"value": {"index": block["index"], "data": block["data"]}}), flush=True)
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "engine.py").write_text(textwrap.dedent(COMMAND))
    engine = CommandEngine((sys.executable, "engine.py"), folder=tmp_path, seconds=5)
    yield engine
    engine.close()


def test_a_command_is_an_engine_one_line_in_one_line_out(command) -> None:
    assert command.verify_block({"index": 2**70, "data": b"\x01\x02"}) == {"index": 2**70, "data": "0x0102"}
    with pytest.raises(EngineRefused) as refused:
        command.verify_block({"index": -1})
    assert (refused.value.refusal, str(refused.value)) == ("InvalidBlock", "negative")


@pytest.mark.parametrize(
    ("index", "sentence"), [(13, "no line of JSON"), (14, "neither a value nor a refusal"), (15, "ended with status 2")]
)
def test_a_command_that_answers_nonsense_is_dead_and_not_valid(command, index, sentence) -> None:
    with pytest.raises(EngineDied, match=sentence):
        command.verify_block({"index": index})
    assert command.verify_block({"index": 1, "data": 0}) == {"index": 1, "data": 0}


def test_an_answer_that_was_there_before_the_question_is_none(command) -> None:
    """A program that says yes twice has not looked at the second block."""
    assert command.verify_block({"index": 16}) is True
    with pytest.raises(EngineDied, match="said more than it was asked"):
        command.verify_block({"index": 16})
    assert command.verify_block({"index": 1, "data": 0}) == {"index": 1, "data": 0}


def test_a_forked_process_asks_a_program_of_its_own(command) -> None:
    """Two that ask over the same pipes would read each other's answers."""
    assert command.verify_block({"index": 1, "data": 0})["index"] == 1
    ours = command._pipe.pid
    child = os.fork()
    if child == 0:
        answer = command.verify_block({"index": 2, "data": 0})["index"]
        is_own = command._pipe.pid != ours
        command.close()
        os._exit(answer if is_own else 99)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 2
    assert command.verify_block({"index": 3, "data": 0})["index"] == 3
    assert command._pipe.pid == ours


def test_a_command_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        CommandEngine(("./no-such-engine",), folder=tmp_path, seconds=1).verify_block({})


@pytest.fixture
def served():
    """A server that answers as it is told."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        answer: tuple[int, bytes] = (200, b"")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = self.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, Handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, b"{}", "status 500"),
        (404, json.dumps({"value": True}).encode(), "status 404"),
        (200, b"<html>", "no JSON"),
        (200, b'{"valid": true}', "neither a value nor a refusal"),
    ],
)
def test_a_server_that_answers_nonsense_is_a_dead_engine(served, status, body, sentence) -> None:
    server, handler = served
    handler.answer = (status, body)
    url = f"http://127.0.0.1:{server.server_port}/verify"
    engine = open_engine(EngineSpec(kind=EngineKind.URL, target=url), None, seconds=5)

    with pytest.raises(EngineDied, match=sentence):
        engine.verify_block({"index": 1})


def test_a_server_is_an_engine(served) -> None:
    server, handler = served
    url = f"http://127.0.0.1:{server.server_port}/verify"
    engine = open_engine(EngineSpec(kind=EngineKind.URL, target=url), None, seconds=5)
    handler.answer = (200, b'{"value": {"valid": true}}')
    assert engine.verify_block({"index": 1}) == {"valid": True}
    handler.answer = (200, b'{"raised": "InvalidBlock"}')
    with pytest.raises(EngineRefused):
        engine.verify_block({"index": 1})
