"""A real chain is the declared one, read at one final block, and never changed by mistake."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from pytest_rollout.core.chain import Block
from pytest_rollout.core.errors import NetworkError, Reverted
from pytest_rollout.core.rollout import Network, NetworkKind
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.http import Patience
from pytest_rollout.networks.looking import look
from pytest_rollout.networks.nodes import Nodes
from pytest_rollout.networks.rpc import RpcChain

NOW = 1_800_000_000
STRANGER = "0x00000000000000000000000000000000000A11cE"


def digest(number: int, salt: str = "00") -> str:
    return f"0x{salt * 28}{number:08x}"


class Chain:
    """What a node of a well-behaved chain answers; tests bend it."""

    def __init__(self) -> None:
        self.chain_id: Any = "0x1"
        self.client: Any = "Geth/v1.15"
        self.head = 100
        self.age = 12
        self.now = NOW
        self.tags = {"finalized": 36, "safe": 68, "latest": 0}
        self.salt = "00"
        self.odd: dict[str, Any] = {}

    def __call__(self, request: Any) -> Any:
        if isinstance(request, list):
            return [self(each) for each in request]
        method, params = request["method"], request["params"]
        if method in self.odd:
            said = self.odd[method]
            said = said(params) if callable(said) else said
            return said if isinstance(said, tuple) else {"jsonrpc": "2.0", "id": request["id"], **said}
        return {"jsonrpc": "2.0", "id": request["id"], "result": self.result(method, params)}

    def result(self, method: str, params: Any) -> Any:
        if method == "eth_getBlockByNumber":
            tag = params[0]
            if tag in self.tags:
                # Here the finalized block is named by its number, or is not known.
                known = self.tags[tag]
                return None if known is None else self.block(self.head if tag == "latest" else known)
            return self.block(int(tag, 16))
        return {"eth_chainId": self.chain_id, "web3_clientVersion": self.client}.get(method, "0x0")

    def block(self, number: int) -> dict[str, Any]:
        return {
            "number": hex(number),
            "hash": digest(number, self.salt if number else "00"),
            "timestamp": hex(self.now - self.age - 12 * (self.head - number)),
        }


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def node(stub: Callable[[], Any], chain: Chain) -> Any:
    started = stub()
    started.answer = chain
    return started


def network(*nodes: Any, **declared: Any) -> Network:
    urls = tuple(node.url for node in nodes)
    given = {"chain_id": 1, "urls": urls, "quorum": len(nodes) // 2 + 1}
    return Network(**{"name": "mainnet", "kind": NetworkKind.RPC, **given, **declared})


def seen(declared: Network, **more: Any) -> Any:
    return look(declared, Nodes(declared, Patience(reply=2)), now=lambda: NOW, **more)


def refusal(declared: Network, **more: Any) -> str:
    with pytest.raises(NetworkError) as caught:
        seen(declared, **more)
    told = str(caught.value)
    assert not any(secret in told for secret in ("pass1234", "9aa3d95b3bc440fa", "5b3bc440"))
    for index, url in enumerate(declared.urls, 1):
        told = told.replace(url.shown, f"<{index}>")
    return told


@pytest.mark.parametrize(("finality", "number"), [("finalized", 36), ("safe", 68), (12, 88), (0, 100), (100, 0)])
def test_the_pinned_block_is_the_newest_final_one(node: Any, finality: Any, number: int) -> None:
    sighting = seen(network(node, finality=finality))

    assert (sighting.pinned.number, sighting.pinned.hash) == (number, digest(number))
    assert (sighting.chain_id, sighting.clients, sighting.genesis) == (1, ("Geth/v1.15",), digest(0))
    assert (sighting.head.number, sighting.at) == (100, NOW)


def test_the_chain_id_is_asked_before_anything_else_and_alone(node: Any, chain: Chain) -> None:
    """A node of another chain learns nothing but that somebody asked."""
    chain.chain_id = "0x89"

    assert refusal(network(node)) == (
        "network mainnet: expected chain id 1 (Ethereum), the node at <1> answers 137 (Polygon). Nothing was sent."
    )
    assert [each["method"] for each in node.asked] == ["eth_chainId"]


@pytest.mark.parametrize("answer", [True, 1, None, "1", "0x", [1], {"id": 1}], ids=repr)
def test_an_odd_chain_id_is_none(node: Any, chain: Chain, answer: Any) -> None:
    """`true` equals 1 where it is compared loosely, and 1 is a real chain's."""
    chain.chain_id = answer

    assert refusal(network(node)).startswith(
        "network mainnet: expected chain id 1 (Ethereum), the node at <1> answers "
    )


