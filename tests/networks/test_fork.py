"""A fork goes on from a real chain: at one block, without its URL, and it says when that chain is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.answers import Answers, cache_of
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.fork import ForkChain
from pytest_rollout.networks.http import Patience
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.upstream import Upstream
from tests.networks.conftest import real

STRANGER = "0x00000000000000000000000000000000000A11cE"
OTHER = "0x00000000000000000000000000000000000B0b00"


@pytest.fixture
def arbitrum() -> Iterator[AnvilChain]:
    """The chain that is forked: 8 blocks, a payment in each of the first five."""
    with closing(AnvilChain(Network(name="arbitrum-node", kind=NetworkKind.ANVIL, chain_id=42161))) as node:
        for _ in range(5):
            pay(node)
        node.mine(3)
        yield node


def pay(chain: Any, to: str = STRANGER) -> None:
    chain.request("eth_sendTransaction", [{"from": chain.accounts["user"], "to": to, "value": "0x1"}])


def balance(chain: Any, who: str = STRANGER) -> int:
    return int(chain.request("eth_getBalance", [who, "latest"]), 16)


@pytest.fixture
def fork(arbitrum: AnvilChain, tmp_path: Path) -> Iterator[Callable[..., ForkChain]]:
    chains: list[ForkChain] = []

    def open_it(*, pin: Block | None = None, of: dict[str, Any] | None = None, **declared: Any) -> ForkChain:
        upstream = real(arbitrum, name="arbitrum", **(of or {}))
        network = Network(name="rehearsal", kind=NetworkKind.FORK, of=upstream, **declared)
        chains.append(ForkChain(network, pin=pin, cache=tmp_path / "cache", node_patience=Patience(reply=2, connect=1)))
        return chains[-1]

    yield open_it
    for each in chains:
        each.close()


def test_a_fork_has_the_state_the_id_and_the_block_of_the_chain(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain]
) -> None:
    chain = fork()

    assert chain.request("eth_chainId") == "0xa4b1"
    assert chain.head().number == chain.base.number == 8
    assert chain.head().hash == chain.base.hash == arbitrum.head().hash
    assert balance(chain) == 5


def test_what_is_done_on_a_fork_stays_there(arbitrum: AnvilChain, fork: Callable[..., ForkChain]) -> None:
    chain = fork()
    pay(chain)
    chain.mine(2)

    assert (balance(chain), balance(arbitrum)) == (6, 5)
    assert (chain.head().number, arbitrum.head().number) == (11, 8)


@pytest.mark.parametrize(
    ("of", "declared", "number"),
    [({}, {}, 8), ({}, {"block": 3}, 3), ({"finality": 2}, {}, 6), ({"finality": "finalized"}, {}, 0)],
    ids=["newest", "a block of the plan", "two confirmations", "finalized"],
)
def test_a_fork_begins_at_the_block_that_the_plan_means(
    fork: Callable[..., ForkChain], of: dict[str, Any], declared: dict[str, Any], number: int
) -> None:
    chain = fork(of=of, **declared)

    assert (chain.base.number, chain.head().number, balance(chain)) == (number, number, min(number, 5))


def test_forks_that_are_given_the_same_block_stand_on_it_though_the_chain_goes_on(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain]
) -> None:
    """Workers start one after the other; the judge has pinned one block for all."""
    pin = fork().base
    pay(arbitrum)

    assert fork(pin=pin).base == pin
    assert balance(fork(pin=pin)) == 5


def test_a_fork_of_a_block_that_was_reorganised_away_is_not_opened(fork: Callable[..., ForkChain]) -> None:
    pin = fork().base

    with pytest.raises(NetworkError, match=r"network arbitrum: block 8 is 0x.*, and this gate is pinned to 0x7777"):
        fork(pin=Block(number=8, hash="0x" + "77" * 32, timestamp=pin.timestamp))


def test_another_chain_is_not_forked(fork: Callable[..., ForkChain]) -> None:
    with pytest.raises(NetworkError) as caught:
        fork(of={"chain_id": 1})

    assert str(caught.value) == (
        "network arbitrum: expected chain id 1 (Ethereum), the node at <LOCAL_RPC_URL> answers 42161 (Arbitrum One). "
        "Nothing was sent."
    )


def test_the_real_chain_s_url_is_not_among_the_arguments(arbitrum: AnvilChain, fork: Callable[..., ForkChain]) -> None:
    """Everybody on a machine can read them."""
    chain = fork()

    line = " ".join(psutil.Process(chain.pid).cmdline())
    assert "--fork-url" in line
    assert f":{arbitrum.port}" not in line


def test_nobody_else_can_ask_in_the_fork_s_name(fork: Callable[..., ForkChain]) -> None:
    url = fork()._upstream.url

    for asked in (url.rpartition("/")[0] + "/", url[:-1]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, data=b"{}")
        refused.value.close()
        assert refused.value.code == 404


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "anvil_setBalance", "evm_mine", None, 7])
def test_a_fork_s_way_to_the_real_chain_is_for_reading_alone(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain], method: Any
) -> None:
    upstream = fork()._upstream

    reply: Any = upstream.reply({"jsonrpc": "2.0", "id": 4, "method": method, "params": []})

    assert (reply["id"], reply["error"]["message"]) == (4, f"{method} is not passed on")
    assert upstream.reply([None]) == [
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32601, "message": "None is not passed on"}}
    ]
    assert arbitrum.head().number == 8


GONE = (
    "network rehearsal: it is forked from another network, which stopped answering: network arbitrum: the node at "
    "<LOCAL_RPC_URL> could not be reached, or broke off, during "
)


@pytest.mark.parametrize("way", ["request", "batch", "web3", "transaction"])
def test_a_real_chain_that_is_gone_is_named(arbitrum: AnvilChain, fork: Callable[..., ForkChain], way: str) -> None:
    """What was never read is unknown; a zero in its place would be a false answer."""
    chain = fork()
    assert balance(chain) == 5
    arbitrum.close()
    ways: dict[str, Callable[[], object]] = {
        "request": lambda: balance(chain, OTHER),
        "batch": lambda: chain.batch([("eth_getBalance", [OTHER, "latest"])]),
        "web3": lambda: chain.w3.eth.get_balance(OTHER),
        "transaction": lambda: pay(chain, OTHER),
    }

    with pytest.raises(NetworkError) as caught:
        ways[way]()

    assert str(caught.value).startswith(GONE)


def test_what_was_read_is_known_though_the_real_chain_is_gone(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain]
) -> None:
    """anvil gives up on an account before it has asked for all its parts: one asked late is the next call's trouble."""
    chain = fork()
    assert balance(chain) == 5
    arbitrum.close()
    with pytest.raises(NetworkError):
        balance(chain, OTHER)

    for _ in "balance", "nonce", "code":
        with contextlib.suppress(NetworkError):
            balance(chain)
    assert balance(chain) == 5


