"""Events over more blocks than a node answers at once: whole or an error, never a part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind, Url
from pytest_rollout.networks.http import Endpoint, Patience, Refusal, Silent
from pytest_rollout.networks.logs import is_too_large, span_of
from pytest_rollout.networks.nodes import Nodes

LAST = 9_999
CROWDED = {17: 30, 18: 45, 5_000: 1, 9_999: 2}
"""How many logs a block has."""

ALL = ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": hex(LAST), "address": "0x" + "11" * 20}])


class Provider:
    """A node that holds those logs, answers so many blocks or logs at once, and refuses in its own words."""

    def __init__(self, *, blocks: int = 10**9, logs: int = 10**9, words: str = "", status: int = 200) -> None:
        self.blocks, self.logs, self.words, self.status = blocks, logs, words, status
        self.asked: list[tuple[int, int]] = []

    def __call__(self, request: Any) -> Any:
        if isinstance(request, list):
            return [self(each) for each in request]
        first, last = (int(request["params"][0][key], 16) for key in ("fromBlock", "toBlock"))
        self.asked.append((first, last))
        found = [
            {
                "address": "0x" + "11" * 20,
                "blockNumber": hex(block),
                "logIndex": hex(number),
                "topics": [],
                "data": "0x",
            }
            for block, count in CROWDED.items()
            if first <= block <= last
            for number in range(count)
        ]
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if last - first + 1 <= self.blocks and len(found) <= self.logs:
            return reply | {"result": found}
        if self.status != 200:
            return self.status, {}, b""
        return reply | (
            {"error": {"code": -32005, "message": self.words}} if self.words else {"result": found[: self.logs]}
        )


def whole(answer: Any) -> bool:
    places = [(int(each["blockNumber"], 16), int(each["logIndex"], 16)) for each in answer]
    return places == [(block, number) for block, count in CROWDED.items() for number in range(count)]


@pytest.fixture
def asked(stub: Callable[[], Any]) -> Callable[[Provider], Endpoint]:
    def make(provider: Provider, **patience: Any) -> Endpoint:
        node = stub()
        node.answer = provider
        return Endpoint("mainnet", node.url, Patience(pauses=0, **patience))

    return make


LIMITS = {
    "blocks": Provider(blocks=2_000, words="eth_getLogs is limited to a 2,000 blocks range"),
    "few blocks": Provider(
        blocks=10, words="Under the Free tier plan, you can make requests with up to a 10 block range"
    ),
    "results": Provider(logs=45, words="query returned more than 10000 results"),
    "bytes": Provider(logs=50, words="Log response size exceeded."),
    "a block too many": Provider(blocks=5_000, words="exceed maximum block range: 5000"),
    "time": Provider(blocks=3_000, words="query timeout exceeded"),
    "413": Provider(blocks=2_000, status=413),
}


@pytest.mark.parametrize("provider", LIMITS.values(), ids=LIMITS)
def test_what_is_too_large_is_asked_for_in_parts(asked: Callable[..., Endpoint], provider: Provider) -> None:
    (answer,) = asked(provider).ask([ALL])

    assert whole(answer)
    assert len(provider.asked) <= 3 * LAST / min(provider.blocks, 2_000) + 30


def test_what_fits_is_asked_for_once(asked: Callable[..., Endpoint]) -> None:
    provider = Provider()

    assert whole(asked(provider).ask([ALL])[0])
    assert provider.asked == [(0, LAST)]


def test_one_among_others_is_split_and_the_others_are_not_asked_again(asked: Callable[..., Endpoint]) -> None:
    provider = Provider(blocks=6_000, words="block range is too wide")
    some = ("eth_getLogs", [{"fromBlock": "0x11", "toBlock": "0x12"}])

    few, everything = asked(provider).ask([some, ALL])

    assert len(few) == 75
    assert whole(everything)
    assert provider.asked.count((17, 18)) == 1


def test_one_block_that_is_too_much_is_an_error_and_no_part(asked: Callable[..., Endpoint]) -> None:
    """Its logs cannot be had from this node, so nothing is concluded from the others."""
    (answer,) = asked(Provider(logs=40, words="query returned more than 40 results")).ask([ALL])

    assert isinstance(answer, Refusal)
    assert answer.message == "query returned more than 40 results"


def test_trouble_in_the_middle_is_an_error_and_no_part(asked: Callable[..., Endpoint]) -> None:
    provider = Provider(blocks=1_000, words="block range too large")

    def breaks(request: Any) -> Any:
        return (503, {}, b"") if len(provider.asked) > 8 else provider(request)

    with pytest.raises(Silent, match="HTTP status 503"):
        asked(breaks).ask([ALL])


def test_an_answer_of_more_bytes_than_are_read_is_split_too(asked: Callable[..., Endpoint]) -> None:
    assert whole(asked(Provider(), largest=9_000).ask([ALL])[0])


def test_a_round_number_of_logs_is_not_believed(
    asked: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some nodes stop at their limit without a word."""
    monkeypatch.setattr("pytest_rollout.networks.logs._ROUND", 50)

    assert whole(asked(Provider(logs=50)).ask([ALL])[0])


def test_nodes_that_differ_about_past_events_disagree(stub: Callable[[], Any]) -> None:
    """Rule 20: a node that left events out is not outvoted, it is an error."""
    nodes = [stub(), stub()]
    nodes[0].answer, nodes[1].answer = Provider(), Provider(logs=70)
    urls = tuple(Url(value=each.url.value, shown=f"<{number}>") for number, each in enumerate(nodes))
    network = Network(name="mainnet", kind=NetworkKind.RPC, chain_id=1, urls=urls, quorum=2)

    with pytest.raises(
        NetworkError, match="its nodes disagree about eth_getLogs: <0> says 78 logs, .* <1> says 70 logs"
    ):
        Nodes(network).ask([ALL])


@pytest.mark.parametrize(
    ("params", "span"),
    [
        ([{"fromBlock": "0x1", "toBlock": "0x2"}], (1, 2)),
        ([{"fromBlock": "earliest", "toBlock": "0x2"}], (0, 2)),
        ([{"fromBlock": "0x1", "toBlock": "latest"}], None),
        ([{"blockHash": "0x" + "11" * 32}], None),
        ([{"fromBlock": "0x3", "toBlock": "0x2"}], None),
        ([{}], None),
        ([], None),
    ],
)
def test_only_what_names_its_blocks_can_be_split(params: list[Any], span: tuple[int, int] | None) -> None:
    assert span_of(("eth_getLogs", params)) == span
    assert span_of(("eth_call", params)) is None


@pytest.mark.parametrize("words", ["execution reverted", "method not found", "invalid address", "header not found"])
def test_other_refusals_are_the_answer(words: str) -> None:
    assert not is_too_large(ALL, words)