ODD: dict[str, tuple[Callable[[Chain], object], dict[str, Any], str]] = {
    "no finalized block": (
        lambda c: c.tags.update(finalized=None),
        {},
        "the node at <1> knows no finalized block; give a number of confirmations as networks.mainnet.finality.",
    ),
    "a chain too young": (lambda c: None, {"finality": 101}, "its newest block is 100, so none has 101 confirmations."),
    "a block that is true": (
        lambda c: c.odd.update(eth_getBlockByNumber={"result": True}),
        {},
        "the node at <1> answered 'True' to a block.",
    ),
    "a block with half a hash": (
        lambda c: c.odd.update(eth_getBlockByNumber={"result": {"hash": "0x12", "number": "0x1", "timestamp": "0x1"}}),
        {},
        "the node at <1> answered \"{'hash': '0x12', 'number': '0x1', 'times\" to a block.",
    ),
    "a block with a bare number": (
        lambda c: c.odd.update(eth_getBlockByNumber={"result": {"hash": digest(1), "number": 1, "timestamp": "0x1"}}),
        {},
        "the node answered 1 to block number; 0x hex was needed.",
    ),
    "another block than asked for": (
        lambda c: c.odd.update(eth_getBlockByNumber=lambda _: {"result": c.block(5)}),
        {},
        "the node at <1> was asked for block 0 and answered 5.",
    ),
    "a refusal": (
        lambda c: c.odd.update(web3_clientVersion={"error": {"code": -32000, "message": "not today"}}),
        {},
        "the node at <1> refused its name: not today.",
    ),
}


@pytest.mark.parametrize(("bend", "declared", "told"), ODD.values(), ids=ODD)
def test_a_chain_that_cannot_be_read_is_told(
    node: Any, chain: Chain, bend: Callable[[Chain], object], declared: dict[str, Any], told: str
) -> None:
    bend(chain)

    assert refusal(network(node, **declared)) == f"network mainnet: {told}"


def test_a_block_that_the_plan_names_must_be_final(node: Any) -> None:
    assert seen(network(node), block=30).pinned.number == 30
    assert refusal(network(node), block=37) == (
        "network mainnet: block 37 is not final yet; the newest final one (finalized) is 36."
    )


def test_a_second_look_reads_the_same_block_whatever_stands_there(node: Any, chain: Chain) -> None:
    before = seen(network(node))
    chain.salt = "ab"

    after = seen(network(node), again=before.pinned)

    assert (before.pinned.hash, after.pinned.hash) == (digest(36), digest(36, "ab"))


# Several nodes


@pytest.fixture
def three(stub: Callable[[], Any]) -> list[Any]:
    nodes = [stub() for _ in range(3)]
    for each in nodes:
        each.answer = Chain()
    return nodes


def test_a_node_that_does_not_answer_is_tolerated_down_to_the_quorum(three: list[Any]) -> None:
    three[1].close()
    declared = network(*three)

    sighting = seen(declared)

    assert sighting.silent == (declared.urls[1].shown,)
    assert sighting.pinned.number == 36


def test_too_few_nodes_are_an_error_that_names_the_others(three: list[Any]) -> None:
    three[0].answer = lambda _: (503, {}, b"")
    three[2].close()

    assert refusal(network(*three)) == (
        "network mainnet: 1 of 3 nodes answer and 2 must agree: the node at <1> answered eth_chainId with HTTP status "
        "503. the node at <3> could not be reached, or broke off, during eth_chainId."
    )


def test_one_node_of_another_chain_is_one_too_many(three: list[Any]) -> None:
    """Rule 20: providers that disagree are an error, whoever is in the majority."""
    three[2].answer.chain_id = "0xa"

    assert refusal(network(*three)) == (
        "network mainnet: expected chain id 1 (Ethereum), the node at <3> answers 10 (OP Mainnet). Nothing was sent."
    )