def test_a_node_that_has_forgotten_the_block_is_named(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain], stub: Callable[[], Any]
) -> None:
    """A node that keeps no history answers for a while, and then no more."""
    node = stub()
    forgotten = [False]

    def one(request: Any) -> Any:
        about = {"jsonrpc": "2.0", "id": request["id"]}
        if forgotten[0] and request["method"] != "eth_chainId":
            return {**about, "error": {"code": -32000, "message": "missing trie node"}}
        return {**about, "result": arbitrum.request(request["method"], request["params"])}

    node.answer = lambda request: [one(each) for each in request] if isinstance(request, list) else one(request)
    chain = fork(of={"urls": (node.url,)})
    forgotten[0] = True

    with pytest.raises(NetworkError, match=r"network arbitrum: its node refused eth_get\w+: missing trie node\.$"):
        balance(chain, OTHER)


def test_a_real_chain_that_is_not_there_is_named_on_opening(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain]
) -> None:
    arbitrum.close()

    with pytest.raises(NetworkError) as caught:
        fork()
    assert str(caught.value) == (
        "network arbitrum: the node at <LOCAL_RPC_URL> could not be reached, or broke off, during eth_chainId."
    )


def test_a_fork_that_dies_is_named(fork: Callable[..., ForkChain]) -> None:
    chain = fork()
    os.kill(chain.pid, signal.SIGKILL)

    with pytest.raises(NetworkError, match="network rehearsal: anvil ended with status -9 during this run"):
        chain.head()


def test_a_second_fork_at_the_same_block_asks_for_nothing_twice(
    arbitrum: AnvilChain, fork: Callable[..., ForkChain]
) -> None:
    """A worker's fork reads what another one's has read, although both are still running."""
    first = fork()
    accounts = [f"0x{number:040x}" for number in range(0x5000, 0x5030)]
    for each in accounts:
        balance(first, each)
    second = fork(pin=first.base)
    asked = second.nodes.asked

    assert [balance(second, each) for each in accounts] == [0] * len(accounts)

    assert second.nodes.asked == asked


