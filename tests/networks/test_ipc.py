"""A connection believes only the answer to its own question."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_rollout.networks.ipc import Connection, ConnectionLost

Answer = Callable[[int], bytes]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Callable[[Answer], Connection]]:
    """A node that answers each request, known by its id, as it is told to."""
    with ExitStack() as resources:

        def start(answer: Answer) -> Connection:
            server = resources.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            server.bind(str(tmp_path / "ipc"))
            server.listen()
            thread = threading.Thread(target=serve, args=(server, answer))
            thread.start()
            resources.callback(thread.join)
            connection = Connection(tmp_path / "ipc", seconds=0.5)
            resources.callback(connection.close)
            return connection

        yield start


def serve(server: socket.socket, answer: Answer) -> None:
    peer, _ = server.accept()
    with peer, peer.makefile("rb") as requests:
        for line in requests:
            said = answer(json.loads(line)["id"])
            if not said:
                return
            peer.sendall(said)


def reply(number: object, **content: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, **content}).encode() + b"\n"


def test_an_answer_may_come_in_pieces_and_be_large(node: Callable[[Answer], Connection]) -> None:
    connection = node(lambda number: reply(number, result="0x" + "ab" * 500_000))

    assert len(connection.call("eth_getCode")["result"]) == 1_000_002


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(lambda n: reply(n + 1, result=1), "answered eth_x with the id 2 instead of 1", id="another id"),
        pytest.param(lambda _: reply("1", result=1), "answered eth_x with the id '1' instead of 1", id="id as text"),
        pytest.param(lambda _: reply(True, result=1), "answered eth_x with the id True instead of 1", id="true as id"),
        pytest.param(lambda _: reply(None, result=1), "answered eth_x with the id None instead of 1", id="no id"),
        pytest.param(reply, "answered eth_x with neither or both of a result and an error", id="neither"),
        pytest.param(
            lambda n: reply(n, result=1, error={}),
            "answered eth_x with neither or both of a result and an error",
            id="both",
        ),
        pytest.param(lambda _: b"<html>\n", "answered eth_x with something that is not JSON", id="a page"),
        pytest.param(lambda _: b"[]\n", "answered eth_x with something that is not a JSON-RPC reply", id="a list"),
        pytest.param(lambda _: b"\xff\n", "answered eth_x with something that is not JSON", id="not text"),
        pytest.param(lambda _: b"", "closed the connection during eth_x", id="gone"),
        pytest.param(lambda _: b'{"jsonrpc"', "did not answer eth_x within 0.5 s", id="half an answer"),
    ],
)
def test_what_is_not_understood_ends_the_connection(
    node: Callable[[Answer], Connection], answer: Answer, told: str
) -> None:
    """Whatever came after it could be the answer to anything."""
    connection = node(answer)

    for _ in range(2):
        with pytest.raises(ConnectionLost) as lost:
            connection.call("eth_x")
        assert str(lost.value) == told


def test_an_answer_to_an_interrupted_question_is_not_taken_for_the_next_one(
    node: Callable[[Answer], Connection],
) -> None:
    """Ctrl-C while waiting must not turn the tear-down's answers into nonsense."""
    connection = node(lambda number: reply(number, result=number))
    connection._last += 1
    connection._socket.sendall(json.dumps({"id": 1}).encode() + b"\n")

    assert connection.call("eth_x")["result"] == 2


def test_values_of_web3_are_sent_as_json(node: Callable[[Answer], Connection]) -> None:
    from hexbytes import HexBytes
    from web3.datastructures import AttributeDict

    connection = node(lambda number: reply(number, result=1))

    assert connection.call("eth_x", [AttributeDict({"data": HexBytes("0xab")})])["result"] == 1
    with pytest.raises(TypeError, match="object cannot be sent to a node as JSON"):
        connection.call("eth_x", [object()])
    assert connection.call("eth_x")["result"] == 1


CALLS = [("eth_a", []), ("eth_b", [1]), ("eth_c", [])]


def many(*replies: dict[str, object]) -> bytes:
    return json.dumps([{"jsonrpc": "2.0", **each} for each in replies]).encode() + b"\n"


@pytest.fixture
def batched(tmp_path: Path) -> Iterator[Callable[[bytes], Connection]]:
    """A node that answers its first request with these bytes, whatever it was."""
    with ExitStack() as resources:

        def start(said: bytes) -> Connection:
            server = resources.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            server.bind(str(tmp_path / "batched"))
            server.listen()

            def answer() -> None:
                peer, _ = server.accept()
                with peer, peer.makefile("rb") as requests:
                    requests.readline()
                    peer.sendall(said)
                    requests.readline()

            thread = threading.Thread(target=answer)
            thread.start()
            resources.callback(thread.join)
            connection = Connection(tmp_path / "batched", seconds=0.5)
            resources.callback(connection.close)
            return connection

        yield start


def test_replies_of_a_batch_are_put_into_the_order_of_its_calls(batched: Callable[[bytes], Connection]) -> None:
    """JSON-RPC lets a node answer in any order."""
    said = many({"id": 3, "result": "c"}, {"id": 1, "result": "a"}, {"id": 2, "error": {"code": 1}})

    first, second, third = batched(said).batch(CALLS)

    assert (first["result"], second["error"], third["result"]) == ("a", {"code": 1}, "c")


OTHER_IDS = "answered a batch of 3 calls with other ids than those of its calls"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(many({"id": 1, "result": 1}, {"id": 2, "result": 1}), OTHER_IDS, id="one is missing"),
        pytest.param(many(*({"id": n, "result": 1} for n in (1, 2, 2, 3))), OTHER_IDS, id="one is doubled"),
        pytest.param(many(*({"id": n, "result": 1} for n in (1, 2, 2))), OTHER_IDS, id="one for another"),
        pytest.param(many(), OTHER_IDS, id="none"),
        pytest.param(
            many(*({"id": n, "result": 1} for n in (1, 2, 4))),
            "answered a batch of 3 calls with the id 4 instead of 1",
            id="a later id",
        ),
        pytest.param(
            many({"id": 1, "result": 1}, {"id": 2}, {"id": 3, "result": 1}),
            "answered a batch of 3 calls with neither or both of a result and an error",
            id="one has neither",
        ),
        pytest.param(
            reply(None, error={"code": -32600}),
            "answered a batch of 3 calls with the id None instead of 1",
            id="refused whole",
        ),
        pytest.param(
            b"[1, 2, 3]\n", "answered a batch of 3 calls with something that is not a JSON-RPC reply", id="numbers"
        ),
    ],
)
def test_a_batch_that_is_not_answered_call_by_call_ends_the_connection(
    batched: Callable[[bytes], Connection], said: bytes, told: str
) -> None:
    connection = batched(said)

    for _ in range(2):
        with pytest.raises(ConnectionLost) as lost:
            connection.batch(CALLS)
        assert str(lost.value) == told