def test_nodes_that_disagree_about_the_pinned_block_are_an_error(three: list[Any]) -> None:
    three[1].answer.salt = "ab"

    told = refusal(network(*three))

    assert told.startswith("network mainnet: its nodes disagree about eth_getBlockByNumber: <1> says '0x0000")
    assert told.endswith("Nothing was concluded.")
    assert "<2> says '0xabab" in told


def test_nodes_that_began_otherwise_are_another_chain(three: list[Any]) -> None:
    three[1].answer.odd["eth_getBlockByNumber"] = lambda p: {
        "result": {**Chain().result("eth_getBlockByNumber", p), "hash": digest(9)}
    }

    assert "its nodes disagree about the first block: <1> says" in refusal(network(*three))


def test_the_pinned_block_is_one_that_a_quorum_has(three: list[Any]) -> None:
    """One node ahead of the others must not pin what they do not know yet."""
    three[0].answer.head, three[0].answer.tags["finalized"] = 200, 164
    three[1].answer.head, three[1].answer.tags["finalized"] = 110, 46

    sighting = seen(network(*three))

    assert (sighting.head.number, sighting.pinned.number) == (110, 46)


def asked(declared: Network, *call: Any) -> Any:
    return Nodes(declared, Patience(reply=2)).ask([(call[0], list(call[1:]))])[0]


AT = ("eth_getBalance", STRANGER, "0x24")


def test_a_balance_that_nodes_tell_differently_is_an_error(three: list[Any]) -> None:
    three[2].answer.odd["eth_getBalance"] = {"result": "0x1"}
    declared = network(*three)

    with pytest.raises(NetworkError) as caught:
        asked(declared, *AT)
    first, _, third = (url.shown for url in declared.urls)
    assert f"disagree about eth_getBalance: {first} says '0x0', " in str(caught.value)
    assert f"{third} says '0x1'. Nothing was concluded." in str(caught.value)


def test_a_node_that_cannot_know_says_nothing_about_a_balance(three: list[Any]) -> None:
    """A lagging node answers with an error, which is not a different balance."""
    lagging = {"error": {"code": -32000, "message": "header not found"}}
    three[2].answer.odd["eth_getBalance"] = lagging
    assert asked(network(*three), *AT) == "0x0"

    three[1].answer.odd["eth_getBalance"] = lagging
    with pytest.raises(NetworkError, match="1 nodes can answer eth_getBalance and 2 must agree; .*header not found"):
        asked(network(*three), *AT)


def test_a_revert_is_an_answer_and_nodes_may_disagree_about_it(three: list[Any]) -> None:
    three[0].answer.odd["eth_call"] = {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}

    with pytest.raises(NetworkError, match="disagree about eth_call"):
        asked(network(*three), "eth_call", {"to": STRANGER}, "0x24")


def test_what_moves_is_one_node_s_word(three: list[Any]) -> None:
    three[1].answer.odd["eth_blockNumber"] = {"result": "0x9"}

    assert asked(network(*three), "eth_blockNumber") == "0x0"


# An open chain, against a node that is real enough


@pytest.fixture
def live(anvil: AnvilChain) -> Callable[..., Network]:
    from tests.networks.conftest import real

    return lambda **declared: real(anvil, **declared)


@pytest.fixture
def opened(live: Callable[..., Network]) -> Iterator[Callable[..., RpcChain]]:
    chains: list[RpcChain] = []

    def open_it(*, pin: Block | None = None, allow_writes: bool = False, **declared: Any) -> RpcChain:
        chains.append(RpcChain(live(**declared), pin=pin, allow_writes=allow_writes))
        return chains[-1]

    yield open_it
    for each in chains:
        each.close()


def payment(anvil: AnvilChain) -> dict[str, str]:
    return {"from": anvil.accounts["user"], "to": STRANGER, "value": "0x5"}


def test_the_latest_state_is_that_of_the_pinned_block(anvil: AnvilChain, opened: Callable[..., RpcChain]) -> None:
    """Two workers, or the first and the last test of one, must not read two states."""
    chain = opened()
    anvil.request("eth_sendTransaction", [payment(anvil)])

    assert chain.pinned is not None
    assert (chain.pinned.number, chain.head().number) == (0, 1)
    assert chain.request("eth_getBalance", [STRANGER, "latest"]) == "0x0"
    assert chain.request("eth_getBalance", [STRANGER]) == "0x0"
    assert chain.w3.eth.get_balance(STRANGER) == 0
    assert chain.batch([("eth_getBalance", [STRANGER, "latest"]), ("eth_getLogs", [{}])]) == ["0x0", []]
    assert chain.request("eth_getBalance", [STRANGER, "0x1"]) == "0x5", "a block that is named is that block"