def test_each_value_is_asked_for_once_however_many_ask_at_once(fork: Callable[..., ForkChain]) -> None:
    chain = fork()
    asked = chain.nodes.asked
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": [OTHER, hex(chain.base.number)]}
    threads = [threading.Thread(target=chain._upstream.reply, args=(request,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert chain.nodes.asked == asked + 1


def test_each_value_is_asked_for_once_by_all_workers_together(arbitrum: AnvilChain, tmp_path: Path) -> None:
    """Two that ask at the same moment are one question: the folder they share has a lock for it."""
    nodes = [Nodes(real(arbitrum, name="arbitrum"), Patience(reply=5)) for _ in range(2)]
    head = arbitrum.head()
    pin = Block(number=head.number, hash=head.hash, timestamp=head.timestamp)
    upstreams = [Upstream(each, pin, tmp_path / "answers") for each in nodes]
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_getStorageAt", "params": [OTHER, "0x0", hex(pin.number)]}
    replies: list[Any] = []
    threads = [
        threading.Thread(target=lambda each=each: replies.append(each.reply(request)))  # type: ignore[misc]
        for each in upstreams * 8
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for each in upstreams:
        each.close()

    assert sum(each.asked for each in nodes) == 1
    assert [each["result"] for each in replies] == ["0x" + "00" * 32] * 16


def test_a_fork_that_ended_leaves_what_it_read_to_the_next(fork: Callable[..., ForkChain], tmp_path: Path) -> None:
    first = fork()
    balance(first, OTHER)
    first.close()

    (kept,) = (tmp_path / "cache").glob("42161-8-*/rpc/*/8/storage.json")
    second = fork(pin=first.base)

    assert kept.stat().st_size > 0
    assert balance(second, OTHER) == 0
    assert not list((tmp_path / "cache").rglob(".*"))


def test_a_cache_that_is_damaged_is_only_slower(fork: Callable[..., ForkChain], tmp_path: Path) -> None:
    first = fork()
    balance(first)
    first.close()
    for each in (tmp_path / "cache").rglob("*"):
        if each.is_file():
            each.write_bytes(b'{"answer')

    assert balance(fork(pin=first.base)) == 5


def test_a_cache_belongs_to_one_block_by_its_hash(tmp_path: Path) -> None:
    one = cache_of(tmp_path, 1, Block(number=8, hash="0x" + "aa" * 32, timestamp=0))
    two = cache_of(tmp_path, 1, Block(number=8, hash="0x" + "bb" * 32, timestamp=0))

    assert one != two


def test_only_a_few_blocks_are_kept(tmp_path: Path) -> None:
    for number in range(30):
        last = cache_of(tmp_path, 1, Block(number=number, hash="0x" + "aa" * 32, timestamp=0))

    assert len(list(tmp_path.iterdir())) == 20
    assert last.is_dir()


@pytest.mark.parametrize(
    ("call", "is_kept"),
    [
        (("eth_getBalance", [OTHER, "0x8"]), True),
        (("eth_getBalance", [OTHER, "0x9"]), False),
        (("eth_getBalance", [OTHER, "latest"]), False),
        (("eth_getBalance", [OTHER]), False),
        (("eth_getBlockByNumber", ["0x3", True]), True),
        (("eth_gasPrice", []), False),
        (("eth_getLogs", [{}]), False),
        (("eth_getBalance", [OTHER, "0xzz"]), False),
    ],
    ids=str,
)
def test_only_what_cannot_change_is_kept(tmp_path: Path, call: Any, is_kept: bool) -> None:
    answers = Answers(tmp_path, Block(number=8, hash="0x" + "aa" * 32, timestamp=0))

    assert (answers.key(call) is not None) == is_kept


def test_a_fork_on_a_slow_provider_counts_its_limits(
    fork: Callable[..., ForkChain], stub: Callable[[], Any], arbitrum: AnvilChain
) -> None:
    """429 is backed off and counted, and is no failure."""
    node = stub()
    nodes: list[Any] = [arbitrum]

    def answer(request: Any) -> Any:
        if len(node.asked) % 4 == 0:
            return 429, {"Retry-After": "0"}, b""
        requests = request if isinstance(request, list) else [request]
        replies = [
            {"jsonrpc": "2.0", "id": r["id"], "result": nodes[0].request(r["method"], r["params"])} for r in requests
        ]
        return replies if isinstance(request, list) else replies[0]

    node.answer = answer
    chain = fork(of={"urls": (node.url,)})

    assert balance(chain) == 5
    assert chain.nodes.rate_limited >= 3
