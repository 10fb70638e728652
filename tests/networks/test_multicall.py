"""Many views in one request by Multicall3, where it is the real one; asked one by one where it is not."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from eth_hash.auto import keccak

from pytest_rollout.core.errors import Reverted
from pytest_rollout.networks import multicall
from pytest_rollout.networks.anvil import AnvilChain
from pytest_rollout.networks.binary import find
from pytest_rollout.networks.rpc import RpcChain
from tests.networks.conftest import deployed, real

VIEWS = 280
WHO_ASKS = "335f5260205ff3"
"""Returns whoever calls it."""
CODE_LENGTH = 3808
CODE_BEGINS = bytes.fromhex("6080604052600436106100f3")


@pytest.fixture(scope="module")
def multicall3() -> str:
    """Multicall3's code as every chain has it; anvil's program carries it."""
    program, _ = find("devnet", None)
    content = program.read_bytes()
    at = content.index(CODE_BEGINS)
    code = content[at : at + CODE_LENGTH]
    assert keccak(code).hex() == multicall.CODE_HASH
    return f"0x{code.hex()}"


@pytest.fixture
def probe(anvil: AnvilChain, artifact: Callable[[str], dict[str, Any]]) -> Any:
    return deployed(anvil, artifact("Probe"))


@pytest.fixture
def open_rpc() -> Iterator[Callable[..., RpcChain]]:
    opened: list[RpcChain] = []

    def open_it(node: AnvilChain, stub: Any = None, **declared: Any) -> RpcChain:
        network = real(node, **declared)
        opened.append(RpcChain(network if stub is None else replace(network, urls=(stub.url,))))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def data(signature: str, *words: int) -> str:
    return f"0x{keccak(signature.encode()).hex()[:8]}{''.join(f'{each:064x}' for each in words)}"


def views(probe: Any, count: int = VIEWS) -> list[tuple[str, list[Any]]]:
    return [
        ("eth_call", [{"to": probe.address, "data": data("add(uint256,uint256)", each, 1)}, "latest"])
        for each in range(count)
    ]


def refused(probe: Any) -> tuple[str, list[Any]]:
    return "eth_call", [{"to": probe.address, "data": data("refuseReading(uint256)", 1)}, "latest"]


def numbers(answers: Sequence[Any]) -> list[int]:
    return [int(each, 16) for each in answers]


def asked(chain: RpcChain, calls: Sequence[Any]) -> tuple[list[Any], int]:
    """The answers to a batch, and how many requests it took."""
    before = chain.nodes.asked
    answers = chain.batch(calls)
    return answers, chain.nodes.asked - before


def limited(node: AnvilChain, most: int, *, multicall_works: bool = True) -> Callable[[Any], Any]:
    """A provider in front of a node, which takes so many calls at once."""

    def passed_on(request: Any) -> Any:
        is_multicall = request["method"] == "eth_call" and request["params"][0]["to"] == multicall.ADDRESS
        if is_multicall and not multicall_works:
            return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": "out of gas"}}
        body = json.dumps(request).encode()
        url, headers = f"http://127.0.0.1:{node.port}", {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers)) as response:
            return json.load(response)

    def answer(request: Any) -> Any:
        if isinstance(request, list) and len(request) > most:
            return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
        return [passed_on(each) for each in request] if isinstance(request, list) else passed_on(request)

    return answer


def test_views_that_fit_no_batch_are_one_request_once_it_is_known_to_be_there(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain]
) -> None:
    """Whether it is there is learnt with the first of them; a failing one hides no other, and is its own error."""
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    chain = open_rpc(anvil)
    calls = [*views(probe), refused(probe), ("eth_getBalance", [probe.address, "latest"])]

    first, requests = asked(chain, calls)
    second, requests_then = asked(chain, calls)

    assert numbers(first[:VIEWS]) == numbers(second[:VIEWS]) == list(range(1, VIEWS + 1))
    assert first[-1] == second[-1] == "0x0"
    for refusal in (first[VIEWS], second[VIEWS]):
        assert isinstance(refusal, Reverted)
        assert refusal.data.hex() == keccak(b"Plain()").hex()[:8]
    assert requests == 3, "a hundred in each"
    assert requests_then == 2, "one for all, one for what failed"


def test_what_fits_a_batch_is_asked_as_it_is(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain]
) -> None:
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    anvil.request("anvil_setCode", ["0x00000000000000000000000000000000000000aa", f"0x{WHO_ASKS}"])
    chain = open_rpc(anvil)
    asked(chain, views(probe))
    who = ("eth_call", [{"to": "0x00000000000000000000000000000000000000aa", "data": "0x"}, "latest"])

    (told,), requests = asked(chain, [who])

    assert (int(told, 16), requests) == (0, 1)


def test_a_call_that_names_its_sender_has_that_sender(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain]
) -> None:
    """Multicall3 is the sender of what it calls, which only a call without one may be given."""
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    place = "0x00000000000000000000000000000000000000aa"
    anvil.request("anvil_setCode", [place, f"0x{WHO_ASKS}"])
    chain = open_rpc(anvil)
    named = [("eth_call", [{"to": place, "data": "0x", "from": probe.address}, "latest"])]
    unnamed = [("eth_call", [{"to": place, "data": "0x"}, "latest"])]
    asked(chain, views(probe))

    told, requests = asked(chain, [*views(probe), *named, *unnamed])

    assert requests == 1
    assert f"0x{told[-2][-40:]}" == probe.address.lower()
    assert f"0x{told[-1][-40:]}" == multicall.ADDRESS


@pytest.mark.parametrize("there", ["0x", f"0x{WHO_ASKS}", "own code"])
def test_other_code_in_its_place_is_never_asked(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain], there: str
) -> None:
    """It could say anything about every contract, and the gate would believe it."""
    code = multicall3[:-2] + "34" if there == "own code" else there
    anvil.request("anvil_setCode", [multicall.ADDRESS, code])
    chain = open_rpc(anvil)

    for _ in range(2):
        told, requests = asked(chain, views(probe))
        assert numbers(told) == list(range(1, VIEWS + 1))
        assert requests == 3


@pytest.mark.parametrize("most", [1, 7, 60])
def test_a_provider_s_own_limit_is_learnt_and_one_request_serves_then(
    anvil: AnvilChain,
    probe: Any,
    multicall3: str,
    open_rpc: Callable[..., RpcChain],
    stub: Callable[[], Any],
    most: int,
) -> None:
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    node = stub()
    node.answer = limited(anvil, most)
    chain = open_rpc(anvil, node)

    calls = [*views(probe, 90), refused(probe)]
    learnt, known, then = (asked(chain, calls) for _ in range(3))

    for told, _ in (learnt, known, then):
        assert numbers(told[:90]) == list(range(1, 91))
        assert isinstance(told[90], Reverted)
    assert then[1] == 2, "one for all, one for what failed"


def test_where_it_cannot_make_them_all_they_are_asked_one_by_one(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain], stub: Callable[[], Any]
) -> None:
    """A node bounds the gas of one call, and what ran out of it in company need not alone."""
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    node = stub()
    node.answer = limited(anvil, 50, multicall_works=False)
    chain = open_rpc(anvil, node)

    for _ in range(2):
        told, _ = asked(chain, views(probe, 90))
        assert numbers(told) == list(range(1, 91))


def test_before_its_own_deployment_it_makes_no_call(
    anvil: AnvilChain, probe: Any, multicall3: str, open_rpc: Callable[..., RpcChain]
) -> None:
    """An earlier block has other code in its place, or none: what comes of it there is no answer."""
    earlier = anvil.request("eth_blockNumber")
    anvil.request("anvil_setCode", [multicall.ADDRESS, multicall3])
    anvil.mine()
    with closing(open_rpc(anvil)) as chain:
        asked(chain, views(probe))
        told, _ = asked(chain, [(method, [params[0], earlier]) for method, params in views(probe)])

    assert numbers(told) == list(range(1, VIEWS + 1))