def test_a_chain_whose_pinned_block_is_another_one_is_not_opened(
    anvil: AnvilChain, opened: Callable[..., RpcChain]
) -> None:
    pin = Block(number=0, hash=digest(7), timestamp=0)

    with pytest.raises(NetworkError) as caught:
        opened(pin=pin)
    assert str(caught.value) == (
        f"network mainnet: block 0 is {anvil.head().hash}, and this gate is pinned to {digest(7)}: "
        "the chain was reorganised, or another node answers."
    )


UNHEALTHY = {
    "genesis": ({"genesis": digest(7)}, f"expected genesis {digest(7)}, the node answers 0x"),
    "client": ({"client": "Geth/*"}, "expected a client like Geth/*, the node is 'anvil/v"),
}


@pytest.mark.parametrize(("declared", "told"), UNHEALTHY.values(), ids=UNHEALTHY)
def test_a_chain_that_is_not_as_declared_is_not_opened(
    opened: Callable[..., RpcChain], declared: dict[str, Any], told: str
) -> None:
    with pytest.raises(NetworkError) as caught:
        opened(**declared)
    assert str(caught.value).startswith(f"network mainnet: {told}")
    assert str(caught.value).endswith("Nothing was sent.")


def test_a_head_that_stands_still_is_found_on_opening(opened: Callable[..., RpcChain], anvil: AnvilChain) -> None:
    """E06: a node that is stuck answers everything, from long ago."""
    time.sleep(1.1)

    with pytest.raises(NetworkError, match=r"its newest block, 0, is \d+ s old and may be 0 s: the node stands still"):
        opened(max_head_age=timedelta(seconds=0.5))


def test_a_head_from_the_future_is_found_on_opening(opened: Callable[..., RpcChain], anvil: AnvilChain) -> None:
    anvil.advance(hours=2)

    with pytest.raises(NetworkError, match=r"is 7\d\d\d s ahead of this machine's clock: one of them is wrong"):
        opened()


WAYS: dict[str, Callable[[RpcChain, dict[str, Any]], object]] = {
    "send": lambda chain, paid: chain.request("eth_sendTransaction", [paid]),
    "send signed": lambda chain, _: chain.request("eth_sendRawTransaction", ["0x02"]),
    "send and wait": lambda chain, paid: chain.request("eth_sendTransactionSync", [paid]),
    "sign": lambda chain, paid: chain.request("eth_sign", [paid["from"], "0x00"]),
    "personal": lambda chain, paid: chain.request("personal_sendTransaction", [paid, ""]),
    "admin": lambda chain, _: chain.request("admin_addPeer", ["enode://"]),
    "mine": lambda chain, _: chain.request("evm_mine"),
    "set a balance": lambda chain, paid: chain.request("anvil_setBalance", [paid["from"], "0x0"]),
    "hardhat": lambda chain, paid: chain.request("hardhat_setBalance", [paid["from"], "0x0"]),
    "a filter": lambda chain, _: chain.request("eth_newFilter", [{}]),
    "another spelling": lambda chain, paid: chain.request("ETH_SENDTRANSACTION", [paid]),
    "web3": lambda chain, paid: chain.w3.eth.send_transaction(paid),  # type: ignore[arg-type]
    "web3's raw": lambda chain, _: chain.w3.eth.send_raw_transaction("0x02"),
    "web3's provider": lambda chain, paid: chain.w3.provider.make_request("eth_sendTransaction", [paid]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("writes", "allow", "missing"),
    [
        (False, False, "`writes = true` under networks.mainnet in the plan and --allow-writes on the command line"),
        (True, False, "--allow-writes on the command line"),
        (False, True, "`writes = true` under networks.mainnet in the plan"),
    ],
    ids=["both locks", "command line", "plan"],
)
def test_nothing_is_written_while_one_lock_is_closed(
    anvil: AnvilChain, opened: Callable[..., RpcChain], way: str, writes: bool, allow: bool, missing: str
) -> None:
    chain = opened(writes=writes, allow_writes=allow)

    with pytest.raises(NetworkError) as refused:
        WAYS[way](chain, payment(anvil))

    told = str(refused.value)
    assert (
        " may write, and a real chain is only read unless the plan says `writes = true` and the command line " in told
    )
    assert told.endswith(f"--allow-writes; missing is {missing}. Nothing was sent.")
    assert anvil.head().number == 0
    assert anvil.request("txpool_status")["pending"] == "0x0"


def test_with_both_locks_open_a_transaction_is_sent_and_the_newest_state_read(
    anvil: AnvilChain, opened: Callable[..., RpcChain]
) -> None:
    chain = opened(writes=True, allow_writes=True)

    digest = chain.w3.eth.send_transaction({"to": STRANGER, "value": 5})  # type: ignore[typeddict-item]

    assert chain.w3.eth.wait_for_transaction_receipt(digest)["from"] == anvil.accounts["deployer"]
    assert chain.request("eth_getBalance", [STRANGER, "latest"]) == "0x5"
    assert chain.pinned is None


def test_a_real_chain_that_is_only_read_has_no_accounts(opened: Callable[..., RpcChain]) -> None:
    chain = opened()

    for ask in (lambda: chain.accounts["admin"], lambda: chain.accounts[0], lambda: chain.accounts.default):
        with pytest.raises(NetworkError) as caught:
            ask()
        assert str(caught.value) == (
            "network mainnet: its node holds no accounts; give an address, or sign with a key of yours and send the "
            "signed transaction."
        )


REVERTS = {
    "geth": {
        "code": 3,
        "message": "execution reverted: not today",
        "data": "0x08c379a0" + f"{32:064x}{9:064x}" + b"not today".hex().ljust(64, "0"),
    },
    "nethermind": {"code": -32015, "message": "VM execution error.", "data": "Reverted 0x"},
    "no data": {"code": 3, "message": "execution reverted: not today"},
    "data in a table": {"code": 3, "message": "execution reverted", "data": {"data": "0xdeadbeef"}},
    "out of gas": {"code": -32000, "message": "out of gas"},
}
REASONS = {
    "geth": "not today",
    "nethermind": "",
    "no data": "not today",
    "data in a table": "custom error 0xdeadbeef",
    "out of gas": "out of gas",
}


@pytest.mark.parametrize("client", REVERTS)
def test_a_revert_is_told_alike_by_every_client(node: Any, chain: Chain, client: str) -> None:
    chain.odd["eth_call"] = {"error": REVERTS[client]}
    chain.now = int(time.time())
    declared = network(node)

    with closing(RpcChain(declared)) as real, pytest.raises(Reverted) as refused:
        real.request("eth_call", [{"to": STRANGER}])

    assert refused.value.reason == REASONS[client]


def test_a_node_s_own_words_are_told_without_its_url(node: Any, chain: Chain) -> None:
    """Some proxies write the whole upstream URL into their errors."""
    chain.now = int(time.time())
    declared = network(node)
    chain.odd["eth_getProof"] = {"error": {"code": -32000, "message": f"bad upstream {declared.urls[0].value}"}}

    with closing(RpcChain(declared)) as real, pytest.raises(NetworkError) as caught:
        real.request("eth_getProof", [STRANGER, [], "latest"])

    assert str(caught.value) == f"network mainnet: eth_getProof was refused: bad upstream {declared.urls[0].shown}"


def test_a_sighting_is_json(node: Any) -> None:
    """It becomes evidence."""
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(seen(network(node)))))["pinned"]["number"] == 36


@pytest.mark.parametrize("status", ["0x0", "0x00", None, True, "0x2"])
def test_only_a_receipt_of_status_1_is_a_success(node: Any, chain: Chain, status: Any) -> None:
    """Whatever else a node writes there, it has not said that the transaction succeeded."""
    sent = digest(7)
    receipt = {"transactionHash": sent, "blockNumber": "0x5", "status": status}
    chain.odd = {
        "eth_accounts": {"result": []},
        "eth_sendTransaction": {"result": sent},
        "eth_getTransactionReceipt": {"result": receipt},
    }
    chain.now = int(time.time())
    declared = network(node, writes=True)

    with closing(RpcChain(declared, allow_writes=True)) as opened, pytest.raises(Reverted):
        opened.send({"to": STRANGER, "gas": "0x5208"})
